//! The operations listener and the access log: interfaces that dashboards and log collectors are built on.

use crate::support::{
    ADMIN, Home, PASSWORD, Redis, SECRET_KEY, Server, Start, Visitor, reply_of, until,
};
use serde_json::Value;
use vestibule::server::meters::{COUNTERS, GAUGES, TIMES};

/// Each line of the JSON log.
fn log_lines(server: &Server) -> Vec<Value> {
    let log = server.log();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

/// The operations listener of a server with a JSON log.
/// The listener for metrics, of a server that logs JSON.
pub fn operations(server: &Server) -> Visitor {
    let lines = log_lines(server);
    let line = lines
        .iter()
        .find(|line| line["message"] == "metrics and health on a listener of their own")
        .expect("no line about the listener");
    Visitor::of(&format!("http://{}", line["address"].as_str().unwrap()))
}

async fn scrape(operations: &Visitor) -> String {
    let reply = operations.get("/metrics").await;
    assert_eq!(reply.status(), 200);
    let kind = reply.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    reply.text().await.unwrap()
}

/// The sum over all series of that name whose labels hold all these words.
fn value(metrics: &str, name: &str, labels: &[&str]) -> f64 {
    let series = metrics.lines().filter(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    let values = series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
    values.sum()
}

fn assert_near(metrics: &str, name: &str, labels: &[&str], expected: f64) {
    let found = value(metrics, name, labels);
    assert!(
        (found - expected).abs() < 0.001,
        "{name} {labels:?}: {found}\n{metrics}"
    );
}

fn start(home: &Home) -> Server {
    Start::new(home)
        .planted()
        .with("--set metrics.listen=127.0.0.1:0 --set log.format=json")
        .start()
}

/// Something of everything: logins good and bad, a token good and bad, checks, an unknown path.
async fn walk(visitor: &Visitor) {
    let cookies = visitor.sign_in_as_admin().await;
    assert_eq!(visitor.check(&cookies).await, 204);
    let wrong = visitor.try_sign_in(ADMIN, "wrong horse battery").await;
    assert_eq!(wrong.status(), 401);
    let unknown = visitor.try_sign_in("eve-eve-eve", "wrong horse").await;
    assert_eq!(unknown.status(), 401);
    let token = visitor.mint(ADMIN).await;
    let redeemed = visitor.redeem(&token).await;
    let refused = visitor.try_mint("wrong-key-wrong-key", ADMIN).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(visitor.sign_out(&redeemed).await, 204);
    assert_eq!(visitor.check(&redeemed).await, 401);
    let nowhere = visitor.get("/nowhere/eve-eve-eve?auth_token=secret").await;
    assert_eq!(nowhere.status(), 404);
}

#[tokio::test]
async fn what_happens_is_counted_and_measured_and_nobody_is_named() {
    let home = Home::new();
    let server = start(&home);
    let operations = operations(&server);
    walk(&server.visitor()).await;

    let metrics = scrape(&operations).await;
    let v1 = "dialect=\"thoughtspot_v1\"";
    for (name, labels, expected) in [
        (
            "vestibule_logins_total",
            &[v1, "method=\"password\"", "result=\"ok\""][..],
            1.0,
        ),
        (
            "vestibule_logins_total",
            &[v1, "method=\"trusted_token\"", "result=\"ok\""],
            1.0,
        ),
        (
            "vestibule_logins_total",
            &[v1, "result=\"wrong_password\""],
            1.0,
        ),
        (
            "vestibule_logins_total",
            &[v1, "result=\"unknown_user\""],
            1.0,
        ),
        ("vestibule_tokens_total", &[v1, "result=\"ok\""], 1.0),
        ("vestibule_tokens_total", &[v1, "result=\"wrong_key\""], 1.0),
        ("vestibule_logouts_total", &[v1], 1.0),
        (
            "vestibule_session_checks_total",
            &["result=\"logout\""],
            1.0,
        ),
        // One of them is the administrator's own, at the first start.
        ("vestibule_password_hash_seconds_count", &[], 4.0),
        ("vestibule_password_wait_seconds_count", &[], 4.0),
        ("vestibule_password_queue", &[], 0.0),
        ("vestibule_password_refused_total", &[], 0.0),
        ("vestibule_audit_lost_total", &[], 0.0),
        (
            "vestibule_store_seconds_count",
            &["store=\"sessions\"", "op=\"open\"", "result=\"ok\""],
            2.0,
        ),
        (
            "vestibule_http_requests_total",
            &[v1, "session/login\"", "method=\"POST\"", "status=\"204\""],
            1.0,
        ),
        (
            "vestibule_http_requests_total",
            &["route=\"-\"", "status=\"404\""],
            1.0,
        ),
    ] {
        assert_near(&metrics, name, labels, expected);
    }
    assert!(
        value(
            &metrics,
            "vestibule_session_checks_total",
            &["result=\"live\""]
        ) >= 1.0
    );
    assert!(value(&metrics, "vestibule_password_hash_seconds_sum", &[]) > 0.001);
    assert!(value(&metrics, "process_resident_memory_bytes", &[]) > 1e6);
    assert!(metrics.contains("# TYPE vestibule_store_seconds histogram"));
    assert!(metrics.contains("# HELP vestibule_logins_total "));
    for word in [
        "eve-eve",
        "wrong-key-wrong-key",
        ADMIN,
        PASSWORD,
        SECRET_KEY,
        "127.0.0.1",
    ] {
        assert!(!metrics.contains(word), "{word}");
    }

    until("one live session", async || {
        (value(&scrape(&operations).await, "vestibule_sessions_live", &[]) - 1.0).abs() < 0.1
    })
    .await;
    assert_eq!(operations.get("/health/ready").await.status(), 200);
    assert_eq!(
        operations.get("/").await.status(),
        404,
        "nothing else is there"
    );
    let outside = server.visitor().get("/metrics").await;
    assert_eq!(outside.status(), 404, "and it is nowhere else");
    assert!(server.stop().success());
}

/// More logins at once than may wait, a guess too many, everybody signed out: what a quiet day does not have.
async fn trouble(home: &Home, visitor: &Visitor) {
    let burst = (0..20).map(|number| {
        let (visitor, name) = (visitor.clone(), format!("nobody-{number}"));
        tokio::spawn(async move { visitor.try_sign_in(&name, "wrong horse").await.status() })
    });
    let mut turned_away = 0;
    for reply in burst.collect::<Vec<_>>() {
        turned_away += u32::from(reply.await.unwrap() == 503);
    }
    assert!(turned_away > 0);
    let mut statuses = Vec::new();
    while !statuses.contains(&429) && statuses.len() < 20 {
        let reply = visitor.try_sign_in(ADMIN, "wrong horse battery").await;
        statuses.push(reply.status().as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    home.run("session revoke --all --yes").good();
}

#[tokio::test]
async fn every_metric_there_is_moves_with_what_it_counts() {
    let home = Home::new();
    let narrow = "--set passwords.hash_at_a_time=1 --set passwords.queue=2";
    let server = Start::new(&home)
        .planted()
        .with("--set metrics.listen=127.0.0.1:0 --set log.format=json")
        .with(narrow)
        .start();
    let operations = operations(&server);
    let visitor = server.visitor();
    walk(&visitor).await;
    until("a live session", async || {
        value(&scrape(&operations).await, "vestibule_sessions_live", &[]) > 0.5
    })
    .await;
    trouble(&home, &visitor).await;
    let metrics = scrape(&operations).await;
    let counted = COUNTERS
        .iter()
        .chain(&GAUGES)
        .map(|(name, _)| (*name).to_owned());
    let timed = TIMES.iter().map(|(name, _)| format!("{name}_count"));
    for name in counted.chain(timed) {
        // Nobody waits by now, and nothing was lost: both are there all the same.
        let is_quiet = [
            "vestibule_password_queue",
            "vestibule_audit_lost_total",
            "vestibule_audit_waiting",
        ]
        .contains(&&*name);
        let is_moved = value(&metrics, &name, &[]) > 0.5 || name == "vestibule_sessions_live";
        assert!(is_moved || is_quiet, "{name}\n{metrics}");
        assert!(metrics.contains(&format!("\n{name}")), "{name}");
    }
    for (name, labels) in [
        ("vestibule_password_slots", &[][..]),
        ("vestibule_revocations_total", &["dialect=\"operator\""]),
    ] {
        assert_near(&metrics, name, labels, 1.0);
    }
    let overloaded = value(
        &metrics,
        "vestibule_logins_total",
        &["result=\"overloaded\""],
    );
    let refused = value(&metrics, "vestibule_password_refused_total", &[]);
    assert!((overloaded - refused).abs() < 0.1, "{overloaded} {refused}");
    let throttled = value(
        &metrics,
        "vestibule_logins_total",
        &["result=\"throttled\""],
    );
    assert_near(
        &metrics,
        "vestibule_throttled_total",
        &["thoughtspot_v1"],
        throttled,
    );
    for (store, op) in [
        ("sessions", "check"),
        ("sessions", "revoke"),
        ("tokens", "put"),
        ("tokens", "find"),
        ("directory", "find_user"),
    ] {
        let labels = [&*format!("store=\"{store}\""), &*format!("op=\"{op}\"")];
        let count = value(&metrics, "vestibule_store_seconds_count", &labels);
        assert!(count > 0.5, "{store} {op}");
    }
    until("nobody lives", async || {
        value(&scrape(&operations).await, "vestibule_sessions_live", &[]) < 0.5
    })
    .await;
}

#[tokio::test]
async fn a_fresh_server_on_redis_does_not_say_that_nobody_is_signed_in() {
    let redis = Redis::start();
    let home = Home::on(&redis);
    let server = home.server().planted().start();
    let visitor = server.visitor();
    let cookies = visitor.sign_in_as_admin().await;
    let trends = visitor.get_as(&cookies, "/callosum/v1/vestibule/admin/trends");
    let (status, trends) = reply_of(trends.await).await;
    assert_eq!(status, 200, "{trends}");
    let minutes = trends["minutes"].as_array().unwrap();
    // Counted is once in a minute; a count of the start would say nobody for as long.
    assert!(
        minutes.iter().all(|minute| minute["live"].is_null()),
        "{trends}"
    );
}

#[tokio::test]
async fn by_default_there_are_no_metrics() {
    let home = Home::new();
    let server = Start::new(&home).planted().start();
    assert!(!server.log().contains("metrics"), "{}", server.log());
}

#[tokio::test]
async fn every_request_is_one_json_object_with_the_documented_fields() {
    let home = Home::new();
    let server = start(&home);
    walk(&server.visitor()).await;
    let lines = log_lines(&server);
    let requests: Vec<&Value> = lines
        .iter()
        .filter(|line| line["message"] == "request")
        .collect();
    assert_eq!(requests.len(), 10);
    for line in &requests {
        let mut fields: Vec<&str> = line
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        let documented = [
            "client",
            "dialect",
            "incident",
            "level",
            "message",
            "method",
            "path",
            "route",
            "status",
            "target",
            "timestamp",
            "took_ms",
            "user_id",
        ];
        assert_eq!(fields, documented);
        assert!(line["took_ms"].as_f64().unwrap() > 0.0);
        assert_eq!(line["client"], "127.0.0.1");
    }
    let find = |end: &str, status: u64| {
        let mut found = requests.iter();
        found.find(|line| line["path"].as_str().unwrap().ends_with(end) && line["status"] == status)
    };
    let check = find("/session/isactive", 204).unwrap();
    assert_eq!(check["dialect"], "thoughtspot_v1");
    assert_eq!(check["user_id"].as_str().unwrap().len(), 36);
    assert_eq!(check["method"], "GET");
    let login = find("/session/login", 204).unwrap();
    assert_eq!(
        login["user_id"], "-",
        "the audit trail says who, by incident"
    );
    assert_eq!(login["route"], login["path"]);
    let nowhere = find("/nowhere/eve-eve-eve", 404).unwrap();
    assert_eq!(
        (&nowhere["dialect"], &nowhere["route"]),
        (&Value::from("-"), &Value::from("-"))
    );
    let log = server.log();
    for secret in ["auth_token", PASSWORD, SECRET_KEY, "wrong horse"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn calibrating_measures_this_machine_and_proposes_settings_that_are_accepted() {
    let home = Home::new();
    // A target nothing can meet and little memory: the quickest is proposed, and the test is quick as well.
    let line = "password calibrate --target-ms 1 --memory-mib 16 --set passwords.hash_at_a_time=1";
    let measured = home.run(&format!("{line} --json")).json();
    let rows = measured["measured"].as_array().unwrap();
    assert_eq!(rows.len(), 3, "{measured}");
    assert!(rows.iter().all(|row| row["ms"].as_f64().unwrap() > 0.0));
    assert_eq!(measured["slots"], 1);
    let text = home.run(line).good();
    assert!(
        text.contains("MEMORY_KIB") && text.contains("the quickest"),
        "{text}"
    );
    let toml = text.split_once("[passwords]").unwrap().1;
    home.write("proposed.toml", &format!("[passwords]{toml}"));
    home.run("config check --config proposed.toml").good();
}
