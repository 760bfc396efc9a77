//! `GET` and `PUT session/orgs`.

use crate::support::{LIVEBOARD, TestApp};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn the_list_holds_the_users_own_orgs_and_for_an_administrator_all() {
    let app = TestApp::shared();
    let names = |reply: &crate::support::Reply| -> Vec<String> {
        let orgs = reply.json()["orgs"].as_array().unwrap().clone();
        let name = |org: &serde_json::Value| org["orgName"].as_str().unwrap().to_owned();
        orgs.iter().map(name).collect()
    };
    let reply = app.alice().await.get("/session/orgs").await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    assert_eq!(names(&reply), ["Primary", "Sales"]);
    assert_eq!(body["currentOrgId"], 0);
    assert_eq!(body["canAdministerAllOrgs"], false);
    assert_eq!(body["orgs"][1]["orgId"], app.sales.0);
    assert_eq!(body["orgs"][1]["isActive"], true);

    assert_eq!(
        names(&app.bob().await.get("/session/orgs").await),
        ["Primary"]
    );
    let reply = app.admin().await.get("/session/orgs").await;
    assert_eq!(names(&reply), ["Primary", "Sales"]);
    assert_eq!(reply.json()["canAdministerAllOrgs"], true);
    app.anon()
        .get("/session/orgs")
        .await
        .expect_error(401, 10097, "sign in");
}

#[tokio::test]
async fn batchsize_and_offset_cut_the_list_and_nonsense_is_named() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    for (query, count) in [
        ("?batchsize=-1&offset=-1", 2),
        ("?batchsize=1", 1),
        ("?batchsize=0", 0),
        ("?offset=1", 1),
        ("?offset=9", 0),
        ("?batchsize=&offset=", 2),
    ] {
        let reply = alice.get(&format!("/session/orgs{query}")).await;
        assert_eq!(reply.status, 200, "{query}");
        assert_eq!(
            reply.json()["orgs"].as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
    for name in ["batchsize", "offset"] {
        let reply = alice.get(&format!("/session/orgs?{name}=x")).await;
        reply.expect_error(400, 10002, name);
    }
}

#[tokio::test]
async fn a_session_moves_to_another_org_under_the_same_id() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let reply = alice.switch_org(app.sales.0).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(reply.cookies(), [], "decision 12: the same id");
    assert_eq!(alice.info().await.json()["currentOrgId"], app.sales.0);
    assert_eq!(app.trail.last().act.name(), "org_switched");
    // The next login goes there, and another session stays where it is.
    let next = app.alice().await;
    assert_eq!(next.info().await.json()["currentOrgId"], app.sales.0);
    assert_eq!(next.switch_org(0).await.status, 204);
    assert_eq!(alice.info().await.json()["currentOrgId"], app.sales.0);
    // A third-party script calls it `org`.
    let request = alice
        .request(Method::PUT, "/session/orgs")
        .form(&[("org", "0")]);
    assert_eq!(alice.send(request).await.status, 204);
    assert_eq!(alice.info().await.json()["currentOrgId"], 0);
}

#[tokio::test]
async fn a_foreign_or_missing_org_is_403_and_no_number_400() {
    let app = TestApp::shared();
    let bob = app.bob().await;
    for org in [app.sales.0, 99, -1, i64::MAX] {
        bob.switch_org(org).await.expect_error(403, 10023, "Org");
    }
    // What the vendor's page has for all Orgs: an administrator of the server administers them from any.
    let admin = app.admin().await;
    assert_eq!(admin.switch_org(-1).await.status, 204);
    assert_eq!(admin.info().await.json()["currentOrgId"], 0);
    for form in [
        &[][..],
        &[("orgid", "")],
        &[("orgid", "x")],
        &[("orgid", "1.5")],
    ] {
        let request = bob.request(Method::PUT, "/session/orgs").form(form);
        bob.send(request).await.expect_error(400, 10002, "orgid");
    }
    assert_eq!(bob.info().await.json()["currentOrgId"], 0);
    app.anon()
        .switch_org(0)
        .await
        .expect_error(401, 10097, "sign in");
}

#[tokio::test]
async fn a_bearer_stays_in_its_org() {
    let app = TestApp::shared();
    let bearer = app.anon().with_bearer(&app.token("alice").await);
    assert_eq!(
        bearer.switch_org(0).await.status,
        204,
        "it is there already"
    );
    let reply = bearer.switch_org(app.sales.0).await;
    reply.expect_error(403, 10023, "good for one Org");
}

#[tokio::test]
async fn case_37_a_session_of_an_org_key_or_of_an_object_cannot_leave_its_org() {
    let app = TestApp::spawn();
    let (_, key) = app.org_key("Sales").await;
    let form = [("secret_key", key.as_str()), ("username", "alice")];
    let by_org_key = app.anon().post("/session/auth/token", &form).await.text();
    let form = [
        ("username", "alice"),
        ("access_level", "REPORT_BOOK_VIEW"),
        ("id", LIVEBOARD),
    ];
    let of_object = app.anon().mint(&form).await.text();
    let elsewhere = [(by_org_key, 0), (of_object, app.sales.0)];
    for (token, org) in elsewhere {
        let mut session = app.anon();
        let reply = session.redeem(&[("auth_token", &token)]).await;
        session.keep(&reply);
        let before = session.info().await.json()["currentOrgId"].clone();
        session
            .switch_org(org)
            .await
            .expect_error(403, 10023, "one Org");
        assert_eq!(session.info().await.json()["currentOrgId"], before);
    }
    // A key of the whole server binds nobody.
    let token = app.token("alice").await;
    let mut session = app.anon();
    let reply = session.redeem(&[("auth_token", &token)]).await;
    session.keep(&reply);
    assert_eq!(session.switch_org(app.sales.0).await.status, 204);
    assert_eq!(
        session.info().await.json()["currentOrgId"],
        json!(app.sales.0)
    );
}

#[tokio::test]
async fn a_header_visits_another_org_for_one_request() {
    let app = TestApp::shared();
    let sales = app.sales.to_string();
    let alice = app.alice().await;
    let visiting = alice.with("x-thoughtspot-orgs", &sales);
    assert_eq!(visiting.info().await.json()["currentOrgId"], app.sales.0);
    assert_eq!(
        alice.info().await.json()["currentOrgId"],
        0,
        "the session stays"
    );
    let bob = app.bob().await.with("x-thoughtspot-orgs", &sales);
    bob.info().await.expect_error(403, 10023, "Org");
    let bearer = app.anon().with_bearer(&app.token("alice").await);
    let reply = bearer.with("x-thoughtspot-orgs", &sales).info().await;
    reply.expect_error(403, 10023, "good for one Org");
    for bad in ["x", "", "1,2"] {
        let reply = alice.with("x-thoughtspot-orgs", bad).info().await;
        reply.expect_error(400, 10002, "x-thoughtspot-orgs");
    }
}
