//! Signatures that were made otherwise than agreed, or by others.

use super::support::*;
use vestibule::domain::sso::AssertionFault as Fault;

fn signed_by(signature: Signature) -> Says {
    Says {
        signature: Some(signature),
        ..Says::default()
    }
}

#[tokio::test]
async fn weak_or_odd_methods_are_refused_though_the_signature_would_hold() {
    let stage = Stage::set();
    let default = Signature::default;
    let transform = |algorithm: &str| {
        format!(r#"<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{algorithm}"/>"#)
    };
    for (name, signature) in [
        (
            "RSA-SHA1",
            Signature {
                method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1".into(),
                ..default()
            },
        ),
        (
            "SHA-1 digest",
            Signature {
                digest: "http://www.w3.org/2000/09/xmldsig#sha1".into(),
                ..default()
            },
        ),
        (
            "inclusive canonical XML",
            Signature {
                canonical: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315".into(),
                ..default()
            },
        ),
        (
            "canonical XML with comments",
            Signature {
                canonical: format!("{EXCLUSIVE}WithComments"),
                ..default()
            },
        ),
        (
            "inclusive transform",
            Signature {
                transforms: transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
                ..default()
            },
        ),
        (
            "XPath transform",
            Signature {
                transforms: format!(
                    r#"<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>not(ancestor-or-self::*[local-name()='NameID'])</ds:XPath></ds:Transform>"#
                ),
                ..default()
            },
        ),
        (
            "XSLT transform",
            Signature {
                transforms: format!(
                    r#"<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/"><x/></xsl:template></xsl:stylesheet></ds:Transform>"#
                ),
                ..default()
            },
        ),
    ] {
        let xml = stage.answer(&signed_by(signature));
        assert_eq!(stage.fault(&xml).await, Fault::WeakAlgorithm, "{name}");
    }
}

#[tokio::test]
async fn signatures_of_another_shape_are_refused() {
    let stage = Stage::set();
    let default = Signature::default;
    let once = format!(r#"<ds:Transform Algorithm="{ENVELOPED}"/>"#);
    let exclusive = format!(r#"<ds:Transform Algorithm="{EXCLUSIVE}"/>"#);
    for (name, transforms) in [
        ("one transform", once.clone()),
        ("three transforms", format!("{once}{exclusive}{exclusive}")),
    ] {
        let xml = stage.answer(&signed_by(Signature {
            transforms,
            ..default()
        }));
        assert_eq!(stage.fault(&xml).await, Fault::BadSignature, "{name}");
    }
    // The whole document in place of the element.
    let says = Says::default();
    let assertion = signed_by(Signature {
        reference: "\u{0}".into(),
        ..default()
    })
    .assertion()
    .replace("URI=\"\u{0}\"", "URI=\"\"");
    let xml = says.around(&stage.sign(&assertion));
    assert_eq!(stage.fault(&xml).await, Fault::BadSignature);

    let good = stage.answer(&says);
    for (name, from, to) in [
        (
            "a second reference",
            "</ds:SignedInfo>",
            "<ds:Reference URI=\"#_assertion\"/></ds:SignedInfo>",
        ),
        (
            "an object",
            "</ds:Signature>",
            "<ds:Object/></ds:Signature>",
        ),
        ("another place", "URI=\"#_assertion\"", "URI=\"#_response\""),
        (
            "a file",
            "URI=\"#_assertion\"",
            "URI=\"file:///etc/passwd\"",
        ),
        (
            "a pointer",
            "URI=\"#_assertion\"",
            "URI=\"#xpointer(id('_assertion'))\"",
        ),
        (
            "a key elsewhere",
            "</ds:Signature>",
            "<ds:KeyInfo><ds:RetrievalMethod URI=\"http://127.0.0.1:9/\"/></ds:KeyInfo></ds:Signature>",
        ),
        ("a changed name", "lena", "root"),
        ("a changed audience", "analysts", "admins"),
    ] {
        let bent = good.replace(from, to);
        assert_ne!(bent, good, "{name}");
        assert_eq!(stage.fault(&bent).await, Fault::BadSignature, "{name}");
    }
    let value = good.find("<ds:SignatureValue>").unwrap() + 25;
    let mut bent = good.clone();
    bent.replace_range(
        value..=value,
        if &good[value..=value] == "A" {
            "B"
        } else {
            "A"
        },
    );
    assert_eq!(stage.fault(&bent).await, Fault::BadSignature);
}

#[tokio::test]
async fn a_public_certificate_is_no_secret_to_sign_with() {
    // The old confusion: the verifier takes the public key for the key of an HMAC.
    let stage = Stage::set();
    for (name, method) in [
        ("SHA-1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
        (
            "SHA-256",
            "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        ),
    ] {
        let says = signed_by(Signature {
            method: method.into(),
            ..Signature::default()
        });
        let key = stage.idp.cert.to_str().unwrap();
        let assertion = xmlsec(
            stage.folder.path(),
            &says.assertion(),
            &["--hmackey", key],
            "//*[local-name()='Signature']",
        );
        let xml = says.around(&assertion);
        assert_eq!(stage.fault(&xml).await, Fault::WeakAlgorithm, "{name}");
    }
}

#[tokio::test]
async fn another_key_is_refused_whatever_certificate_comes_along() {
    let stage = Stage::set();
    let stranger = Pair::rsa(stage.folder.path(), "stranger");
    let place = "<ds:KeyInfo><ds:X509Data/></ds:KeyInfo>";
    let key_value = "<ds:KeyInfo><ds:KeyValue/></ds:KeyInfo>";
    for (name, key_info) in [
        ("none", String::new()),
        ("its own certificate", place.to_owned()),
        ("its own key", key_value.to_owned()),
        (
            "the provider's certificate",
            place.replace(
                "<ds:X509Data/>",
                &format!(
                    "<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>",
                    stage.idp.base64()
                ),
            ),
        ),
    ] {
        let says = signed_by(Signature {
            key_info: key_info.clone(),
            ..Signature::default()
        });
        let forged = sign(stage.folder.path(), &says.assertion(), &stranger);
        // xmlsec1 fills an empty X509Data and leaves a full one.
        let xml = says.around(&forged);
        assert_eq!(stage.fault(&xml).await, Fault::BadSignature, "{name}");
    }
    // The provider's signature with a stranger's certificate beside it.
    let says = signed_by(Signature {
        key_info: place.into(),
        ..Signature::default()
    });
    let good = stage.answer(&says);
    stage.finish(&good).await.unwrap();
    let from = good.find("<ds:X509Certificate>").unwrap();
    let to = good.find("</ds:X509Certificate>").unwrap();
    let mut swapped = good.clone();
    swapped.replace_range(
        from..to,
        &format!("<ds:X509Certificate>{}", stranger.base64()),
    );
    assert_eq!(stage.fault(&swapped).await, Fault::BadSignature);
}

#[tokio::test]
async fn a_bad_signature_of_the_response_spoils_a_good_one_of_the_assertion() {
    let stage = Stage::set();
    let says = Says {
        response_signature: Some(Signature::default()),
        ..Says::default()
    };
    let good = stage.answer(&says);
    let bent = good.replacen(
        "IssueInstant=\"2026-11-22T12:00:00Z\"",
        "IssueInstant=\"2026-11-22T12:00:01Z\"",
        1,
    );
    assert_ne!(bent, good);
    assert_eq!(stage.fault(&bent).await, Fault::BadSignature);
}
