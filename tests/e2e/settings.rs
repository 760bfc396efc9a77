//! Settings as the process reads them: flags, environment, file, defaults.

use crate::support::{Home, PASSWORD, Ran, SECRET_KEY};
use crate::tls::{write_expired_pair, write_pair};
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

/// What `config check` prints of a setting, and whether it was content with all.
fn checked(home: &Home, variables: &[(&str, &str)], setting: &str) -> (String, bool) {
    let ran = run_under(home, variables, "config check");
    let lines = ran.out.lines();
    let line = lines.filter(|line| line.starts_with(setting)).collect();
    assert_eq!(ran.code == 0, ran.out.contains("the settings are good"));
    (line, ran.code == 0)
}

#[test]
fn config_check_looks_at_files_and_stores_as_a_start_would() {
    let home = Home::new();
    write_expired_pair(&home);
    let old = std::fs::read_to_string(home.path().join("site.pem")).unwrap();
    home.write("old.pem", &old);
    let old_key = std::fs::read_to_string(home.path().join("site.key")).unwrap();
    home.write("old.key", &old_key);
    write_pair(&home, "site");
    home.write("text.png", "no picture");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = closed.local_addr().unwrap().to_string();
    drop(closed);
    let (redis, postgres) = (
        format!("redis://me:pl4nted@{nobody}/0"),
        format!("postgres://me:pl4nted@{nobody}/vestibule"),
    );
    let (cert, key) = (
        "VESTIBULE__SERVER__TLS_CERT_FILE",
        "VESTIBULE__SERVER__TLS_KEY_FILE",
    );
    for (variables, setting, words) in [
        (
            &[(cert, "site.pem"), (key, "old.key")][..],
            "server.tls_cert_file",
            "do not fit",
        ),
        (
            &[(cert, "site.pem"), (key, "text.png")],
            "server.tls_cert_file",
            "text.png",
        ),
        (
            &[(cert, "old.pem"), (key, "old.key")],
            "server.tls_cert_file",
            "expired on 2020-01-02",
        ),
        (
            &[("VESTIBULE__PAGES__LOGO_FILE", "text.png")],
            "pages.logo_file",
            "text.png",
        ),
        (
            &[("VESTIBULE__AUDIT__FILE", "no/such/audit.jsonl")],
            "audit.file",
            "no/such is not there",
        ),
        (
            &[("VESTIBULE__SESSIONS__STORE", &redis)],
            "sessions.store",
            &nobody,
        ),
        (
            &[("VESTIBULE__DIRECTORY__STORE", &postgres)],
            "directory.store",
            &nobody,
        ),
    ] {
        let (line, is_good) = checked(&home, variables, setting);
        assert!(line.contains(words), "{setting}: {line}");
        assert!(!is_good && !line.contains("pl4nted"), "{line}");
        assert!(line.matches("refused").count() < 2, "{line}");
    }
    let (line, is_good) = checked(
        &home,
        &[
            (cert, "site.pem"),
            (key, "site.key"),
            ("VESTIBULE__AUDIT__FILE", "audit.jsonl"),
        ],
        "server.tls_cert_file",
    );
    assert!(is_good && line.contains("is good until"), "{line}");
    assert!(!home.data().exists() && !home.path().join("audit.jsonl").exists());
}

#[tokio::test]
async fn a_guest_who_is_nobody_is_told_at_the_start_and_by_config_check() {
    let home = Home::new();
    let line = "--set microstrategy.login_modes=1,8 --set microstrategy.guest_user=gest";
    let server = home.server().planted().with(line).start();
    server.logs("microstrategy.guest_user names nobody").await;
    let told = home.run(&format!("config check {line}")).good();
    assert!(
        told.contains("microstrategy.guest_user: warning: names nobody"),
        "{told}"
    );
    let good = line.replace("gest", "tsadmin");
    let told = home.run(&format!("config check {good}")).good();
    assert!(told.contains("there is a user \"tsadmin\""), "{told}");
}

#[test]
fn config_show_tells_nothing_from_standard_output() {
    let home = Home::new();
    let value = |line: &str| {
        let out = run_under(&home, &[], line).good();
        let row = out.lines().find(|row| row.starts_with("audit.file"));
        row.unwrap().split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(value("config show"), "(none)");
    assert_eq!(value("config show --set audit.file=-"), "-");
}

#[test]
fn a_start_says_once_what_is_wrong_and_where() {
    let home = Home::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = closed.local_addr().unwrap().to_string();
    drop(closed);
    let serve = "serve --http 127.0.0.1:0 --https off";
    let error = home
        .run(&format!(
            "{serve} --set sessions.store=redis://u:pl4nted@{nobody}/0"
        ))
        .refusal();
    let expected = format!("sessions.store: Redis cannot be reached at {nobody}: ");
    assert!(error.contains(&expected), "{error}");
    assert_eq!(error.matches("Connection refused").count(), 1, "{error}");
    let deep = home.path().join("d".repeat(100));
    let line = format!("{serve} --data-dir {}", deep.display());
    let error = run_under(&home, &[], &line).refusal();
    assert!(
        error.contains("data_dir") && error.contains("107"),
        "{error}"
    );
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
