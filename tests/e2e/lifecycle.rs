//! Start, stop, start again: what is kept, what is printed, who is let in.

use crate::support::{
    ADMIN, Home, PASSWORD, Ran, Redis, SECRET_KEY, Server, reply_of, until, with_each_store,
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

with_each_store!(
    sigterm_lets_the_request_under_way_finish_and_keeps_sessions,
    a_restart_keeps_sessions_and_tokens,
    case_56_secrets_given_or_drawn_are_in_no_file_and_no_log,
    a_server_is_ready_and_alive,
);

/// A login whose body is still to come, once the server has said that it waits for it.
fn half_a_login(server: &Server) -> (TcpStream, &'static str) {
    let body = "username=tsadmin&password=p1anted+pa+ss%2Bw%26rd%3D1";
    let host = server.http().strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    write!(
        connection,
        "POST /callosum/v1/session/login HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    let mut asked_for = [0; 25];
    connection.read_exact(&mut asked_for).unwrap();
    assert_eq!(&asked_for, b"HTTP/1.1 100 Continue\r\n\r\n");
    (connection, body)
}

async fn sigterm_lets_the_request_under_way_finish_and_keeps_sessions(home: Home) {
    let server = home.server().planted().start();
    let cookies = server.visitor().sign_in_as_admin().await;
    let (mut connection, body) = half_a_login(&server);
    server.signal("TERM");
    let host = server.http().strip_prefix("http://").unwrap().to_owned();
    until("new connections are refused", async || {
        TcpStream::connect(&host).is_err()
    })
    .await;

    connection.write_all(body.as_bytes()).unwrap();
    let mut reply = String::new();
    connection.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 204"), "{reply}");
    let (_, rest) = reply.split_once("JSESSIONID=").unwrap();
    let late = crate::support::Cookies(format!("JSESSIONID={}", rest.split(';').next().unwrap()));
    assert_eq!(server.wait().code(), Some(0));
    assert!(!home.data().join("operator.sock").exists());

    let server = home.server().start();
    assert_eq!(server.visitor().check(&cookies).await, 204);
    assert_eq!(server.visitor().check(&late).await, 204);
}

#[tokio::test]
async fn sighup_rotates_the_audit_trail_and_ends_nothing() {
    let home = Home::new();
    let server = home.server().planted().start();
    let cookies = server.visitor().sign_in_as_admin().await;
    let (mut connection, body) = half_a_login(&server);
    let trail = home.data().join("audit.jsonl");
    let moved = home.data().join("audit.jsonl.1");
    std::fs::rename(&trail, &moved).unwrap();
    server.signal("HUP");
    server.logs("audit file opened anew").await;
    server.logs("certificate reloaded").await;

    // The request that was open is answered, and the new file tells of it.
    write!(connection, "{body}").unwrap();
    let mut head = [0; 12];
    connection.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 204");
    assert_eq!(server.visitor().check(&cookies).await, 204);
    let logins = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.matches(r#""event":"login""#).count()
    };
    until("the login is in the new file", async || logins(&trail) == 1).await;
    assert_eq!(logins(&moved), 1);
    assert_eq!(server.stop().code(), Some(0));
}

async fn a_restart_keeps_sessions_and_tokens(home: Home) {
    let server = home.server().planted().start();
    let visitor = server.visitor();
    let ended = visitor.sign_in_as_admin().await;
    let kept = visitor.sign_in_as_admin().await;
    let token = visitor.mint(ADMIN).await;
    assert_eq!(visitor.sign_out(&ended).await, 204);
    assert_eq!(server.stop().code(), Some(0));

    let server = home.server().start();
    let visitor = server.visitor();
    assert_eq!(visitor.check(&kept).await, 204);
    assert_eq!(visitor.check(&ended).await, 401);
    visitor.redeem(&token).await;
    assert_eq!(server.stop().code(), Some(0));
}

async fn case_56_secrets_given_or_drawn_are_in_no_file_and_no_log(home: Home) {
    let first = home.server().with("--set log.level=trace").start();
    let (drawn_password, drawn_key) = drawn(&first);
    let cookies = first.visitor().sign_in(ADMIN, &drawn_password).await;
    first
        .visitor()
        .try_sign_in(ADMIN, "wrong-pl4nted-password")
        .await;
    let reply = first.visitor().try_mint(&drawn_key, ADMIN).await;
    let token = reply.text().await.unwrap();
    first.visitor().redeem(&token).await;
    assert_eq!(first.stop().code(), Some(0));

    let second = home.server().with("--set log.level=trace").start();
    assert!(!second.greeting.contains("First start"));
    assert!(!second.greeting.contains(&drawn_password));
    assert!(!second.greeting.contains(&drawn_key));
    assert_eq!(second.visitor().check(&cookies).await, 204);
    drop(second);

    let session = cookies.0.split(['=', ';']).nth(1).unwrap().to_owned();
    let secrets = [
        drawn_password,
        drawn_key,
        "wrong-pl4nted-password".to_owned(),
        token,
        session,
    ];
    assert_in_no_file(home.path(), &secrets);
}

/// The password and key of a first start, out of its greeting.
fn drawn(server: &Server) -> (String, String) {
    let after = |label: &str| {
        let mut lines = server.greeting.lines();
        let line = lines.find_map(|line| line.trim_start().strip_prefix(label));
        line.expect(label).trim().to_owned()
    };
    (after("password "), after("secret key "))
}

fn assert_in_no_file(folder: &Path, secrets: &[String]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_in_no_file(&path, secrets);
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for secret in secrets {
                let is_there = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!is_there, "{} holds {secret}", path.display());
            }
        }
    }
}

async fn a_server_is_ready_and_alive(home: Home) {
    let server = home.server().start();
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(server.visitor().get(path).await.status(), 200, "{path}");
    }
    let answer = health(&home, &server).json();
    assert_eq!(answer["status"], "ready");
    let address = server.http().to_owned();
    server.stop();
    let line = format!("health --http {}", address.strip_prefix("http://").unwrap());
    assert!(home.run(&line).refusal().contains("/health/ready"));
}

/// What the container's health check runs.
fn health(home: &Home, server: &Server) -> Ran {
    let address = server.http().strip_prefix("http://").unwrap();
    home.run(&format!("health --http {address}"))
}

#[tokio::test]
async fn case_56_redis_holds_no_session_id_and_no_token() {
    let redis = Redis::start();
    let home = Home::on(&redis);
    let server = home.server().planted().start();
    let cookies = server.visitor().sign_in_as_admin().await;
    let token = server.visitor().mint(ADMIN).await;
    let dump = redis.dump();
    assert!(dump.windows(7).any(|window| window == b"tsadmin"));
    let session = cookies.0.split(['=', ';']).nth(1).unwrap();
    for secret in [session, &token, SECRET_KEY, PASSWORD] {
        let found = dump
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{secret}");
    }
}

#[tokio::test]
async fn secrets_given_by_the_environment_work_and_are_not_printed() {
    let home = Home::new();
    let server = home.server().planted().start();
    assert!(!server.greeting.contains(PASSWORD), "{}", server.greeting);
    assert!(!server.greeting.contains(SECRET_KEY), "{}", server.greeting);
    server.visitor().sign_in_as_admin().await;
    server.visitor().mint(ADMIN).await;
    assert_in_no_file(home.path(), &[PASSWORD.to_owned(), SECRET_KEY.to_owned()]);
}

#[tokio::test]
async fn case_59_a_server_whose_redis_is_gone_is_alive_not_ready_and_says_why() {
    let mut redis = Redis::start();
    let home = Home::on(&redis);
    let server = home.server().planted().start();
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    redis.kill();
    let (status, body) = reply_of(visitor.get("/health/ready").await).await;
    assert_eq!(status, 503, "{body}");
    let asked = health(&home, &server);
    assert_eq!(asked.code, 1);
    assert!(asked.out.contains("away"), "{asked:?}");
    assert_eq!(body["sessions"], "away");
    assert_eq!(body["directory"], "ok");
    assert_eq!(visitor.get("/health/live").await.status(), 200);
    assert_eq!(visitor.check(&cookies).await, 503);
    // Nothing left to wait for: a stop is a stop.
    assert_eq!(server.stop().code(), Some(0));
}

#[tokio::test]
async fn a_start_without_its_redis_fails_and_does_not_print_the_password() {
    let home = Home::new();
    let line = "serve --http 127.0.0.1:0 --https off \
                --set sessions.store=redis://user:pl4nted@127.0.0.1:1/0";
    let error = home.run(line).refusal();
    assert!(error.contains("sessions.store"), "{error}");
    assert!(!error.contains("pl4nted"), "{error}");
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let home = Home::new();
    let server = home.server().start();
    let error = home
        .run("serve --http 127.0.0.1:0 --https 127.0.0.1:0")
        .refusal();
    let holder = format!("(process {})", server.process());
    assert!(error.contains("another vestibule"), "{error}");
    assert!(error.contains(&holder), "{error}");
    assert_eq!(server.visitor().get("/health/live").await.status(), 200);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::new();
    let line = format!("serve --https off --http {address}");
    let error = home.run(&line).refusal();
    assert!(error.contains("server.http"), "{error}");
    assert!(error.contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn it_runs_from_any_folder_and_keeps_what_it_owns_to_its_owner() {
    let home = Home::new();
    let data = home.data();
    let server = home.server().in_folder("/").start();
    assert_eq!(server.visitor().get("/health/ready").await.status(), 200);
    let mode = |name: &str| {
        let metadata = std::fs::symlink_metadata(data.join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("."), 0o700);
    for private in [
        "operator.sock",
        "directory.db",
        "audit.jsonl",
        "vestibule.lock",
        "certs/ca.key",
        "certs/localhost.key",
    ] {
        assert_eq!(mode(private), 0o600, "{private}");
    }
}
