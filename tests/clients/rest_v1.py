"""Signs in with thoughtspot-rest-api-v1, unmodified, in every way REST v1 offers.

    python rest_v1.py BASE_URL

The user, password and secret key come from TS_USER, TS_PASSWORD and TS_SECRET_KEY. Prints PASS or FAIL per
case; exits with 1 when any failed.
"""

import os
import sys

import requests
from thoughtspot_rest_api_v1 import TSRestApiV1

BASE = sys.argv[1]
USER = os.environ["TS_USER"]
PASSWORD = os.environ["TS_PASSWORD"]
SECRET_KEY = os.environ["TS_SECRET_KEY"]
INFO = f"{BASE}/callosum/v1/tspublic/v1/session/info"
OBJECT = "d084c256-e284-4fc4-b80c-111cb606449a"


def client():
    return TSRestApiV1(server_url=BASE)


def signed_in(**how):
    api = client()
    assert api.session_login(username=USER, password=PASSWORD, **how) is True
    return api


def session_cookie(api):
    cookies = [c for c in api.requests_session.cookies if c.name == "JSESSIONID"]
    assert len(cookies) == 1, cookies
    return cookies[0]


def refused(status, call):
    try:
        call()
    except requests.HTTPError as error:
        assert error.response.status_code == status, error.response.status_code
        return error.response
    raise AssertionError("it was let in")


def password_signs_in():
    info = signed_in().session_info()
    assert info["userName"] == USER, info
    assert info["userGUID"], info


def a_remembered_session_keeps_its_cookie():
    assert session_cookie(signed_in(remember_me=True)).expires is not None


def a_session_not_remembered_ends_with_the_browser():
    api = signed_in(remember_me=False)
    assert session_cookie(api).expires is None
    assert api.session_info()["userName"] == USER


def a_wrong_password_is_refused():
    reply = refused(401, lambda: client().session_login(username=USER, password=PASSWORD + " "))
    assert not reply.cookies, reply.cookies
    assert reply.json()["code"], reply.text


def an_unknown_user_looks_like_a_wrong_password():
    known = refused(401, lambda: client().session_login(username=USER, password="wrong"))
    unknown = refused(401, lambda: client().session_login(username="nobody", password="wrong"))
    assert known.json()["code"] == unknown.json()["code"]


def full_token():
    token = client().session_auth_token(secret_key=SECRET_KEY, username=USER, access_level="FULL")
    assert isinstance(token, str), token
    assert token == token.strip() and not token.startswith(("{", '"')), "bare text"
    return token


def a_token_becomes_a_session_by_a_redirect():
    api = client()
    reply = api.session_login_token_post(username=USER, auth_token=full_token(), redirect_url=INFO)
    assert [hop.status_code for hop in reply.history] == [302], reply.history
    assert reply.history[0].headers["Location"] == INFO
    assert reply.status_code == 200, "the redirect was followed with the new cookie"
    assert api.session_info()["userName"] == USER


def a_token_becomes_a_session_without_a_redirect():
    api = client()
    reply = api.requests_session.post(
        f"{BASE}/callosum/v1/tspublic/v1/session/login/token",
        data={"username": USER, "auth_token": full_token(), "no_url_redirection": "true"},
        allow_redirects=False,
    )
    assert reply.status_code == 204, reply.status_code
    assert api.session_info()["userName"] == USER


def a_token_is_for_its_user_only():
    api = client()
    call = lambda: api.session_login_token_post(username="tsadmin", auth_token=full_token(), redirect_url=INFO)
    refused(401, call)
    refused(401, api.session_info)


def a_redirect_elsewhere_is_refused_and_opens_nothing():
    api = client()
    call = lambda: api.session_login_token_post(
        username=USER, auth_token=full_token(), redirect_url="https://evil.example/"
    )
    refused(400, call)
    refused(401, api.session_info)


def an_object_token_shows_one_object():
    token = client().session_auth_token(
        secret_key=SECRET_KEY, username=USER, access_level="REPORT_BOOK_VIEW", object_guid=OBJECT
    )
    api = client()
    api.session_login_token_post(username=USER, auth_token=token, redirect_url=INFO)
    info = api.session_info()
    assert info["objectId"] == OBJECT, info


def a_wrong_secret_key_is_refused():
    refused(401, lambda: client().session_auth_token(secret_key=SECRET_KEY[:-1], username=USER))


def a_token_serves_as_a_bearer():
    api = client()
    api.bearer_token = full_token()
    assert api.session_info()["userName"] == USER
    assert not api.requests_session.cookies, "a Bearer sets no cookie"


def orgs_are_listed_and_switched():
    api = signed_in()
    before = session_cookie(api).value
    orgs = {org["orgName"]: org["orgId"] for org in api.session_orgs_get()["orgs"]}
    assert set(orgs) == {"Primary", "Sales"}, orgs
    api.session_orgs_put(org_id=orgs["Sales"])
    assert api.session_info()["currentOrgId"] == orgs["Sales"]
    api.session_orgs_put(org_id=orgs["Primary"])
    assert api.session_info()["currentOrgId"] == orgs["Primary"]
    assert session_cookie(api).value == before, "the same session"


def an_org_of_others_is_refused():
    refused(403, lambda: signed_in().session_orgs_put(org_id=12345))


def a_logout_ends_the_session_here_and_there():
    api, other = signed_in(), client()
    other.requests_session.cookies.update(api.requests_session.cookies)
    assert other.session_info()["userName"] == USER
    assert api.session_logout() is True
    refused(401, api.session_info)
    refused(401, other.session_info)
    refused(401, api.session_logout)


CASES = [
    password_signs_in,
    a_remembered_session_keeps_its_cookie,
    a_session_not_remembered_ends_with_the_browser,
    a_wrong_password_is_refused,
    an_unknown_user_looks_like_a_wrong_password,
    a_token_becomes_a_session_by_a_redirect,
    a_token_becomes_a_session_without_a_redirect,
    a_token_is_for_its_user_only,
    a_redirect_elsewhere_is_refused_and_opens_nothing,
    an_object_token_shows_one_object,
    a_wrong_secret_key_is_refused,
    a_token_serves_as_a_bearer,
    orgs_are_listed_and_switched,
    an_org_of_others_is_refused,
    a_logout_ends_the_session_here_and_there,
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
