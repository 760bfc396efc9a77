//! Settings as the process reads them: flags, environment, file, defaults.

use crate::support::{Home, PASSWORD, Ran, SECRET_KEY};
use serde_json::Value;

/// Runs a command line under environment variables.
fn run_under(home: &Home, variables: &[(&str, &str)], line: &str) -> Ran {
    let mut command = home.bare();
    command.envs(variables.iter().copied());
    command.args(line.split_whitespace());
    Ran::of(&mut command, "")
}

/// The value in force and its origin.
fn shown(rows: &Value, key: &str) -> (String, String) {
    let rows = rows.as_array().unwrap();
    let row = rows.iter().find(|row| row["key"] == key).unwrap();
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    (text("value"), text("origin"))
}

#[test]
fn a_flag_wins_over_the_environment_it_over_the_file_and_that_over_the_default() {
    let home = Home::new();
    let file = home.write(
        "vestibule.toml",
        "[sessions]\nidle_timeout = \"11m\"\nabsolute_timeout = \"11h\"\nremember_for = \"11d\"\n",
    );
    let variables = [
        ("VESTIBULE__SESSIONS__IDLE_TIMEOUT", "12m"),
        ("VESTIBULE__SESSIONS__ABSOLUTE_TIMEOUT", "12h"),
        (
            "VESTIBULE__EMBED__ORIGINS",
            "https://a.example,b.example:444",
        ),
    ];
    let line = "config show --json --config vestibule.toml --set sessions.idle_timeout=13m";
    let rows = run_under(&home, &variables, line).json();
    let owned = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(
        shown(&rows, "sessions.idle_timeout"),
        owned("13m", "flag --set sessions.idle_timeout")
    );
    assert_eq!(
        shown(&rows, "sessions.absolute_timeout"),
        owned("12h", "environment VESTIBULE__SESSIONS__ABSOLUTE_TIMEOUT")
    );
    assert_eq!(
        shown(&rows, "sessions.remember_for"),
        owned("11d", "file vestibule.toml")
    );
    assert_eq!(shown(&rows, "tokens.max_age"), owned("24h", "default"));
    assert_eq!(
        shown(&rows, "embed.origins").0,
        "https://a.example,https://b.example:444"
    );
    assert!(std::path::Path::new(&file).exists());
}

#[test]
fn config_show_masks_secrets_whatever_they_came_by() {
    let home = Home::new();
    let variables = [
        ("VESTIBULE__BOOTSTRAP__ADMIN_PASSWORD", PASSWORD),
        ("VESTIBULE__BOOTSTRAP__SECRET_KEY", SECRET_KEY),
        ("VESTIBULE__SESSIONS__STORE", "redis://me:pl4nted@h.example"),
    ];
    for line in ["config show", "config show --json"] {
        let out = run_under(&home, &variables, line).good();
        for secret in [PASSWORD, SECRET_KEY, "pl4nted"] {
            assert!(!out.contains(secret), "{out}");
        }
        assert!(out.contains("h.example"), "{out}");
        assert!(out.contains("VESTIBULE__BOOTSTRAP__SECRET_KEY"), "{out}");
    }
}

#[test]
fn what_is_wrong_stops_every_command_with_place_value_and_expectation() {
    let home = Home::new();
    home.write(
        "bad.toml",
        "[server]\nhttp = \"everywhere\"\n[sesions]\nidle_timeout = \"1m\"\n",
    );
    let variables = [
        ("VESTIBULE__SESSIONS__IDLE_TIMEOUT", "soon"),
        ("VESTIBULE__SESSIONS__IDEL_TIMEOUT", "1m"),
        ("VESTIBULE__BOOTSTRAP__ADMIN_PASSWORD", "pl4nt"),
    ];
    let flags = "--config bad.toml --set tokens.login_by_get=perhaps --set nothing.such=pl4nted";
    for command in ["serve", "config check", "config show", "user list"] {
        let ran = run_under(&home, &variables, &format!("{command} {flags}"));
        assert_eq!(ran.out, "");
        let error = ran.refusal();
        for expected in [
            "server.http = \"everywhere\" (file bad.toml): expected an address and port",
            "sesions.idle_timeout is not a setting; did you mean sessions.idle_timeout?",
            "sessions.idle_timeout = \"soon\" (environment VESTIBULE__SESSIONS__IDLE_TIMEOUT)",
            "environment: VESTIBULE__SESSIONS__IDEL_TIMEOUT is not a setting; did you mean \
             VESTIBULE__SESSIONS__IDLE_TIMEOUT?",
            "tokens.login_by_get = \"perhaps\" (flag --set tokens.login_by_get): expected true or false",
            "nothing.such is not a setting",
            "expected a password of 8 to 1024 bytes",
        ] {
            assert!(error.contains(expected), "{expected}\n{error}");
        }
        assert!(!error.contains("pl4nt"), "{error}");
    }
    assert!(!home.data().exists(), "nothing was touched");
}

#[test]
fn config_check_only_checks() {
    let home = Home::new();
    let out = run_under(&home, &[], "config check").good();
    assert_eq!(out, "the settings are good\n");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_settings_file_that_is_not_there_is_named() {
    let home = Home::new();
    let error = run_under(&home, &[], "config check --config nowhere.toml").refusal();
    assert!(error.contains("nowhere.toml cannot be read"), "{error}");
}

#[tokio::test]
async fn a_server_obeys_the_file_and_the_environment() {
    let home = Home::new();
    home.write(
        "vestibule.toml",
        "[trusted_auth]\nenabled = false\n[tokens]\nlogin_by_get = false\n",
    );
    let server = home
        .server()
        .planted()
        .with("--config vestibule.toml")
        .env("VESTIBULE__SERVER__HTTPS", "off")
        .env("VESTIBULE__TOKENS__LOGIN_BY_GET", "true")
        .start();
    let visitor = server.visitor();
    assert_eq!(visitor.try_mint(SECRET_KEY, "tsadmin").await.status(), 500);
    let by_get = visitor.get("/callosum/v1/session/login/token").await;
    assert_eq!(by_get.status(), 400, "not 405: the environment wins");
}

#[test]
fn config_check_asks_the_ldap_servers_and_says_what_is_wrong_with_each() {
    let home = Home::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ldap://{}", closed.local_addr().unwrap());
    drop(closed);
    let variables = [
        ("VESTIBULE__LDAP__URLS", url.as_str()),
        (
            "VESTIBULE__LDAP__USER_DN_PATTERN",
            "uid={},dc=example,dc=org",
        ),
        ("VESTIBULE__LDAP__BIND_DN", "cn=vestibule,dc=example,dc=org"),
        ("VESTIBULE__LDAP__BIND_PASSWORD", "p1anted-word"),
    ];
    let checked = run_under(&home, &variables, "config check");
    assert_eq!(checked.code, 1, "{}", checked.out);
    assert!(checked.out.contains(&url), "{}", checked.out);
    assert!(checked.out.contains("refused"), "{}", checked.out);
    assert!(
        !checked.out.contains("settings are good"),
        "{}",
        checked.out
    );
    let rows = run_under(&home, &variables, "config show --json").json();
    assert_eq!(shown(&rows, "ldap.bind_password").0, "***");
}
