"""What schemathesis must know to get past the door: who it is, and requests that mean something.

Every request carries the token of an administrator, a new one after each call that ends sessions. A third of
the requests are replaced by good ones, a third keep what was generated beside the good fields, and the rest go out
as generated. At the end the statuses of each operation are written to $VESTIBULE_STATUSES, for the test
that started this to see that nothing was only ever refused.
"""

import atexit
import collections
import itertools
import json
import os
import zlib

import requests
import schemathesis

BASE = os.environ["VESTIBULE_URL"]
KEY = os.environ["VESTIBULE_KEY"]
ADMIN = "tsadmin"
USER = "zoe"
PASSWORD = os.environ["VESTIBULE_PASSWORD"]
LIVEBOARD = os.environ["VESTIBULE_LIVEBOARD"]
V1 = "/callosum/v1/tspublic/v1"
V2 = "/api/rest/2.0"

http = requests.Session()
http.trust_env = False
number = itertools.count()
statuses = collections.defaultdict(collections.Counter)


def post(path, **how):
    reply = http.post(BASE + path, **how)
    reply.raise_for_status()
    return reply


def mint(user):
    return post(V1 + "/session/auth/token", data={"secret_key": KEY, "username": user}).text


class Held:
    """The administrator's token, until something ends it."""

    token = None


def token():
    if Held.token is None:
        Held.token = mint(ADMIN)
    return Held.token


def as_admin(path, body):
    return post(path, json=body, headers={"Authorization": "Bearer " + token()})


@schemathesis.auth(refresh_interval=None)
class Administrator:
    def get(self, case, context):
        return token()

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "Authorization": "Bearer " + data}


def new_name():
    return f"new{next(number)}"


def new_user(**more):
    name = new_name()
    body = {"name": name, "display_name": name, "email": name + "@example.com", **more}
    as_admin(V2 + "/users/create", body)
    return name


def new_group():
    name = new_name()
    return as_admin(V2 + "/groups/create", {"name": name, "display_name": name}).json()["id"]


def new_org():
    return str(as_admin(V2 + "/orgs/create", {"name": new_name()}).json()["id"])


def held_refresh_token():
    cookies = requests.Session()
    cookies.trust_env = False
    form = {"username": USER, "password": PASSWORD}
    cookies.post(BASE + V1 + "/session/login", data=form).raise_for_status()
    query = {"refresh": "true"}
    return cookies.get(BASE + V1 + "/session/v2/gettoken", params=query).json()["refreshToken"]


# Good requests: what goes into the body, or into the query of a GET.
GOOD = {
    "POST " + V1 + "/session/login": lambda: {"username": USER, "password": PASSWORD},
    "POST " + V1 + "/session/auth/token": lambda: {"secret_key": KEY, "username": USER},
    "POST " + V1 + "/session/login/token": lambda: {"auth_token": mint(USER)},
    "GET " + V1 + "/session/login/token": lambda: {"auth_token": mint(USER)},
    "GET " + V1 + "/metadata/listvizheaders": lambda: {"id": LIVEBOARD},
    "GET " + V1 + "/session/orgs": lambda: {"batchsize": "-1"},
    "GET " + V1 + "/session/v2/gettoken": dict,
    "GET " + V1 + "/v2/auth/token/fetch": lambda: {"validity_time_in_sec": "60"},
    "POST " + V1 + "/user/session/invalidate": lambda: {"username": f'["{USER}"]'},
    "POST " + V1 + "/user/": lambda: {"name": new_name(), "displayname": "New"},
    "GET " + V1 + "/user/": lambda: {"name": USER},
    "POST " + V1 + "/user/activate": lambda: {"userid": USER},
    "POST " + V1 + "/user/inactivate": lambda: {"userid": new_user()},
    "POST " + V1 + "/user/resetpassword": lambda: {
        "userid": new_user(),
        "auth_token": token(),
        "password": PASSWORD + "2",
    },
    "POST " + V1 + "/user/updatepassword": lambda: {
        "name": new_user(password=PASSWORD),
        "currentpassword": PASSWORD,
        "password": PASSWORD + "2",
    },
    "POST /prism/": lambda: {"op": "GetSessionInfo"},
    "POST " + V2 + "/auth/session/login": lambda: {"username": USER, "password": PASSWORD},
    "POST " + V2 + "/auth/token/full": lambda: {"username": USER, "secret_key": KEY},
    "POST " + V2 + "/auth/token/object": lambda: {
        "username": USER,
        "secret_key": KEY,
        "object_id": LIVEBOARD,
    },
    "POST " + V2 + "/auth/token/custom": lambda: {
        "username": USER,
        "secret_key": KEY,
        "persist_option": "REPLACE",
        "filter_rules": [{"column_name": "Region", "operator": "IN", "values": ["East"]}],
        "variable_values": [{"name": "v", "values": ["1"]}],
    },
    "POST " + V2 + "/auth/token/validate": lambda: {"token": mint(USER)},
    "POST " + V2 + "/auth/token/revoke": lambda: {"token": mint(USER)},
    "POST " + V2 + "/auth/configure": lambda: {
        "auth_type": "TRUSTED_AUTH",
        "cluster_preferences": {"auth_status": "DISABLED"},
    },
    "POST " + V2 + "/auth/search": lambda: {"auth_type": "TRUSTED_AUTH"},
    "POST " + V2 + "/system/security-settings/configure": lambda: {
        "cluster_preferences": {"cors_whitelisted_urls": ["https://app.example.com"]},
        "org_preferences": [{"org_identifier": "0", "cors_whitelisted_urls": ["a.example.com"]}],
    },
    "POST " + V2 + "/users/create": lambda: {
        "name": new_name(),
        "display_name": "New",
        "email": "new@example.com",
    },
    "POST " + V2 + "/users/search": dict,
    "POST " + V2 + "/users/{id}/update": lambda: {"display_name": "Changed"},
    "POST " + V2 + "/users/change-password": lambda: {
        "user_identifier": new_user(password=PASSWORD),
        "current_password": PASSWORD,
        "new_password": PASSWORD + "2",
    },
    "POST " + V2 + "/users/reset-password": lambda: {
        "user_identifier": new_user(),
        "new_password": PASSWORD + "2",
    },
    "POST " + V2 + "/users/force-logout": lambda: {"user_identifiers": [USER]},
    "POST " + V2 + "/groups/create": lambda: {
        "name": new_name(),
        "display_name": "New",
        "user_identifiers": [USER],
    },
    "POST " + V2 + "/groups/search": dict,
    "POST " + V2 + "/groups/{id}/update": lambda: {"display_name": "Changed"},
    "POST " + V2 + "/orgs/create": lambda: {"name": new_name()},
    "POST " + V2 + "/orgs/search": dict,
    "POST " + V2 + "/orgs/{id}/update": lambda: {"description": "Changed"},
    "PUT " + V1 + "/session/orgs": lambda: {"orgid": "0"},
}
NEW = {"users": new_user, "groups": new_group, "orgs": new_org}
# These can end the administrator's own token.
ENDING = ("revoke", "force-logout", "invalidate", "inactivate", "password", "logout", "update", "delete")
# Whose parameters go into the query in spite of the method.
IN_QUERY = ("POST /prism/",)


def name_of(case):
    return f"{case.method.upper()} {case.operation.path}"


def is_described(case):
    """Foreign methods are tried out too."""
    return case.method.upper() == case.operation.method.upper()


def lot(case):
    """One of three, the same for the same request in every run."""
    drawn = [case.body, case.query, case.path_parameters]
    return zlib.crc32(repr(drawn).encode("utf-8", "backslashreplace")) % 3


def as_dict(value):
    return dict(value) if isinstance(value, dict) else {}


@schemathesis.hook
def before_call(context, case, kwargs):
    which = lot(case)
    if which == 2 or not is_described(case):
        return
    name = name_of(case)
    if "{id}" in name:
        kind = case.operation.path.removeprefix(V2 + "/").split("/")[0]
        if kind in NEW:
            case.path_parameters = {"id": NEW[kind]()}
    # Only where the request is the administrator's: others are sent to be refused, and must stay bad.
    is_ours = (case.headers or {}).get("Authorization") == f"Bearer {Held.token}"
    if name.endswith("/gettoken") and which == 0 and is_ours:
        case.headers = {**(case.headers or {}), "X-Refresh-Token": held_refresh_token()}
        case.headers["Authorization"] = "Bearer " + mint(USER)
    if name in GOOD:
        good = GOOD[name]()
        in_query = case.method.upper() == "GET" or name in IN_QUERY
        part = "query" if in_query else "body"
        generated = as_dict(getattr(case, part)) if which == 1 else {}
        setattr(case, part, {**generated, **good})


@schemathesis.hook
def after_call(context, case, response):
    name = name_of(case)
    if is_described(case):
        statuses[name][response.status_code] += 1
    if name.endswith("/auth/configure") and response.status_code == 204:
        # Or no key would mint any more.
        on = {"auth_status": "ENABLED"}
        body = {"auth_type": "TRUSTED_AUTH", "cluster_preferences": on}
        as_admin(V2 + "/auth/configure", body)
    if any(word in name for word in ENDING):
        Held.token = None


@atexit.register
def report():
    with open(os.environ["VESTIBULE_STATUSES"], "w", encoding="utf-8") as file:
        json.dump(statuses, file)
