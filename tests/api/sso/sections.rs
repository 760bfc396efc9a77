//! Two sections for one SAML provider: each hears what is meant for it, and a message counts once for each.

use crate::support::{Client, Reply, START, TestApp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use std::time::Duration;
use vestibule::domain::audit::Act;
use vestibule::domain::session::EndReason;
use vestibule::settings::Settings;

#[path = "../../common/simplesaml.rs"]
#[expect(dead_code, reason = "the provider's tests use the rest")]
mod php;
#[path = "../../idp/saml/support.rs"]
#[expect(dead_code, reason = "the provider's tests use the rest")]
pub mod saml;

use saml::{IDP, NOW, Says, Signature};

/// A server with the sections `corp` and `second` for one provider; only the latter's name for us is in what it says.
struct Sections {
    app: TestApp,
    idp: saml::Stage,
}

impl Sections {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let idp = saml::Stage::set();
        let app = TestApp::with(|settings| {
            for (name, entity_id) in [("corp", "urn:another"), ("second", saml::SP)] {
                let mut section = idp.settings.clone();
                name.clone_into(&mut section.name);
                entity_id.clone_into(&mut section.entity_id);
                section.idp_initiated = true;
                settings.sso.push(section);
            }
            change(settings);
        });
        app.advance(Duration::from_millis(NOW - START));
        Self { app, idp }
    }

    fn at(&self, path: &str) -> String {
        format!("http://{}/callosum/v1/saml/{path}", self.app.address)
    }

    /// Brings an answer that nobody here asked for.
    async fn bring(&self) -> Reply {
        let place = self.at("SSO");
        let says = Says {
            destination: format!(r#" Destination="{place}""#),
            recipient: place,
            in_response_to: String::new(),
            confirmed_in_response_to: String::new(),
            ..Says::default()
        };
        let response = STANDARD.encode(self.idp.answer(&says));
        let form = [("SAMLResponse", response.as_str())];
        let browser = self.app.anon();
        browser.post("!/callosum/v1/saml/SSO", &form).await
    }

    /// Brings the provider's word that Lena signed out.
    async fn sign_out(&self) -> Reply {
        let place = self.at("logout");
        let xml = format!(
            r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_out" Version="2.0" IssueInstant="2026-11-22T12:00:00Z" Destination="{place}"><saml:Issuer>{IDP}</saml:Issuer>{}<saml:NameID>lena</saml:NameID></samlp:LogoutRequest>"#,
            signature()
        );
        let folder: &Path = self.idp.folder.path();
        let signed = saml::sign_at(folder, &xml, &self.idp.idp, "LogoutRequest");
        let message = STANDARD.encode(signed);
        let form = [("SAMLRequest", message.as_str())];
        let browser = self.app.anon();
        browser.post("!/callosum/v1/saml/logout", &form).await
    }
}

/// The place for the signature of a sign-out.
fn signature() -> String {
    let says = Says {
        signature: Some(Signature {
            reference: "#_out".to_owned(),
            ..Signature::default()
        }),
        ..Says::default()
    };
    let assertion = says.assertion();
    let (_, rest) = assertion.split_once("<ds:Signature ").unwrap();
    let (inner, _) = rest.split_once("</ds:Signature>").unwrap();
    format!("<ds:Signature {inner}</ds:Signature>")
}

#[tokio::test]
async fn an_answer_nobody_asked_for_goes_to_the_section_it_is_meant_for_and_counts_once() {
    let stage = Sections::new(|_| {});
    let reply = stage.bring().await;
    assert_eq!(reply.status, 302, "{}", reply.text());
    let mut lena = stage.app.anon();
    lena.keep(&reply);
    assert_eq!(lena.info().await.json()["userName"], "lena");
    // The same once more, to whichever section.
    assert_eq!(stage.bring().await.status, 401);
}

#[tokio::test]
async fn a_sign_out_there_reaches_every_section_and_said_twice_is_told_so() {
    let stage = Sections::new(|_| {});
    let mut lena = stage.app.anon();
    lena.keep(&stage.bring().await);
    assert_eq!(lena.is_active().await, 204);
    let reply = stage.sign_out().await;
    assert_eq!(reply.status, 302, "{}", reply.text());
    assert_eq!(lena.is_active().await, 401);
    let ended = stage.app.trail.events().into_iter().any(|event| {
        let reason = EndReason::SignedOutAtProvider;
        matches!(event.act, Act::SessionEnded { reason: found, .. } if found == reason)
    });
    assert!(ended, "{:?}", stage.app.trail.words());
    // A page that is loaded again.
    let again = stage.sign_out().await;
    assert_eq!(again.status, 400, "{}", again.text());
}

#[tokio::test]
async fn case_33_a_sign_out_there_ends_what_the_session_minted_and_what_that_opened() {
    let stage = Sections::new(|_| {});
    let app = &stage.app;
    let mut lena = app.anon();
    lena.keep(&stage.bring().await);
    let minted = async |who: &Client, query: &str| {
        let path = format!("!/callosum/v1/session/v2/gettoken{query}");
        let reply = who.get(&path).await.json();
        for field in ["token", "refreshToken"] {
            if let Some(secret) = reply[field].as_str() {
                app.plant(secret);
            }
        }
        reply
    };
    let first = minted(&lena, "?refresh=true").await;
    let token = first["token"].as_str().unwrap();
    let mut opened = app.anon();
    opened.keep(&opened.redeem(&[("auth_token", token)]).await);
    let bearer = app.anon().with_bearer(token);
    let second = minted(&bearer, "").await;
    let second = app.anon().with_bearer(second["token"].as_str().unwrap());
    // The session itself is over before the provider speaks, so that nothing but its token leads to the rest.
    assert_eq!(lena.log_out().await.status, 204);
    for client in [&opened, &bearer, &second] {
        assert_eq!(client.is_active().await, 204);
    }
    assert_eq!(stage.sign_out().await.status, 302);
    for client in [&opened, &bearer, &second] {
        assert_eq!(client.is_active().await, 401);
    }
}

#[tokio::test]
async fn one_sections_trouble_is_not_taken_for_anothers_verdict() {
    let other = tempfile::tempdir().unwrap();
    let stage = Sections::new(|settings| {
        let known = settings.sso[0].metadata_file.clone().unwrap();
        let known = std::fs::read_to_string(known).unwrap();
        // The first knew the provider's keys until a while ago; the last knows another's.
        let until = "validUntil=\"2026-11-22T11:00:00Z\" entityID=";
        let expired = known.replacen("entityID=", until, 1);
        let foreign = saml::Pair::rsa(other.path(), "foreign").base64();
        let (before, rest) = known.split_once("<ds:X509Certificate>").unwrap();
        let (_, after) = rest.split_once("</ds:X509Certificate>").unwrap();
        let foreign = format!("{before}<ds:X509Certificate>{foreign}</ds:X509Certificate>{after}");
        for (section, text) in settings.sso.iter_mut().zip([expired, foreign]) {
            let file = other.path().join(format!("{}.xml", section.name));
            std::fs::write(&file, text).unwrap();
            section.metadata_file = Some(file);
        }
    });
    let reply = stage.sign_out().await;
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(reply.header("retry-after").is_some());
}
