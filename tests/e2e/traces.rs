//! Traces as a collector gets them: who is whose child, what is said of each, and what never is.

use crate::pace;
use crate::support::{ADMIN, Collector, Home, PASSWORD, SECRET_KEY, Server, Start, text};
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;
use std::net::TcpListener;
use std::time::Duration;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
/// The bit of `SpanKind` in OTLP for a server's.
const SERVER: i32 = 2;
const ERROR: i32 = 2;

fn start(home: &Home, endpoint: &str, more: &str) -> Server {
    Start::new(home)
        .planted()
        .with("--set log.format=json")
        .with(&format!("--set telemetry.otlp_endpoint={endpoint}"))
        .with(more)
        // Batches by the second are what operators want, not tests.
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .start()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The spans of requests of that name, once there are that many.
async fn requests(collector: &Collector, name: &str, count: usize) -> Vec<Span> {
    let find = || {
        let spans = collector.spans().into_iter();
        spans.filter(|span| span.name == name).collect::<Vec<_>>()
    };
    let heard = || {
        let spans = collector.spans().into_iter();
        spans.map(|span| span.name).collect::<Vec<_>>()
    };
    for _ in 0..100 {
        if find().len() >= count {
            return find();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{name} is not in {:?}", heard());
}

fn children(collector: &Collector, of: &Span) -> Vec<String> {
    let spans = collector.spans();
    let own = spans
        .iter()
        .filter(|span| span.parent_span_id == of.span_id);
    own.map(|span| {
        assert_eq!(span.trace_id, of.trace_id);
        assert!(span.start_time_unix_nano >= of.start_time_unix_nano);
        assert!(span.end_time_unix_nano <= of.end_time_unix_nano);
        span.name.clone()
    })
    .collect()
}

const LOGIN: &str = "POST /callosum/v1/tspublic/v1/session/login";
const CHECK: &str = "GET /callosum/v1/tspublic/v1/session/isactive";

#[tokio::test]
async fn a_login_is_a_trace_with_its_hash_and_its_stores_and_names_nobody() {
    let home = Home::new();
    let collector = Collector::start();
    let server = start(&home, &collector.endpoint(), "");
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    assert_eq!(visitor.check(&cookies).await, 204);
    let wrong = visitor.try_sign_in("eve-eve-eve", "wrong horse").await;
    assert_eq!(wrong.status(), 401);
    let token = visitor.mint(ADMIN).await;
    let redeemed = visitor.redeem(&token).await;
    assert_eq!(visitor.get("/nowhere/eve-eve-eve").await.status(), 404);
    assert_eq!(visitor.get("/health/ready").await.status(), 200);

    let logins = requests(&collector, LOGIN, 2).await;
    let (login, refused) = (&logins[0], &logins[1]);
    assert_eq!(login.kind, SERVER);
    assert!(login.parent_span_id.is_empty());
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/callosum/v1/tspublic/v1/session/login"),
        ("http.response.status_code", "204"),
        ("vestibule.dialect", "thoughtspot_v1"),
    ] {
        assert_eq!(text(&login.attributes, name), value, "{name}");
    }
    assert_eq!(
        text(&refused.attributes, "http.response.status_code"),
        "401"
    );
    assert_ne!(login.trace_id, refused.trace_id);
    let incident = text(&login.attributes, "vestibule.incident");
    assert!(server.log().contains(&incident), "{incident}");

    let check = &requests(&collector, CHECK, 1).await[0];
    assert!(children(&collector, check).contains(&"sessions.check".to_owned()));
    let of_login = children(&collector, login);
    for name in [
        "directory.find_user",
        "directory.password_hash",
        "password.hash",
        "sessions.open",
    ] {
        assert!(of_login.contains(&name.to_owned()), "{name}: {of_login:?}");
    }
    let nowhere = &requests(&collector, "GET", 1).await[0];
    assert_eq!(
        text(&nowhere.attributes, "http.response.status_code"),
        "404"
    );

    assert_eq!(collector.resource("service.name"), "vestibule");
    assert_eq!(
        collector.resource("service.version"),
        env!("CARGO_PKG_VERSION")
    );
    let heads = collector.heads();
    assert!(
        heads[0].starts_with("POST /v1/traces HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert!(heads[0].contains("application/x-protobuf"), "{heads:?}");
    let server_log = server.log();
    assert!(server.stop().success());
    for span in collector.spans() {
        assert!(!span.name.contains("health"), "{}", span.name);
        let is_of_request = span.kind == SERVER || !span.parent_span_id.is_empty();
        assert!(is_of_request, "{} is nobody's", span.name);
    }
    let told = String::from_utf8_lossy(&collector.bytes()).into_owned();
    let cookie = cookies.0.split('=').nth(1).unwrap();
    let other = redeemed.0.split('=').nth(1).unwrap();
    for secret in [
        ADMIN,
        PASSWORD,
        SECRET_KEY,
        "eve-eve",
        "wrong horse",
        &token,
        &cookie[..20],
        &other[..20],
        "127.0.0.1",
    ] {
        assert!(!told.contains(secret), "{secret}");
    }
    // The log is what it is without traces: nothing of a span gets into its lines.
    for line in server_log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let fields = line.as_object().unwrap();
        assert!(
            !fields.contains_key("span") && !fields.contains_key("spans"),
            "{line}"
        );
        assert!(
            !line["target"].as_str().unwrap().contains("spans"),
            "{line}"
        );
    }
}

async fn ask(server: &Server, traceparent: &str) {
    let _provider = server.visitor();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/callosum/v1/tspublic/v1/session/isactive", server.http());
    let request = client.get(url).header("traceparent", traceparent);
    let reply = request.header("tracestate", "vendor=words").send().await;
    assert_eq!(reply.unwrap().status(), 401);
}

#[tokio::test]
async fn a_callers_trace_goes_on_and_strangers_do_not_decide_whether_it_is_kept() {
    let home = Home::new();
    let collector = Collector::start();
    let server = start(&home, &collector.endpoint(), "");
    ask(&server, &format!("00-{TRACE}-{PARENT}-01")).await;
    ask(&server, &format!("00-{TRACE}-{PARENT}-00")).await;
    ask(&server, "00-nonsense").await;
    let spans = requests(&collector, CHECK, 3).await;
    for span in &spans[..2] {
        assert_eq!(hex(&span.trace_id), TRACE);
        assert_eq!(hex(&span.parent_span_id), PARENT);
        assert_eq!(span.trace_state, "", "a stranger's words stay out");
    }
    assert_ne!(hex(&spans[2].trace_id), TRACE);
    assert!(spans[2].parent_span_id.is_empty());
    assert!(server.stop().success());
}

#[tokio::test]
async fn a_trusted_proxy_decides_which_of_its_requests_are_traced() {
    let home = Home::new();
    let collector = Collector::start();
    let trusted = "--set server.trusted_proxies=127.0.0.1";
    let server = start(&home, &collector.endpoint(), trusted);
    ask(&server, &format!("00-{TRACE}-{PARENT}-00")).await;
    ask(&server, &format!("00-{TRACE}-{PARENT}-01")).await;
    let spans = requests(&collector, CHECK, 1).await;
    // A stopping server sends all it has, so what is not here now was never on its way.
    assert!(server.stop().success());
    assert_eq!(requests(&collector, CHECK, 1).await.len(), 1);
    assert_eq!(hex(&spans[0].trace_id), TRACE);
    assert_eq!(spans[0].trace_state, "vendor=words");
}

#[tokio::test]
async fn a_store_that_is_away_shows_in_the_trace() {
    let redis = crate::support::Redis::start();
    let home = Home::on(&redis);
    let collector = Collector::start();
    let server = start(&home, &collector.endpoint(), "");
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    drop(redis);
    assert_eq!(visitor.check(&cookies).await, 503);
    let check = &requests(&collector, CHECK, 1).await[0];
    assert_eq!(check.status.as_ref().unwrap().code, ERROR);
    let find = || {
        let spans = collector.spans().into_iter();
        spans
            .filter(|span| span.parent_span_id == check.span_id)
            .find(|span| span.name == "sessions.check")
    };
    let store = find().unwrap();
    assert_eq!(store.status.as_ref().unwrap().code, ERROR);
    assert_eq!(text(&store.attributes, "vestibule.result"), "unavailable");
}

#[tokio::test]
async fn a_collector_that_is_away_or_silent_keeps_nobody_waiting() {
    // One refuses, the other accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = closed.local_addr().unwrap();
    drop(closed);
    for (address, is_told) in [(away, true), (silent.local_addr().unwrap(), false)] {
        let home = Home::new();
        let server = start(&home, &format!("http://{address}"), "");
        let visitor = server.visitor();
        for _ in 0..40 {
            let (cookies, took) = pace::timed(visitor.sign_in_as_admin()).await;
            assert!(took < Duration::from_secs(2), "{took:?}");
            let (status, took) = pace::timed(visitor.check(&cookies)).await;
            assert_eq!(status, 204);
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
        if is_told {
            server.logs("traces do not reach the collector").await;
            let times = server.log().matches("traces do not reach").count();
            assert_eq!(times, 1, "once, not each time");
        }
        let began = pace::now();
        assert!(server.stop().success());
        let took = pace::now().saturating_sub(began);
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
}
