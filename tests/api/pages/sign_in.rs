//! Signing in on the page: what works.

use crate::pages::{Browser, assert_guarded, hidden};
use crate::support::{ALICE_PASSWORD, PASSWORD, TestApp};
use std::time::Duration;
use vestibule::domain::audit::Act;

#[tokio::test]
async fn a_right_password_goes_on_to_where_one_was_going() {
    let app = TestApp::spawn();
    let mut browser = Browser::new(&app);
    let page = browser.get("/sign-in?to=/v2/%23/pinboard/5e").await;
    assert_guarded(&page);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    let fields = [("username", "bob"), ("password", PASSWORD)];
    let reply = browser.sign_in("/v2/#/pinboard/5e?a=b&c", &fields).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    assert_eq!(reply.header("location"), Some("/v2/#/pinboard/5e?a=b&c"));
    let names: Vec<String> = reply.cookies().into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["JSESSIONID", "clientId"]);
    assert_eq!(app.trail.words(), ["login"]);
    let event = app.trail.last();
    assert_eq!(event.client.dialect, "pages");
    assert_eq!(
        browser.get("/callosum/v1/session/isactive").await.status,
        204
    );
}

#[tokio::test]
async fn without_a_target_one_lands_at_the_start_or_without_scripts_at_my_sessions() {
    let app = TestApp::shared();
    let fields = [("username", "bob"), ("password", PASSWORD)];
    let reply = Browser::new(&app).sign_in("", &fields).await;
    assert_eq!(reply.header("location"), Some("/"));
    let plain = [fields[0], fields[1], ("plain", "1")];
    let reply = Browser::new(&app).sign_in("", &plain).await;
    assert_eq!(reply.header("location"), Some("/sessions"));
    let reply = Browser::new(&app).sign_in("/robots.txt", &plain).await;
    assert_eq!(reply.header("location"), Some("/robots.txt"));
}

#[tokio::test]
async fn a_remembered_session_outlives_the_browser_and_another_does_not() {
    let app = TestApp::shared();
    let fields = [("username", "bob"), ("password", PASSWORD)];
    let reply = Browser::new(&app).sign_in("", &fields).await;
    let session = &reply.cookies()[0];
    assert!(!session.attributes.iter().any(|a| a.starts_with("Max-Age")));
    let ticked = [fields[0], fields[1], ("rememberme", "true")];
    let reply = Browser::new(&app).sign_in("", &ticked).await;
    assert!(reply.cookies()[0].has("Max-Age=1209600"));
}

#[tokio::test]
async fn an_org_can_be_asked_for_by_name_or_number_and_none_is_told_to_strangers() {
    let app = TestApp::spawn();
    let page = Browser::new(&app).get("/sign-in").await.text();
    assert!(page.contains("Sign in to a particular Org"));
    assert!(!page.contains("Sales"), "Orgs are customers: {page}");
    let number = app.sales.to_string();
    for called in ["Sales", "sales ", &number] {
        let fields = [
            ("username", "alice"),
            ("password", ALICE_PASSWORD),
            ("org", called),
        ];
        let reply = Browser::new(&app).sign_in("", &fields).await;
        assert_eq!(reply.status, 303, "{called}: {}", reply.text());
        let event = app.trail.last();
        let in_sales = matches!(event.act, Act::LoggedIn { org, .. } if org == app.sales);
        assert!(in_sales, "{called}: {event:?}");
    }
}

#[tokio::test]
async fn where_there_is_one_org_nobody_is_asked_for_one() {
    let app = TestApp::spawn();
    let (administration, by) = app.administration();
    for user in ["alice", "carol"] {
        administration.delete_user(user, &by).await.unwrap();
    }
    let sales = administration.require_org("Sales").await.unwrap();
    administration.delete_org(&sales, &by).await.unwrap();
    let page = Browser::new(&app).get("/sign-in").await.text();
    assert!(!page.contains("particular Org"), "{page}");
}

#[tokio::test]
async fn case_26_the_session_a_browser_holds_ends_when_it_signs_in_again() {
    let app = TestApp::spawn();
    let mut browser = Browser::new(&app);
    let fields = [("username", "bob"), ("password", PASSWORD)];
    browser.sign_in("", &fields).await;
    let first = browser.cookie("JSESSIONID").unwrap().to_owned();
    let page = browser.get("/sign-in?to=/v2/").await.text();
    assert!(page.contains("You are signed in as bob."), "{page}");
    assert!(page.contains("href=\"/v2/\""), "{page}");
    browser.sign_in("", &fields).await;
    let second = browser.cookie("JSESSIONID").unwrap().to_owned();
    assert_ne!(first, second);
    let old = app.anon().with_cookie(&format!("JSESSIONID={first}"));
    assert_eq!(old.is_active().await, 401);
}

#[tokio::test]
async fn the_page_says_why_the_last_session_ended_and_only_to_whoever_held_it() {
    let app = TestApp::spawn();
    let mut browser = Browser::new(&app);
    let fields = [("username", "bob"), ("password", PASSWORD)];
    browser.sign_in("", &fields).await;
    app.advance(Duration::from_hours(1));
    let page = browser.get("/sign-in").await.text();
    assert!(
        page.contains("Your last session ended: not used for too long."),
        "{page}"
    );
    let stranger = Browser::new(&app).get("/sign-in").await.text();
    assert!(!stranger.contains("last session"), "{stranger}");
    let reply = browser.sign_in("", &fields).await;
    assert_eq!(reply.status, 303);
}

#[tokio::test]
async fn the_form_goes_on_where_it_was_after_a_mistake() {
    let app = TestApp::spawn();
    let mut browser = Browser::new(&app);
    let wrong = [
        ("username", "alice"),
        ("password", "a wrong one"),
        ("rememberme", "true"),
        ("org", "Sales"),
    ];
    let page = browser.sign_in("/v2/", &wrong).await.text();
    assert_eq!(hidden(&page, "to").as_deref(), Some("/v2/"));
    assert!(page.contains("value=\"alice\""), "{page}");
    assert!(page.contains("value=\"true\" checked"), "{page}");
    assert!(page.contains("value=\"Sales\""), "{page}");
    assert!(!page.contains("a wrong one"), "{page}");
    let token = hidden(&page, "token").unwrap();
    let right = [
        ("username", "alice"),
        ("password", ALICE_PASSWORD),
        ("org", "Sales"),
        ("to", "/v2/"),
        ("token", &token),
    ];
    let reply = browser.post("/sign-in", &right).await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some("/v2/"))
    );
}
