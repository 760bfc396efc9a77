"""Sends what published clients that cannot be installed here send, request by request, header by header.

    python raw_clients.py BASE_URL HOST_ORIGIN

HOST_ORIGIN is an origin listed in embed.origins. The user, password and secret key come from TS_USER, TS_PASSWORD
and TS_SECRET_KEY. Prints PASS or FAIL per case; exits with 1 when any failed.
"""

import os
import re
import sys
from urllib.parse import quote

import requests

BASE, ORIGIN = sys.argv[1:3]
USER = os.environ["TS_USER"]
PASSWORD = os.environ["TS_PASSWORD"]
SECRET_KEY = os.environ["TS_SECRET_KEY"]
V1 = f"{BASE}/callosum/v1/tspublic/v1"
V2 = f"{BASE}/api/rest/2.0"


class Sender:
    """A cookie jar that follows no redirects and sends `headers` with everything; without a User-Agent of requests."""

    def __init__(self, **headers):
        self.session = requests.Session()
        self.session.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def send(self, method, url, wanted, headers=None, **body):
        reply = self.session.request(method, url, headers=headers, allow_redirects=False, **body)
        assert reply.status_code == wanted, f"{method} {url}: {reply.status_code} {reply.text[:200]}"
        return reply

    def get(self, url, wanted=200, **more):
        return self.send("GET", url, wanted, **more)

    def post(self, url, wanted=200, **more):
        return self.send("POST", url, wanted, **more)

    def has_session(self):
        return "JSESSIONID" in self.session.cookies


def bare(reply):
    """204 with nothing in it: some clients compare the status, others parse whatever body there is."""
    assert reply.status_code == 204 and reply.content == b"", (reply.status_code, reply.content)
    return reply


def v1_token(user=USER):
    form = {"secret_key": SECRET_KEY, "username": user, "access_level": "FULL"}
    return Sender().post(f"{V1}/session/auth/token", data=form).text


def full_token(**more):
    body = {"username": USER, "secret_key": SECRET_KEY, "validity_time_in_sec": 300, **more}
    return Sender().post(f"{V2}/auth/token/full", json=body).json()["token"]


# ---- cs_tools: an httpx client with a jar, no redirects, three ways to sign in ----


def cs_tools():
    return Sender(X_Requested_By="CS Tools", User_Agent="CS Tools/1.7.0", Accept="*/*")


def looks_around(api, **headers):
    """What it asks right after any success; returns its Org."""
    user = api.get(f"{V2}/auth/session/user", headers=headers).json()
    for key in ("id", "name", "display_name", "privileges", "email"):
        assert key in user, user
    assert re.fullmatch(r"[^@]+@example\.com", user["email"]), user
    api.get(f"{V2}/system/config-overrides", headers=headers)
    system = api.get(f"{V2}/system", headers=headers).json()
    for key in ("id", "name", "type", "time_zone", "tsadmin_user_id", "system_user_id", "super_user_id"):
        assert key in system, system
    assert len(system["release_version"].split(".")) >= 3, system
    return user["current_org"]["id"]


def cs_tools_signs_in_with_a_bearer_and_logs_out_without():
    api = cs_tools()
    token = {"Authorization": f"Bearer {full_token()}"}
    api.get(f"{V2}/auth/session/token", headers=token)
    looks_around(api, **token)
    assert not api.has_session(), "a Bearer sets no cookie"
    # It drops the Authorization header first: nobody is signed in as far as the server sees.
    api.post(f"{V2}/auth/session/logout", 401)


def cs_tools_signs_in_with_a_secret_key():
    api = cs_tools()
    form = {"secret_key": SECRET_KEY, "username": USER, "access_level": "FULL"}
    token = api.post(f"{V1}/session/auth/token", data=form).text
    form = {"auth_token": token, "username": USER, "no_url_redirection": "true"}
    bare(api.post(f"{V1}/session/login/token", 204, data=form))
    assert api.has_session()
    bare(api.get(f"{BASE}/callosum/v1/session/isactive", 204))
    looks_around(api)
    bare(api.post(f"{V2}/auth/session/logout", 204))
    api.get(f"{V2}/auth/session/user", 401)


def cs_tools_signs_in_with_a_password_and_really_changes_its_org():
    api = cs_tools()
    body = {"username": USER, "password": PASSWORD, "org_identifier": 0, "remember_me": True}
    bare(api.post(f"{V2}/auth/session/login", 204, json=body))
    assert looks_around(api) == 0
    orgs = api.get(f"{V1}/session/orgs").json()["orgs"]
    sales = next(org["orgId"] for org in orgs if org["orgName"] == "Sales")
    bare(api.send("PUT", f"{V1}/session/orgs", 204, data={"orgid": sales}))
    assert looks_around(api) == sales, "an Org that does not change makes it try for ever"
    bare(api.send("PUT", f"{V1}/session/orgs", 204, data={"orgid": 0}))
    assert looks_around(api) == 0


def cs_tools_goes_on_to_the_next_way_when_one_is_refused():
    api = cs_tools()
    dead = {"Authorization": "Bearer bm90LWEtdG9rZW4"}
    api.get(f"{V2}/auth/session/token", 401, headers=dead)
    form = {"secret_key": "f0b3c9d2-0000-0000-0000-000000000000", "username": USER, "access_level": "FULL"}
    api.post(f"{V1}/session/auth/token", 401, data=form)
    bare(api.post(f"{V2}/auth/session/login", 204, json={"username": USER, "password": PASSWORD, "remember_me": True}))
    looks_around(api)
    # Beside a dead Bearer even a good cookie is refused.
    api.get(f"{V2}/auth/session/user", 401, headers=dead)


# ---- mcp-server: a page of another origin takes over the browser's session, a worker goes on with tokens ----


def signed_in_page():
    page = Sender(Origin=ORIGIN, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors", Accept="*/*")
    page.post(f"{V1}/session/login", 204, data={"username": USER, "password": PASSWORD})
    return page


def may_be_read(reply):
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN, reply.headers
    assert reply.headers["Access-Control-Allow-Credentials"] == "true", reply.headers
    assert "origin" in reply.headers["Vary"].lower(), reply.headers
    return reply


def both_ways(body, *fields):
    """The fields, which stand flat for one client and under `data` for the other."""
    for field in fields:
        assert body[field] == body["data"][field], (field, body)
    return body


def mcp_server_takes_a_token_over_from_the_browser():
    url = f"{BASE}/callosum/v1/session/v2/gettoken?refresh=true"
    reply = may_be_read(signed_in_page().get(url))
    first = both_ways(reply.json(), "token", "refreshToken", "tokenCreatedTime", "tokenExpiryDuration")
    # An absolute moment in milliseconds, whatever its name says.
    assert first["tokenExpiryDuration"] > first["tokenCreatedTime"] > 1_700_000_000_000, first
    worker = Sender()
    bearer = {"Authorization": f"Bearer {first['token']}", "X-Refresh-Token": first["refreshToken"]}
    second = worker.get(url, headers=bearer).json()
    assert second["token"] not in ("", first["token"]) and second["refreshToken"] != first["refreshToken"]
    worker.get(url, 401, headers=bearer)
    info = worker.get(f"{BASE}/prism/preauth/info", headers={"Authorization": f"Bearer {second['token']}"}).json()["info"]
    for field in ("userGUID", "userName", "clusterId", "clusterName", "releaseVersion", "currentOrgId", "privileges"):
        assert field in info, info


def mcp_server_offers_pasting_a_token_when_nobody_is_signed_in():
    page = Sender(Origin=ORIGIN, Sec_Fetch_Site="cross-site")
    may_be_read(page.get(f"{BASE}/callosum/v1/session/v2/gettoken?refresh=true", 401))


def mcp_server_works_in_an_org():
    token = signed_in_page().get(f"{BASE}/callosum/v1/session/v2/gettoken?refresh=true").json()["token"]
    worker = Sender(Authorization=f"Bearer {token}")
    orgs = worker.get(f"{BASE}/callosum/v1/session/orgs?batchsize=-1&offset=-1").json()["orgs"]
    sales = next(org["orgId"] for org in orgs if org["orgName"] == "Sales")
    url = f"{BASE}/callosum/v1/v2/auth/token/fetch?validity_time_in_sec=86400&org_identifier={sales}"
    fetched = both_ways(worker.get(url).json(), "token", "creation_time_in_millis", "expiration_time_in_millis")
    there = {"Authorization": f"Bearer {fetched['token']}", "x-thoughtspot-orgs": str(sales), "Accept-Language": "en-US"}
    info = Sender().get(f"{BASE}/prism/preauth/info", headers=there).json()["info"]
    assert info["currentOrgId"] == sales, info
    user = Sender().get(f"{V2}/auth/session/user", headers=there).json()
    assert user["current_org"]["id"] == sales, user
    # What the holder of a key asked for in one Org is no pass to another.
    Sender(Authorization=f"Bearer {full_token()}").get(url, 403)


# ---- pages and token servers of the published samples ----


def a_mobile_web_view_turns_a_bearer_into_a_cookie_with_an_empty_body():
    page = Sender(Origin=ORIGIN, Sec_Fetch_Site="cross-site")
    headers = {"Authorization": f"Bearer {full_token()}", "Content-Type": "application/json"}
    bare(may_be_read(page.post(f"{V2}/auth/session/login", 204, headers=headers)))
    assert page.has_session()
    assert page.get(f"{V2}/auth/session/user").json()["name"] == USER


def token_servers_mint_full_and_custom_tokens():
    server = Sender(Accept="application/json", Content_Type="application/json")
    asked = {"secret_key": SECRET_KEY, "username": USER, "auto_create": False, "org_id": 0}
    rules = [{"column_name": "Region", "operator": "IN", "values": ["East"]}]
    custom = {**asked, "persist_option": "NONE", "filter_rules": rules, "parameter_values": []}
    for path, body in (("full", asked), ("full", {**asked, "org_id": "0", "unheard_of": 1}), ("custom", custom)):
        answer = server.post(f"{V2}/auth/token/{path}", json=body).json()
        assert answer["token"] and "error" not in answer, answer
    wrong = server.post(f"{V2}/auth/token/full", 401, json={**asked, "secret_key": "no"}).json()
    assert "error" in wrong and "token" not in wrong, wrong


def a_token_from_a_public_page_serves_its_embed():
    page = Sender(Origin=ORIGIN, Sec_Fetch_Site="cross-site", Accept="text/plain")
    form = {"secret_key": SECRET_KEY, "username": USER, "access_level": "FULL"}
    reply = may_be_read(page.post(f"{V1}/session/auth/token", data=form))
    assert reply.headers["Content-Type"].startswith("text/plain"), reply.headers
    assert re.fullmatch(r"[\w.~-]+", reply.text), "a token stands in addresses as it is"


def sample_pages_sign_in_follow_and_sign_out_as_scripts():
    headers = {"X-Requested-By": "ThoughtSpot", "Accept": "application/json"}
    page = Sender(Origin=ORIGIN, Sec_Fetch_Site="cross-site", **headers)
    form = {"username": USER, "auth_token": v1_token(), "redirect_url": f"{ORIGIN}/app?embedV2=true#/x"}
    reply = may_be_read(page.post(f"{V1}/session/login/token", 302, data=form))
    assert reply.headers["Location"] == form["redirect_url"], reply.headers
    assert may_be_read(page.get(f"{V1}/session/info")).json()["userName"] == USER
    bare(may_be_read(page.post(f"{V1}/session/logout", 204, headers={"Content-Type": "application/json"})))
    may_be_read(page.get(f"{V1}/session/info", 401))


def preflights_allow_what_those_pages_send():
    asked = (
        (f"{V1}/session/logout", "POST", "content-type,x-requested-by"),
        (f"{V2}/auth/session/user", "GET", "content-type"),
        (f"{V2}/auth/session/login", "POST", "authorization,content-type,x-thoughtspot-client"),
        (f"{BASE}/callosum/v1/session/v2/gettoken", "GET", "authorization,x-refresh-token"),
        (f"{BASE}/prism/preauth/info", "GET", "authorization,x-thoughtspot-orgs"),
        (f"{V1}/session/orgs", "PUT", "content-type,x-requested-by"),
    )
    for url, method, headers in asked:
        sent = {"Origin": ORIGIN, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
        reply = requests.options(url, headers=sent)
        assert reply.ok, (url, reply.status_code)
        may_be_read(reply)
        assert method in reply.headers["Access-Control-Allow-Methods"], (url, reply.headers)
        allowed = reply.headers["Access-Control-Allow-Headers"].lower()
        assert all(name in allowed for name in headers.split(",")), (url, allowed)


def plugin_party_reads_the_token_flat_and_fetched_nested():
    page = signed_in_page()
    body = may_be_read(page.get(f"{BASE}/callosum/v1/session/v2/gettoken")).json()
    assert (body["tokenExpiryDuration"] - body["tokenCreatedTime"]) / 1000 > 60, body
    body = may_be_read(page.get(f"{BASE}/callosum/v1/v2/auth/token/fetch")).json()["data"]
    assert body["token"] and body["expiration_time_in_millis"] > body["creation_time_in_millis"], body
    user = may_be_read(page.get(f"{V2}/auth/session/user", headers={"Content-Type": "application/json"})).json()
    assert user["name"] == USER, user


# ---- command-line tools ----


def user_tools_wants_exactly_204():
    tool = Sender(X_Requested_By="ThoughtSpot")
    bare(tool.post(f"{V1}/session/login", 204, data={"username": USER, "password": PASSWORD, "rememberme": "true"}))
    assert tool.has_session()
    bare(tool.post(f"{V1}/session/logout", 204))


def thoughtcli_always_logs_out_at_the_end():
    tool = Sender(X_Requested_By="ThoughtSpot", Accept="application/json", Accept_Language="en-US")
    body = {"username": USER, "password": PASSWORD, "remember_me": "true"}
    tool.post(f"{V2}/auth/session/login", 204, json=body)
    tool.get(f"{V2}/auth/session/user")
    bare(tool.post(f"{V2}/auth/session/logout", 204))
    bearer = {"Authorization": f"Bearer {full_token()}"}
    tool = Sender(X_Requested_By="ThoughtSpot", Accept="application/json", **bearer)
    tool.get(f"{V2}/auth/session/user")
    bare(tool.post(f"{V2}/auth/session/logout", 204))


def thoughtspot_mcp_and_the_admin_toolkit_mint_by_key():
    tool = Sender(Content_Type="application/json")
    # A field the vendor does not document for this call, and one of another spelling.
    for org in ({"org_identifier": "0"}, {"org_id": 0}):
        body = {"username": USER, "validity_time_in_sec": 86400, "secret_key": SECRET_KEY, **org}
        token = tool.post(f"{V2}/auth/token/full", json=body).json()["token"]
        tool.get(f"{V2}/system", headers={"Authorization": f"Bearer {token}"})


def one_client_posts_for_the_user():
    bearer = {"Authorization": f"Bearer {full_token()}"}
    assert Sender().post(f"{V2}/auth/session/user", headers=bearer).json()["name"] == USER


def scripts_take_the_cookie_from_the_redirect_of_a_get():
    script = Sender()
    target = f"{BASE}/v2/?embedV2=true"
    query = f"username={quote(USER)}&auth_token={v1_token()}&redirect_url={quote(target, safe='')}"
    reply = script.get(f"{BASE}/callosum/v1/session/login/token?{query}", 302)
    assert reply.headers["Location"] == target, reply.headers
    assert script.has_session()
    assert script.get(f"{V1}/session/info").json()["userName"] == USER
    orgs = script.get(f"{V1}/session/orgs").json()["orgs"]
    sales = next(org["orgId"] for org in orgs if org["orgName"] == "Sales")
    bare(script.send("PUT", f"{V1}/session/orgs", 204, data={"org": sales}))
    assert script.get(f"{V1}/session/info").json()["currentOrgId"] == sales
    bare(script.send("PUT", f"{V1}/session/orgs", 204, data={"org": 0}))


def a_redirect_that_is_not_listed_opens_nothing():
    script = Sender()
    query = f"auth_token={v1_token()}&redirect_url={quote('https://evil.example/', safe='')}"
    reply = script.get(f"{BASE}/callosum/v1/session/login/token?{query}", 400)
    assert "Location" not in reply.headers and not script.has_session()


CASES = [
    cs_tools_signs_in_with_a_bearer_and_logs_out_without,
    cs_tools_signs_in_with_a_secret_key,
    cs_tools_signs_in_with_a_password_and_really_changes_its_org,
    cs_tools_goes_on_to_the_next_way_when_one_is_refused,
    mcp_server_takes_a_token_over_from_the_browser,
    mcp_server_offers_pasting_a_token_when_nobody_is_signed_in,
    mcp_server_works_in_an_org,
    a_mobile_web_view_turns_a_bearer_into_a_cookie_with_an_empty_body,
    token_servers_mint_full_and_custom_tokens,
    a_token_from_a_public_page_serves_its_embed,
    sample_pages_sign_in_follow_and_sign_out_as_scripts,
    preflights_allow_what_those_pages_send,
    plugin_party_reads_the_token_flat_and_fetched_nested,
    user_tools_wants_exactly_204,
    thoughtcli_always_logs_out_at_the_end,
    thoughtspot_mcp_and_the_admin_toolkit_mint_by_key,
    one_client_posts_for_the_user,
    scripts_take_the_cookie_from_the_redirect_of_a_get,
    a_redirect_that_is_not_listed_opens_nothing,
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
