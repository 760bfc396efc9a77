//! Operator commands that went astray: another folder, other settings, a server that cannot be asked. None may say that
//! something is done which is not.

use crate::support::{Home, Ran, Redis};
use std::process::Command;
use std::time::Duration;
use vestibule::domain::clock::Stopwatch;

#[test]
fn a_command_for_a_folder_without_data_says_so_and_makes_none() {
    let home = Home::new();
    let server = home.server().planted().start();
    let elsewhere = tempfile::tempdir().unwrap();
    for line in [
        "session revoke --all --yes",
        "session list",
        "user disable tsadmin",
        "user list --json",
        "key retire x",
    ] {
        let mut astray = home.bare();
        astray
            .current_dir(elsewhere.path())
            .args(line.split_whitespace());
        let ran = Ran::of(&mut astray, "");
        assert!(ran.out.is_empty(), "{line}: {ran:?}");
        let error = ran.refusal();
        let data = elsewhere.path().join("data");
        let words = format!("there is no vestibule data in {}", data.display());
        assert!(error.contains(&words), "{line}: {error}");
        assert!(!data.exists(), "{line}");
    }
    drop(server);
}

#[test]
fn a_command_that_changes_something_says_who_did_it() {
    let home = Home::new();
    let server = home.server().planted().start();
    let ran = home.run("session revoke --all --yes");
    let by = format!("by the server, process {}\n", server.process());
    assert!(ran.err.contains(&by), "{ran:?}");
    assert!(home.run("session list").err.is_empty(), "only looks");
    server.stop();
    let ran = home.run("session revoke --all --yes");
    let place = format!(
        "no server runs: on {}, sessions embedded",
        home.data().display()
    );
    assert!(ran.err.contains(&place), "{ran:?}");
}

#[test]
fn without_a_server_sessions_are_not_ended_where_they_never_were() {
    let redis = Redis::start();
    let home = Home::on(&redis);
    home.server().planted().start().stop();
    for line in [
        "session revoke --all --yes",
        "session list",
        "user disable tsadmin",
        "user delete tsadmin --yes",
        "user passwd tsadmin --password-stdin",
    ] {
        let mut forgetful = home.bare();
        forgetful
            .arg("--data-dir")
            .arg(home.data())
            .args(line.split_whitespace());
        let error = Ran::of(&mut forgetful, "a new pass phrase").refusal();
        assert!(
            error.contains("kept its sessions in Redis"),
            "{line}: {error}"
        );
        assert!(error.contains("nothing was done"), "{line}: {error}");
        assert!(!home.data().join("sessions.db").exists(), "{line}");
    }
    home.run("session revoke --all --yes").good();
}

#[test]
fn a_server_without_its_socket_is_not_taken_for_another_program() {
    let home = Home::new();
    let server = home.server().planted().start();
    std::fs::remove_file(home.data().join("operator.sock")).unwrap();
    let error = home.run("user list").refusal();
    let words = format!("the server (process {}) works on", server.process());
    assert!(error.contains(&words), "{error}");
    assert!(error.contains("operator.sock"), "{error}");
    assert!(error.contains("restart it"), "{error}");
}

#[test]
fn a_server_that_hangs_is_not_waited_for() {
    let home = Home::new();
    let server = home.server().planted().start();
    server.signal("STOP");
    let began = Stopwatch::start();
    let error = home.run("user list").refusal();
    assert!(error.contains("does not answer"), "{error}");
    assert!(error.contains(&server.process().to_string()), "{error}");
    let address = server.http().trim_start_matches("http://");
    let error = home.run(&format!("health --http {address}")).refusal();
    assert!(error.contains("no answer within 3 s"), "{error}");
    // 5 s and 3 s of patience; the rest is the machine's.
    assert!(began.elapsed() < Duration::from_secs(30));
    server.signal("CONT");
    home.run("user list").good();
}

#[test]
fn the_last_administrator_stays() {
    let home = Home::new();
    let server = home.server().planted().start();
    home.run("user create alice --no-password").good();
    for line in [
        "user delete tsadmin --yes",
        "user disable tsadmin",
        "user admin tsadmin --revoke",
    ] {
        let error = home.run(line).refusal();
        assert!(
            error.contains("the last active administrator"),
            "{line}: {error}"
        );
    }
    home.run("user admin alice").good();
    assert_eq!(home.run("user show alice --json").json()["is_admin"], true);
    home.run("user delete tsadmin --yes").good();
    home.run("user admin alice --revoke").refusal();
    drop(server);
}

#[test]
fn on_a_terminal_a_user_is_deleted_after_a_yes_only() {
    let home = Home::new();
    home.run("user create alice --no-password").good();
    for (answer, code) in [("n\n", 1), ("\n", 1), ("y\n", 0)] {
        let line = format!(
            "'{}' --data-dir '{}' user delete alice",
            env!("CARGO_BIN_EXE_vestibule"),
            home.data().display()
        );
        // `script` gives its child a terminal.
        let mut terminal = Command::new("script");
        terminal
            .args(["-qec", &line, "/dev/null"])
            .current_dir(home.path());
        let ran = Ran::of(&mut terminal, answer);
        assert!(ran.out.contains("This deletes user alice"), "{ran:?}");
        assert_eq!(ran.code, code, "{ran:?}");
    }
    assert_eq!(home.run("user list --json").json(), serde_json::json!([]));
}
