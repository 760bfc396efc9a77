//! `MicroStrategy`'s login dialog: to the provider and back with that dialect's cookies.

use super::{HOST, Stage, encoded, parameter};
use crate::slapd::{LENA_WORD, OTHER_WORD, SERVICE_WORD, Slapd};
use crate::support::{PASSWORD, Reply};
use reqwest::Method;
use vestibule::settings::LoginMode;

const DIALOG: &str = "!/MicroStrategyLibrary/auth/login-dialog.jsp";
const LOGIN: &str = "!/MicroStrategyLibrary/auth/login";
const OIDC: &str = "4194304";

#[tokio::test]
async fn in_the_same_tab_it_ends_at_the_address_with_cookies_that_have_a_token() {
    let stage = Stage::new();
    let target = "https://app.example.com/dossier#p1";
    let path = format!("{DIALOG}?loginMode={OIDC}&redirectURL={}", encoded(target));
    let (reply, client) = stage.follow(&stage.app.anon(), &path).await;
    let back = stage.at_provider(&reply, "lena").await;
    let reply = client.get(&back).await;
    assert_eq!(reply.status, 302, "{}", reply.text());
    assert_eq!(reply.header("location"), Some(target));
    // The dialect's own path: the browser may have a session of the other dialects beside it.
    assert!(reply.cookies()[0].has("Path=/MicroStrategyLibrary"));
    let cookie = reply.session_cookie().unwrap();
    let library = stage.app.anon().with_cookie(&cookie);
    let token = library.get("!/MicroStrategyLibrary/api/auth/token").await;
    assert_eq!(token.status, 204);
    let token = token.header("x-mstr-authtoken").unwrap().to_owned();
    let who = library
        .with("x-mstr-authtoken", &token)
        .get("!/MicroStrategyLibrary/api/sessions/userInfo")
        .await;
    assert_eq!(who.status, 200, "{}", who.text());
    assert!(who.text().contains("Lena Lind"), "{}", who.text());
}

#[tokio::test]
async fn in_a_tab_of_its_own_it_tells_the_origin_it_was_given_and_no_other() {
    let stage = Stage::new();
    let path = format!(
        "{DIALOG}?loginMode={OIDC}&callback-origin={}",
        encoded(HOST)
    );
    let (reply, client) = stage.follow(&stage.app.anon(), &path).await;
    let back = stage.at_provider(&reply, "lena").await;
    let reply = client.get(&back).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains(&format!("data-origin=\"{HOST}\"")));
    assert!(reply.session_cookie().is_some());
}

#[tokio::test]
async fn case_01_neither_another_address_nor_another_origin_is_taken() {
    let stage = Stage::new();
    for query in [
        "redirectURL=https%3A%2F%2Fevil.example",
        "callback-origin=https%3A%2F%2Fevil.example",
        "callback-origin=*",
        "callback-origin=null",
        "redirectURL=https%3A%2F%2Fapp.example.com&callback-origin=https%3A%2F%2Fapp.example.com",
    ] {
        for mode in [OIDC, "1", ""] {
            let path = format!("{DIALOG}?loginMode={mode}&{query}");
            let reply = stage.app.anon().get(&path).await;
            assert_eq!(reply.status, 400, "{query}");
            assert_eq!(reply.header("location"), None);
            let form = [("loginMode", mode), ("redirectURL", "https://evil.example")];
            let reply = stage
                .app
                .anon()
                .post("!/MicroStrategyLibrary/auth/login", &form)
                .await;
            assert_eq!(reply.status, 400, "{query}");
        }
    }
}

#[tokio::test]
async fn without_a_mode_there_is_a_form_that_works_by_itself() {
    let stage = Stage::new();
    let page = stage.app.anon().get(DIALOG).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Company account"), "{}", page.text());
    let form = |password| {
        [
            ("loginMode", "1"),
            ("redirectURL", "https://app.example.com/x"),
            ("callback-origin", ""),
            ("username", "bob"),
            ("password", password),
        ]
    };
    let client = stage.app.anon();
    let wrong = client
        .post("!/MicroStrategyLibrary/auth/login", &form("wrong"))
        .await;
    assert_eq!(wrong.status, 401);
    assert!(
        wrong.text().contains("wrong, or the account"),
        "{}",
        wrong.text()
    );
    assert_eq!(wrong.session_cookie(), None);
    let right = client
        .post("!/MicroStrategyLibrary/auth/login", &form(PASSWORD))
        .await;
    assert_eq!(right.status, 302, "{}", right.text());
    assert_eq!(right.header("location"), Some("https://app.example.com/x"));
    assert!(right.session_cookie().is_some());
    let foreign = client.with("origin", "https://evil.example");
    let reply = foreign
        .post("!/MicroStrategyLibrary/auth/login", &form(PASSWORD))
        .await;
    assert_eq!(reply.status, 403);
}

#[tokio::test]
async fn a_mode_without_a_provider_is_off() {
    let stage = Stage::new();
    let modes = stage
        .app
        .anon()
        .get("!/MicroStrategyLibrary/api/config/authModes")
        .await;
    assert!(modes.text().contains(OIDC), "{}", modes.text());
    assert!(!modes.text().contains("1048576"), "{}", modes.text());
    let reply = stage
        .app
        .anon()
        .get(&format!("{DIALOG}?loginMode=1048576"))
        .await;
    assert_ne!(reply.status, 302);
}

/// The mode that the form of a page would send.
fn hidden_mode(page: &Reply) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("name=\"loginMode\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn the_form_is_for_the_mode_asked_for_and_never_for_another() {
    let slapd = Slapd::start();
    let mut ldap = slapd.settings();
    ldap.create_users = true;
    let stage = Stage::with(|settings| settings.ldap = ldap);
    for word in [LENA_WORD, OTHER_WORD, SERVICE_WORD] {
        stage.app.plant(word);
    }
    let client = stage.app.anon();
    for (asked, shown) in [("1", "1"), ("16", "16"), ("", "1")] {
        let page = client.get(&format!("{DIALOG}?loginMode={asked}")).await;
        assert_eq!((page.status, hidden_mode(&page).as_str()), (200, shown));
    }
    // A local user with the right password of mode 1, which the company directory must judge.
    let form = |mode, user, password| {
        [
            ("loginMode", mode),
            ("redirectURL", "https://app.example.com/x"),
            ("username", user),
            ("password", password),
        ]
    };
    let wrong = client.post(LOGIN, &form("16", "bob", PASSWORD)).await;
    assert_eq!((wrong.status, hidden_mode(&wrong).as_str()), (401, "16"));
    let right = client.post(LOGIN, &form("16", "lena", LENA_WORD)).await;
    assert_eq!(right.status, 302, "{}", right.text());
}

#[tokio::test]
async fn a_mode_without_a_dialog_is_400_even_when_it_is_on() {
    let stage = Stage::with(|settings| {
        settings.microstrategy.login_modes.push(LoginMode::Guest);
        settings.microstrategy.guest_user = Some("bob".to_owned());
    });
    let client = stage.app.anon();
    for mode in ["8", "64", "4096", "-1", "2", "x"] {
        let page = client.get(&format!("{DIALOG}?loginMode={mode}")).await;
        let form = [
            ("loginMode", mode),
            ("username", "bob"),
            ("password", PASSWORD),
        ];
        let posted = client.post(LOGIN, &form).await;
        for reply in [page, posted] {
            assert_eq!(reply.status, 400, "{mode}: {}", reply.text());
            assert!(reply.text().contains("loginMode"), "{}", reply.text());
            assert!(!reply.text().contains("switched off"), "{}", reply.text());
            assert!(!reply.text().contains("type=\"password\""));
            assert_eq!(reply.session_cookie(), None);
        }
    }
}

#[tokio::test]
async fn without_a_mode_a_post_is_mode_1_and_that_may_be_off() {
    let stage = Stage::with(|settings| {
        settings.microstrategy.login_modes = vec![LoginMode::ApiToken, LoginMode::Oidc];
    });
    let form = [("username", "bob"), ("password", PASSWORD)];
    let reply = stage.app.anon().post(LOGIN, &form).await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert_eq!(reply.session_cookie(), None);
}

/// A refusal that a person can read, with a way on.
fn expect_page(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.text());
    let kind = reply.header("content-type").unwrap();
    assert!(kind.starts_with("text/html"), "{kind}");
    assert!(!reply.text().contains("ERR0"), "{}", reply.text());
    assert_eq!(reply.session_cookie(), None);
}

#[tokio::test]
async fn a_throttled_person_gets_the_form_again_and_is_told_how_long() {
    let stage = Stage::new();
    let client = stage.app.anon();
    let form = [
        ("loginMode", "1"),
        ("callback-origin", HOST),
        ("username", "dora"),
        ("password", "wrong"),
    ];
    let mut reply = client.post(LOGIN, &form).await;
    for _ in 0..8 {
        if reply.status == 429 {
            break;
        }
        expect_page(&reply, 401);
        reply = client.post(LOGIN, &form).await;
    }
    expect_page(&reply, 429);
    assert!(reply.header("retry-after").is_some());
    let text = reply.text();
    assert!(text.contains("try again in"), "{text}");
    assert!(text.contains("value=\"dora\""), "{text}");
    assert!(text.contains(&format!("value=\"{HOST}\"")), "{text}");
    assert!(text.contains("<title>Error: "), "{text}");
}

#[tokio::test]
async fn a_provider_that_is_away_is_a_page_with_the_other_ways_and_the_same_end() {
    let stage = Stage::with(|settings| {
        // Nobody listens there.
        settings.sso[0].issuer = Some("http://127.0.0.1:9/".parse().unwrap());
    });
    let target = "https://app.example.com/dossier#p1";
    let path = format!("{DIALOG}?loginMode={OIDC}&redirectURL={}", encoded(target));
    let reply = stage.app.anon().get(&path).await;
    expect_page(&reply, 503);
    assert!(reply.header("retry-after").is_some());
    assert_eq!(hidden_mode(&reply), "1");
    let text = reply.text();
    assert!(text.contains(&format!("value=\"{target}\"")), "{text}");
    assert!(text.contains("Company account"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_with_the_address_is_a_page_and_so_is_a_foreign_form() {
    let stage = Stage::new();
    let client = stage.app.anon();
    let bad = format!("{DIALOG}?redirectURL=https%3A%2F%2Fevil.example");
    let reply = client.get(&bad).await;
    expect_page(&reply, 400);
    let text = reply.text();
    assert!(text.contains("The parameter redirectURL "), "{text}");
    assert!(!text.contains("=\"https://evil.example"), "{text}");
    let twice = client
        .get(&format!("{DIALOG}?loginMode=1&loginMode=16"))
        .await;
    expect_page(&twice, 400);
    let no_dialog = format!("{DIALOG}?loginMode=8&callback-origin={}", encoded(HOST));
    let reply = client.get(&no_dialog).await;
    expect_page(&reply, 400);
    // The way on is the dialog with the same end.
    let way = "login-dialog.jsp?callback-origin=https%3A%2F%2Fapp%2Eexample%2Ecom";
    assert!(reply.text().contains(way), "{}", reply.text());
    let form = [("username", "bob"), ("password", PASSWORD)];
    let foreign = client.with("origin", "https://evil.example");
    expect_page(&foreign.post(LOGIN, &form).await, 403);
}

#[tokio::test]
async fn whom_the_provider_refuses_is_led_back_to_the_dialog_and_not_to_a_session_of_others() {
    let stage = Stage::new();
    let path = format!(
        "{DIALOG}?loginMode={OIDC}&callback-origin={}",
        encoded(HOST)
    );
    let (reply, client) = stage.follow(&stage.app.anon(), &path).await;
    let handle = parameter(&reply, "state").unwrap();
    let back = format!("!/callosum/v1/oidc/callback?state={handle}&error=access_denied");
    let reply = client.get(&back).await;
    expect_page(&reply, 401);
    let way = "/MicroStrategyLibrary/auth/login-dialog.jsp?callback-origin=https%3A%2F%2Fapp%2E";
    assert!(reply.text().contains(way), "{}", reply.text());
    assert!(!reply.text().contains("href=\"/\""), "{}", reply.text());
}

#[tokio::test]
async fn whether_the_dialog_is_there_can_be_asked_without_a_sign_in_beginning() {
    let stage = Stage::new();
    let path = format!(
        "{DIALOG}?loginMode={OIDC}&callback-origin={}",
        encoded(HOST)
    );
    let client = stage.app.anon();
    let reply = client.send(client.request(Method::HEAD, &path)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.cookies().is_empty() && reply.body.is_empty());
    assert_eq!(client.get(&path).await.status, 302);
}
