"""Signs in with mstrio-py and mstr-rest-requests, unmodified, and as clients without a package do.

    python microstrategy.py BASE_URL

BASE_URL is the context path without /api. User and password come from TS_USER and TS_PASSWORD, those of an LDAP
user from LDAP_USER and LDAP_PASSWORD. Prints PASS or FAIL per case; exits with 1 when any failed.
"""

import builtins
import json
import logging
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

logging.disable(logging.CRITICAL)

import mstrio.connection
from mstr.requests import AuthenticatedMSTRRESTSession, MSTRRESTSession
from mstrio.api import authentication
from mstrio.connection import Connection
from mstrio.helpers import IServerError

BASE = sys.argv[1]
USER = os.environ["TS_USER"]
PASSWORD = os.environ["TS_PASSWORD"]
LDAP_USER = os.environ["LDAP_USER"]
LDAP_PASSWORD = os.environ["LDAP_PASSWORD"]


def signed_in(**how):
    return Connection(BASE, **{"username": USER, "password": PASSWORD, "verbose": False, **how})


def refused(call, status=401, code="ERR003"):
    try:
        call()
    except IServerError as error:
        assert error.http_code == status, error.http_code
        assert f"code: '{code}'" in str(error), error
        return
    raise AssertionError("it was let in")


def mode_1_signs_in_and_tells_who():
    with signed_in(working_set=5, max_search=7) as connection:
        assert connection.token and len(connection.token) == 26
        assert len(connection._session.cookies["JSESSIONID"]) == 32
        assert (connection.working_set, connection.max_search) == (5, 7)
        assert connection.timeout == 600, connection.timeout
        assert connection.user_full_name == os.environ["TS_DISPLAY_NAME"], connection.user_full_name
        assert len(connection.user_id) == 32 and connection.user_initials == "AA"


def one_login_is_enough():
    with signed_in() as connection:
        assert connection._application_type == 76, "it signed in a second time"


def mode_8_is_the_guest():
    with Connection(BASE, login_mode=8, verbose=False) as connection:
        assert connection.user_full_name == "guest", connection.user_full_name


def mode_16_asks_ldap():
    how = {"username": LDAP_USER, "password": LDAP_PASSWORD, "login_mode": 16}
    with signed_in(**how) as connection:
        assert connection.user_id
    refused(lambda: signed_in(**{**how, "password": "wrong"}))
    refused(lambda: signed_in(login_mode=16))


def mode_4096_takes_an_api_token():
    with signed_in() as connection:
        token = connection.get_api_token()
        with Connection(BASE, api_token=token, verbose=False) as other:
            assert other.user_id == connection.user_id
    refused(lambda: Connection(BASE, api_token="bogus", verbose=False))


def a_new_api_token_ends_what_the_old_one_opened():
    with signed_in() as connection:
        other = Connection(BASE, api_token=connection.get_api_token(), verbose=False)
        assert other.status() is True
        connection.get_api_token()
        assert other.status() is False
        assert connection.status() is True


def wrong_credentials_are_refused():
    refused(lambda: signed_in(password=PASSWORD + " "))
    refused(lambda: signed_in(username="nobody-here"))
    refused(lambda: signed_in(password="p\u00e4 ss&w=+%25\"\\"))


def an_identity_token_opens_one_session_that_shares_the_others_fate():
    connection = signed_in()
    token = connection.get_identity_token()
    connection.identity_token = token
    assert connection.validate_identity_token() is True
    other = Connection(BASE, identity_token=token, verbose=False)
    assert other.token != connection.token and other.user_id == connection.user_id
    connection.identity_token = None
    other.close()
    assert connection.status() is False


def a_bad_identity_token_makes_the_client_ask_for_a_password():
    asked = []
    keep = builtins.input, mstrio.connection.getpass
    builtins.input = lambda prompt="": asked.append(prompt) or USER
    mstrio.connection.getpass = lambda prompt="": asked.append(prompt) or PASSWORD
    try:
        Connection(BASE, identity_token="not-a-token", verbose=False).close()
    finally:
        builtins.input, mstrio.connection.getpass = keep
    assert len(asked) == 2, asked


def a_renewal_keeps_the_session_or_signs_in_again():
    connection = signed_in()
    token = connection.token
    connection.renew()
    assert connection.token == token
    authentication.logout(connection)
    connection.renew()
    assert connection.token != token and connection.status() is True
    connection.close()


def a_logout_ends_the_session_and_a_second_one_is_swallowed():
    connection = signed_in()
    token, jar = connection.token, connection._session.cookies.copy()
    connection.close()
    connection.token = token
    connection._session.cookies.update(jar)
    assert connection.status() is False
    connection.close()


def projects_are_chosen_by_name():
    with signed_in() as connection:
        for name in ("Primary", "Sales"):
            connection.select_project(project_name=name)
            assert len(connection.project_id) == 32
        assert connection.status() is True and connection.user_id
        body = authentication.user_privileges(connection).json()
        assert isinstance(body["privileges"], list)


def the_other_client_signs_in_and_delegates():
    with AuthenticatedMSTRRESTSession(base_url=f"{BASE}/api/", username=USER, password=PASSWORD) as session:
        assert session.get("sessions").json()["timeout"] == 600
        token = session.get_identity_token()
        assert session.validate_identity_token(token).status_code == 200 if callable(
            getattr(session, "validate_identity_token", None)
        ) else token
        other = MSTRRESTSession(base_url=f"{BASE}/api/")
        other.delegate(token)
        assert other.get("sessions/userInfo").status_code == 200


# Clients without a package, as the contract describes them.


def call(method, path, body=None, headers=None):
    """What a bare HTTP client sees: no cookie jar, no session."""
    request = urllib.request.Request(f"{BASE}/api/{path}", method=method, headers=headers or {}, data=body)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def bare_login():
    body = json.dumps({"username": USER, "password": PASSWORD}).encode()
    status, headers, text = call("POST", "auth/login", body, {"Content-Type": "application/json"})
    assert (status, text) == (204, b""), (status, text)
    return headers["X-MSTR-AuthToken"], headers.get_all("Set-Cookie")


def alive(token, cookie):
    status, _, text = call("GET", "sessions", headers={"X-MSTR-AuthToken": token, "Cookie": cookie})
    return status == 200 and json.loads(text)["timeout"] == 600


def lines_joined_with_commas_are_read():
    token, lines = bare_login()
    assert alive(token, ", ".join(lines))


def the_first_line_whole_is_enough():
    token, lines = bare_login()
    assert alive(token, lines[0])


def forty_three_characters_are_enough():
    token, lines = bare_login()
    assert alive(token, lines[0][:43]) and not alive(token, lines[0][:42])


def names_and_values_alone_are_enough():
    token, lines = bare_login()
    assert alive(token, ";".join(line.split(";")[0] for line in lines))


def a_token_without_its_cookie_is_nobodys():
    token, lines = bare_login()
    status, headers, text = call("POST", "auth/logout", headers={"X-MSTR-AuthToken": token})
    assert status == 401 and json.loads(text)["code"] == "ERR009", (status, text)
    assert headers.get_content_type() == "application/json"
    assert alive(token, lines[0])


def a_form_signs_in_too():
    body = urllib.parse.urlencode({"loginMode": 1, "username": USER, "password": PASSWORD}).encode()
    status, headers, _ = call("POST", "auth/login", body)
    assert status == 204 and headers["X-MSTR-AuthToken"]


CASES = [
    mode_1_signs_in_and_tells_who,
    one_login_is_enough,
    mode_8_is_the_guest,
    mode_16_asks_ldap,
    mode_4096_takes_an_api_token,
    a_new_api_token_ends_what_the_old_one_opened,
    wrong_credentials_are_refused,
    an_identity_token_opens_one_session_that_shares_the_others_fate,
    a_bad_identity_token_makes_the_client_ask_for_a_password,
    a_renewal_keeps_the_session_or_signs_in_again,
    a_logout_ends_the_session_and_a_second_one_is_swallowed,
    projects_are_chosen_by_name,
    the_other_client_signs_in_and_delegates,
    lines_joined_with_commas_are_read,
    the_first_line_whole_is_enough,
    forty_three_characters_are_enough,
    names_and_values_alone_are_enough,
    a_token_without_its_cookie_is_nobodys,
    a_form_signs_in_too,
]

failed = 0
for case in CASES:
    try:
        case()
        print(f"PASS {case.__name__}")
    except Exception as error:  # whatever went wrong, the other cases still run
        failed += 1
        print(f"FAIL {case.__name__}: {type(error).__name__}: {str(error)[:300]}")
sys.exit(1 if failed else 0)
