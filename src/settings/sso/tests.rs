//! What sections `[sso.NAME]` may say.

use super::*;
use crate::settings::{Loaded, Sources};
use secrecy::ExposeSecret;

fn load(flags: &[(&str, &str)]) -> Result<Vec<SsoProvider>, String> {
    let flags = flags.iter().map(|(key, value)| {
        let key = format!("sso.{key}");
        (key, (*value).to_owned())
    });
    let sources = Sources {
        flags: flags.collect(),
        ..Sources::default()
    };
    Loaded::load(&sources)
        .map(|loaded| loaded.settings.sso)
        .map_err(|error| error.to_string())
}

const ISSUER: (&str, &str) = ("corp.issuer", "https://idp.example");
const CLIENT: (&str, &str) = ("corp.client_id", "us");

#[test]
fn each_section_is_a_provider_with_defaults_of_its_own() {
    assert!(load(&[]).unwrap().is_empty());
    let two = load(&[
        ("second_one.issuer", "http://127.0.0.1:3000"),
        ("second_one.client_id", "x"),
        ISSUER,
        CLIENT,
    ])
    .unwrap();
    let names: Vec<&str> = two.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["corp", "second_one"]);
    assert_eq!(two[0].label, "corp");
    assert_eq!(two[0].scopes, ["profile", "email"]);
    assert_eq!(two[0].clock_skew, Duration::from_mins(3));
    assert!(!two[0].create_users);
}

#[test]
fn a_file_and_the_environment_name_providers_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vestibule.toml");
    let text = "[sso.corp]\nissuer = \"https://idp.example\"\nclient_id = \"us\"\n";
    std::fs::write(&file, text).unwrap();
    let sources = Sources {
        config_file: Some(file),
        environment: vec![(
            "VESTIBULE__SSO__CORP__CLIENT_SECRET".to_owned(),
            "p1anted".to_owned(),
        )],
        ..Sources::default()
    };
    let loaded = Loaded::load(&sources).unwrap();
    let secret = loaded.settings.sso[0].client_secret.as_ref().unwrap();
    assert_eq!(secret.expose_secret(), "p1anted");
    assert!(!format!("{loaded:?}").contains("p1anted"), "case 56");
}

#[test]
fn wrong_values_are_refused_with_what_was_expected() {
    for (flags, words) in [
        (vec![ISSUER], "expected both for OIDC"),
        (vec![CLIENT, ("corp.issuer", "http://idp.example")], "https"),
        (
            vec![CLIENT, ("corp.issuer", "https://u:p@idp.example")],
            "https",
        ),
        (
            vec![ISSUER, CLIENT, ("corp.clientid", "x")],
            "sso.corp.client_id",
        ),
        (
            vec![("Corp.client_id", "x")],
            "sso.Corp.client_id is not a setting; a section [sso.NAME] is named by 1 to 32 lower-case",
        ),
        (
            vec![ISSUER, CLIENT, ("corp.foo", "x")],
            "sso.corp.foo is not a setting; `vestibule config show` lists them all",
        ),
        (vec![("corp.protocol", "saml")], "metadata_file"),
        (vec![("corp.protocol", "ldap")], "oidc or saml"),
        (
            vec![ISSUER, CLIENT, ("corp.clock_skew", "1h")],
            "at most 10m",
        ),
        (vec![ISSUER, CLIENT, ("corp.timeout", "0s")], "more than 0s"),
        (
            vec![ISSUER, CLIENT, ("corp.hosts", "https://a")],
            "host name",
        ),
        (
            vec![ISSUER, CLIENT, ("corp.org_map", "eu => x")],
            "number of an Org",
        ),
        (
            vec![ISSUER, CLIENT, ("corp.org_map", "eu => 7")],
            "the attribute",
        ),
        (
            vec![ISSUER, CLIENT, ("corp.sign_requests", "true")],
            "a key to sign",
        ),
        (
            vec![ISSUER, CLIENT, ("corp.orgs", "acme")],
            "number of an Org",
        ),
        (
            vec![ISSUER, CLIENT, ("corp.orgs", "7,8")],
            "`org` to be one of",
        ),
        (
            vec![
                ISSUER,
                CLIENT,
                ("corp.orgs", "7"),
                ("corp.org", "7"),
                ("corp.org_attribute", "tenant"),
                ("corp.org_map", "eu => 7; us => 8"),
            ],
            "Org of `org_map`",
        ),
        (
            vec![ISSUER, CLIENT, ("corp.accounts", "all")],
            "own, type or local",
        ),
    ] {
        let refused = load(&flags).unwrap_err();
        assert!(refused.contains(words), "{flags:?}: {refused}");
    }
}

#[test]
fn one_fault_is_told_once() {
    let saml = [("corp.protocol", "saml"), ("corp.entity_id", "us")];
    for flags in [
        vec![("corp.metadata_file", "/nowhere.xml")],
        vec![
            ("corp.metadata_file", file!()),
            ("corp.key_file", "/nowhere.pem"),
            ("corp.cert_file", file!()),
        ],
        vec![
            ("corp.metadata_file", file!()),
            ("corp.key_file", file!()),
            ("corp.cert_file", "/nowhere.pem"),
        ],
        vec![("corp.metadata_file", file!()), ("corp.entity_id", "a\nb")],
    ] {
        let flags: Vec<_> = saml.into_iter().chain(flags).collect();
        let refused = load(&flags).unwrap_err();
        assert_eq!(
            refused.matches("expected").count(),
            1,
            "{flags:?}: {refused}"
        );
    }
    let refused = load(&[CLIENT, ("corp.issuer", "ftp://idp.example")]).unwrap_err();
    assert_eq!(refused.matches("expected").count(), 1, "{refused}");
}
