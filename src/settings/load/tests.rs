//! Tests of loading settings: each rule once, through the front door.

use super::*;
use crate::settings::SessionStoreSetting;
use std::io::Write;

fn environment(variables: &[(&str, &str)]) -> Sources {
    Sources {
        environment: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Sources::default()
    }
}

fn flags(flags: &[(&str, &str)]) -> Sources {
    Sources {
        flags: flags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..Sources::default()
    }
}

fn file(text: &str) -> (tempfile::NamedTempFile, Sources) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let sources = Sources {
        config_file: Some(file.path().to_owned()),
        ..Sources::default()
    };
    (file, sources)
}

fn shown(loaded: &Loaded, key: &str) -> (String, String) {
    let shown = loaded.show();
    let found = shown.iter().find(|shown| shown.key == key).unwrap();
    (found.value.clone(), found.origin.clone())
}

fn refused(sources: &Sources) -> String {
    Loaded::load(sources).unwrap_err().to_string()
}

#[test]
fn default_toml_names_every_setting_and_nothing_else() {
    let mut reader = Reader::new(Layers::of_defaults(DEFAULTS));
    let _ = read(&mut reader);
    assert_eq!(reader.unread(), Vec::<String>::new());
    assert_eq!(reader.finish().0, Vec::<String>::new());
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let settings = Settings::defaults();
    assert_eq!(settings.server.http, "127.0.0.1:8080".parse().ok());
    assert_eq!(settings.server.https, "127.0.0.1:8443".parse().ok());
    assert_eq!(settings.server.public_url, None);
    assert_eq!(settings.data_dir, PathBuf::from("./data"));
    assert!(matches!(
        settings.sessions.store,
        SessionStoreSetting::Embedded
    ));
    assert_eq!(settings.sessions.idle_timeout, Duration::from_mins(30));
    assert_eq!(settings.sessions.absolute_timeout, Duration::from_hours(24));
    assert_eq!(
        settings.sessions.remember_for,
        Duration::from_hours(14 * 24)
    );
    assert!(settings.trusted_auth.enabled && settings.tokens.login_by_get);
    assert_eq!(settings.tokens.lifetime, TokenLifetimeSetting::Compat);
    assert_eq!(settings.tokens.max_age, Duration::from_hours(24));
    assert!(settings.bootstrap.admin_password.is_none());
    assert!(settings.bootstrap.secret_key.is_none());
    assert_eq!(settings.sessions.key_prefix, "vestibule:");
    assert_eq!(settings.audit.file, None);
}

#[test]
fn every_default_is_explained_in_a_comment() {
    for (number, line) in DEFAULTS.lines().enumerate() {
        let is_setting = !line.starts_with('#') && line.contains(" = ");
        let before = DEFAULTS.lines().nth(number.saturating_sub(1)).unwrap();
        let is_explained = before.starts_with('#') || line.starts_with("tls_key_file");
        assert!(!is_setting || is_explained, "{line}");
    }
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_defaults() {
    let (_file, mut sources) =
        file("[sessions]\nidle_timeout = \"1m\"\nabsolute_timeout = \"2h\"\nremember_for = \"3d\"");
    sources.environment = environment(&[
        ("VESTIBULE__SESSIONS__IDLE_TIMEOUT", "5m"),
        ("VESTIBULE__SESSIONS__ABSOLUTE_TIMEOUT", "6h"),
        ("PATH", "/bin"),
    ])
    .environment;
    sources.flags = flags(&[("sessions.idle_timeout", "1h30m")]).flags;
    let loaded = Loaded::load(&sources).unwrap();
    assert_eq!(
        loaded.settings.sessions.idle_timeout,
        Duration::from_mins(90)
    );
    let path = sources.config_file.unwrap();
    for (key, value, origin) in [
        (
            "sessions.idle_timeout",
            "1h30m",
            "flag --set sessions.idle_timeout",
        ),
        (
            "sessions.absolute_timeout",
            "6h",
            "environment VESTIBULE__SESSIONS__ABSOLUTE_TIMEOUT",
        ),
        (
            "sessions.remember_for",
            "3d",
            &format!("file {}", path.display()),
        ),
        ("tokens.max_age", "24h", "default"),
    ] {
        assert_eq!(shown(&loaded, key), (value.to_owned(), origin.to_owned()));
    }
}

#[test]
fn listeners_are_addresses_or_off() {
    let sources = flags(&[("server.http", "off"), ("server.https", "[::1]:0")]);
    let loaded = Loaded::load(&sources).unwrap();
    assert_eq!(loaded.settings.server.http, None);
    assert_eq!(loaded.settings.server.https, "[::1]:0".parse().ok());
    assert_eq!(shown(&loaded, "server.http").1, "flag --http");

    let wrong = environment(&[("VESTIBULE__SERVER__HTTP", "808")]);
    assert_eq!(
        refused(&wrong),
        "server.http = \"808\" (environment VESTIBULE__SERVER__HTTP): expected an address and port \
         such as 127.0.0.1:8080, or off"
    );
    let both = flags(&[("server.http", "off"), ("server.https", "off")]);
    assert!(refused(&both).contains("at least one"));
    let same = flags(&[("server.https", "127.0.0.1:8080")]);
    assert!(refused(&same).contains("two different addresses"));
}

#[test]
fn all_problems_are_reported_together_one_per_line() {
    let (_file, mut sources) = file("[server]\nhttp = 80\n[sessions]\nidle_timeout = 30\n[foo]\n");
    sources.environment = environment(&[("VESTIBULE__TOKENS__MAX_AGE", "0s")]).environment;
    let text = refused(&sources);
    assert_eq!(text.lines().count(), 4, "{text}");
    for part in [
        "server.http = \"80\" (file ",
        "sessions.idle_timeout = \"30\" (file ",
        "foo is not a setting",
        "tokens.max_age = \"0s\" (environment VESTIBULE__TOKENS__MAX_AGE): expected more than 0s",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn unknown_keys_stop_the_start_and_suggest_what_was_meant() {
    for (text, hint) in [
        (
            "[sesions]\nidle_timeout = \"1m\"",
            "did you mean sessions.idle_timeout?",
        ),
        ("[server]\nhtp = \"off\"", "did you mean server.http?"),
        ("server = 3", "server is a section"),
        ("colour = \"red\"", "`vestibule config show` lists them all"),
        (
            "[server.http]\nport = 1",
            "server.http.port is not a setting",
        ),
    ] {
        let (_file, sources) = file(text);
        let problem = refused(&sources);
        assert!(problem.contains(hint), "{problem}");
    }
    let sources = environment(&[("VESTIBULE__SERVER__HTTPP", "x")]);
    let problem = refused(&sources);
    assert!(problem.contains("VESTIBULE__SERVER__HTTPP is not a setting"));
    assert!(problem.contains("did you mean VESTIBULE__SERVER__HTTP"));
    assert!(refused(&flags(&[("server.nope", "1")])).contains("flag --set: server.nope"));
}

#[test]
fn lists_are_separated_by_commas_and_normalised() {
    let sources = environment(&[
        (
            "VESTIBULE__EMBED__ORIGINS",
            "app.example.com, http://LOCALHOST:3000,,app.example.com",
        ),
        ("VESTIBULE__REDIRECTS__ALLOW", "https://*.example.com"),
        ("VESTIBULE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,::1"),
    ]);
    let loaded = Loaded::load(&sources).unwrap();
    assert_eq!(
        loaded.settings.embed.origins,
        ["https://app.example.com", "http://localhost:3000"]
    );
    assert_eq!(loaded.settings.redirects.allow, ["https://*.example.com"]);
    assert_eq!(
        loaded.settings.server.trusted_proxies,
        ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]
    );
    let (_file, wrong) = file("[embed]\norigins = [\"*\", \"https://a.example\"]");
    let problem = refused(&wrong);
    assert!(
        problem.contains("\"*\" to be an origin such as"),
        "{problem}"
    );
    let (_file, mixed) = file("[embed]\norigins = [3]");
    assert!(refused(&mixed).contains("a list, each"));
}

#[test]
fn an_empty_value_means_none_where_none_is_possible() {
    let sources = environment(&[
        ("VESTIBULE__SERVER__PUBLIC_URL", ""),
        ("VESTIBULE__EMBED__ORIGINS", ""),
        ("VESTIBULE__BOOTSTRAP__ADMIN_PASSWORD", ""),
        ("VESTIBULE__AUDIT__FILE", "-"),
    ]);
    let settings = Loaded::load(&sources).unwrap().settings;
    assert_eq!(settings.server.public_url, None);
    assert!(settings.embed.origins.is_empty());
    assert!(settings.bootstrap.admin_password.is_none());
    assert_eq!(settings.audit.file, Some(PathBuf::from("-")));
    assert!(refused(&flags(&[("data_dir", "")])).contains("expected a folder"));
}

#[test]
fn timeouts_must_make_sense_together() {
    for (wrong, sentence) in [
        (vec![("sessions.idle_timeout", "0s")], "more than 0s"),
        (vec![("sessions.idle_timeout", "25h")], "the absolute one"),
        (
            vec![("sessions.absolute_timeout", "soon")],
            "a duration such as",
        ),
        (
            vec![("sessions.absolute_timeout", "9999999d")],
            "at most 365d",
        ),
        (vec![("sessions.remember_for", "0m")], "more than 0s"),
        (vec![("tokens.lifetime", "25h")], "at most the maximum age"),
        (vec![("tokens.lifetime", "0s")], "more than 0s"),
        (
            vec![("tokens.lifetime", "eternal")],
            "compat, or a duration",
        ),
        (vec![("server.shutdown_timeout", "2h")], "0s to 1h"),
        (vec![("server.body_timeout", "2h")], "1s to 1h"),
        (vec![("server.reply_timeout", "0s")], "1s to 1h"),
    ] {
        let problem = refused(&flags(&wrong));
        assert!(problem.contains(sentence), "{problem}");
        assert_eq!(problem.lines().count(), 1, "{problem}");
    }
    let fixed = Loaded::load(&flags(&[("tokens.lifetime", "300s")])).unwrap();
    assert_eq!(
        fixed.settings.tokens.lifetime,
        TokenLifetimeSetting::Fixed(Duration::from_mins(5))
    );
}

#[test]
fn a_slip_in_the_log_level_does_not_switch_the_log_off() {
    for (slip, end) in [
        ("warning", "; did you mean warn?"),
        ("wran", "; did you mean warn?"),
        ("info,debg", "; did you mean debug?"),
        ("err", "; did you mean error?"),
        ("loud", "vestibule=debug"),
        ("vestibule", "vestibule=debug"),
        (",", "vestibule=debug"),
    ] {
        let problem = refused(&flags(&[("log.level", slip)]));
        assert!(problem.trim_end().ends_with(end), "{slip}: {problem}");
    }
    for good in [
        "off",
        "WARN",
        "info,vestibule=debug",
        "vestibule::stores=trace, warn",
    ] {
        Loaded::load(&flags(&[("log.level", good)])).unwrap();
    }
}

#[test]
fn other_wrong_values_are_told_what_was_expected() {
    for (key, value, sentence) in [
        ("trusted_auth.enabled", "yes", "true or false"),
        ("cookies.same_site", "none", "auto, lax or strict"),
        ("log.format", "xml", "text or json"),
        ("log.level", "vestibule=loud", "a filter such as"),
        ("log.level", "", "a filter such as"),
        ("server.workers", "513", "a number from 0 to 512"),
        ("server.max_body_bytes", "10", "a number from 1024"),
        (
            "server.public_url",
            "analytics.example.com",
            "an address such as",
        ),
        (
            "server.public_url",
            "https://a.example/path",
            "an address such as",
        ),
        (
            "server.trusted_proxies",
            "everyone",
            "an address or a network",
        ),
        ("redirects.allow", "*", "for one label"),
        (
            "server.tls_cert_file",
            "/nonexistent.pem",
            "a file that exists",
        ),
        ("sessions.store", "memcached://host", "embedded, redis://"),
        ("sessions.store", "redis://host/zero", "embedded, redis://"),
        ("directory.store", "mysql://h/d", "embedded, or postgres://"),
        (
            "directory.store",
            "postgres://host",
            "embedded, or postgres://",
        ),
        (
            "directory.store",
            "postgres:///d",
            "embedded, or postgres://",
        ),
        (
            "directory.store",
            "postgres://h/d?sslmode=often",
            "embedded, or postgres://",
        ),
        ("directory.copy_to", "embedded", "postgres://user"),
        ("directory.copy_to", "postgres:///d", "postgres://user"),
        ("sessions.key_prefix", "", "1 to 64"),
        ("sessions.key_prefix", "a b:", "1 to 64"),
        ("sessions.key_prefix", "{a}:", "without braces"),
    ] {
        let problem = refused(&flags(&[(key, value)]));
        assert!(problem.contains(sentence), "{problem}");
    }
}

#[test]
fn a_certificate_needs_its_key_and_encryption_its_scheme() {
    let pem = tempfile::NamedTempFile::new().unwrap();
    let path = pem.path().to_str().unwrap();
    for alone in ["server.tls_cert_file", "server.tls_key_file"] {
        assert!(refused(&flags(&[(alone, path)])).contains("expected both or neither"));
    }
    let plain = flags(&[
        ("sessions.tls_ca_file", path),
        ("sessions.store", "redis://host"),
    ]);
    assert!(refused(&plain).contains("expected rediss://"));
    let encrypted = flags(&[
        ("sessions.tls_ca_file", path),
        ("sessions.store", "rediss://host"),
    ]);
    assert!(Loaded::load(&encrypted).is_ok());
    for (url, is_good) in [
        ("postgres://host/d", true),
        ("postgres://host/d?sslmode=verify-full", true),
        ("postgresql://host/d?sslmode=verify-ca", true),
        ("postgres://host/d?sslmode=require", false),
        ("embedded", true),
    ] {
        let sources = flags(&[("directory.tls_ca_file", path), ("directory.store", url)]);
        assert_eq!(Loaded::load(&sources).is_ok(), is_good, "{url}");
    }
}

#[test]
fn a_directory_is_copied_to_a_database_from_the_data_folder_only() {
    let target = ("directory.copy_to", "postgres://u:p1anted@host/d");
    let good = Loaded::load(&flags(&[target])).unwrap();
    assert!(good.settings.directory.copy_to.is_some());
    assert!(!format!("{good:?} {:?}", good.show()).contains("p1anted"));
    assert_eq!(
        shown(&good, "directory.copy_to").0,
        "postgres://u:***@host/d"
    );
    let moved = flags(&[target, ("directory.store", "postgres://u:p1anted@host/d")]);
    let problem = refused(&moved);
    assert!(problem.contains("take copy_to away"), "{problem}");
    assert!(!problem.contains("p1anted"), "{problem}");
    let certificate = tempfile::NamedTempFile::new().unwrap();
    let careless = flags(&[
        (
            "directory.tls_ca_file",
            certificate.path().to_str().unwrap(),
        ),
        ("directory.copy_to", "postgres://host/d?sslmode=require"),
    ]);
    assert!(refused(&careless).contains("directory.copy_to"));
    assert!(Settings::defaults().directory.copy_to.is_none());
}

#[test]
fn case_56_secrets_show_neither_in_errors_nor_in_listings_nor_in_debug() {
    let short = environment(&[
        ("VESTIBULE__BOOTSTRAP__ADMIN_PASSWORD", "p1anted"),
        ("VESTIBULE__BOOTSTRAP__SECRET_KEY", "p1anted key"),
        ("VESTIBULE__BOOTSTRAP__ADMIN_PASWORD", "p1anted"),
        ("VESTIBULE__SESSIONS__STORE", "reddis://u:p1anted@host"),
    ]);
    let problem = refused(&short);
    assert_eq!(problem.lines().count(), 4, "{problem}");
    assert!(problem.contains("a password of 8 to 1024 bytes"));
    assert!(!problem.contains("p1anted"), "{problem}");
    assert!(!format!("{short:?}").contains("p1anted"));

    let good = environment(&[
        ("VESTIBULE__BOOTSTRAP__ADMIN_PASSWORD", "p1anted-password"),
        ("VESTIBULE__BOOTSTRAP__SECRET_KEY", "p1anted-0123456789"),
        ("VESTIBULE__SESSIONS__STORE", "redis://u:p1anted@host/0"),
        ("VESTIBULE__DIRECTORY__STORE", "postgres://u:p1anted@host/d"),
    ]);
    let loaded = Loaded::load(&good).unwrap();
    assert!(!format!("{loaded:?} {:?}", loaded.show()).contains("p1anted"));
    assert_eq!(shown(&loaded, "sessions.store").0, "redis://u:***@host/0");
    assert_eq!(
        shown(&loaded, "directory.store").0,
        "postgres://u:***@host/d"
    );
    assert_eq!(shown(&loaded, "bootstrap.secret_key").0, "***");
}

#[test]
fn case_56_a_damaged_file_is_reported_by_line_without_quoting_it() {
    let (_file, sources) = file("[bootstrap]\nadmin_password = \"p1anted\n");
    let problem = refused(&sources);
    assert!(problem.contains(", line 2: "), "{problem}");
    assert!(!problem.contains("p1anted"), "{problem}");
    let missing = Sources {
        config_file: Some("/nonexistent/x.toml".into()),
        ..Sources::default()
    };
    assert!(refused(&missing).starts_with("file /nonexistent/x.toml cannot be read"));
}

#[test]
fn password_hashes_may_cost_more_than_owasp_asks_and_never_less() {
    for (memory, iterations, is_good) in [
        ("19456", "2", true),
        ("47104", "1", true),
        ("7168", "5", true),
        ("65536", "3", true),
        ("19456", "1", false),
        ("12287", "3", false),
        ("7167", "10", false),
    ] {
        let cost = [
            ("passwords.memory_kib", memory),
            ("passwords.iterations", iterations),
        ];
        let loaded = Loaded::load(&flags(&cost));
        assert_eq!(loaded.is_ok(), is_good, "{memory} {iterations}: {loaded:?}");
    }
}

#[test]
fn a_trace_collector_is_an_address_that_holds_no_password() {
    let at = |text| Loaded::load(&flags(&[("telemetry.otlp_endpoint", text)]));
    assert!(Settings::defaults().telemetry.otlp_endpoint.is_none());
    for good in ["http://127.0.0.1:4318", "https://collector.example/otlp/"] {
        let loaded = at(good).unwrap();
        assert!(loaded.settings.telemetry.otlp_endpoint.is_some(), "{good}");
    }
    for bad in [
        "127.0.0.1:4318",
        "grpc://127.0.0.1:4317",
        "http://",
        "http://collector.example/?key=1",
        "http://collector.example/#a",
        "https://user:pa55@collector.example",
    ] {
        let said = at(bad).unwrap_err().to_string();
        assert!(said.contains("telemetry.otlp_endpoint"), "{said}");
        assert!(!said.contains("pa55"), "{said}");
    }
    let percent = |text| Loaded::load(&flags(&[("telemetry.sample_percent", text)]));
    assert_eq!(percent("1").unwrap().settings.telemetry.sample_percent, 1);
    assert!(percent("0").is_err() && percent("101").is_err());
}
