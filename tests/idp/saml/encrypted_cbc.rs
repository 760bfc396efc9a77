//! Assertions sealed by AES-CBC: opened in a response that the provider signed, and nowhere else.

use super::encrypted::{GCM, OAEP, seal, stage};
use super::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vestibule::domain::sso::{AssertionFault as Fault, ProviderError};

const CBC: [&str; 2] = [
    "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
    "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
];
const BLOCK: usize = 16;

fn around_signed() -> Says {
    Says {
        response_signature: Some(Signature::default()),
        ..Says::default()
    }
}

/// What is sealed, for our key.
fn sealed(stage: &Stage, assertion: &str, content: &str) -> String {
    let cert = stage.settings.cert_file.as_deref().unwrap();
    seal(stage.folder.path(), assertion, cert, content, OAEP)
}

/// A response around it that the provider signed.
fn signed_around(stage: &Stage, sealed: &str) -> String {
    let xml = around_signed().around(sealed);
    sign_at(stage.folder.path(), &xml, &stage.idp, "Response")
}

/// Changes the cipher text, and nothing else.
fn bend(xml: &str, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let (start, end) = ("<xenc:CipherValue>", "</xenc:CipherValue>");
    // The key's comes first.
    let from = xml.rfind(start).unwrap() + start.len();
    let to = from + xml[from..].find(end).unwrap();
    let compact: String = xml[from..to].split_whitespace().collect();
    let mut cipher = STANDARD.decode(compact).unwrap();
    change(&mut cipher);
    format!("{}{}{}", &xml[..from], STANDARD.encode(cipher), &xml[to..])
}

async fn refusal(stage: &Stage, xml: &str) -> (Fault, String) {
    match stage.finish(xml).await {
        Err(ProviderError::Refused { fault, detail }) => (fault, detail),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn cbc_is_opened_in_a_response_that_the_provider_signed() {
    let stage = stage();
    let signed = stage.sign(&Says::default().assertion());
    for content in CBC {
        let xml = signed_around(&stage, &sealed(&stage, &signed, content));
        let found = stage.finish(&xml).await.unwrap();
        assert_eq!(found.subject, "lena", "{content}");
        assert_eq!(found.attributes["groups"], ["analysts", "staff"]);
    }
}

#[tokio::test]
async fn a_changed_cipher_text_is_refused_for_the_signature_before_it_is_opened() {
    let stage = stage();
    let keyless = Stage::set();
    let signed = stage.sign(&Says::default().assertion());
    let good = signed_around(&stage, &sealed(&stage, &signed, CBC[1]));
    stage.finish(&good).await.unwrap();
    for (name, at_end) in [("a byte inside", 5 * BLOCK), ("the padding", BLOCK + 1)] {
        let bent = bend(&good, |cipher| {
            let at = cipher.len() - at_end;
            cipher[at] ^= 1;
        });
        assert_ne!(bent, good);
        assert_eq!(stage.fault(&bent).await, Fault::BadSignature, "{name}");
    }
    let cut = bend(&good, |cipher| cipher.truncate(2 * BLOCK));
    assert_eq!(stage.fault(&cut).await, Fault::BadSignature);
    // Neither does the key matter, nor whether there is one.
    let swapped = good.replacen("<xenc:CipherValue>", "<xenc:CipherValue>AAAA", 1);
    assert_eq!(stage.fault(&swapped).await, Fault::BadSignature);
    assert_eq!(keyless.fault(&good).await, Fault::BadSignature);
}

/// The oracle: cipher texts of an attacker's own choice, as many as they like. All get the one answer that those get who
/// have no key to open anything with.
#[tokio::test]
async fn whatever_cbc_comes_without_a_signature_around_it_is_refused_unopened() {
    let stage = stage();
    let keyless = Stage::set();
    let says = Says::default();
    let signed = stage.sign(&says.assertion());
    for content in CBC {
        let good = says.around(&sealed(&stage, &signed, content));
        let expected = refusal(&keyless, &good).await;
        assert_eq!(expected.0, Fault::WeakAlgorithm);
        assert!(
            expected.1.contains("sign the response as well")
                && expected.1.contains("choose AES-GCM"),
            "{}",
            expected.1
        );
        assert_eq!(refusal(&stage, &good).await, expected);
        for last in 0..=u8::MAX {
            let bent = bend(&good, |cipher| {
                let at = cipher.len() - BLOCK - 1;
                cipher[at] = last;
            });
            assert_eq!(refusal(&stage, &bent).await, expected, "{last}");
        }
    }
    // A signature that is another's counts for less than none.
    let stranger = Pair::rsa(stage.folder.path(), "stranger");
    let xml = around_signed().around(&sealed(&stage, &signed, CBC[0]));
    let xml = sign_at(stage.folder.path(), &xml, &stranger, "Response");
    assert_eq!(stage.fault(&xml).await, Fault::BadSignature);
}

/// Whoever may sign responses could still be after what another provider encrypted to the same key.
#[tokio::test]
async fn what_cbc_opens_is_refused_in_one_voice_until_its_own_signature_has_held() {
    let stage = stage();
    let says = Says::default();
    let signed = stage.sign(&says.assertion());
    let unsigned = Says {
        signature: None,
        ..Says::default()
    };
    let good = sealed(&stage, &signed, CBC[0]);
    let stranger = Pair::rsa(stage.folder.path(), "stranger");
    let ours = |inside: &str| sealed(&stage, inside, CBC[0]);
    let mut answers = Vec::new();
    for (name, sealed) in [
        (
            "bad padding",
            bend(&good, |cipher| {
                let at = cipher.len() - BLOCK - 1;
                cipher[at] ^= 0x80;
            }),
        ),
        (
            "no text",
            bend(&good, |cipher| cipher[2 * BLOCK + 1] ^= 0x80),
        ),
        ("half a block", bend(&good, |cipher| cipher.truncate(40))),
        ("no block", bend(&good, |cipher| cipher.truncate(BLOCK))),
        ("nothing", bend(&good, Vec::clear)),
        (
            "for another",
            seal(stage.folder.path(), &signed, &stranger.cert, CBC[0], OAEP),
        ),
        ("a comment", ours(&signed.replace("lena", "le<!---->na"))),
        ("something else", ours("<x xmlns=\"urn:x\"/>")),
        ("a whole response", ours(&says.around(&signed))),
        ("unsigned", ours(&unsigned.assertion())),
        ("changed", ours(&signed.replace("lena", "root"))),
        (
            "another's",
            ours(&sign(stage.folder.path(), &says.assertion(), &stranger)),
        ),
    ] {
        let answer = refusal(&stage, &signed_around(&stage, &sealed)).await;
        assert_eq!(answer.0, Fault::Undecryptable, "{name}: {}", answer.1);
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // Once it is known to be the provider's, it is told what is wrong.
    let elsewhere = Says {
        recipient: "https://evil.example".into(),
        ..Says::default()
    };
    let inside = stage.sign(&elsewhere.assertion());
    let xml = signed_around(&stage, &ours(&inside));
    assert_eq!(stage.fault(&xml).await, Fault::WrongRecipient);
}

#[tokio::test]
async fn a_signed_response_is_not_wrapped_around_another_cipher_text() {
    let stage = stage();
    let signed = stage.sign(&Says::default().assertion());
    let own = sealed(&stage, &signed, CBC[0]);
    let good = signed_around(&stage, &own);
    stage.finish(&good).await.unwrap();
    let evil = bend(&own, |cipher| cipher[BLOCK] ^= 1);
    let from = good.find("<ds:Signature").unwrap();
    let to = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &good[from..to];
    let bare = good.replacen(signature, "", 1);
    let outer = |signature: &str, content: &str| {
        let xml = Says::default().around(content);
        xml.replace("ID=\"_response\"", "ID=\"_evil\"").replacen(
            "</saml:Issuer>",
            &format!("</saml:Issuer>{signature}"),
            1,
        )
    };
    let object = |inside: &str| {
        signature.replace(
            "</ds:Signature>",
            &format!("<ds:Object>{inside}</ds:Object></ds:Signature>"),
        )
    };
    let key_info = |inside: &str| {
        signature.replace(
            "</ds:Signature>",
            &format!("<ds:KeyInfo>{inside}</ds:KeyInfo></ds:Signature>"),
        )
    };
    let extensions = |inside: &str| format!("<samlp:Extensions>{inside}</samlp:Extensions>");
    for (name, xml, expected) in [
        // The signed response moved, another around it.
        (
            "in extensions",
            outer("", &format!("{}{evil}", extensions(&good))),
            Fault::Malformed,
        ),
        (
            "in an object",
            outer(&object(&bare), &evil),
            Fault::Malformed,
        ),
        (
            "in its key's place",
            outer(&key_info(&bare), &evil),
            Fault::Malformed,
        ),
        (
            "beside",
            outer("", &format!("{good}{evil}")),
            Fault::Malformed,
        ),
        // Its signature alone.
        (
            "a signature of another",
            outer(signature, &evil),
            Fault::BadSignature,
        ),
        (
            "the same name",
            outer(signature, &evil).replace("_evil", "_response"),
            Fault::BadSignature,
        ),
        // The one part of a signed response that is not: its signature.
        (
            "within the signature",
            bare.replacen(&own, "", 1).replacen(
                "</saml:Issuer>",
                &format!("</saml:Issuer>{}", key_info(&evil)),
                1,
            ),
            Fault::Malformed,
        ),
        (
            "the own one moved there",
            bare.replacen(&own, &evil, 1).replacen(
                "</saml:Issuer>",
                &format!("</saml:Issuer>{}", key_info(&own)),
                1,
            ),
            Fault::Malformed,
        ),
    ] {
        assert_eq!(stage.fault(&xml).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_second_assertion_is_one_too_many_whichever_of_them_is_encrypted() {
    let stage = stage();
    let signed = stage.sign(&Says::default().assertion());
    let own = sealed(&stage, &signed, CBC[0]);
    let good = signed_around(&stage, &own);
    let evil = bend(&own, |cipher| cipher[BLOCK] ^= 1);
    for (name, xml) in [
        ("two", good.replacen(&own, &format!("{own}{evil}"), 1)),
        (
            "two, the other way",
            good.replacen(&own, &format!("{evil}{own}"), 1),
        ),
        (
            "one in another",
            good.replacen(
                "<xenc:EncryptedData",
                &format!("{evil}<xenc:EncryptedData"),
                1,
            ),
        ),
        (
            "a plain one beside",
            good.replacen(&own, &format!("{own}{signed}"), 1),
        ),
        // Signed as a whole, two are still one too many.
        ("both signed", signed_around(&stage, &own.repeat(2))),
    ] {
        assert_eq!(stage.fault(&xml).await, Fault::Malformed, "{name}");
    }
}

/// The key of a cipher text by CBC does not open it as another method's either.
#[tokio::test]
async fn a_cipher_text_does_not_change_its_method_on_the_way() {
    let stage = stage();
    let says = Says::default();
    let signed = stage.sign(&says.assertion());
    let own = sealed(&stage, &signed, CBC[1]);
    let xml = says.around(&own.replace(CBC[1], GCM));
    assert_eq!(stage.fault(&xml).await, Fault::Undecryptable);
    let own = sealed(&stage, &signed, GCM);
    let xml = says.around(&own.replace(GCM, CBC[1]));
    assert_eq!(stage.fault(&xml).await, Fault::WeakAlgorithm);
    for content in [
        "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
        "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
    ] {
        let xml = signed_around(&stage, &sealed(&stage, &signed, content));
        assert_eq!(stage.fault(&xml).await, Fault::WeakAlgorithm, "{content}");
    }
    let cert = stage.settings.cert_file.as_deref().unwrap();
    let old = "http://www.w3.org/2001/04/xmlenc#rsa-1_5";
    let own = seal(stage.folder.path(), &signed, cert, CBC[0], old);
    let answer = refusal(&stage, &signed_around(&stage, &own)).await;
    assert_eq!(answer.0, Fault::WeakAlgorithm);
    assert!(answer.1.contains("RSA-OAEP is needed"), "{}", answer.1);
}
