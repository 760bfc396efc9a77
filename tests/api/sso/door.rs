//! What is wrong with a SAML answer, brought to the door: nobody is let in, and trail and log say why.

use super::sections::saml::{self, Pair, Says, Signature, Stage};
use crate::sso_section::section;
use crate::support::{Reply, START, TestApp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

/// What is brought, why it is refused, and what differs from a good answer.
type Case = (&'static str, &'static str, fn(&mut Says));

const CASES: [Case; 8] = [
    ("unsigned", "unsigned", |says| says.signature = None),
    ("signed by SHA-1", "weak_algorithm", |says| {
        says.signature = Some(Signature {
            method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1".to_owned(),
            ..Signature::default()
        });
    }),
    ("for another service", "wrong_audience", |says| {
        says.audiences = "<saml:Audience>urn:other</saml:Audience>".into();
    }),
    ("for another address", "wrong_recipient", |says| {
        says.recipient = "https://evil.example/callosum/v1/saml/SSO".into();
    }),
    ("of long ago", "expired_assertion", |says| {
        says.not_on_or_after = "2026-11-22T11:50:00Z".into();
    }),
    ("of the future", "too_early", |says| {
        says.not_before = "2026-11-22T12:10:00Z".into();
    }),
    ("about nobody", "no_subject", |says| says.name.clear()),
    ("a name cut in two", "malformed", |says| {
        says.name = "admin<!---->.evil".into();
    }),
];

/// A server with a provider that may speak first, its clocks apart as far as they may be by default.
struct Door {
    app: TestApp,
    idp: Stage,
}

impl Door {
    fn new() -> Self {
        let idp = Stage::set();
        let app = TestApp::with(|settings| {
            let mut corp = idp.settings.clone();
            let any_file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
            let values = [("protocol", "saml"), ("metadata_file", any_file)];
            corp.clock_skew = section("corp", &values).clock_skew;
            corp.idp_initiated = true;
            settings.sso.push(corp);
        });
        app.advance(Duration::from_millis(saml::NOW - START));
        Self { app, idp }
    }

    /// What a good answer says here that nobody asked for.
    fn says(&self) -> Says {
        let place = format!("http://{}/callosum/v1/saml/SSO", self.app.address);
        Says {
            destination: format!(r#" Destination="{place}""#),
            recipient: place,
            in_response_to: String::new(),
            confirmed_in_response_to: String::new(),
            ..Says::default()
        }
    }

    async fn bring(&self, answer: &str) -> Reply {
        let response = STANDARD.encode(answer);
        let form = [("SAMLResponse", response.as_str())];
        self.app.anon().post("!/callosum/v1/saml/SSO", &form).await
    }

    /// Brings what must be refused for that.
    async fn refuses(&self, what: &str, answer: &str, why: &str) {
        self.app.trail.clear();
        let reply = self.bring(answer).await;
        assert_eq!(reply.status, 401, "{what}: {}", reply.text());
        assert_eq!(reply.session_cookie(), None, "{what}");
        let words = self.app.trail.words();
        assert_eq!(words, [format!("login_refused {why}")], "{what}");
        let incident = self.app.trail.last().client.incident;
        let incident = incident.as_str();
        let log = self.app.log();
        let told = log.lines().find(|line| {
            line.contains("a provider's answer was refused") && line.contains(incident)
        });
        let told = told.unwrap_or_else(|| panic!("{what}: no line in the log"));
        assert!(told.contains(&format!("fault={why} ")), "{what}: {told}");
        assert!(!told.contains("detail=\"\""), "{what}: {told}");
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_an_answer_is_refused_at_the_door_and_trail_and_log_say_why() {
    let door = Door::new();
    for (what, why, spoil) in CASES {
        let mut says = door.says();
        spoil(&mut says);
        door.refuses(what, &door.idp.answer(&says), why).await;
    }
    let says = door.says();
    let stranger = Pair::rsa(door.idp.folder.path(), "stranger");
    let forged = saml::sign(door.idp.folder.path(), &says.assertion(), &stranger);
    let forged = says.around(&forged);
    door.refuses("by another key", &forged, "bad_signature")
        .await;
    let good = door.idp.answer(&says);
    // What was signed stays, and somebody else stands in front of it.
    let (head, rest) = good.split_once("<saml:Assertion").unwrap();
    let unsigned = Says {
        signature: None,
        name: "tsadmin".to_owned(),
        ..door.says()
    };
    let evil = unsigned.assertion().replace("_assertion", "_evil");
    let wrapped = format!("{head}{evil}<saml:Assertion{rest}");
    door.refuses("two assertions", &wrapped, "malformed").await;

    let reply = door.bring(&good).await;
    assert_eq!(reply.status, 302, "{}", reply.text());
    let mut lena = door.app.anon();
    lena.keep(&reply);
    assert_eq!(lena.info().await.json()["userName"], "lena");
    door.refuses("the same again", &good, "replayed").await;
    assert_eq!(lena.is_active().await, 204);
}

#[tokio::test]
async fn clocks_may_be_two_minutes_apart_either_way_as_it_comes() {
    let door = Door::new();
    let (before, after) = ("2026-11-22T11:58:00Z", "2026-11-22T12:02:00Z");
    for (id, not_before, until) in [
        ("_slow", "2026-11-22T11:53:00Z", before),
        ("_fast", after, "2026-11-22T12:07:00Z"),
    ] {
        let says = Says {
            not_before: not_before.to_owned(),
            not_on_or_after: until.to_owned(),
            confirmed_until: format!(r#" NotOnOrAfter="{until}""#),
            ..door.says()
        };
        let assertion = says.assertion().replace("_assertion", id);
        let reply = door.bring(&says.around(&door.idp.sign(&assertion))).await;
        assert_eq!(reply.status, 302, "{id}: {}", reply.text());
        assert!(reply.session_cookie().is_some(), "{id}");
    }
}
