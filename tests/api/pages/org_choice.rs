//! Which Org to work in: asked after the password, of those alone who have a choice.

use crate::pages::{Browser, assert_guarded, hidden};
use crate::support::{ALICE_PASSWORD, PASSWORD, TestApp};
use vestibule::domain::audit::Act;
use vestibule::domain::directory::OrgId;

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", ALICE_PASSWORD)];
const TARGET: &str = "/v2/?a=b&c#/pinboard/5e";

/// Signed in on the page, and asked.
async fn asked(app: &TestApp) -> (Browser, String, String) {
    let mut browser = Browser::new(app);
    let reply = browser.sign_in(TARGET, &ALICE).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let way = reply.header("location").unwrap().to_owned();
    assert!(way.starts_with("/sign-in/org?to="), "{way}");
    let page = browser.get(&way).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_guarded(&page);
    let text = page.text();
    let token = hidden(&text, "token").unwrap();
    (browser, text, token)
}

async fn org_of(browser: &mut Browser) -> i64 {
    let orgs = browser.get("/callosum/v1/session/orgs").await.json();
    orgs["currentOrgId"].as_i64().unwrap()
}

#[tokio::test]
async fn whoever_belongs_to_several_orgs_chooses_one_and_goes_on_to_where_they_were_going() {
    let app = TestApp::spawn();
    let (mut browser, page, token) = asked(&app).await;
    assert!(page.contains(">Sales</option>"), "{page}");
    assert!(page.contains("value=\"0\" selected"), "{page}");
    assert_eq!(hidden(&page, "to").as_deref(), Some(TARGET));
    assert_eq!(org_of(&mut browser).await, 0, "signed in meanwhile");
    let sales = app.sales.0.to_string();
    let form = [("org", sales.as_str()), ("to", TARGET), ("token", &token)];
    let reply = browser.post("/sign-in/org", &form).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    assert_eq!(reply.header("location"), Some(TARGET));
    assert_eq!(org_of(&mut browser).await, app.sales.0);
    let act = app.trail.last().act;
    assert!(matches!(act, Act::OrgSwitched { to, .. } if to == app.sales));
    // The next time it is chosen already; to leave it so moves nothing.
    let (mut browser, page, token) = asked(&app).await;
    assert!(page.contains(&format!("value=\"{sales}\" selected")));
    let form = [("org", sales.as_str()), ("to", ""), ("token", &token)];
    let reply = browser.post("/sign-in/org", &form).await;
    assert_eq!(reply.header("location"), Some("/"));
    assert!(matches!(app.trail.last().act, Act::LoggedIn { .. }));
}

#[tokio::test]
async fn nobody_is_asked_who_has_no_choice_or_made_it_or_where_it_is_off() {
    let app = TestApp::spawn();
    let bob = [("username", "bob"), ("password", PASSWORD)];
    let reply = Browser::new(&app).sign_in(TARGET, &bob).await;
    assert_eq!(reply.header("location"), Some(TARGET));
    let named = [ALICE[0], ALICE[1], ("org", "Sales")];
    let reply = Browser::new(&app).sign_in(TARGET, &named).await;
    assert_eq!(reply.header("location"), Some(TARGET));
    let off = TestApp::with(|settings| settings.pages.ask_org = false);
    let reply = Browser::new(&off).sign_in(TARGET, &ALICE).await;
    assert_eq!(reply.header("location"), Some(TARGET));
}

#[tokio::test]
async fn a_choice_that_is_not_theirs_or_no_choice_moves_nothing() {
    let app = TestApp::spawn();
    let (administration, by) = app.administration();
    let other = administration.create_org("Foreign", "", &by).await.unwrap();
    let (mut browser, page, token) = asked(&app).await;
    assert!(!page.contains("Foreign"), "{page}");
    let foreign = other.id.0.to_string();
    let reply = browser
        .post("/sign-in/org", &[("org", &foreign), ("token", &token)])
        .await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("no longer open to you"));
    for (form, status) in [
        (vec![("org", "Sales"), ("token", token.as_str())], 400),
        (vec![("token", token.as_str())], 400),
        (vec![("org", "0"), ("token", "x")], 403),
        (vec![("org", "0")], 403),
    ] {
        let reply = browser.post("/sign-in/org", &form).await;
        assert_eq!(reply.status, status, "{form:?}: {}", reply.text());
    }
    assert_eq!(OrgId(org_of(&mut browser).await), OrgId(0));
    // A target this server sends nobody to is dropped here as well.
    let evil = [
        ("org", "0"),
        ("to", "https://evil.example/"),
        ("token", &token),
    ];
    let reply = browser.post("/sign-in/org", &evil).await;
    assert_eq!(reply.header("location"), Some("/"));
    // Without a session there is nothing to choose.
    let mut nobody = Browser::new(&app);
    for reply in [
        nobody.get("/sign-in/org").await,
        nobody.post("/sign-in/org", &[("org", "0")]).await,
    ] {
        assert_eq!(reply.header("location"), Some("/sign-in"));
    }
}

#[tokio::test]
async fn case_30_a_page_of_another_site_chooses_for_nobody() {
    let app = TestApp::spawn();
    let (browser, _, token) = asked(&app).await;
    let mut foreign = browser.from(Some("https://evil.example"));
    let sales = app.sales.0.to_string();
    let reply = foreign
        .post("/sign-in/org", &[("org", &sales), ("token", &token)])
        .await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert_eq!(org_of(&mut foreign).await, 0);
}
