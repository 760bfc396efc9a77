//! My sessions, as a browser without scripts uses it.

use crate::pages::{Browser, assert_guarded, hidden};
use crate::support::{ALICE_PASSWORD, PASSWORD, Redis, TestApp, on_redis};
use std::time::Duration;
use vestibule::domain::administration::NewUser;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0";

async fn signed_in(app: &TestApp, user: &str, password: &str) -> Browser {
    let mut browser = Browser::new(app).with("user-agent", FIREFOX);
    let fields = [("username", user), ("password", password)];
    let reply = browser.sign_in("", &fields).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    app.tick();
    browser
}

/// The handles of the sessions that can be ended, in the order of the page.
async fn endable(browser: &mut Browser) -> Vec<String> {
    let page = browser.get("/sessions").await.text();
    let links = page.split("/sessions/end?session=").skip(1);
    let handles = links.map(|rest| rest.split('"').next().unwrap().to_owned());
    handles.filter(|handle| handle != "others").collect()
}

/// Sends the form of the page that ends a session.
async fn end(browser: &mut Browser, session: &str, password: &str) -> crate::support::Reply {
    let path = format!("/sessions/end?session={session}");
    let page = browser.get(&path).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let token = hidden(&page.text(), "token").unwrap();
    let form = [
        ("session", session),
        ("password", password),
        ("token", token.as_str()),
    ];
    browser.post("/sessions/end", &form).await
}

async fn is_live(browser: &mut Browser) -> bool {
    browser.get("/callosum/v1/session/isactive").await.status == 204
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_sign_in_and_back() {
    let app = TestApp::shared();
    for path in ["/sessions", "/sessions/end?session=others"] {
        let reply = Browser::new(&app).get(path).await;
        assert_eq!(reply.status, 303);
        assert_eq!(reply.header("location"), Some("/sign-in?to=/sessions"));
    }
    let mut bearer = Browser::new(&app);
    let token = app.token("bob").await;
    bearer = bearer.with("authorization", &format!("Bearer {token}"));
    assert_eq!(bearer.get("/sessions").await.status, 303);
}

#[tokio::test]
async fn each_session_is_listed_with_device_place_and_times_and_this_one_is_marked() {
    let app = TestApp::spawn();
    app.bob().await;
    app.advance(Duration::from_mins(5));
    let mut browser = signed_in(&app, "bob", PASSWORD).await;
    let reply = browser.get("/sessions").await;
    assert_guarded(&reply);
    let page = reply.text();
    assert_eq!(page.matches("<div class=\"heading\">").count(), 2, "{page}");
    for words in [
        "Firefox on Linux",
        "this one",
        "just now",
        "5 minutes ago",
        "in 30 minutes",
        "in 25 minutes",
        "127.0.0.1",
        "datetime=\"2026-03-01T12:05:00Z\">1 Mar 2026, 12:05 UTC",
        "Primary",
        "password",
    ] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    assert_eq!(endable(&mut browser).await.len(), 1);
}

#[tokio::test]
async fn one_session_ends_after_the_password_and_its_browser_is_told_why() {
    let app = TestApp::spawn();
    let mut lost = signed_in(&app, "bob", PASSWORD).await;
    let mut kept = signed_in(&app, "bob", PASSWORD).await;
    let mut browser = signed_in(&app, "bob", PASSWORD).await;
    let handles = endable(&mut browser).await;
    // The last used first, so the lost one is the last.
    app.trail.clear();
    let reply = end(&mut browser, &handles[1], PASSWORD).await;
    assert_eq!(reply.header("location"), Some("/sessions?ended=1"));
    assert_eq!(app.trail.words(), ["session_ended"]);
    assert!(!is_live(&mut lost).await);
    assert!(is_live(&mut kept).await && is_live(&mut browser).await);
    let page = lost.get("/sign-in").await.text();
    assert!(
        page.contains("Your last session ended: you ended it elsewhere."),
        "{page}"
    );
    let page = browser.get("/sessions?ended=1").await.text();
    assert!(page.contains("One session was ended."), "{page}");
}

#[tokio::test]
async fn all_others_end_at_once_and_nobody_elses() {
    let app = TestApp::spawn();
    let mut others = [
        signed_in(&app, "bob", PASSWORD).await,
        signed_in(&app, "bob", PASSWORD).await,
    ];
    let mut alice = signed_in(&app, "alice", ALICE_PASSWORD).await;
    let mut browser = signed_in(&app, "bob", PASSWORD).await;
    let page = browser.get("/sessions/end?session=others").await.text();
    assert!(page.contains("the 2 sessions besides"), "{page}");
    let reply = end(&mut browser, "others", PASSWORD).await;
    assert_eq!(reply.header("location"), Some("/sessions?ended=2"));
    for other in &mut others {
        assert!(!is_live(other).await);
    }
    assert!(is_live(&mut browser).await && is_live(&mut alice).await);
}

#[tokio::test]
async fn case_43_a_wrong_password_ends_nothing_and_guessing_is_slowed_down() {
    let app = TestApp::spawn();
    let mut other = signed_in(&app, "bob", PASSWORD).await;
    let mut browser = signed_in(&app, "bob", PASSWORD).await;
    let handle = endable(&mut browser).await.remove(0);
    app.trail.clear();
    for wrong in ["a wrong one", "", ALICE_PASSWORD] {
        let reply = end(&mut browser, &handle, wrong).await;
        assert_eq!(reply.status, 403, "{}", reply.text());
        assert_guarded(&reply);
        assert!(reply.text().contains("That is not your password."));
    }
    assert_eq!(app.trail.words(), ["password_refused"; 3]);
    for _ in 0..3 {
        end(&mut browser, &handle, "guess").await;
    }
    let reply = end(&mut browser, &handle, PASSWORD).await;
    assert_eq!(reply.status, 429, "{}", reply.text());
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert!(reply.text().contains("You can try again in"));
    assert!(is_live(&mut other).await);
    assert!(is_live(&mut browser).await, "guesses end no session");
}

#[tokio::test]
async fn somebody_elses_session_is_as_if_it_were_not_there() {
    let app = TestApp::spawn();
    let mut alice = signed_in(&app, "alice", ALICE_PASSWORD).await;
    let mut again = signed_in(&app, "alice", ALICE_PASSWORD).await;
    let hers = endable(&mut again).await.remove(0);
    let mut bob = signed_in(&app, "bob", PASSWORD).await;
    let token = hidden(&bob.get("/sessions").await.text(), "token").unwrap();
    for handle in [hers.as_str(), "nonsense", ""] {
        let form = [
            ("session", handle),
            ("password", PASSWORD),
            ("token", token.as_str()),
        ];
        let reply = bob.post("/sessions/end", &form).await;
        assert_eq!(
            reply.header("location"),
            Some("/sessions?ended=0"),
            "{handle}"
        );
        let reply = bob.get(&format!("/sessions/end?session={handle}")).await;
        assert_eq!(
            reply.header("location"),
            Some("/sessions?ended=0"),
            "{handle}"
        );
    }
    assert!(is_live(&mut alice).await);
}

#[tokio::test]
async fn decision_3_a_form_of_another_site_or_of_another_session_does_nothing() {
    let app = TestApp::spawn();
    let mut other = signed_in(&app, "bob", PASSWORD).await;
    let mut browser = signed_in(&app, "bob", PASSWORD).await;
    let foreign = hidden(&other.get("/sessions").await.text(), "token").unwrap();
    let own = hidden(&browser.get("/sessions").await.text(), "token").unwrap();
    let form = |token| {
        [
            ("session", "others"),
            ("password", PASSWORD),
            ("token", token),
        ]
    };
    for token in [foreign.as_str(), "", "AAAA"] {
        for path in ["/sessions/end", "/sign-out"] {
            let reply = browser.post(path, &form(token)).await;
            assert_eq!(reply.status, 403, "{path}");
            assert!(
                reply
                    .header("content-type")
                    .unwrap()
                    .starts_with("text/html")
            );
        }
    }
    let mut browser = browser.from(Some("https://evil.example"));
    for path in ["/sessions/end", "/sign-out"] {
        assert_eq!(browser.post(path, &form(&own)).await.status, 403, "{path}");
    }
    assert!(is_live(&mut other).await && is_live(&mut browser).await);
}

#[tokio::test]
async fn what_people_and_programs_call_themselves_is_text_on_the_page() {
    let app = TestApp::spawn();
    let script = "<script>alert(1)</script>";
    let (administration, by) = app.administration();
    let mallory = NewUser {
        display_name: Some(script.to_owned()),
        password: Some(PASSWORD.into()),
        ..NewUser::named("mallory")
    };
    administration.create_user(mallory, &by).await.unwrap();
    let odd = app.anon().with("user-agent", "<script>alert(2)");
    assert_eq!(odd.post_login("mallory", PASSWORD).await.status, 204);
    let mut browser = signed_in(&app, "mallory", PASSWORD).await;
    let handle = endable(&mut browser).await.remove(0);
    let list = browser.get("/sessions").await;
    let ask = browser
        .get(&format!("/sessions/end?session={handle}"))
        .await;
    for reply in [&list, &ask] {
        assert_guarded(reply);
        assert!(!reply.text().contains("alert(1)</script>"));
        assert!(
            reply.text().contains("&#60;script&#62;alert"),
            "{}",
            reply.text()
        );
    }
}

#[tokio::test]
async fn without_a_password_a_fresh_session_is_proof_and_an_old_one_is_not() {
    let app = TestApp::spawn();
    let (administration, by) = app.administration();
    administration
        .create_user(NewUser::named("sso"), &by)
        .await
        .unwrap();
    let open = async || {
        let token = app.token("sso").await;
        let reply = app.anon().redeem(&[("auth_token", &token)]).await;
        app.tick();
        let mut browser = Browser::new(&app);
        let cookie = reply.session_cookie().unwrap();
        browser.set_cookie("JSESSIONID", cookie.split_once('=').unwrap().1);
        browser
    };
    let mut first = open().await;
    let mut second = open().await;
    let page = second.get("/sessions/end?session=others").await.text();
    assert!(!page.contains("type=\"password\""), "{page}");
    let reply = end(&mut second, "others", "").await;
    assert_eq!(reply.header("location"), Some("/sessions?ended=1"));
    assert!(!is_live(&mut first).await);
    let mut third = open().await;
    app.advance(Duration::from_mins(6));
    let page = third.get("/sessions/end?session=others").await.text();
    assert!(page.contains("Sign out and in again"), "{page}");
    assert!(page.contains("action=\"/sign-out\""), "{page}");
    let reply = end(&mut third, "others", "anything").await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(is_live(&mut second).await);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_says_so() {
    let app = TestApp::spawn();
    let mut browser = signed_in(&app, "bob", PASSWORD).await;
    let token = hidden(&browser.get("/sessions").await.text(), "token").unwrap();
    let reply = browser.post("/sign-out", &[("token", &token)]).await;
    assert_eq!(reply.header("location"), Some("/sign-in?left=1"));
    assert_eq!(browser.cookie("JSESSIONID"), None);
    let page = browser.get("/sign-in?left=1").await.text();
    assert!(page.contains("You are signed out."), "{page}");
    // Again, as by a second click: nothing is left to end, and that is no error.
    assert_eq!(browser.post("/sign-out", &[]).await.status, 303);
}

#[tokio::test]
async fn case_59_while_the_store_is_away_nothing_is_shown_and_nobody_is_signed_out() {
    let mut redis = Redis::start();
    let app = TestApp::with(|settings| on_redis(settings, &redis));
    let mut browser = signed_in(&app, "bob", PASSWORD).await;
    let token = hidden(&browser.get("/sessions").await.text(), "token").unwrap();
    redis.kill();
    for reply in [
        browser.get("/sessions").await,
        browser.post("/sign-out", &[("token", &token)]).await,
        browser
            .post("/sessions/end", &[("session", "others"), ("token", &token)])
            .await,
    ] {
        assert_eq!(reply.status, 503, "{}", reply.text());
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(reply.text().contains("Nothing was lost"));
    }
    assert!(browser.cookie("JSESSIONID").is_some());
}
