"""Signs in with thoughtspot-rest-api, unmodified, in every way it offers for REST v2.0 and v1.

    python rest_v2.py BASE_URL

The user, password and secret key come from TS_USER, TS_PASSWORD and TS_SECRET_KEY. Prints PASS or FAIL per
case; exits with 1 when any failed.
"""

import os
import sys
import time

import requests
from thoughtspot_rest_api import TSRestApiV1, TSRestApiV2

BASE = sys.argv[1]
USER = os.environ["TS_USER"]
PASSWORD = os.environ["TS_PASSWORD"]
SECRET_KEY = os.environ["TS_SECRET_KEY"]
OBJECT = "d084c256-e284-4fc4-b80c-111cb606449a"


def client():
    return TSRestApiV2(server_url=BASE)


def bearing(token):
    api = client()
    api.bearer_token = token
    return api


def full_token(**how):
    return client().auth_token_full(username=USER, secret_key=SECRET_KEY, **how)


def sales():
    return next(org["id"] for org in bearing(full_token()["token"]).auth_session_user()["orgs"] if org["name"] == "Sales")


def has_session(api):
    return "JSESSIONID" in api.requests_session.cookies


def refused(status, call):
    try:
        call()
    except requests.HTTPError as error:
        assert error.response.status_code == status, error.response.status_code
        assert error.response.json()["error"], error.response.text
        return
    raise AssertionError("it was let in")


def a_password_opens_a_session():
    api = client()
    api.auth_session_login(username=USER, password=PASSWORD)
    assert has_session(api)
    user = api.auth_session_user()
    assert user["name"] == USER and user["id"] and user["email"] == "alice@example.com", user
    assert api.auth_session_logout() is True
    refused(401, api.auth_session_user)


def remember_me_as_text_sets_how_long_the_cookie_stays():
    for remember, is_kept in ((True, True), (False, False)):
        api = client()
        api.auth_session_login(username=USER, password=PASSWORD, remember_me=remember)
        (cookie,) = [c for c in api.requests_session.cookies if c.name == "JSESSIONID"]
        assert (cookie.expires is not None) == is_kept, cookie


def a_session_opens_in_the_org_asked_for_by_number():
    api = client()
    api.auth_session_login(username=USER, password=PASSWORD, org_identifier=sales())
    assert api.auth_session_user()["current_org"]["name"] == "Sales"
    api = client()
    api.auth_session_login(username=USER, password=PASSWORD, org_identifier=0)
    assert api.auth_session_user()["current_org"]["name"] == "Primary"


def a_bearer_becomes_a_session():
    api = client()
    api.auth_session_login(bearer_token=full_token()["token"])
    assert has_session(api)
    assert "Authorization" not in api.requests_session.headers, "later calls show the cookie only"
    assert api.auth_session_user()["name"] == USER


def wrong_credentials_are_refused():
    refused(401, lambda: client().auth_session_login(username=USER, password="wrong"))
    refused(401, lambda: client().auth_session_login(username="nobody", password="wrong"))
    refused(401, lambda: client().auth_session_login(bearer_token="bm90LWEtdG9rZW4"))
    refused(401, lambda: client().auth_token_full(username=USER, secret_key=SECRET_KEY[:-1]))
    refused(401, lambda: client().auth_token_full(username=USER, password="wrong"))
    refused(400, lambda: client().auth_token_full(username="nobody", secret_key=SECRET_KEY))
    refused(401, client().auth_session_user)


def a_full_token_comes_of_a_key_or_of_a_password():
    for token in (full_token(), client().auth_token_full(username=USER, password=PASSWORD)):
        assert token["valid_for_username"] == USER, token
        assert bearing(token["token"]).auth_session_user()["name"] == USER


def a_token_ends_when_it_said():
    token = full_token(validity_time_in_sec=1)
    left = token["expiration_time_in_millis"] / 1000 - time.time()
    assert left <= 1, left
    assert bearing(token["token"]).auth_session_user()["name"] == USER
    time.sleep(max(left, 0) + 0.3)
    refused(401, bearing(token["token"]).auth_session_user)


def a_token_for_an_org_stays_in_it():
    api = bearing(full_token(org_id=sales())["token"])
    assert api.auth_session_user()["current_org"]["name"] == "Sales"


def an_object_token_is_minted():
    token = client().auth_token_object(username=USER, object_id=OBJECT, secret_key=SECRET_KEY)
    assert token["scope"]["metadata_id"] == OBJECT, token
    assert bearing(token["token"]).auth_session_user()["name"] == USER


def a_custom_token_is_minted_without_a_persist_option():
    token = client().auth_token_custom(username=USER, secret_key=SECRET_KEY)
    assert bearing(token["token"]).auth_session_user()["name"] == USER
    filtered = {"persist_option": "NONE", "filter_rules": [{"column_name": "Region", "operator": "IN", "values": ["East"]}]}
    token = client().auth_token_custom(username=USER, secret_key=SECRET_KEY, additional_request_parameters=filtered)
    assert token["token"], token


def a_user_is_made_on_the_way():
    token = client().auth_token_full(
        username="newcomer", secret_key=SECRET_KEY, auto_create=True, display_name="New Comer", email="new@example.com"
    )
    user = bearing(token["token"]).auth_session_user()
    assert (user["display_name"], user["email"]) == ("New Comer", "new@example.com"), user


def a_session_hands_out_a_token():
    api = client()
    api.auth_session_login(username=USER, password=PASSWORD)
    token = api.auth_session_token()
    assert token["valid_for_username"] == USER, token
    assert bearing(token["token"]).auth_session_user()["name"] == USER


def a_token_is_validated():
    token = full_token()["token"]
    api = bearing(token)
    api.auth_token_validate(token)
    refused(400, lambda: api.auth_token_validate(token[:-1]))


def revoking_without_a_body_ends_the_bearer_itself():
    token, other = full_token()["token"], full_token()["token"]
    api = bearing(token)
    assert api.auth_token_revoke() is True
    refused(401, api.auth_session_user)
    assert bearing(other).auth_session_user()["name"] == USER


def a_bearer_alone_may_log_out_and_lives_on():
    api = bearing(full_token()["token"])
    assert api.auth_session_logout() is True
    assert api.auth_session_user()["name"] == USER


def a_token_of_v2_serves_v1():
    token = full_token()["token"]
    api = TSRestApiV1(server_url=BASE)
    api.bearer_token = token
    assert api.session_info()["userName"] == USER
    api = TSRestApiV1(server_url=BASE)
    info = f"{BASE}/callosum/v1/tspublic/v1/session/info"
    reply = api.session_login_token_post(username=USER, auth_token=token, redirect_url=info)
    assert [hop.status_code for hop in reply.history] == [302] and reply.json()["userName"] == USER


def the_system_describes_itself():
    system = bearing(full_token()["token"]).system()
    assert system["name"] and system["release_version"].count(".") >= 2, system
    refused(401, client().system)


CASES = [
    a_password_opens_a_session,
    remember_me_as_text_sets_how_long_the_cookie_stays,
    a_session_opens_in_the_org_asked_for_by_number,
    a_bearer_becomes_a_session,
    wrong_credentials_are_refused,
    a_full_token_comes_of_a_key_or_of_a_password,
    a_token_ends_when_it_said,
    a_token_for_an_org_stays_in_it,
    an_object_token_is_minted,
    a_custom_token_is_minted_without_a_persist_option,
    a_user_is_made_on_the_way,
    a_session_hands_out_a_token,
    a_token_is_validated,
    revoking_without_a_body_ends_the_bearer_itself,
    a_bearer_alone_may_log_out_and_lives_on,
    a_token_of_v2_serves_v1,
    the_system_describes_itself,
]

failed = 0
for case in CASES:
    try:
        case()
        print(f"PASS {case.__name__}")
    except Exception as error:  # whatever went wrong, the other cases still run
        failed += 1
        print(f"FAIL {case.__name__}: {type(error).__name__}: {error}")
sys.exit(1 if failed else 0)
