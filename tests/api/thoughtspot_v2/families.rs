//! Families of tokens: none outlives the end of what it came of, and none takes the place of another's.

use crate::support::{ALICE_PASSWORD, Client, LIVEBOARD, Redis, SECRET_KEY, TestApp, on_redis};
use crate::thoughtspot_v2::done;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vestibule::domain::audit;
use vestibule::domain::authn::IssueRequest;
use vestibule::domain::clock::Clock;
use vestibule::domain::directory::OrgId;
use vestibule::domain::principal::{Principal, Via};
use vestibule::domain::session::SessionHandle;
use vestibule::domain::token::{Access, Attributes, Family, MOST_OF_A_FAMILY, MOST_OWN_TOKENS};

const TOKEN: &str = "!/api/rest/2.0/auth/session/token";
const FETCH: &str = "!/callosum/v1/v2/auth/token/fetch";
const OWN: &str = "!/callosum/v1/vestibule/sessions";

async fn minted(who: &Client) -> String {
    let reply = who.get(TOKEN).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["token"].as_str().unwrap().to_owned()
}

async fn opened(app: &TestApp, token: &str) -> Client {
    let mut client = app.anon();
    let reply = client.redeem(&[("auth_token", token)]).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    client.keep(&reply);
    client
}

async fn bears(app: &TestApp, token: &str) -> u16 {
    app.anon().with_bearer(token).is_active().await
}

/// The handle of the session that asks.
async fn handle(who: &Client) -> String {
    let own = who.get(OWN).await.json();
    own["sessions"][0]["id"].as_str().unwrap().to_owned()
}

async fn end(who: &Client, what: &str) -> u16 {
    let request = who.request(Method::POST, &format!("{OWN}/{what}"));
    let password = json!({ "password": ALICE_PASSWORD });
    who.send(request.json(&password)).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_33_a_bearer_that_keeps_minting_ends_with_its_session() {
    let app = Arc::new(TestApp::with(|settings| settings.server.workers = 2));
    let (administration, by) = app.administration();
    for turn in 0..2 {
        app.tick();
        let (alice, other) = (app.alice().await, app.alice().await);
        let all = Arc::new(Mutex::new(vec![minted(&alice).await]));
        let minters = (0..6).map(|_| {
            let (app, all) = (Arc::clone(&app), Arc::clone(&all));
            tokio::spawn(async move {
                // Whoever has them goes on with the newest: until even that is refused.
                for _ in 0..500 {
                    let newest = all.lock().unwrap().last().unwrap().clone();
                    let reply = app.anon().with_bearer(&newest).get(FETCH).await;
                    match reply.status {
                        200 => {
                            let body = reply.json();
                            let token = body["data"]["token"].as_str();
                            let token = token.or(body["token"].as_str()).unwrap();
                            all.lock().unwrap().push(token.to_owned());
                        }
                        401 => return,
                        other => panic!("{other}: {}", reply.text()),
                    }
                }
                panic!("it mints on");
            })
        });
        let minters: Vec<_> = minters.collect();
        while all.lock().unwrap().len() < 20 {
            tokio::task::yield_now().await;
        }
        if turn % 2 == 0 {
            assert_eq!(end(&other, "end-others").await, 200);
        } else {
            let id = SessionHandle::parse(&handle(&alice).await).unwrap();
            administration.end_session(&id, &by).await.unwrap();
        }
        for minter in join_all(minters).await {
            minter.unwrap();
        }
        let all = all.lock().unwrap().clone();
        for token in &all {
            assert_eq!(bears(&app, token).await, 401, "of {}", all.len());
        }
        assert_eq!(other.is_active().await, 204);
        assert_eq!(other.log_out().await.status, 204);
    }
}

#[tokio::test]
async fn case_33_whoever_bears_a_token_for_one_object_takes_nobody_elses_place() {
    let app = TestApp::spawn();
    let by_key = json!({
        "username": "alice", "secret_key": SECRET_KEY, "object_id": LIVEBOARD,
        "validity_time_in_sec": 80_000,
    });
    let limited = done(&app.anon(), "auth/token/object", by_key).await;
    let limited = app.anon().with_bearer(limited["token"].as_str().unwrap());
    let whole = app.anon().with_bearer(&app.token("alice").await);
    let by_password = json!({
        "username": "alice", "password": ALICE_PASSWORD, "validity_time_in_sec": 300,
    });
    let by_password = done(&app.anon(), "auth/token/full", by_password).await;
    let victims = [
        minted(&whole).await,
        minted(&app.alice().await).await,
        by_password["token"].as_str().unwrap().to_owned(),
    ];
    let mut last = String::new();
    for _ in 0..=MOST_OF_A_FAMILY {
        last = minted(&limited).await;
    }
    for token in victims {
        assert_eq!(bears(&app, &token).await, 204);
    }
    assert_eq!(bears(&app, &last).await, 204);
}

#[tokio::test]
async fn a_user_who_has_too_many_tokens_is_told_when_there_is_room() {
    let app = TestApp::spawn();
    let alice = app.alice().await;
    let user = app.user("alice").await;
    let issue = async |family: usize| {
        let who = Principal {
            user_id: user.id,
            user_name: user.name.clone(),
            org: OrgId(0),
            reach: Vec::new(),
            access: Access::Full,
            key: None,
            attributes: Attributes::default(),
            began_at: app.clock.now(),
            absolute_end: app.clock.now().plus(Duration::from_hours(1)),
            idle_end: None,
            via: Via::Bearer,
            method: None,
            provider: None,
            origin: None,
            root: Some(Family::from_number(family as u64)),
            since: app.clock.now(),
            is_remembered: false,
        };
        let request = IssueRequest::held(who, Duration::from_mins(1), None);
        let client = audit::Client {
            address: None,
            agent: String::new(),
            dialect: "test",
            incident: String::new(),
        };
        app.services.trusted.issue(request, &client).await.unwrap();
    };
    for family in 1..=MOST_OWN_TOKENS / MOST_OF_A_FAMILY {
        join_all((0..MOST_OF_A_FAMILY).map(|_| issue(family))).await;
    }
    for path in [TOKEN, FETCH, "!/callosum/v1/session/v2/gettoken"] {
        let reply = alice.get(path).await;
        assert_eq!(reply.status, 429, "{}", reply.text());
        assert_eq!(reply.header("retry-after"), Some("60"));
        assert!(reply.text().contains("as many tokens"), "{}", reply.text());
    }
    let words = app.trail.words();
    assert!(words.contains(&"token_refused token_limit".to_owned()));
    app.advance(Duration::from_secs(61));
    minted(&alice).await;
}

#[tokio::test]
async fn what_lives_on_mints_on_whoever_of_its_family_has_ended() {
    let app = TestApp::spawn();
    let first = app.alice().await;
    let token = minted(&first).await;
    let (one, two) = (opened(&app, &token).await, opened(&app, &token).await);
    let of_two = minted(&two).await;
    // One that came of the first session ends, and with it all that did; the first session mints on.
    assert_eq!(
        end(&first, &format!("{}/end", handle(&one).await)).await,
        204
    );
    for over in [&one, &two] {
        assert_eq!(over.is_active().await, 401);
    }
    assert_eq!(bears(&app, &of_two).await, 401);
    // Several nodes have to be sure that it is later.
    app.advance(Duration::from_secs(2));
    let token = minted(&first).await;
    assert_eq!(bears(&app, &token).await, 204);
    // One that came of it asks for the end of all others: its token came of the first session, and ends with that.
    let asking = opened(&app, &token).await;
    let of_asking = minted(&asking).await;
    assert_eq!(end(&asking, "end-others").await, 200);
    assert_eq!(first.is_active().await, 401);
    assert_eq!(bears(&app, &of_asking).await, 401);
    assert_eq!(asking.is_active().await, 204);
    let anew = minted(&asking).await;
    assert_eq!(bears(&app, &anew).await, 204);
}

/// Has Redis do something.
fn ask_redis(redis: &Redis, words: &[&str]) {
    let told = Command::new("redis-cli")
        .args(["-u", &redis.url()])
        .args(words)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    assert_eq!(told, "OK", "{words:?}");
}

#[tokio::test]
async fn case_33_what_a_fault_left_over_ends_when_its_owner_tries_again() {
    let redis = Redis::start();
    let mut prefix = String::new();
    let app = TestApp::with(|settings| {
        on_redis(settings, &redis);
        prefix.clone_from(&settings.sessions.key_prefix);
    });
    // Each kind of key in turn is refused to the server: tokens, their lists, marks of ended families.
    for refused in ["d", "t", "x"] {
        app.tick();
        let (asking, other) = (app.alice().await, app.alice().await);
        let token = minted(&other).await;
        let child = opened(&app, &token).await;
        let of_child = minted(&child).await;
        let target = format!("{}/end", handle(&child).await);
        let others = ["s", "u", "i", "g", "d", "t", "x", "f", "k"];
        let others = others.iter().filter(|kind| **kind != refused);
        let allowed: Vec<_> = others.map(|kind| format!("~{prefix}{kind}*")).collect();
        let mut rule = vec!["ACL", "SETUSER", "default", "resetkeys"];
        rule.extend(allowed.iter().map(String::as_str));
        ask_redis(&redis, &rule);
        assert_eq!(end(&asking, &target).await, 503, "without {refused}");
        ask_redis(&redis, &["ACL", "SETUSER", "default", "allkeys"]);
        assert_eq!(end(&asking, &target).await, 204, "without {refused} before");
        assert_eq!(child.is_active().await, 401);
        for token in [&token, &of_child] {
            assert_eq!(bears(&app, token).await, 401, "without {refused} before");
        }
        assert_eq!(other.is_active().await, 204);
        assert_eq!(end(&asking, "end-others").await, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_time_ends_while_it_mints_is_told_to_the_trail() {
    let app = TestApp::with(|settings| settings.server.workers = 2);
    let mut all = Vec::new();
    let token = app.token("alice").await;
    for _ in 0..40 {
        all.push(opened(&app, &token).await);
    }
    app.trail.clear();
    // Their last millisecond: some are over when their token is there.
    app.advance(Duration::from_mins(30));
    let clock = Arc::clone(&app.clock);
    let mints = join_all(all.iter().map(|one| one.get(TOKEN)));
    let time = async {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_hours(1));
    };
    let (replies, ()) = tokio::join!(mints, time);
    assert!(
        replies
            .iter()
            .all(|reply| matches!(reply.status, 200 | 401))
    );
    for one in &all {
        assert_eq!(one.is_active().await, 401);
    }
    let words = app.trail.words();
    let ended = words.iter().filter(|word| *word == "session_ended").count();
    assert_eq!(ended, all.len());
}
