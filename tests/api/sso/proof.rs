//! Proof that it is still the same person: a provider that remembers people gives none unless it is made to ask.

use super::{HOST, Stage, encoded, parameter};
use crate::admin::{Page, console};
use crate::pages::{Browser, hidden};
use crate::support::Reply;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_change_at_the_console_takes_a_sign_in_at_which_the_provider_had_to_ask() {
    let stage = Stage::with(|settings| settings.sso[0].admins = true);
    stage.signed_in("lena").await;
    let admin = console(&stage.app).await;
    let body = json!({ "is_admin": true });
    admin.done(Method::PATCH, "/users/lena", body).await;
    assert!(admin.me["prove_at"].is_null(), "{}", admin.me);

    let page = Page::open(stage.signed_in("lena").await).await;
    let org = json!({ "name": "Later" });
    page.refused(
        Method::POST,
        "/orgs",
        org.clone(),
        403,
        "stale_authentication",
    )
    .await;
    assert_eq!(page.me["may_confirm"], false);
    let there = &page.me["prove_at"];
    assert_eq!(there["label"], "Company account");
    let href = there["href"].as_str().unwrap();
    let path = format!("!{href}{}", encoded("/console/#/orgs"));
    let (reply, client) = stage.follow(&page.client, &path).await;
    assert_eq!(parameter(&reply, "prompt").as_deref(), Some("login"));
    let back = stage.at_provider(&reply, "lena").await;
    let reply = client.get(&back).await;
    let here = format!("http://{}/console/#/orgs", stage.app.address);
    assert_eq!(reply.header("location"), Some(here.as_str()));

    let mut proven = stage.app.anon();
    proven.keep(&reply);
    let page = Page::open(proven).await;
    page.post("/orgs", org).await;
    stage.app.advance(Duration::from_mins(10));
    let org = json!({ "name": "Later still" });
    page.refused(Method::POST, "/orgs", org, 403, "stale_authentication")
        .await;
}

#[tokio::test]
async fn ending_ones_sessions_takes_it_too_and_the_page_leads_there_and_back() {
    const OTHERS: &str = "/sessions/end?session=others";
    let stage = Stage::new();
    let other = stage.signed_in("lena").await;
    let mut browser = Browser::new(&stage.app);
    keep_session(&mut browser, &stage.sign_in(HOST, "lena").await);
    let page = browser.get(OTHERS).await.text();
    assert!(
        page.contains("Prove who you are at Company account"),
        "{page}"
    );
    assert!(!page.contains("action=\"/sessions/end\""), "{page}");
    assert!(!page.contains("Sign out and in again"), "{page}");
    let token = hidden(&browser.get("/sessions").await.text(), "token").unwrap();
    let form = [("session", "others"), ("token", token.as_str())];
    assert_eq!(browser.post("/sessions/end", &form).await.status, 403);
    assert_eq!(other.is_active().await, 204);

    let link = page.split("class=\"button\" href=\"").nth(1).unwrap();
    let link = link.split('"').next().unwrap().replace("&#38;", "&");
    let reply = browser.get(&link).await;
    assert_eq!(parameter(&reply, "prompt").as_deref(), Some("login"));
    let back = stage.at_provider(&reply, "lena").await;
    let reply = browser.get(back.trim_start_matches('!')).await;
    let here = format!("http://{}{OTHERS}", stage.app.address);
    assert_eq!(reply.header("location"), Some(here.as_str()));
    keep_session(&mut browser, &reply);
    let page = browser.get(OTHERS).await.text();
    let token = hidden(&page, "token").unwrap();
    let form = [("session", "others"), ("token", token.as_str())];
    let reply = browser.post("/sessions/end", &form).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    assert_eq!(other.is_active().await, 401);
}

fn keep_session(browser: &mut Browser, reply: &Reply) {
    let cookie = reply.session_cookie().unwrap();
    browser.set_cookie("JSESSIONID", cookie.split_once('=').unwrap().1);
}
