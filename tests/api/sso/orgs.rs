//! A provider for some Orgs: who asks for one of them is sent there, and whoever comes from there stays in them.

use super::{Stage, encoded, parameter, section};
use crate::microstrategy::{ask, call, expect_error, path};
use crate::support::{Client, Reply};
use reqwest::Method;
use serde_json::json;
use vestibule::domain::administration::{MembershipDraft, NewUser};
use vestibule::domain::audit::{Act, Refusal};
use vestibule::domain::directory::AccountType;
use vestibule::settings::SsoAccounts;

/// `company` signs in to the Primary Org alone, `free` to every one; lena is in both Orgs, max in Sales.
async fn stage() -> Stage {
    let stage = Stage::with(|settings| {
        let company = &mut settings.sso[0];
        company.orgs = vec![0];
        company.accounts = SsoAccounts::Type;
        let issuer = company.issuer.clone().unwrap();
        let mut free = section(
            "free",
            &[("issuer", issuer.as_str()), ("client_id", "public")],
        );
        free.accounts = SsoAccounts::Type;
        settings.sso.push(free);
    });
    let (administration, by) = stage.app.administration();
    for (name, orgs) in [("lena", &["Sales", "0"][..]), ("max", &["Sales"])] {
        let user = NewUser {
            account_type: AccountType::Oidc,
            memberships: orgs
                .iter()
                .map(|org| MembershipDraft {
                    org: (*org).to_owned(),
                    groups: Vec::new(),
                })
                .collect(),
            ..NewUser::named(name)
        };
        administration.create_user(user, &by).await.unwrap();
    }
    stage
}

async fn begin(stage: &Stage, query: &str) -> (Reply, Client) {
    let path = format!("!/callosum/v1/oidc/login?{query}");
    stage.follow(&stage.app.anon(), &path).await
}

async fn sign_in(stage: &Stage, query: &str, person: &str) -> Reply {
    let (reply, client) = begin(stage, query).await;
    let back = stage.at_provider(&reply, person).await;
    client.get(&back).await
}

async fn signed_in(stage: &Stage, query: &str, person: &str) -> Client {
    let reply = sign_in(stage, query, person).await;
    assert_eq!(reply.status, 302, "{query}: {}", reply.text());
    let mut client = stage.app.anon();
    client.keep(&reply);
    client
}

async fn org_of(client: &Client) -> i64 {
    client.info().await.json()["currentOrgId"].as_i64().unwrap()
}

#[tokio::test]
async fn who_asks_for_an_org_is_sent_to_its_provider() {
    let stage = stage().await;
    let sales = stage.app.sales.0;
    for (query, client_id) in [
        ("", "public"),
        ("orgId=0", "by-secret"),
        ("org=0", "by-secret"),
        ("orgId=Primary", "by-secret"),
        (&format!("orgId={sales}"), "public"),
        ("orgId=Sales", "public"),
        // Which Orgs there are is nothing to be learnt by asking.
        ("orgId=nowhere", "public"),
        ("provider=company", "by-secret"),
        ("provider=company&orgId=0", "by-secret"),
    ] {
        let (reply, _) = begin(&stage, query).await;
        assert_eq!(reply.status, 302, "{query}: {}", reply.text());
        let asked = parameter(&reply, "client_id");
        assert_eq!(asked.as_deref(), Some(client_id), "{query}");
    }
    for query in [
        "provider=company&orgId=Sales",
        "provider=company&orgId=nowhere",
    ] {
        let (reply, _) = begin(&stage, query).await;
        assert_eq!(reply.status, 403, "{query}");
        assert!(reply.cookies().is_empty(), "{query}");
    }
}

#[tokio::test]
async fn the_org_asked_for_is_the_one_signed_in_to() {
    let stage = stage().await;
    let sales = stage.app.sales.0;
    for (query, org) in [
        ("orgId=Sales", sales),
        ("provider=free&orgId=0", 0),
        ("", 0),
        ("orgId=Sales", sales),
        // The last Org was another one, which this provider is not for.
        ("provider=company", 0),
    ] {
        let lena = signed_in(&stage, query, "lena").await;
        assert_eq!(org_of(&lena).await, org, "{query}");
    }
    for query in ["orgId=nowhere", "provider=company", "orgId=0"] {
        let reply = sign_in(&stage, query, "max").await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert_eq!(reply.session_cookie(), None);
        let Act::LoginRefused { why, .. } = stage.app.trail.last().act else {
            panic!("{:?}", stage.app.trail.last())
        };
        assert_eq!(why, Refusal::OrgNotAllowed, "{query}");
    }
}

#[tokio::test]
async fn nothing_that_comes_from_an_orgs_provider_leaves_its_orgs() {
    let stage = stage().await;
    let sales = stage.app.sales.0;
    let free = signed_in(&stage, "provider=free&orgId=0", "lena").await;
    assert_eq!(free.switch_org(sales).await.status, 204);

    let bound = signed_in(&stage, "provider=company", "lena").await;
    assert_eq!(bound.switch_org(sales).await.status, 403);
    assert_eq!(bound.switch_org(0).await.status, 204);
    let visiting = bound.with("x-thoughtspot-orgs", &sales.to_string());
    assert_eq!(visiting.info().await.status, 403);
    let fetch = |org: i64| format!("!/callosum/v1/v2/auth/token/fetch?org_identifier={org}");
    assert_eq!(free.get(&fetch(sales)).await.status, 200);
    assert_ne!(bound.get(&fetch(sales)).await.status, 200);

    // Nor does a token of its own, nor the session that such a token opens.
    let reply = bound.get(&fetch(0)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let token = reply.json()["data"]["token"].as_str().unwrap().to_owned();
    let bearer = stage.app.anon().with_bearer(&token);
    assert_eq!(org_of(&bearer).await, 0);
    assert_ne!(bearer.get(&fetch(sales)).await.status, 200);
    let reply = bearer.get(&fetch(0)).await;
    let second = reply.json()["data"]["token"].as_str().unwrap().to_owned();
    for token in [token, second] {
        let query = format!("auth_token={}", encoded(&token));
        let path = format!("!/callosum/v1/session/login/token?{query}");
        let reply = stage.app.anon().get(&path).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
        let mut opened = stage.app.anon();
        opened.keep(&reply);
        assert_eq!(opened.is_active().await, 204);
        assert_eq!(opened.switch_org(sales).await.status, 403);
        assert_ne!(opened.get(&fetch(sales)).await.status, 200);
    }
}

/// Lena's session of the other dialect, by that provider.
async fn in_library(stage: &Stage, provider: &str) -> Client {
    let dialog = "!/MicroStrategyLibrary/auth/login-dialog.jsp";
    let target = encoded("https://app.example.com/dossier");
    let start = format!("{dialog}?loginMode=4194304&provider={provider}&redirectURL={target}");
    let (reply, client) = stage.follow(&stage.app.anon(), &start).await;
    let back = stage.at_provider(&reply, "lena").await;
    let reply = client.get(&back).await;
    assert_eq!(reply.status, 302, "{}", reply.text());
    let library = stage
        .app
        .anon()
        .with_cookie(&reply.session_cookie().unwrap());
    let token = library.get(&path("auth/token")).await;
    let token = token.header("x-mstr-authtoken").unwrap().to_owned();
    stage.app.plant(&token);
    library.with("x-mstr-authtoken", &token)
}

#[tokio::test]
async fn nor_does_the_other_dialects_session_by_projects_privileges_or_api_tokens() {
    let stage = stage().await;
    let bound = in_library(&stage, "company").await;
    let free = in_library(&stage, "free").await;
    let names = async |client: &Client| {
        let projects = call(client, Method::GET, "projects").await.json();
        let names = projects.as_array().unwrap().iter();
        let names: Vec<_> = names
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect();
        names
    };
    assert_eq!(names(&free).await.len(), 2);
    assert_eq!(names(&bound).await, ["Primary"]);
    let sales = format!("564553544942554C{:016X}", stage.app.sales.0);
    for (client, status) in [(&free, 200), (&bound, 400)] {
        let visiting = client.with("x-mstr-projectid", &sales);
        let shown = call(&visiting, Method::GET, "sessions/projectId").await;
        assert_eq!(shown.status, status, "{}", shown.text());
        let privileges = call(client, Method::GET, "sessions/privileges").await;
        assert_eq!(privileges.status, 200);
        assert!(status == 200 || !privileges.text().contains(&sales));
    }
    let create = |client: &Client| ask(client, Method::POST, "auth/apiTokens").json(&json!({}));
    expect_error(&bound.send(create(&bound)).await, 403, "ERR0014");
    let made = free.send(create(&free)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    stage.app.plant(made.json()["apiToken"].as_str().unwrap());
    expect_error(
        &call(&bound, Method::DELETE, "auth/apiTokens").await,
        403,
        "ERR0014",
    );
}

#[tokio::test]
async fn of_ones_own_sessions_such_a_one_sees_those_in_its_orgs() {
    let stage = stage().await;
    let bound = signed_in(&stage, "provider=company", "lena").await;
    let seen = async |client: &Client| {
        let own = client.get("!/callosum/v1/vestibule/sessions").await.json();
        own["sessions"].as_array().unwrap().len()
    };
    let free = signed_in(&stage, "provider=free&orgId=Sales", "lena").await;
    assert_eq!(seen(&free).await, 2);
    assert_eq!(seen(&bound).await, 1);
}
