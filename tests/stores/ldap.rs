//! The LDAP client against a real `slapd`: who is let in, what cannot be slipped into a name, and what happens when servers
//! do not answer.
use crate::ports::free_port;

use crate::slapd::{LENA_WORD, MAX_WORD, OTHER_WORD, PEOPLE, SERVICE_WORD, Slapd, authority};
use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;
use tokio::time::timeout;
use vestibule::domain::authn::{DirectoryServer, LdapAnswer, LdapIdentity};
use vestibule::domain::failure::StoreError;
use vestibule::settings::{Ldap, LdapUserSetting};
use vestibule::stores::ldap::LdapServers;

/// How long servers get in tests that wait for it to run out.
const SOON: Duration = Duration::from_millis(400);
/// Long enough for every server to be asked, and far too short for anybody to notice a hang.
const BOUNDED: Duration = Duration::from_secs(5);

async fn ask(settings: &Ldap, name: &str, password: &str) -> Result<LdapAnswer, StoreError> {
    let servers = LdapServers::open(settings).unwrap();
    servers.authenticate(name, &password.into()).await
}

async fn identity(settings: &Ldap, name: &str, password: &str) -> LdapIdentity {
    match ask(settings, name, password).await.unwrap() {
        LdapAnswer::Right(identity) => identity,
        other => panic!("{name}: {other:?}"),
    }
}

/// Refused as a name or a password that is wrong, and not for want of an answer.
async fn assert_refused(settings: &Ldap, name: &str, password: &str) {
    let answer = ask(settings, name, password).await.unwrap();
    assert!(
        !matches!(answer, LdapAnswer::Right(_)),
        "{name:?}: {answer:?}"
    );
}

/// Nothing is concluded, within a bounded time; the words never hold a password.
async fn assert_unavailable(settings: &Ldap, name: &str, password: &str) -> String {
    let answer = timeout(BOUNDED, ask(settings, name, password)).await;
    match answer.expect("no answer in a bounded time") {
        Err(error @ StoreError::Unavailable(_)) => {
            let words = format!("{error} {error:?}");
            assert!(!words.contains("p1anted"), "{words}");
            words
        }
        other => panic!("{other:?}"),
    }
}

fn both(slapd: &Slapd) -> [Ldap; 2] {
    [slapd.settings(), slapd.pattern_settings()]
}

#[tokio::test]
async fn the_right_password_says_who_somebody_is() {
    let slapd = Slapd::start();
    for settings in both(&slapd) {
        let lena = identity(&settings, "lena", LENA_WORD).await;
        assert_eq!(lena.dn, format!("uid=lena,{PEOPLE}"));
        assert_eq!(lena.username, "lena");
        assert_eq!(lena.display_name.as_deref(), Some("Lena Example"));
        assert_eq!(lena.email.as_deref(), Some("lena@example.com"));
        let mut groups: Vec<&str> = lena.groups.iter().map(|group| &*group.names[0]).collect();
        groups.sort_unstable();
        assert_eq!(groups, ["analysts", "ops"]);

        let max = identity(&settings, "max", MAX_WORD).await;
        assert_eq!((max.email, max.groups), (None, Vec::new()));

        // However the name is typed, it is the one that the directory has.
        assert_eq!(
            identity(&settings, "LENA", LENA_WORD).await.username,
            "lena"
        );
    }
    let mut by_name = slapd.settings();
    by_name.group_filter = "(|(member={dn})(memberUid={}))".to_owned();
    assert_eq!(identity(&by_name, "lena", LENA_WORD).await.groups.len(), 3);
    assert_eq!(identity(&by_name, "max", MAX_WORD).await.groups.len(), 1);
}

#[tokio::test]
async fn a_wrong_password_or_nobodys_name_is_refused() {
    let slapd = Slapd::start();
    for settings in both(&slapd) {
        for (name, password) in [
            ("lena", "wrong"),
            ("lena", MAX_WORD),
            ("lena", "P1ANTED-LENA-WORD"),
            ("nobody", LENA_WORD),
            ("mute", "any"),
            ("mute", "mute"),
        ] {
            assert_refused(&settings, name, password).await;
        }
    }
    let settings = slapd.settings();
    let answer = ask(&settings, "nobody", "x").await.unwrap();
    assert_eq!(answer, LdapAnswer::UnknownUser);
    let answer = ask(&settings, "lena", "x").await.unwrap();
    assert_eq!(answer, LdapAnswer::WrongPassword);
}

#[tokio::test]
async fn case_44_an_empty_password_is_refused_before_any_bind() {
    let slapd = Slapd::start();
    // The trap is set: this server says yes to an empty password.
    let lena = format!("uid=lena,{PEOPLE}");
    assert_eq!(slapd.who_is(&lena, ""), "anonymous");
    for settings in both(&slapd) {
        for password in ["", "\0", "\0rest"] {
            assert_refused(&settings, "lena", password).await;
        }
    }
    // Nothing is asked at all: with nobody there the answer is the same.
    slapd.kill();
    for settings in both(&slapd) {
        assert_refused(&settings, "lena", "").await;
    }
}

#[tokio::test]
async fn case_46_nothing_in_a_name_changes_the_filter_or_the_dn() {
    let slapd = Slapd::start();
    let root_word = "p1anted-root-word";
    for settings in both(&slapd) {
        for (name, password) in [
            ("*", LENA_WORD),
            ("len*", LENA_WORD),
            ("*)(uid=*", LENA_WORD),
            ("lena)(|(uid=*", LENA_WORD),
            ("lena)(objectClass=*)", LENA_WORD),
            (r"\6cena", LENA_WORD),
            ("lena\0", LENA_WORD),
            ("{}", LENA_WORD),
            // A DN's separator in a name reaches no other branch.
            ("root,ou=admins", root_word),
            (r"root\,ou=admins", root_word),
            ("root+ou=admins", root_word),
            ("lena,ou=people,dc=example,dc=org", LENA_WORD),
        ] {
            assert_refused(&settings, name, password).await;
        }
    }
}

#[tokio::test]
async fn case_46_names_with_separators_wildcards_and_other_scripts_sign_in() {
    let slapd = Slapd::start();
    for settings in both(&slapd) {
        for (name, password) in [
            ("jürgen", "p1anted-pässword"),
            ("JÜRGEN", "p1anted-pässword"),
            ("o,brian+", "p1anted-brian-word"),
            (r"sam (ops)*\", "p1anted-sam-word"),
        ] {
            let found = identity(&settings, name, password).await;
            assert_eq!(found.username, name.to_lowercase());
        }
        // A DN with escapes in it is found among a group's members.
        let brian = identity(&settings, "o,brian+", "p1anted-brian-word").await;
        assert_eq!(brian.groups.len(), 1);
    }
}

#[tokio::test]
async fn case_42_who_is_found_by_another_name_than_the_one_typed_is_refused() {
    let slapd = Slapd::start();
    let mut settings = slapd.settings();
    settings.users = LdapUserSetting::Search {
        base: PEOPLE.to_owned(),
        filter: "(|(uid={})(mail={}))".to_owned(),
    };
    identity(&settings, "lena", LENA_WORD).await;
    // Each of them would be another count of failures for the same account.
    assert_refused(&settings, "lena@example.com", LENA_WORD).await;
    settings.username_attribute = "mail".to_owned();
    let lena = identity(&settings, "lena@example.com", LENA_WORD).await;
    assert_eq!(lena.username, "lena@example.com");
    assert_refused(&settings, "lena", LENA_WORD).await;
}

#[tokio::test]
async fn two_entries_of_one_name_let_nobody_in() {
    let slapd = Slapd::start();
    let answer = ask(&slapd.settings(), "twin", "p1anted-twin-word").await;
    assert_eq!(answer.unwrap(), LdapAnswer::UnknownUser);
}

#[tokio::test]
async fn a_referral_is_never_followed() {
    let slapd = Slapd::start();
    for settings in both(&slapd) {
        assert_refused(&settings, "abroad", LENA_WORD).await;
    }
    let abroad = "ou=abroad,dc=example,dc=org".to_owned();
    let mut settings = slapd.settings();
    settings.users = LdapUserSetting::Search {
        base: abroad.clone(),
        filter: "(uid={})".to_owned(),
    };
    assert_refused(&settings, "lena", LENA_WORD).await;
    let mut settings = slapd.settings();
    // A search that meets referrals on its way still finds what is there.
    settings.users = LdapUserSetting::Search {
        base: "dc=example,dc=org".to_owned(),
        filter: "(uid={})".to_owned(),
    };
    identity(&settings, "lena", LENA_WORD).await;
    // Groups that cannot be told are no reason to take any away.
    settings.group_base = Some(abroad);
    assert_unavailable(&settings, "lena", LENA_WORD).await;
    assert!(!slapd.was_trapped());
}

#[tokio::test]
async fn a_dead_or_hung_server_is_unavailable_and_no_wrong_password() {
    let slapd = Slapd::start();
    let mut settings = slapd.settings();
    settings.timeout = SOON;
    let servers = LdapServers::open(&settings).unwrap();
    let right = LENA_WORD.into();
    for (stop, resume) in [("STOP", Some("CONT")), ("KILL", None)] {
        slapd.signal(stop);
        assert_unavailable(&settings, "lena", LENA_WORD).await;
        assert_unavailable(&settings, "lena", "wrong").await;
        assert_unavailable(&settings, "nobody", "wrong").await;
        match resume {
            Some(signal) => slapd.signal(signal),
            None => slapd.start_again(),
        }
        let answer = servers.authenticate("lena", &right).await.unwrap();
        assert!(matches!(answer, LdapAnswer::Right(_)), "{answer:?}");
    }
}

#[tokio::test]
async fn a_server_that_breaks_the_protocol_costs_one_login_only() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Nonsense, an answer to nothing, a result without a code, a line that is cut.
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        &[0x30, 0x05, 0x02, 0x01, 0x63, 0x61, 0x00],
        &[0x30, 0x05, 0x02, 0x01, 0x01, 0x61, 0x00],
        &[0x30, 0x84],
    ];
    let feeder = std::thread::spawn(move || {
        for answer in answers {
            let (mut line, _) = listener.accept().unwrap();
            line.write_all(answer).unwrap();
        }
    });
    let slapd = Slapd::start();
    let mut settings = slapd.settings();
    settings.timeout = SOON;
    settings.urls = vec![format!("ldap://127.0.0.1:{port}").parse().unwrap()];
    for _ in answers {
        assert_unavailable(&settings, "lena", LENA_WORD).await;
    }
    feeder.join().unwrap();
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_is_away_but_never_after_a_wrong_password() {
    let first = Slapd::start();
    let second = Slapd::with(|ldif| ldif.replace(LENA_WORD, "p1anted-second-word"));
    let dead = format!("ldap://127.0.0.1:{}", free_port());
    let mut settings = first.settings();
    settings.timeout = SOON;
    let urls = |urls: &[&str]| urls.iter().map(|url| url.parse().unwrap()).collect();

    settings.urls = urls(&[&dead, &first.url()]);
    identity(&settings, "lena", LENA_WORD).await;
    assert_refused(&settings, "lena", "wrong").await;

    settings.urls = urls(&[&first.url(), &second.url()]);
    let servers = LdapServers::open(&settings).unwrap();
    let at_second = "p1anted-second-word".into();
    let answer = servers.authenticate("lena", &at_second).await.unwrap();
    assert_eq!(answer, LdapAnswer::WrongPassword);
    first.signal("STOP");
    let answer = servers.authenticate("lena", &at_second).await.unwrap();
    assert!(matches!(answer, LdapAnswer::Right(_)), "{answer:?}");
    // The one that answered is asked first from now on: nobody waits for the other one again.
    let answer = timeout(SOON, servers.authenticate("lena", &at_second)).await;
    assert!(matches!(answer, Ok(Ok(LdapAnswer::Right(_)))));
    second.kill();
    let answer = timeout(BOUNDED, servers.authenticate("lena", &at_second)).await;
    assert!(matches!(answer, Ok(Err(StoreError::Unavailable(_)))));
    first.signal("CONT");
}

#[tokio::test]
async fn only_a_certificate_of_the_given_authority_and_of_that_host_is_trusted() {
    let slapd = Slapd::start();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.pem");
    std::fs::write(&other, authority().pem()).unwrap();
    let right = Some(slapd.ca_file());
    // The certificate is for 127.0.0.1 alone.
    for (url, start_tls, ca_file, is_good) in [
        (slapd.tls_url("127.0.0.1"), false, &right, true),
        (slapd.url(), true, &right, true),
        (slapd.tls_url("localhost"), false, &right, false),
        (
            slapd.tls_url("127.0.0.1"),
            false,
            &Some(other.clone()),
            false,
        ),
        (slapd.url(), true, &Some(other), false),
        (slapd.tls_url("127.0.0.1"), false, &None, false),
        (slapd.url(), true, &None, false),
        // TLS where none is spoken, and the other way round.
        (slapd.url().replace("ldap:", "ldaps:"), false, &right, false),
        (
            slapd.tls_url("127.0.0.1").replace("ldaps:", "ldap:"),
            false,
            &right,
            false,
        ),
    ] {
        let mut settings = slapd.settings();
        settings.urls = vec![url.parse().unwrap()];
        settings.start_tls = start_tls;
        settings.ca_file.clone_from(ca_file);
        settings.timeout = if is_good { settings.timeout } else { SOON };
        if is_good {
            identity(&settings, "lena", LENA_WORD).await;
            assert_refused(&settings, "lena", "wrong").await;
        } else {
            let words = assert_unavailable(&settings, "lena", LENA_WORD).await;
            assert!(!words.contains("panicked"), "{url}: {words}");
        }
    }
}

#[tokio::test]
async fn a_wrong_setting_is_unavailable_and_says_what_is_wrong() {
    let slapd = Slapd::start();
    let refused = |change: fn(&mut Ldap), words: &'static str| {
        let mut settings = slapd.settings();
        change(&mut settings);
        async move {
            let error = assert_unavailable(&settings, "lena", LENA_WORD).await;
            assert!(error.contains(words), "{error}");
            let servers = LdapServers::open(&settings).unwrap();
            let checked = servers.check().await;
            assert!(checked[0].1.is_err(), "{checked:?}");
        }
    };
    refused(
        |settings| settings.bind_password = Some("p1anted-wrong".into()),
        "bind_dn",
    )
    .await;
    refused(
        |settings| {
            settings.users = LdapUserSetting::Search {
                base: "ou=missing,dc=example,dc=org".to_owned(),
                filter: "(uid={})".to_owned(),
            };
        },
        "user_base does not exist",
    )
    .await;
    refused(
        |settings| settings.group_base = Some("ou=missing,dc=example,dc=org".to_owned()),
        "group_base does not exist",
    )
    .await;

    for settings in both(&slapd) {
        let servers = LdapServers::open(&settings).unwrap();
        assert_eq!(servers.check().await, [(slapd.url(), Ok(()))]);
    }
    slapd.kill();
    let servers = LdapServers::open(&slapd.pattern_settings()).unwrap();
    assert!(servers.check().await[0].1.is_err());

    let mut settings = slapd.settings();
    settings.group_filter = "(member={dn}".to_owned();
    let error = LdapServers::open(&settings).unwrap_err().to_string();
    assert!(error.contains("group_filter"), "{error}");
    let mut settings = slapd.settings();
    settings.ca_file = Some("Cargo.toml".into());
    let error = format!("{:#}", LdapServers::open(&settings).unwrap_err());
    assert!(error.contains("ca_file"), "{error}");
}

#[tokio::test]
async fn case_56_no_debug_form_shows_a_password() {
    let slapd = Slapd::start();
    let settings = slapd.settings();
    let servers = LdapServers::open(&settings).unwrap();
    let shown = format!(
        "{settings:?} {servers:?} {:?}",
        ask(&settings, "lena", LENA_WORD).await
    );
    for word in [SERVICE_WORD, LENA_WORD, OTHER_WORD] {
        assert!(!shown.contains(word), "{shown}");
    }
}
