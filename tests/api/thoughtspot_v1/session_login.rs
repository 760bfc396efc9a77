//! `POST session/login` where it succeeds, and the forms it reads.

use crate::support::{ALICE_PASSWORD, PASSWORD, TestApp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;

/// A form of 200 022 bytes, compressed to a few hundred.
const BOMB: &str = "H4sIAAAAAAACA+3BQQ3AIBAAMDe4QMyR8WQsXBbso4F/2z/7emP02mYrX2TuuZ4aAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAMC1A+k6G1RWDQMA";

#[tokio::test]
async fn a_login_answers_204_with_jsessionid_first_then_client_id_and_an_empty_body() {
    let app = TestApp::shared();
    let reply = app.anon().post_login("alice", ALICE_PASSWORD).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.body, b"");
    let names: Vec<String> = reply.cookies().into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["JSESSIONID", "clientId"]);
    for cookie in reply.cookies() {
        // No Max-Age: the browser forgets it when it closes.
        assert_eq!(cookie.attributes, ["Path=/", "HttpOnly", "SameSite=Lax"]);
    }
    assert_eq!(reply.cookies()[1].value.len(), 36);
}

#[tokio::test]
async fn all_three_prefixes_open_the_same_door() {
    let app = TestApp::shared();
    let prefixes = ["/callosum/v1/tspublic/v1", "/callosum/v1", "/tspublic/v1"];
    for prefix in prefixes {
        let mut client = app.anon().under(prefix);
        let reply = client.post_login("alice", ALICE_PASSWORD).await;
        assert_eq!(reply.status, 204, "{prefix}");
        client.keep(&reply);
        for other in prefixes {
            assert_eq!(client.under(other).is_active().await, 204, "{other}");
        }
    }
}

#[tokio::test]
async fn a_remembered_login_says_how_long_the_browser_keeps_it() {
    let app = TestApp::shared();
    for yes in ["true", "True", "TRUE", "1"] {
        let form = [
            ("username", "bob"),
            ("password", PASSWORD),
            ("rememberme", yes),
        ];
        let reply = app.anon().post("/session/login", &form).await;
        for cookie in reply.cookies() {
            assert!(cookie.has("Max-Age=1209600"), "{yes}: {cookie:?}");
        }
    }
    for no in ["false", "False", "0", ""] {
        let form = [
            ("username", "bob"),
            ("password", PASSWORD),
            ("rememberme", no),
        ];
        let reply = app.anon().post("/session/login", &form).await;
        assert_eq!(reply.status, 204);
        assert!(
            reply.cookies()[0]
                .attributes
                .iter()
                .all(|a| !a.starts_with("Max-Age"))
        );
    }
    let form = [
        ("username", "bob"),
        ("password", PASSWORD),
        ("rememberme", "perhaps"),
    ];
    let reply = app.anon().post("/session/login", &form).await;
    reply.expect_error(400, 10002, "rememberme");
}

#[tokio::test]
async fn orgid_is_honoured_and_a_foreign_one_refused() {
    let app = TestApp::spawn();
    let sales = app.sales.to_string();
    let log_in = async |user: &str, password: &str, org: &str| {
        let form = [("username", user), ("password", password), ("orgid", org)];
        let mut client = app.anon();
        let reply = client.post("/session/login", &form).await;
        client.keep(&reply);
        (client, reply)
    };
    let (alice, _) = log_in("alice", ALICE_PASSWORD, &sales).await;
    assert_eq!(alice.info().await.json()["currentOrgId"], app.sales.0);
    // The next login goes where the last one went; an empty number counts as none.
    let (alice, _) = log_in("alice", ALICE_PASSWORD, "").await;
    assert_eq!(alice.info().await.json()["currentOrgId"], app.sales.0);
    let (alice, _) = log_in("alice", ALICE_PASSWORD, "0").await;
    assert_eq!(alice.info().await.json()["currentOrgId"], 0);

    for org in [sales.as_str(), "12345", "-1"] {
        let (_, reply) = log_in("bob", PASSWORD, org).await;
        let words = format!("orgid: you do not have access to org {org};");
        reply.expect_error(400, 13090, &words);
    }
    let (_, reply) = log_in("bob", PASSWORD, "zero").await;
    reply.expect_error(400, 10002, "orgid");
    // Without the password nobody learns who belongs where.
    let (_, reply) = log_in("bob", "wrong wrong", &sales).await;
    reply.expect_error(401, 10003, "password");
}

#[tokio::test]
async fn a_missing_or_empty_parameter_is_named() {
    let app = TestApp::shared();
    for (body, word) in [
        ("", "username"),
        ("password=x", "username"),
        ("username=&password=x", "username"),
        ("username=alice", "password"),
        ("username=alice&password=", "password"),
        ("username=alice&username=bob&password=x", "username"),
        ("username=alice&password=x&password=y", "password"),
        ("username=%ff&password=x", "username"),
        ("username=alice&password=%c0%af", "password"),
    ] {
        let reply = app.anon().post_raw("/session/login", body).await;
        reply.expect_error(400, 10002, word);
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_a_query_is_not_a_form() {
    let app = TestApp::shared();
    let form = [
        ("username", "bob"),
        ("password", PASSWORD),
        ("group_identifiers", "x"),
    ];
    let reply = app.anon().post("/session/login", &form).await;
    assert_eq!(reply.status, 204);
    // Were a password read from the address, it would end in logs.
    let query = [("username", "bob"), ("password", PASSWORD)];
    let request = app
        .anon()
        .request(Method::POST, "/session/login")
        .query(&query);
    let reply = app.anon().send(request).await;
    reply.expect_error(400, 10002, "username");
}

#[tokio::test]
async fn case_47_only_a_form_in_utf8_is_read() {
    let app = TestApp::shared();
    let body = "username=bob&password=battery+staple";
    for (kind, status) in [
        ("application/x-www-form-urlencoded", 204),
        ("Application/X-WWW-Form-Urlencoded; charset=UTF-8", 204),
        ("application/x-www-form-urlencoded; charset=utf-16", 415),
        ("application/json", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ] {
        let request = app
            .anon()
            .request(Method::POST, "/session/login")
            .header("content-type", kind)
            .body(body);
        let reply = app.anon().send(request).await;
        assert_eq!(reply.status, status, "{kind:?}");
    }
    let request = app
        .anon()
        .request(Method::POST, "/session/login")
        .body(body);
    assert_eq!(app.anon().send(request).await.status, 204, "no type at all");
}

#[tokio::test]
async fn case_47_a_body_beyond_the_limit_or_with_ten_thousand_fields_is_refused() {
    let app = TestApp::with(|settings| settings.server.max_body_bytes = 300_000);
    let large = format!("username=bob&password={}", "x".repeat(300_000));
    let reply = app.anon().post_raw("/session/login", large).await;
    reply.expect_error(413, 10002, "larger");
    let many = format!("username=bob&password=x{}", "&f=1".repeat(10_000));
    let reply = app.anon().post_raw("/session/login", many).await;
    reply.expect_error(400, 10002, "1000 parameters");
}

#[tokio::test]
async fn a_body_in_pieces_without_a_length_is_read_whole() {
    let app = TestApp::shared();
    let pieces = "3\r\nuse\r\n1f\r\nrname=bob&password=battery+stap\r\n2\r\nle\r\n0\r\n\r\n";
    let head = "POST /callosum/v1/session/login HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
        content-type: application/x-www-form-urlencoded\r\nconnection: close\r\n\r\n";
    let (answer, _) =
        crate::support::exchange(app.address, format!("{head}{pieces}").as_bytes()).await;
    let (status, head) = crate::support::split(&answer);
    assert_eq!(status, 204, "{answer}");
    assert!(head.contains("set-cookie: jsessionid="));
}

#[tokio::test]
async fn case_47_a_packed_body_is_refused_in_each_dialects_words_and_never_unpacked() {
    let app = TestApp::shared();
    let packed = STANDARD.decode(BOMB).unwrap();
    let form = "application/x-www-form-urlencoded";
    for (path, kind, status) in [
        ("!/callosum/v1/session/login", form, 415),
        ("!/api/rest/2.0/auth/session/login", "application/json", 415),
        ("!/sign-in", form, 415),
        (
            "!/MicroStrategyLibrary/api/auth/login",
            "application/json",
            400,
        ),
        ("!/MicroStrategyLibrary/api/auth/login", form, 400),
    ] {
        for encoding in ["gzip", "deflate", "br", "identity, gzip", "x"] {
            let request = app
                .anon()
                .request(Method::POST, path)
                .header("content-type", kind)
                .header("content-encoding", encoding)
                .body(packed.clone());
            let reply = app.anon().send(request).await;
            assert_eq!(reply.status, status, "{path} {encoding}: {}", reply.text());
            let plain = (status == 415).then_some("identity");
            assert_eq!(reply.header("accept-encoding"), plain, "{path}");
        }
    }
    let request = app
        .anon()
        .request(Method::POST, "/session/login")
        .header("content-type", form)
        .header("content-encoding", "identity")
        .body("username=bob&password=battery+staple");
    assert_eq!(app.anon().send(request).await.status, 204);
}
