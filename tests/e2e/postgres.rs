//! The directory in PostgreSQL, seen from outside: logins, several nodes, outages, moving there.

use crate::database::{POSTGRES_PASSWORD, Postgres};
use crate::support::{ADMIN, Home, PASSWORD, Ran, Redis, Server, Start, until};

const STORE: &str = "VESTIBULE__DIRECTORY__STORE";

fn on<'a>(home: &'a Home, url: &str) -> Start<'a> {
    home.server().planted().env(STORE, url)
}

fn run_on(home: &Home, url: &str, line: &str) -> Ran {
    let mut command = home.command();
    command.env(STORE, url).args(line.split_whitespace());
    Ran::of(&mut command, "")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_sign_in_and_nodes_share_users_keys_and_sessions() {
    let postgres = Postgres::start();
    let url = postgres.database("shared");
    let redis = Redis::start();
    let homes = [Home::on(&redis), Home::on(&redis)];
    let nodes = [on(&homes[0], &url).start(), on(&homes[1], &url).start()];
    let cookies = nodes[0].visitor().sign_in_as_admin().await;
    assert_eq!(nodes[1].visitor().check(&cookies).await, 204);
    let token = nodes[1].visitor().mint(ADMIN).await;
    nodes[0].visitor().redeem(&token).await;

    run_on(&homes[1], &url, "org create Sales").good();
    let orgs = run_on(&homes[0], &url, "org list --json").json();
    assert_eq!(orgs.as_array().unwrap().len(), 2);
    for (node, home) in nodes.into_iter().zip(&homes) {
        assert!(!node.log().contains(POSTGRES_PASSWORD), "{}", node.log());
        assert!(!node.log().contains("other nodes neither know"));
        assert_eq!(node.stop().code(), Some(0));
        assert!(!home.data().join("directory.db").exists());
    }
    // With no server running the command goes to the database itself.
    let users = run_on(&homes[0], &url, "user list --json").json();
    assert_eq!(users[0]["name"], ADMIN);
    let shown = run_on(&homes[0], &url, "config show").good();
    assert!(
        shown.contains("postgres://postgres:***@127.0.0.1"),
        "{shown}"
    );
    assert!(!shown.contains(POSTGRES_PASSWORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_nodes_start_at_once_on_an_empty_database_and_one_makes_the_administrator() {
    let postgres = Postgres::start();
    let url = postgres.database("crowd");
    let homes: Vec<Home> = (0..8).map(|_| Home::new()).collect();
    let nodes: Vec<Server> = std::thread::scope(|scope| {
        let url = &url;
        let start = |home| scope.spawn(move || Home::server(home).env(STORE, url).start());
        let starting: Vec<_> = homes.iter().map(start).collect();
        let started = starting.into_iter().map(|node| node.join().unwrap());
        started.collect()
    });
    let first: Vec<&Server> = nodes
        .iter()
        .filter(|node| node.greeting.contains("First start"))
        .collect();
    assert_eq!(first.len(), 1);
    let mut lines = first[0].greeting.lines();
    let password = lines
        .find_map(|line| line.trim_start().strip_prefix("password "))
        .unwrap();
    for node in &nodes {
        node.visitor().sign_in(ADMIN, password.trim()).await;
        node.logs("other nodes neither know").await;
    }
    let live = "SELECT count(*) FROM secret_keys WHERE retired_at IS NULL";
    assert_eq!(postgres.sql("crowd", live), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_503_with_retry_after_and_ends_by_itself() {
    let postgres = Postgres::start();
    let url = postgres.database("outage");
    let home = Home::new();
    let server = on(&home, &url).start();
    let cookies = server.visitor().sign_in_as_admin().await;
    let ready = async || {
        let reply = reqwest::get(format!("{}/health/ready", server.http())).await;
        let reply = reply.unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    };
    assert_eq!(ready().await.0, 200);
    for outage in ["KILL", "STOP"] {
        if outage == "KILL" {
            postgres.kill();
        } else {
            postgres.signal(outage);
        }
        let (status, words) = ready().await;
        assert_eq!(status, 503);
        assert!(words.contains(r#""directory":"away""#), "{words}");
        let refused = server.visitor().try_sign_in(ADMIN, PASSWORD).await;
        assert_eq!(refused.status(), 503, "{outage}");
        assert!(refused.headers().contains_key("retry-after"));
        assert!(!refused.headers().contains_key("set-cookie"));
        if outage == "KILL" {
            postgres.start_again();
        } else {
            postgres.signal("CONT");
        }
        until("the directory is back", async || ready().await.0 == 200).await;
        until("people sign in again", async || {
            let reply = server.visitor().try_sign_in(ADMIN, PASSWORD).await;
            reply.status() == 204
        })
        .await;
        assert_eq!(server.visitor().check(&cookies).await, 204);
    }
    assert!(
        !server.log().contains(POSTGRES_PASSWORD),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn a_database_that_is_away_at_the_start_is_named_without_its_password() {
    let home = Home::new();
    let url = "postgres://vestibule:pl4nted@127.0.0.1:1/directory";
    let error = run_on(&home, url, "serve --http 127.0.0.1:0 --https off").refusal();
    assert!(error.contains("directory.store: cannot open"), "{error}");
    assert!(error.contains("127.0.0.1:1"), "{error}");
    assert_eq!(error.matches("Connection refused").count(), 1, "{error}");
    assert!(!error.contains("pl4nted"), "{error}");
    let settings = run_on(&home, url, "config show");
    assert!(
        settings
            .out
            .contains("postgres://vestibule:***@127.0.0.1:1/directory")
    );
    let missing = settings.refusal();
    assert!(
        missing.contains("without what administrators saved"),
        "{missing}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_directory_moves_with_its_users_sessions_tokens_and_keys() {
    let postgres = Postgres::start();
    let url = postgres.database("moved");
    let home = Home::new();
    let server = home.server().planted().start();
    home.run("org create Sales --description x").good();
    let csv = home.write("users.csv", &many_users());
    home.run(&format!("user import {csv} --create-groups"))
        .good();
    let cookies = server.visitor().sign_in_as_admin().await;
    let token = server.visitor().mint(ADMIN).await;
    let users = home.run("user list --json").json();
    let copy = |target: &str| {
        let mut command = home.command();
        let line = format!("directory copy --from {} {target}", home.data().display());
        command.env("NEW", &url).args(line.split_whitespace());
        Ran::of(&mut command, &format!("{url}\n"))
    };
    let busy = copy("--to-env NEW").refusal();
    assert!(busy.contains("is working on the data folder"), "{busy}");
    assert_eq!(server.stop().code(), Some(0));

    let tables = copy("--to-stdin --json").json();
    let rows = |name: &str| {
        let mut tables = tables.as_array().unwrap().iter();
        tables.find(|table| table["table"] == name).unwrap()["rows"].clone()
    };
    assert_eq!(rows("users"), 1_201);
    assert_eq!(rows("orgs"), 2);
    let full = copy("--to-env NEW").refusal();
    assert!(full.contains("the target is not empty"), "{full}");
    assert!(!full.contains(POSTGRES_PASSWORD));

    let server = home.server().env(STORE, &url).start();
    assert!(!server.greeting.contains("First start"));
    assert_eq!(server.visitor().check(&cookies).await, 204);
    server.visitor().redeem(&token).await;
    server.visitor().mint(ADMIN).await;
    server.visitor().sign_in_as_admin().await;
    assert_eq!(run_on(&home, &url, "user list --json").json(), users);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_a_directory_that_was_copied_is_warned_of_and_writable() {
    let home = Home::new();
    home.run("org create North").good();
    let note = home.data().join("directory.copied");
    std::fs::write(note, "db.internal:5432/moved at 2026-02-01T08:00:00Z\n").unwrap();
    let server = home.server().planted().start();
    server
        .logs("has started with the old one all the same")
        .await;
    assert!(server.log().contains("db.internal:5432/moved"));
    home.run("org create Sales").good();
    let both = "--set directory.store=postgres://h/d --set directory.copy_to=postgres://h/e";
    let refused = home.run(&format!("config check {both}")).refusal();
    assert!(refused.contains("take copy_to away"), "{refused}");
}

fn many_users() -> String {
    let rows = (0..1_200).map(|n| format!("\nuser {n},Üser {n} 😀,Sales,group {}", n % 7));
    "name,display_name,orgs,groups".to_owned() + &rows.collect::<String>()
}

#[test]
fn a_copy_from_nowhere_or_to_nowhere_is_refused_and_makes_nothing() {
    let home = Home::new();
    let nowhere = home.run("directory copy --from ./none --to postgres://h/d");
    assert!(nowhere.refusal().contains("there is no directory"));
    assert!(!home.path().join("none").exists());
    home.run("org create Sales").good();
    let line = format!(
        "directory copy --from sqlite:{}/directory.db",
        home.data().display()
    );
    assert!(home.run(&line).refusal().contains("where to?"));
    let unset = home.run(&format!("{line} --to-env NOT_THERE")).refusal();
    assert!(unset.contains("NOT_THERE is not set"), "{unset}");
    let both = home.run(&format!("{line} --to postgres://h/d --to-stdin"));
    assert_eq!(both.code, 2);
}
