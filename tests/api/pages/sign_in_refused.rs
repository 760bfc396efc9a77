//! Signing in on the page: what does not work, and in which words.

use crate::pages::{Browser, assert_guarded, hidden};
use crate::support::{PASSWORD, Redis, Reply, TestApp, on_redis};

const WRONG: &str = "That username and password do not match.";

fn assert_refused(reply: &Reply, status: u16, words: &str) {
    assert_eq!(reply.status, status, "{}", reply.text());
    let page = reply.text();
    let error = page.split("role=\"alert\">").nth(1).expect("no alert");
    let error = error.split("</p>").next().unwrap();
    assert!(error.contains(words), "{error}");
    assert!(page.contains("<title>Error: Sign in"), "{page}");
    let session = reply.session_cookie();
    assert_eq!(session, None, "a refusal opens nothing");
    assert_guarded(reply);
}

#[tokio::test]
async fn case_40_unknown_wrong_and_disabled_look_the_same_on_the_page() {
    let app = TestApp::spawn();
    let (administration, by) = app.administration();
    administration.disable_user("dora", &by).await.unwrap();
    let mut pages = Vec::new();
    for (name, password) in [
        ("nobody", "wrong password"),
        ("bob", "wrong password"),
        ("dora", PASSWORD),
    ] {
        let mut browser = Browser::new(&app);
        browser.get("/sign-in").await;
        let fields = [("username", name), ("password", password)];
        let reply = browser.sign_in("", &fields).await;
        assert_refused(&reply, 401, WRONG);
        let token = hidden(&reply.text(), "token").unwrap();
        let page = reply.text().replace(&token, "[token]");
        pages.push(page.replace(&format!("value=\"{name}\""), "[name]"));
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]), "{pages:?}");
    assert_eq!(
        app.trail.words()[2..],
        [
            "login_refused unknown_user",
            "login_refused wrong_password",
            "login_refused user_disabled"
        ]
    );
}

#[tokio::test]
async fn what_is_missing_is_said_and_costs_no_attempt() {
    let app = TestApp::spawn();
    for fields in [
        &[][..],
        &[("username", "bob")],
        &[("username", "bob"), ("password", "")],
        &[("username", ""), ("password", PASSWORD)],
    ] {
        let reply = Browser::new(&app).sign_in("", fields).await;
        assert_refused(&reply, 400, "Enter your username");
    }
    assert_eq!(app.trail.words(), [""; 0]);
}

#[tokio::test]
async fn an_org_out_of_reach_is_refused_after_the_password_and_like_one_that_is_not_there() {
    let app = TestApp::spawn();
    for org in ["Sales", "Nowhere", "99"] {
        let right = [("username", "bob"), ("password", PASSWORD), ("org", org)];
        let reply = Browser::new(&app).sign_in("", &right).await;
        assert_refused(&reply, 400, "cannot sign in to that Org");
    }
    let wrong = [("username", "bob"), ("password", "no"), ("org", "Sales")];
    let reply = Browser::new(&app).sign_in("", &wrong).await;
    assert_refused(&reply, 401, WRONG);
}

#[tokio::test]
async fn case_43_guessing_is_slowed_down_and_the_page_says_for_how_long() {
    let app = TestApp::spawn();
    let mut browser = Browser::new(&app);
    let wrong = [("username", "bob"), ("password", "a guess of mine")];
    for _ in 0..6 {
        browser.sign_in("", &wrong).await;
    }
    let right = [("username", "bob"), ("password", PASSWORD)];
    let reply = browser.sign_in("", &right).await;
    assert_refused(&reply, 429, "You can try again in 1 second.");
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert!(reply.text().contains("value=\"bob\""));
    app.advance(std::time::Duration::from_secs(2));
    assert_eq!(browser.sign_in("", &right).await.status, 303);
}

#[tokio::test]
async fn decision_3_a_form_of_another_site_signs_nobody_in() {
    let app = TestApp::spawn();
    let fields = [("username", "bob"), ("password", PASSWORD)];
    for origin in ["https://evil.example", "null"] {
        let mut browser = Browser::new(&app).from(Some(origin));
        let reply = browser.sign_in("", &fields).await;
        assert_refused(&reply, 403, "came from another site");
    }
    let cross = Browser::new(&app).from(None);
    let reply = cross
        .with("sec-fetch-site", "cross-site")
        .sign_in("", &fields)
        .await;
    assert_refused(&reply, 403, "came from another site");
    assert_eq!(app.trail.words(), [""; 0], "the door was not even asked");
}

#[tokio::test]
async fn a_form_is_good_in_the_browser_it_was_made_for_only() {
    let app = TestApp::spawn();
    let mut victim = Browser::new(&app).from(None);
    let mut attacker = Browser::new(&app);
    let page = attacker.get("/sign-in").await.text();
    let token = hidden(&page, "token").unwrap();
    let fields = |token| {
        [
            ("username", "bob"),
            ("password", PASSWORD),
            ("token", token),
        ]
    };
    // Neither header of a browser is there, so the token alone decides: without a cookie, with another one, and
    // with none in the form.
    let reply = victim.post("/sign-in", &fields(&token)).await;
    assert_refused(&reply, 403, "Allow cookies");
    victim.get("/sign-in").await;
    for bad in [token.as_str(), "", "AAAA", "é"] {
        let reply = victim.post("/sign-in", &fields(bad)).await;
        assert_refused(&reply, 403, "Allow cookies");
    }
    assert_eq!(app.trail.words(), [""; 0]);
    let again = hidden(&victim.get("/sign-in").await.text(), "token").unwrap();
    assert_eq!(victim.post("/sign-in", &fields(&again)).await.status, 303);
}

#[tokio::test]
async fn case_54_the_form_cookie_cannot_be_planted_over_https() {
    let app = TestApp::with(|settings| {
        settings.server.public_url = Some("https://good.example".parse().unwrap());
    });
    let reply = app.anon().get("!/sign-in").await;
    let cookie = &reply.cookies()[0];
    assert_eq!(cookie.name, "__Host-vestibule_form");
    for attribute in ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"] {
        assert!(cookie.has(attribute), "{cookie:?}");
    }
    // The one for plain HTTP, which a sibling host could have planted, does not count.
    let page = Browser::new(&TestApp::shared()).get("/sign-in").await;
    let plain = page.cookies()[0].clone();
    assert_eq!(plain.name, "vestibule_form");
    let mut browser = Browser::new(&app).from(Some("https://good.example"));
    browser.set_cookie("vestibule_form", &plain.value);
    let token = hidden(&browser.get("/sign-in").await.text(), "token").unwrap();
    browser.set_cookie("__Host-vestibule_form", "AAAAAAAAAAAAAAAAAAAAAA");
    let fields = [
        ("username", "bob"),
        ("password", PASSWORD),
        ("token", token.as_str()),
    ];
    let reply = browser.post("/sign-in", &fields).await;
    assert_refused(&reply, 403, "Allow cookies");
}

#[tokio::test]
async fn what_was_typed_is_text_on_the_page_never_markup() {
    let app = TestApp::shared();
    let name = "\"><script>alert(1)</script>";
    let fields = [("username", name), ("password", "x"), ("org", name)];
    let reply = Browser::new(&app).sign_in(name, &fields).await;
    assert_refused(&reply, 401, WRONG);
    assert!(!reply.text().contains("<script"), "{}", reply.text());
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_by_a_page() {
    let app = TestApp::shared();
    let reply = app
        .anon()
        .post_raw("!/sign-in", "username=a&username=b")
        .await;
    assert_eq!(reply.status, 400);
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(
        reply
            .text()
            .contains(reply.header("x-callosum-incident-id").unwrap())
    );
    let anon = app.anon();
    let reply = anon
        .send(anon.request(reqwest::Method::PUT, "!/sign-in"))
        .await;
    assert_eq!(reply.status, 405);
}

#[tokio::test]
async fn case_59_while_the_store_is_away_the_page_says_so_and_keeps_the_name() {
    let mut redis = Redis::start();
    let app = TestApp::with(|settings| on_redis(settings, &redis));
    let mut browser = Browser::new(&app);
    let page = browser.get("/sign-in").await.text();
    let token = hidden(&page, "token").unwrap();
    redis.kill();
    let fields = [
        ("username", "bob"),
        ("password", PASSWORD),
        ("to", "/v2/"),
        ("token", token.as_str()),
    ];
    let reply = browser.post("/sign-in", &fields).await;
    assert_refused(&reply, 503, "Nothing is wrong with your password");
    assert_eq!(reply.header("retry-after"), Some("1"));
    let page = reply.text();
    assert!(
        page.contains("value=\"bob\"") && !page.contains(PASSWORD),
        "{page}"
    );
    assert_eq!(hidden(&page, "to").as_deref(), Some("/v2/"));
    assert_eq!(browser.get("/sign-in").await.status, 200);
}
