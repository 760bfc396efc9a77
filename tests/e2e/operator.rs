//! The operator's commands, with a server running and without one.

use crate::support::{Home, PASSWORD, Ran, SECRET_KEY, with_each_store};
use serde_json::{Value, json};
use std::fmt::Write;

with_each_store!(
    every_command_does_its_work_while_a_server_runs,
    every_command_does_its_work_without_a_server,
    case_36_a_disabled_user_and_a_retired_key_are_out_at_once,
    case_36_what_is_revoked_without_a_server_is_out_when_it_starts,
);

const NEW_PASSWORD: &str = "pl4nted new one";

async fn every_command_does_its_work_while_a_server_runs(home: Home) {
    let server = home.server().planted().start();
    let printed = every_command(&home);
    let visitor = server.visitor();
    visitor.sign_in("zoë", NEW_PASSWORD).await;
    assert_eq!(
        visitor.try_sign_in("zoë", PASSWORD).await.status(),
        401,
        "the password was changed"
    );
    assert_nothing_leaked(&home, &printed);
}

async fn every_command_does_its_work_without_a_server(home: Home) {
    let printed = every_command(&home);
    let server = home.server().planted().start();
    server.visitor().sign_in("zoë", NEW_PASSWORD).await;
    assert_nothing_leaked(&home, &printed);
}

/// Each command once; gives back all that was printed, the new key's one line aside.
fn every_command(home: &Home) -> String {
    let mut printed = String::new();
    let mut good = |line: &str, input: &str| {
        let ran = home.run_with(line, input);
        printed.push_str(&ran.out);
        printed.push_str(&ran.err);
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        ran.out
    };
    let parsed = |out: String| serde_json::from_str::<Value>(&out).unwrap();

    let sales = parsed(good("org create Sales --description East --json", ""));
    let id = sales["id"].as_i64().unwrap();
    assert!(good("org list", "").contains("Sales"));
    let orgs = parsed(good("org list --json", ""));
    assert!(orgs.as_array().unwrap().contains(&sales));

    let line = "group create east --org Sales --display-name E --privilege DATADOWNLOADING --json";
    let group = parsed(good(line, ""));
    assert_eq!(group["org"], id);
    assert!(good("group list --org Sales", "").contains("DATADOWNLOADING"));
    assert_eq!(
        parsed(good("group list --json --org Sales", "")),
        json!([group])
    );

    let line = "user create zoë --display-name Z --email z@example.com --org Sales --org 0 \
                --group east --admin --password-stdin --json";
    let user = parsed(good(line, &format!("{PASSWORD}\n")));
    assert_eq!(user["name"], "zoë");
    let line = "user create guest --no-password";
    assert!(good(line, "").contains("user guest created"));
    let users = parsed(good("user list --json", ""));
    assert!(users.as_array().unwrap().contains(&user));
    let shown = parsed(good("user show zoë --json", ""));
    assert_eq!(shown["has_password"], true);
    assert_eq!(shown["is_admin"], true);
    let orgs = shown["orgs"].as_array().unwrap();
    let in_sales = orgs.iter().find(|org| org["name"] == "Sales").unwrap();
    assert_eq!(in_sales["groups"], json!(["east"]));
    assert!(good("user show zoë", "").contains("z@example.com"));
    good("user passwd zoë --password-stdin", NEW_PASSWORD);
    good("user disable zoë", "");
    assert_eq!(
        parsed(good("user show zoë --json", ""))["status"],
        "disabled"
    );
    good("user enable zoë", "");
    assert!(good("sso release zoë", "").contains("belongs to no identity provider"));
    good("user delete guest", "");
    assert!(!good("user list", "").contains("guest"));

    let made = home.run("key create --label app --org Sales --json").json();
    let secret = made["secret_key"].as_str().unwrap();
    assert_eq!(secret.len(), 36, "a UUID");
    let keys = parsed(good("key list --json", ""));
    let mut keys = keys.as_array().unwrap().iter();
    let kept = keys.find(|key| key["id"] == made["id"]).unwrap();
    assert_eq!(kept["status"], "active");
    assert_eq!(kept["org"], id);
    good(&format!("key retire {}", made["id"].as_str().unwrap()), "");
    assert!(good("key list", "").contains("retired"));
    assert!(!printed.contains(secret));
    printed
}

fn assert_nothing_leaked(home: &Home, printed: &str) {
    let mut texts = vec![printed.to_owned()];
    for name in ["server.log", "data/audit.jsonl"] {
        texts.push(std::fs::read_to_string(home.path().join(name)).unwrap());
    }
    for text in texts {
        for secret in [PASSWORD, NEW_PASSWORD, SECRET_KEY] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

async fn case_36_a_disabled_user_and_a_retired_key_are_out_at_once(home: Home) {
    let server = home.server().planted().with("--demo").start();
    let visitor = server.visitor();
    let alice = visitor.sign_in("alice", "vestibule-demo").await;
    let token = visitor.mint("alice").await;
    home.run("user disable alice").good();
    assert_eq!(visitor.check(&alice).await, 401);
    assert_eq!(visitor.try_redeem(&token).await.status(), 401);
    let refused = visitor.try_sign_in("alice", "vestibule-demo").await;
    assert_eq!(refused.status(), 401);
    home.run("user enable alice").good();
    assert_eq!(visitor.check(&alice).await, 401, "what ended stays ended");
    let alice = visitor.sign_in("alice", "vestibule-demo").await;

    // Two keys live side by side; retiring one leaves what the other opened.
    let made = home.run("key create --json").json();
    let second_key = made["secret_key"].as_str().unwrap();
    let by_second = visitor
        .try_mint(second_key, "bob")
        .await
        .text()
        .await
        .unwrap();
    let by_second = visitor.redeem(&by_second).await;
    let by_first = visitor.redeem(&visitor.mint("bob").await).await;
    let keys = home.run("key list --json").json();
    assert!(keys[0]["last_used_at"].is_string(), "{keys}");
    let first_id = keys[0]["id"].as_str().unwrap();
    home.run(&format!("key retire {first_id}")).good();
    assert_eq!(visitor.check(&by_first).await, 401);
    assert_eq!(visitor.try_mint(SECRET_KEY, "bob").await.status(), 401);
    assert_eq!(visitor.check(&by_second).await, 204);
    assert_eq!(visitor.check(&alice).await, 204, "signed in by password");

    home.run("user delete bob").good();
    assert_eq!(visitor.check(&by_second).await, 401);
    home.run_with("user passwd alice --password-stdin", NEW_PASSWORD)
        .good();
    assert_eq!(visitor.check(&alice).await, 401);
}

async fn case_36_what_is_revoked_without_a_server_is_out_when_it_starts(home: Home) {
    let server = home.server().planted().with("--demo").start();
    let alice = server.visitor().sign_in("alice", "vestibule-demo").await;
    let bob = server.visitor().sign_in("bob", "vestibule-demo").await;
    let token = server.visitor().mint("carol").await;
    server.stop();
    home.run("user disable alice").good();
    home.run("user delete carol").good();
    let server = home.server().start();
    assert_eq!(server.visitor().check(&alice).await, 401);
    assert_eq!(server.visitor().try_redeem(&token).await.status(), 401);
    assert_eq!(server.visitor().check(&bob).await, 204);
}

#[tokio::test]
async fn thousands_of_users_are_imported_and_bad_rows_reported_by_their_line() {
    let home = Home::new();
    let server = home.server().planted().start();
    home.run("org create Sales").good();
    let mut csv = String::from("name,display_name,email,password,orgs,groups\n");
    for n in 1..=3000 {
        let line = n + 1;
        match line {
            500 => csv.push_str("short,too few fields\n"),
            1000 => csv.push_str("pl4nted,P,,short,,\n"),
            1500 => csv.push_str("nowhere,N,,,No such Org,\n"),
            2000 => csv.push_str("groupless,G,,,Sales,no such group\n"),
            2500 => csv.push_str("user-00002,Twice,,,,\n"),
            // Few have passwords: each is hashed, slowly on purpose.
            10 | 20 => writeln!(csv, "user-{line:05},U,,{NEW_PASSWORD},Sales,").unwrap(),
            _ => writeln!(csv, "user-{line:05},U {line},u{line}@example.com,,Sales;0,").unwrap(),
        }
    }
    let file = home.write("users.csv", &csv);
    let ran = home.run(&format!("user import {file}"));
    assert_eq!(ran.code, 1, "some rows were bad");
    assert_eq!(ran.out, "2995 created, 5 skipped\n");
    let lines: Vec<&str> = ran.err.lines().collect();
    for (line, number) in lines.iter().zip([500, 1000, 1500, 2000, 2500]) {
        assert!(line.starts_with(&format!("line {number}: ")), "{line}");
    }
    assert!(!ran.err.contains("short"), "a password is not quoted");

    let users = home.run("user list --json").json();
    let users = users.as_array().unwrap();
    assert_eq!(users.len(), 2996, "and the administrator");
    for bad in ["short", "pl4nted", "nowhere", "groupless"] {
        assert!(!users.iter().any(|user| user["name"] == bad), "{bad}");
    }
    server.visitor().sign_in("user-00010", NEW_PASSWORD).await;

    // Again: everything is there already, nothing is made twice.
    let again = home.run(&format!("user import {file} --json"));
    let answer: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!(again.code, 1);
    assert_eq!(answer["created"], 0);
    assert_eq!(answer["skipped"].as_array().unwrap().len(), 3000);
}

#[test]
fn an_import_without_a_server_reads_standard_input() {
    let home = Home::new();
    let out = home.run_with("user import -", "name\nalice\nbob\n").good();
    assert_eq!(out, "2 created, 0 skipped\n");
}

#[test]
fn exit_codes_tell_a_refusal_from_a_line_not_understood() {
    let home = Home::new();
    for (line, code) in [
        ("--help", 0),
        ("--version", 0),
        ("user --help", 0),
        ("user show nobody", 1),
        ("key retire x", 1),
        ("org create Primary", 1),
        ("user create bob", 1),
        ("nonsense", 2),
        ("user create bob --password secret", 2),
        ("user list --demo", 2),
        ("--set nonsense", 2),
    ] {
        let ran = home.run(line);
        assert_eq!(ran.code, code, "{line}: {ran:?}");
        assert_eq!(ran.err.is_empty(), code == 0, "{line}: {ran:?}");
        assert!(!ran.err.contains("panicked"), "{line}: {ran:?}");
    }
}

#[test]
fn case_44_a_password_comes_by_standard_input_only_and_keeps_its_blanks() {
    let home = Home::new();
    let error = home.run("user create eve").refusal();
    assert!(error.contains("--password-stdin"), "{error}");
    let error = home
        .run_with("user create eve --password-stdin", "short\n")
        .refusal();
    assert!(!error.contains("short\n"), "{error}");
    home.run_with("user create eve --password-stdin", "  eight blanks  \n")
        .good();
}

#[test]
fn redirect_check_says_by_which_rule() {
    let home = Home::new();
    let allow = "--set redirects.allow=https://app.example.com,https://*.wild.example";
    for (url, code) in [
        ("https://app.example.com/a?b#c", 0),
        ("https://one.wild.example/", 0),
        ("http://127.0.0.1:8080/", 0),
        ("https://two.one.wild.example/", 1),
        ("https://app.example.com.evil.example/", 1),
        ("https://app.example.com@evil.example/", 1),
        ("//evil.example", 1),
        ("javascript:alert(1)", 1),
    ] {
        let ran = home.run(&format!("redirect check {allow} {url}"));
        assert_eq!(ran.code, code, "{url}: {ran:?}");
        assert!(!ran.out.is_empty(), "{url}");
        let ran = home.run(&format!("redirect check --json {allow} {url}"));
        let answer: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(answer["allowed"], code == 0, "{url}");
    }
    assert!(!home.data().exists(), "judging needs no data");
}

#[test]
fn without_a_word_about_it_data_is_kept_below_the_folder_it_runs_in() {
    let home = Home::new();
    let mut create = home.bare();
    create.args(["user", "create", "alice", "--no-password"]);
    let made = Ran::of(&mut create, "");
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.err.contains("it is made"), "{made:?}");
    assert!(home.path().join("data/directory.db").exists());
    let mut list = home.bare();
    list.args(["user", "list", "--json"]);
    assert_eq!(Ran::of(&mut list, "").json()[0]["name"], "alice");
}
