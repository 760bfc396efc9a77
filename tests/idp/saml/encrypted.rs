//! Encrypted assertions, sealed by xmlsec1.

use super::support::*;
use std::path::Path;
use vestibule::domain::sso::AssertionFault as Fault;

pub const GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
pub const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";

/// Seals an assertion to the key of a certificate.
pub fn seal(folder: &Path, assertion: &str, cert: &Path, content: &str, transport: &str) -> String {
    let kind = if content.contains("tripledes") {
        "des-192"
    } else if content.contains("192") {
        "aes-192"
    } else if content.contains("128") {
        "aes-128"
    } else {
        "aes-256"
    };
    let template = format!(
        r#"<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="{content}"/><ds:KeyInfo><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{transport}"/><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"#
    );
    let (form, plain) = (folder.join("form.xml"), folder.join("plain.xml"));
    std::fs::write(&form, template).unwrap();
    std::fs::write(&plain, assertion).unwrap();
    let sealed = run(
        "xmlsec1",
        &[
            "--encrypt",
            "--pubkey-cert-pem",
            cert.to_str().unwrap(),
            "--session-key",
            kind,
            "--xml-data",
            plain.to_str().unwrap(),
            form.to_str().unwrap(),
        ],
    );
    let sealed = String::from_utf8(sealed).unwrap();
    let sealed = sealed.split_once("?>\n").map_or(&*sealed, |(_, xml)| xml);
    format!("<saml:EncryptedAssertion>{sealed}</saml:EncryptedAssertion>")
}

pub fn stage() -> Stage {
    Stage::with(with_own_key)
}

#[tokio::test]
async fn an_encrypted_assertion_is_opened_and_judged_like_any_other() {
    let stage = stage();
    let cert = stage.settings.cert_file.clone().unwrap();
    let folder = stage.folder.path();
    for content in ["http://www.w3.org/2009/xmlenc11#aes128-gcm", GCM] {
        let says = Says::default();
        let sealed = seal(folder, &stage.sign(&says.assertion()), &cert, content, OAEP);
        let found = stage.finish(&says.around(&sealed)).await.unwrap();
        assert_eq!(found.subject, "lena", "{content}");
        // The response around it may be signed as well.
        let both = Says {
            response_signature: Some(Signature::default()),
            ..Says::default()
        };
        let xml = sign_at(folder, &both.around(&sealed), &stage.idp, "Response");
        assert_eq!(stage.finish(&xml).await.unwrap().subject, "lena");
        let bent = xml.replacen("T12:00:00Z", "T12:00:01Z", 1);
        assert_eq!(stage.fault(&bent).await, Fault::BadSignature);
    }
}

#[tokio::test]
async fn what_is_inside_is_held_to_every_rule() {
    let stage = stage();
    let cert = stage.settings.cert_file.clone().unwrap();
    let folder = stage.folder.path();
    let says = Says::default();
    let unsigned = Says {
        signature: None,
        ..Says::default()
    };
    let elsewhere = Says {
        recipient: "https://evil.example".into(),
        ..Says::default()
    };
    let signed = stage.sign(&says.assertion());
    for (name, inside, expected) in [
        ("unsigned", unsigned.assertion(), Fault::Unsigned),
        (
            "elsewhere",
            stage.sign(&elsewhere.assertion()),
            Fault::WrongRecipient,
        ),
        (
            "changed",
            signed.replace("lena", "root"),
            Fault::BadSignature,
        ),
        (
            "a comment",
            signed.replace("lena", "le<!---->na"),
            Fault::Malformed,
        ),
        ("a whole response", says.around(&signed), Fault::Malformed),
        (
            "one in another",
            signed.replace(
                "</saml:Subject>",
                &format!(
                    "</saml:Subject><saml:Advice>{}</saml:Advice>",
                    unsigned.assertion().replace("_assertion", "_x")
                ),
            ),
            Fault::Malformed,
        ),
    ] {
        let xml = says.around(&seal(folder, &inside, &cert, GCM, OAEP));
        assert_eq!(stage.fault(&xml).await, expected, "{name}");
    }
    // A signature of the response around it is not one of the assertion.
    let around = Says {
        response_signature: Some(Signature::default()),
        ..Says::default()
    };
    let sealed = seal(folder, &unsigned.assertion(), &cert, GCM, OAEP);
    let xml = sign_at(folder, &around.around(&sealed), &stage.idp, "Response");
    assert_eq!(stage.fault(&xml).await, Fault::Unsigned);
    // A plain one beside it.
    let sealed = seal(folder, &signed, &cert, GCM, OAEP);
    let xml = says.around(&format!("{sealed}{}", unsigned.assertion()));
    assert_eq!(stage.fault(&xml).await, Fault::Malformed);
}

#[tokio::test]
async fn old_ciphers_and_other_peoples_keys_are_refused() {
    let stage = stage();
    let cert = stage.settings.cert_file.clone().unwrap();
    let folder = stage.folder.path();
    let says = Says::default();
    let signed = stage.sign(&says.assertion());
    for (content, transport) in [
        ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", OAEP),
        ("http://www.w3.org/2001/04/xmlenc#tripledes-cbc", OAEP),
        (GCM, "http://www.w3.org/2001/04/xmlenc#rsa-1_5"),
    ] {
        let xml = says.around(&seal(folder, &signed, &cert, content, transport));
        assert_eq!(
            stage.fault(&xml).await,
            Fault::WeakAlgorithm,
            "{content} {transport}"
        );
    }
    let stranger = Pair::rsa(folder, "stranger");
    let xml = says.around(&seal(folder, &signed, &stranger.cert, GCM, OAEP));
    assert_eq!(stage.fault(&xml).await, Fault::Undecryptable);

    let good = says.around(&seal(folder, &signed, &cert, GCM, OAEP));
    for at in good
        .match_indices("<xenc:CipherValue>")
        .map(|(at, found)| at + found.len() + 30)
    {
        let mut bent = good.clone();
        bent.replace_range(at..=at, if &good[at..=at] == "A" { "B" } else { "A" });
        assert_eq!(stage.fault(&bent).await, Fault::Undecryptable);
    }
    // Without a key of ours.
    let keyless = Stage::set();
    assert_eq!(keyless.fault(&good).await, Fault::Undecryptable);
}
