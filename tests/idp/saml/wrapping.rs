//! Signature wrapping: the eight ways of "On Breaking SAML", each made from a really signed answer.
//!
//! Each moves what was signed to where the verifier still finds it, and puts another assertion where the reader looks.

use super::support::*;
use vestibule::domain::sso::AssertionFault as Fault;

/// The signed answer in its parts.
struct Parts {
    response: String,
    assertion: String,
    signature: String,
}

impl Parts {
    fn of(stage: &Stage, says: &Says) -> Self {
        let response = stage.answer(says);
        Self {
            assertion: between(&response, "<saml:Assertion ", "</saml:Assertion>"),
            signature: between(&response, "<ds:Signature ", "</ds:Signature>"),
            response,
        }
    }

    /// The assertion as it was before it was signed.
    fn bare(&self) -> String {
        self.assertion.replace(&self.signature, "")
    }

    /// What the attacker wants to be believed: another name under another ID, without signature.
    fn evil(&self) -> String {
        self.bare()
            .replace("lena", "admin")
            .replace("ID=\"_assertion\"", "ID=\"_evil\"")
    }

    /// The attacker's assertion with something after its issuer, where a signature would stand.
    fn evil_with(&self, inside: &str) -> String {
        self.evil()
            .replacen("</saml:Issuer>", &format!("</saml:Issuer>{inside}"), 1)
    }

    fn signature_with(&self, inside: &str) -> String {
        self.signature.replace(
            "</ds:Signature>",
            &format!("<ds:Object>{inside}</ds:Object></ds:Signature>"),
        )
    }

    fn with_assertions(&self, assertions: &str) -> String {
        self.response.replace(&self.assertion, assertions)
    }
}

fn between(text: &str, start: &str, end: &str) -> String {
    let from = text.find(start).unwrap();
    let to = text[from..].find(end).unwrap() + from + end.len();
    text[from..to].to_owned()
}

#[tokio::test]
async fn wrapping_1_and_2_a_signed_response_moved_into_or_before_its_signature() {
    let stage = Stage::set();
    let says = Says {
        response_signature: Some(Signature::default()),
        ..Says::default()
    };
    let signed = stage.answer(&says);
    stage.finish(&signed).await.unwrap();
    let signature = between(&signed, "<ds:Signature ", "</ds:Signature>");
    let original = signed.replacen(&signature, "", 1);
    let evil = original
        .replace("lena", "admin")
        .replace("ID=\"_response\"", "ID=\"_evil\"");
    let inside = signature.replace(
        "</ds:Signature>",
        &format!("<ds:Object>{original}</ds:Object></ds:Signature>"),
    );
    for (name, moved) in [
        ("1: in the signature", inside),
        ("2: before the signature", format!("{original}{signature}")),
        ("2: after the signature", format!("{signature}{original}")),
    ] {
        let xml = evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{moved}"), 1);
        assert_eq!(stage.fault(&xml).await, Fault::Malformed, "{name}");
    }
}

#[tokio::test]
async fn wrapping_3_to_8_a_signed_assertion_moved_elsewhere() {
    let stage = Stage::set();
    let parts = Parts::of(&stage, &Says::default());
    stage.finish(&parts.response).await.unwrap();
    let (signed, bare, evil) = (&parts.assertion, parts.bare(), parts.evil());
    let extensions = |inside: &str| format!("<samlp:Extensions>{inside}</samlp:Extensions>");
    for (name, assertions) in [
        ("3: before the signed one", format!("{evil}{signed}")),
        ("3: after the signed one", format!("{signed}{evil}")),
        ("4: around the signed one", parts.evil_with(signed)),
        (
            "5: with the signature, the bare one after",
            format!("{}{bare}", parts.evil_with(&parts.signature)),
        ),
        (
            "6: with the signature, the bare one in it",
            parts.evil_with(
                &parts
                    .signature
                    .replace("</ds:Signature>", &format!("{bare}</ds:Signature>")),
            ),
        ),
        (
            "7: beside extensions that hold the signed one",
            format!("{}{evil}", extensions(signed)),
        ),
        (
            "7: beside extensions, under the same ID",
            format!(
                "{}{}",
                extensions(signed),
                evil.replace("_evil", "_assertion")
            ),
        ),
        (
            "8: the bare one in an object of the signature",
            parts
                .evil_with(&parts.signature_with(&bare))
                .replace("_evil", "_other"),
        ),
    ] {
        let xml = parts.with_assertions(&assertions);
        assert!(xml.contains(">admin<"), "{name}");
        assert_eq!(stage.fault(&xml).await, Fault::Malformed, "{name}");
    }
}

/// Past the count of assertions: what the rule about places has to hold alone.
#[tokio::test]
async fn a_signature_that_covers_another_element_than_its_own_is_refused() {
    let stage = Stage::set();
    let parts = Parts::of(&stage, &Says::default());
    // The signature of the assertion, standing in the response.
    let outside = parts.with_assertions(&parts.bare()).replacen(
        "</saml:Issuer>",
        &format!("</saml:Issuer>{}", parts.signature),
        1,
    );
    assert_eq!(stage.fault(&outside).await, Fault::BadSignature);
    // The same beside a good one.
    let both = parts.response.replacen(
        "</saml:Issuer>",
        &format!("</saml:Issuer>{}", parts.signature),
        1,
    );
    assert_eq!(stage.fault(&both).await, Fault::BadSignature);
    // Twice in one assertion.
    let twice = parts
        .response
        .replace(&parts.signature, &parts.signature.repeat(2));
    assert_eq!(stage.fault(&twice).await, Fault::BadSignature);
    // Deeper down than a signature stands.
    let deep = parts.with_assertions(&parts.bare().replace(
        "</saml:Subject>",
        &format!("{}</saml:Subject>", parts.signature),
    ));
    assert_eq!(stage.fault(&deep).await, Fault::BadSignature);
}

#[tokio::test]
async fn two_assertions_are_one_too_many_even_when_both_are_signed() {
    let stage = Stage::set();
    let first = stage.sign(&Says::default().assertion());
    let second = stage.sign(&Says::default().assertion().replace("_assertion", "_second"));
    let xml = Says::default().around(&format!("{first}{second}"));
    assert_eq!(stage.fault(&xml).await, Fault::Malformed);
    let none = Says::default().around("");
    assert_eq!(stage.fault(&none).await, Fault::Malformed);
    // What only looks like one, in another namespace, is one too many as well.
    let other = Says::default().around(&format!("{first}<x:Assertion xmlns:x=\"urn:x\"/>"));
    assert_eq!(stage.fault(&other).await, Fault::Malformed);
}
