//! Messages built to cost far more than they weigh: refused by what they are made of, before anything is made of them.

use super::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;
use std::time::Duration;
use vestibule::domain::clock::{Stopwatch, Timestamp};
use vestibule::domain::sso::{
    Answer, AssertionFault as Fault, IdentityProvider, LogoutNotice, ProviderError,
};

const XS: &str = r#"xmlns:xs="http://www.w3.org/2001/XMLSchema""#;
const XSI: &str = r#"xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance""#;

fn at() -> Timestamp {
    Timestamp::from_millis(NOW)
}

/// Fault and particulars.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, ProviderError>) -> (Fault, String) {
    match outcome {
        Err(ProviderError::Refused { fault, detail }) => (fault, detail),
        other => panic!("not refused: {other:?}"),
    }
}

fn prefixes(count: usize) -> String {
    let names: Vec<_> = (0..count).map(|i| format!("p{i}")).collect();
    inclusive(&names.join(" "))
}

fn inclusive(list: &str) -> String {
    format!(r#"<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{list}"/>"#)
}

/// A signature whose transform holds that.
fn transformed_by(content: &str) -> Signature {
    Signature {
        transforms: format!(
            r#"<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}">{content}</ds:Transform>"#
        ),
        ..Signature::default()
    }
}

/// An answer with a place for a signature and nothing in it, with that in place of the attributes.
fn forged(content: &str, signature: Signature) -> String {
    let says = Says {
        attributes: content.into(),
        signature: Some(signature),
        ..Says::default()
    };
    says.around(&says.assertion())
}

/// As large as honest answers get: somebody in 1,200 groups, each value with a type and namespaces of its own.
fn large() -> Says {
    let value = |i| {
        format!(
            r#"<saml:AttributeValue {XS} {XSI} xsi:type="xs:string">group {i:04}</saml:AttributeValue>"#
        )
    };
    let values: String = (0..1_200).map(value).collect();
    Says {
        attributes: format!(r#"<saml:Attribute Name="groups">{values}</saml:Attribute>"#),
        signature: Some(transformed_by(&inclusive("xs"))),
        ..Says::default()
    }
}

/// Somebody who is in very many groups gets in; and how long that takes.
async fn honest_time(stage: &Stage) -> Duration {
    let xml = stage.answer(&large());
    assert!(xml.len() > 200 << 10, "{}", xml.len());
    let begun = Stopwatch::start();
    let assertion = stage.finish(&xml).await.unwrap();
    let took = begun.elapsed();
    assert_eq!(assertion.attributes["groups"].len(), 1_200);
    took
}

/// How many times a message may take too long before it is the message's fault and not the machine's.
const TRIES: usize = 3;

/// The shortest time in which a message was refused, and how; one that is soon enough is the last tried.
async fn refusal_time(stage: &Stage, xml: &str, soon: Duration) -> (Duration, Fault, String) {
    let mut least = Duration::MAX;
    let mut told = None;
    for _ in 0..TRIES {
        let begun = Stopwatch::start();
        let refused = refusal(stage.finish(xml).await);
        least = least.min(begun.elapsed());
        told = Some(refused);
        if least < soon {
            break;
        }
    }
    let (fault, detail) = told.unwrap();
    (least, fault, detail)
}

/// What it is, the fault, a part of the particulars, and the message.
type Case = (&'static str, Fault, &'static str, String);

fn cases() -> Vec<Case> {
    let plain = Signature::default;
    let elements = "<a/>".repeat(25_000);
    let mut attributes = String::from("<a");
    for i in 0..20_000 {
        let _ = write!(attributes, " a{i}=''");
    }
    attributes.push_str("/>");
    let mut declarations = String::from("<a");
    for i in 0..12_000 {
        let _ = write!(declarations, " xmlns:n{i}='u'");
    }
    declarations.push_str("/>");
    let spread = format!("<a{}/>", " b='' c='' d='' e=''").repeat(5_500);
    let nested = "<a xmlns:b='u' xmlns:c='u'>".repeat(45) + &"</a>".repeat(45);
    let long = format!(
        "<n:a xmlns:n='urn:&amp;{}'>{}</n:a>",
        "u".repeat(100 << 10),
        "<n:a n:b=''/>".repeat(5_000)
    );
    vec![
        (
            "prefixes for every element",
            Fault::BadSignature,
            "30000 prefixes of ",
            forged("", transformed_by(&prefixes(30_000))),
        ),
        (
            "one endless prefix",
            Fault::BadSignature,
            "1 prefixes of 200000 bytes",
            forged("", transformed_by(&inclusive(&"p".repeat(200_000)))),
        ),
        (
            "elements, and prefixes for each",
            Fault::Malformed,
            "more than 6000 elements",
            forged(&elements, transformed_by(&prefixes(20_000))),
        ),
        (
            "attributes of one element",
            Fault::Malformed,
            "more than 64 attributes in an element",
            forged(&attributes, plain()),
        ),
        (
            "namespaces of one element",
            Fault::Malformed,
            "more than 64 attributes in an element",
            forged(&declarations, plain()),
        ),
        (
            "attributes of many elements",
            Fault::Malformed,
            "more than 20000 attributes in all",
            forged(&spread, plain()),
        ),
        (
            "namespaces within each other",
            Fault::Malformed,
            "more than 64 namespaces in scope",
            forged(&nested, plain()),
        ),
        (
            "a long namespace for every name",
            Fault::Malformed,
            "more than 256 bytes of namespace",
            forged(&long, plain()),
        ),
    ]
}

#[tokio::test]
async fn messages_that_would_cost_minutes_are_refused_in_no_more_time_than_honest_ones_take() {
    let stage = Stage::set();
    let honest = honest_time(&stage).await;
    for (name, expected, particular, xml) in cases() {
        assert!(xml.len() <= 256 << 10, "{name}: {} bytes", xml.len());
        let (took, fault, detail) = refusal_time(&stage, &xml, honest * 10).await;
        assert_eq!(fault, expected, "{name}: {detail}");
        assert!(detail.contains(particular), "{name}: {detail}");
        // Unrefused, each that is counted in the parser or the verifier takes hundreds of times as long; a busy machine
        // does not.
        assert!(
            took < honest * 10,
            "{name}: {took:?}, an honest one {honest:?}"
        );
    }
}

/// Everything the limits allow at once, over a signature that does not hold.
fn at_the_limits() -> Vec<Case> {
    let mut declared = String::new();
    for i in 0..48 {
        let _ = write!(declared, " xmlns:p{i}='urn:{i}:{}'", "u".repeat(230));
    }
    // Siblings that each use a few of the namespaces around them, so that each has them written out.
    let user = |i: usize| format!("<a p{}:b='' p{}:b=''/>", i % 48, (i + 1) % 48);
    let users: String = (0..5_500).map(user).collect();
    let around = format!("<a{declared}>{users}</a>");
    let elements = "<p1:a></p1:a>".repeat(5_900);
    let below = format!("<p0:a{declared}>{elements}</p0:a>");
    vec![
        (
            "namespaces written out again and again",
            Fault::BadSignature,
            "digest",
            forged(&around, Signature::default()),
        ),
        (
            "prefixes looked up again and again",
            Fault::BadSignature,
            "digest",
            forged(&below, transformed_by(&prefixes(32))),
        ),
    ]
}

#[tokio::test]
async fn the_most_that_is_let_through_costs_little_more_than_an_honest_message() {
    let stage = Stage::set();
    let honest = honest_time(&stage).await;
    for (name, expected, particular, xml) in at_the_limits() {
        assert!(xml.len() <= 256 << 10, "{name}: {} bytes", xml.len());
        let (took, fault, detail) = refusal_time(&stage, &xml, honest * 40).await;
        println!("{name}: {took:?}, an honest one {honest:?}");
        assert_eq!(fault, expected, "{name}: {detail}");
        assert!(detail.contains(particular), "{name}: {detail}");
        assert!(
            took < honest * 40,
            "{name}: {took:?}, an honest one {honest:?}"
        );
    }
}

#[tokio::test]
async fn sign_outs_are_held_to_the_same_shape() {
    let stage = Stage::set();
    for (name, expected, particular, response) in cases() {
        // The same inside of a request to sign out: the place for the signature has to be its own.
        let (_, inside) = response.split_once("<ds:Signature").unwrap();
        let (signature, after) = inside.split_once("</ds:Signature>").unwrap();
        let (_, stuffing) = after.split_once("<saml:AttributeStatement>").unwrap();
        let (stuffing, _) = stuffing.split_once("</saml:AttributeStatement>").unwrap();
        let xml = format!(
            r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_assertion" Version="2.0" IssueInstant="2026-11-22T12:00:00Z" Destination="{LOGOUT}"><saml:Issuer>{IDP}</saml:Issuer><ds:Signature{signature}</ds:Signature><saml:NameID>lena</saml:NameID><x>{stuffing}</x></samlp:LogoutRequest>"#
        );
        let notice = LogoutNotice::SamlPost {
            message: STANDARD.encode(xml),
            is_request: true,
            relay_state: None,
        };
        let found = stage.provider.read_logout(&notice, LOGOUT, at()).await;
        let (fault, detail) = refusal(found);
        assert_eq!(fault, expected, "{name}: {detail}");
        assert!(detail.contains(particular), "{name}: {detail}");
    }
}

#[tokio::test]
async fn a_list_of_prefixes_is_one_short_element_wherever_it_stands() {
    let stage = Stage::set();
    let bare = format!(r#"<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>"#);
    for (content, refused_for) in [
        (String::new(), None),
        (inclusive(""), None),
        (inclusive("xs xsi #default"), None),
        (prefixes(32), None),
        (prefixes(33), Some("33 prefixes")),
        (inclusive(&"p".repeat(513)), Some("513 bytes")),
        (inclusive("xs").repeat(2), Some("2 InclusiveNamespaces")),
        (
            inclusive("xs").replace("/>", "><a/></ec:InclusiveNamespaces>"),
            Some("\"a\" in InclusiveNamespaces"),
        ),
        ("<a/>".into(), Some("\"a\" in ")),
    ] {
        let says = Says {
            signature: Some(transformed_by(&content)),
            ..Says::default()
        };
        let in_transform = says.assertion();
        let in_method = Says::default().assertion().replace(
            &bare,
            &bare.replace("/>", &format!(">{content}</ds:CanonicalizationMethod>")),
        );
        assert!(content.is_empty() || in_method.contains(&content));
        for assertion in [in_transform, in_method] {
            let Some(particular) = refused_for else {
                let xml = says.around(&stage.sign(&assertion));
                assert_eq!(stage.finish(&xml).await.unwrap().subject, "lena");
                continue;
            };
            // Unsigned: it is refused before anybody looks.
            let (fault, detail) = refusal(stage.finish(&says.around(&assertion)).await);
            assert_eq!(fault, Fault::BadSignature, "{content:.80}: {detail}");
            assert!(detail.contains(particular), "{content:.80}: {detail}");
        }
    }
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_even_parsed_unless_the_settings_allow_it() {
    for (is_allowed, text, expected) in [
        (false, "<not XML", Fault::Unsolicited),
        (false, "<not XML InResponseTo='_x'", Fault::UnknownRequest),
        (true, "<not XML", Fault::Malformed),
    ] {
        let stage = Stage::with(|_, settings| settings.idp_initiated = is_allowed);
        let answer = Answer::Saml(STANDARD.encode(text));
        let found = stage.provider.finish(&answer, None, CALLBACK, at()).await;
        assert_eq!(fault(found), expected, "{text}");
    }
}

#[tokio::test]
async fn many_answers_at_once_are_all_judged_in_turn() {
    let stage = Stage::set();
    let xml = stage.answer(&Says::default());
    let judged = futures_util::future::join_all((0..40).map(|_| stage.finish(&xml))).await;
    for assertion in judged {
        assert_eq!(assertion.unwrap().subject, "lena");
    }
    // More at once than may wait: those are told to come again, and nobody is refused for what is not wrong.
    let judged = futures_util::future::join_all((0..400).map(|_| stage.finish(&xml))).await;
    let (good, away): (Vec<_>, Vec<_>) = judged.into_iter().partition(Result::is_ok);
    assert!(good.len() >= 40, "{}", good.len());
    assert!(!away.is_empty());
    for one in away {
        assert!(matches!(one, Err(ProviderError::Unavailable(_))), "{one:?}");
    }
}
