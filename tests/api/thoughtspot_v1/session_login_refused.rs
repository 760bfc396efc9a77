//! `POST session/login` where it refuses: what must not be told apart, and passwords at their edges.

use crate::microstrategy::{expect_error, log_in_with};
use crate::pace;
use crate::support::{ALICE_PASSWORD, PASSWORD, Reply, TestApp};
use reqwest::Method;
use serde_json::json;
use std::cmp::Ordering;
use std::ops::RangeInclusive;
use std::time::Duration;
use tokio::time::Instant;

/// Name and password of each kind: unknown, wrong password, disabled with either, no password at all.
const KINDS: [(&str, &str); 6] = [
    ("nobody", "wrong password"),
    ("alice", "wrong password"),
    ("dora", "wrong password"),
    ("dora", crate::support::PASSWORD),
    ("jit", "wrong password"),
    ("no\u{1}name", "wrong password"),
];

async fn with_jit_user(change: impl FnOnce(&mut vestibule::settings::Settings)) -> TestApp {
    let app = TestApp::with(change);
    let form = [("username", "jit"), ("autocreate", "true")];
    assert_eq!(app.anon().mint(&form).await.status, 200);
    app
}

/// All of a reply that a stranger sees, but for what is random in every reply.
fn seen(reply: &Reply) -> String {
    format!("{} bytes\n{}", reply.body.len(), reply.transcript())
}

#[tokio::test]
async fn case_40_unknown_user_wrong_password_and_disabled_user_look_the_same() {
    let app = with_jit_user(|_| {}).await;
    let mut replies = Vec::new();
    for (user, password) in KINDS {
        let reply = app.anon().post_login(user, password).await;
        reply.expect_error(401, 10003, "password is wrong");
        replies.push(seen(&reply));
    }
    for reply in &replies {
        assert_eq!(reply, &replies[0]);
    }
    let why: Vec<String> = app.trail.words();
    assert_eq!(
        why[1..],
        [
            "login_refused unknown_user",
            "login_refused wrong_password",
            "login_refused wrong_password",
            "login_refused user_disabled",
            "login_refused wrong_password",
            "login_refused unknown_user",
        ]
    );
}

/// How long refusals are timed in one round, the most samples of each kind, and the fewest that say anything.
const TIMED_FOR: Duration = Duration::from_secs(10);
const MOST_SAMPLES: usize = 200;
const FEWEST_SAMPLES: usize = 40;
/// How often somebody who guesses the slower one of two refusals may be right, when they look the same.
const ALIKE: RangeInclusive<f64> = 0.35..=0.65;

/// How probable it is that one of those takes longer than one of the others.
fn slower(one: &[Duration], other: &[Duration]) -> f64 {
    let pairs = one
        .iter()
        .flat_map(|one| other.iter().map(move |other| one.cmp(other)));
    let (mut longer, mut all) = (0.0, 0.0);
    for pair in pairs {
        all += 1.0;
        longer += match pair {
            Ordering::Greater => 1.0,
            Ordering::Equal => 0.5,
            Ordering::Less => 0.0,
        };
    }
    longer / all
}

/// Times refusals of every kind in turn, each sample from an address of its own, so that none is throttled.
async fn time_refusals(app: &TestApp, kinds: &[(&str, &str)], round: usize) -> Vec<Vec<Duration>> {
    let client = app.anon();
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); kinds.len()];
    let began = Instant::now();
    for sample in 0..MOST_SAMPLES {
        for turn in 0..kinds.len() {
            // There and back, so that none always follows the same other.
            let kind = if sample % 2 == 0 {
                turn
            } else {
                kinds.len() - 1 - turn
            };
            let (user, password) = kinds[kind];
            let address = format!("203.{round}.{kind}.{sample}");
            let client = client.with("x-forwarded-for", &address);
            let began = Instant::now();
            let reply = client.post_login(user, password).await;
            times[kind].push(began.elapsed());
            assert_eq!(reply.status, 401);
        }
        if began.elapsed() > TIMED_FOR && sample >= FEWEST_SAMPLES {
            break;
        }
    }
    times
}

#[tokio::test]
async fn case_40_no_kind_of_refusal_comes_sooner_than_another() {
    let app = with_jit_user(|settings| {
        settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
        // Cheap, so that many samples fit in and what differs besides the hash weighs more.
        settings.passwords.memory_kib = 7_168;
        settings.passwords.iterations = 1;
    })
    .await;
    // Their hashes are of this server, and so as cheap as its stand-in for nobody's.
    app.add_user("known", PASSWORD).await;
    app.add_user("disabled", PASSWORD).await;
    let (administration, by) = app.administration();
    administration.disable_user("disabled", &by).await.unwrap();
    let kinds = [
        ("nobody", "wrong password"),
        ("known", "wrong password"),
        ("disabled", "wrong password"),
        ("disabled", PASSWORD),
        ("jit", "wrong password"),
        ("no\u{1}name", "wrong password"),
    ];
    let mut told = Vec::new();
    // What can be told apart can be told apart twice; what a machine does meanwhile is not the same twice.
    for round in 0..2 {
        let times = time_refusals(&app, &kinds, round).await;
        let shares = times[1..].iter().map(|other| slower(&times[0], other));
        let shares: Vec<_> = kinds[1..].iter().zip(shares).collect();
        println!(
            "{} samples each; nobody is slower: {shares:?}",
            times[0].len()
        );
        told = shares;
        told.retain(|(_, share)| !ALIKE.contains(share));
        if told.is_empty() {
            break;
        }
    }
    assert!(told.is_empty(), "nobody is slower than {told:?}");
}

#[tokio::test]
async fn case_44_a_password_matches_exactly_and_at_every_length() {
    let app = TestApp::with(|settings| {
        settings.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let long = |length: usize| "x".repeat(length - 1) + "y";
    for (number, password) in [
        long(64),
        long(72),
        long(73),
        long(1024),
        " leading and trailing ".to_owned(),
        "with\0nul and \u{e9}".to_owned(),
        "100%+& =#".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("user{number}");
        app.add_user(&user, &password).await;
        let reply = app.anon().post_login(&user, &password).await;
        assert_eq!(reply.status, 204, "{password:?}");
        let shorter: String = password
            .chars()
            .take(password.chars().count() - 1)
            .collect();
        let swapped = password.to_uppercase();
        let twin = password.replace('\u{e9}', "e\u{301}");
        let wrong = [
            format!("{password} "),
            format!(" {password}"),
            shorter,
            swapped,
        ];
        for wrong in wrong.iter().chain((twin != password).then_some(&twin)) {
            if *wrong == password {
                continue;
            }
            let reply = app.anon().post_login(&user, wrong).await;
            assert_eq!(reply.status, 401, "{wrong:?} for {password:?}");
        }
    }
    assert_eq!(
        app.anon().post_login("alice", ALICE_PASSWORD).await.status,
        204
    );
    for folded in ["pa+ss w&rd=1", "pa ss w&rd=1", "pa ss+w"] {
        assert_eq!(app.anon().post_login("alice", folded).await.status, 401);
    }
}

#[tokio::test]
async fn case_44_a_password_too_long_to_be_one_costs_no_more_than_any_other() {
    let app = TestApp::spawn();
    // What is hashed is bounded: the first 1024 bytes must not count as the whole.
    let password = "p".repeat(1024);
    app.add_user("long", &password).await;
    let reply = app.anon().post_login("long", &format!("{password}p")).await;
    reply.expect_error(401, 10003, "password");
    let huge = "p".repeat(1024 * 1024 - 100);
    let (reply, took) = pace::timed(app.anon().post_login("long", &huge)).await;
    assert_eq!(reply.status, 401);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn case_42_a_name_in_another_case_or_unicode_form_is_the_same_user() {
    let app = TestApp::spawn();
    app.add_user("Jos\u{e9}", "battery staple").await;
    for twin in ["jos\u{e9}", "JOS\u{c9}", "Jose\u{301}", "\u{ff2a}os\u{e9}"] {
        let client = app.signed_in(twin, "battery staple").await;
        assert_eq!(client.info().await.json()["userName"], "Jos\u{e9}");
    }
    for other in ["jose", "jos\u{e9} ", " jos\u{e9}", "jos\u{e9}\0"] {
        let reply = app.anon().post_login(other, "battery staple").await;
        assert_eq!(reply.status, 401, "{other:?}");
    }
}

#[tokio::test]
async fn case_46_hostile_names_are_refused_like_any_other() {
    let app = TestApp::spawn();
    let huge = "x".repeat(64 * 1024);
    for name in [
        "a@b@c",
        "a:b",
        "a\r\nb: c",
        "*",
        "?[]{}",
        "\u{202e}ecila",
        "\u{1f600}",
        "' OR 1=1 --",
        huge.as_str(),
    ] {
        let reply = app.anon().post_login(name, "wrong password").await;
        reply.expect_error(401, 10003, "password");
        app.advance(Duration::from_mins(10));
    }
    for event in app.trail.events() {
        assert!(event.user_name.is_none_or(|name| name.len() < 1024));
    }
}

#[tokio::test]
async fn whoever_has_no_org_left_is_refused_as_who_may_not_sign_in() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let path = format!("!/api/rest/2.0/orgs/{}/delete", app.sales.0);
    let request = admin.request(Method::POST, &path).json(&json!({}));
    assert_eq!(admin.send(request).await.status, 204);
    let refused = app.anon().post_login("carol", PASSWORD).await;
    refused.expect_error(401, 10003, "wrong");
    assert_eq!(
        app.trail.words().last().unwrap(),
        "login_refused org_not_allowed"
    );
    let body = json!({ "username": "carol", "password": PASSWORD });
    let refused = log_in_with(&app.anon(), &body).await;
    expect_error(&refused, 401, "ERR003");
}
