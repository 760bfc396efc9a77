//! Sign-outs: ours at the provider, and the provider's here, by redirect and by form post.

use super::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::sso::{
    AssertionFault as Fault, IdentityProvider, LoggedOutThere, LogoutNotice, LogoutWord, NameForm,
    ProviderError, ProviderLink,
};

/// The message in an address.
pub fn unpack(url: &str, field: &str) -> String {
    let packed = parameter(url, field).unwrap();
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(&*STANDARD.decode(packed).unwrap())
        .read_to_string(&mut xml)
        .unwrap();
    xml
}

pub fn parameter(url: &str, name: &str) -> Option<String> {
    url::Url::parse(url)
        .unwrap()
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Has openssl verify the signature of an address.
pub fn check_query(folder: &Path, url: &str, cert: &Path) {
    let from = url.find("SAMLRe").unwrap();
    let to = url.find("&Signature=").unwrap();
    let (data, mark, key) = (
        folder.join("data"),
        folder.join("mark"),
        folder.join("public"),
    );
    std::fs::write(&data, &url[from..to]).unwrap();
    std::fs::write(
        &mark,
        STANDARD
            .decode(parameter(url, "Signature").unwrap())
            .unwrap(),
    )
    .unwrap();
    let public = run(
        "openssl",
        &["x509", "-pubkey", "-noout", "-in", cert.to_str().unwrap()],
    );
    std::fs::write(&key, public).unwrap();
    run(
        "openssl",
        &[
            "dgst",
            "-sha256",
            "-verify",
            key.to_str().unwrap(),
            "-signature",
            mark.to_str().unwrap(),
            data.to_str().unwrap(),
        ],
    );
}

/// A query as the provider writes it, signed by openssl.
fn query(stage: &Stage, field: &str, xml: &str, digest: &str, method: &str) -> String {
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflate.write_all(xml.as_bytes()).unwrap();
    let encode = |text: &str| -> String {
        // In lower case, as some write it: whoever encodes again gets other bytes.
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace("%2B", "%2b")
            .replace("%2F", "%2f")
    };
    let packed = STANDARD.encode(deflate.finish().unwrap());
    let covered = format!(
        "{field}={}&RelayState={}&SigAlg={}",
        encode(&packed),
        encode("state/1"),
        encode(method)
    );
    let data = stage.folder.path().join("covered");
    std::fs::write(&data, &covered).unwrap();
    let signature = run(
        "openssl",
        &[
            "dgst",
            digest,
            "-sign",
            stage.idp.key.to_str().unwrap(),
            data.to_str().unwrap(),
        ],
    );
    format!(
        "{covered}&Signature={}",
        encode(&STANDARD.encode(signature))
    )
}

fn signed_query(stage: &Stage, field: &str, xml: &str) -> String {
    query(stage, field, xml, "-sha256", RSA_SHA256)
}

const HEAD: &str = r#"xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_out" Version="2.0" IssueInstant="2026-11-22T11:59:00Z" Destination="https://bi.example/callosum/v1/saml/logout""#;

fn request() -> String {
    format!(
        "<samlp:LogoutRequest {HEAD}><saml:Issuer>{IDP}</saml:Issuer><saml:NameID>lena</saml:NameID><samlp:SessionIndex>_session</samlp:SessionIndex></samlp:LogoutRequest>"
    )
}

fn answer() -> String {
    format!(
        r#"<samlp:LogoutResponse {HEAD} InResponseTo="_x"><saml:Issuer>{IDP}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:LogoutResponse>"#
    )
}

async fn read(stage: &Stage, notice: LogoutNotice) -> Result<LogoutWord, ProviderError> {
    stage
        .provider
        .read_logout(&notice, LOGOUT, Timestamp::from_millis(NOW))
        .await
}

async fn by_redirect(stage: &Stage, query: &str) -> Result<LogoutWord, ProviderError> {
    read(stage, LogoutNotice::SamlRedirect(query.to_owned())).await
}

async fn by_post(stage: &Stage, xml: &str, is_request: bool) -> Result<LogoutWord, ProviderError> {
    let notice = LogoutNotice::SamlPost {
        message: STANDARD.encode(xml),
        is_request,
        relay_state: Some("state/1".into()),
    };
    read(stage, notice).await
}

fn requested(word: Result<LogoutWord, ProviderError>) -> LoggedOutThere {
    match word.unwrap() {
        LogoutWord::Request(out) => out,
        other @ LogoutWord::Answer { .. } => panic!("{other:?}"),
    }
}

/// With the place for a signature after the issuer.
fn with_signature(xml: &str) -> String {
    let mark = format!(
        r##"</saml:Issuer><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/><ds:SignatureMethod Algorithm="{RSA_SHA256}"/><ds:Reference URI="#_out"><ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"##
    );
    xml.replacen("</saml:Issuer>", &mark, 1)
}

#[tokio::test]
async fn a_sign_out_goes_to_the_provider_signed() {
    let stage = Stage::with(with_own_key);
    let link = ProviderLink {
        provider: "corp".into(),
        subject: "lena & <co>".into(),
        form: NameForm {
            format: Some("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".into()),
            qualifier: Some("https://idp.example/?a=1&b=\"2\"".into()),
            sp_qualifier: Some("us".into()),
        },
        session_index: Some("_session".into()),
        is_proven: false,
    };
    let url = stage
        .provider
        .begin_logout(&link, "handle-1", "https://bi.example/")
        .await
        .unwrap()
        .unwrap();
    assert!(url.starts_with("https://idp.example/slo?SAMLRequest="));
    assert_eq!(parameter(&url, "RelayState").unwrap(), "handle-1");
    let xml = unpack(&url, "SAMLRequest");
    assert!(
        xml.contains(
            "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\" \
         NameQualifier=\"https://idp.example/?a=1&amp;b=&quot;2&quot;\" SPNameQualifier=\"us\">\
         lena &amp; &lt;co&gt;</saml:NameID>"
        ),
        "{xml}"
    );
    assert!(xml.contains("<samlp:SessionIndex>_session</samlp:SessionIndex>"));
    check_query(
        stage.folder.path(),
        &url,
        stage.settings.cert_file.as_ref().unwrap(),
    );
}

#[tokio::test]
async fn a_sign_out_there_is_believed_by_either_way_when_signed() {
    let stage = Stage::with(with_own_key);
    let redirected =
        requested(by_redirect(&stage, &signed_query(&stage, "SAMLRequest", &request())).await);
    let posted = requested(by_post(&stage, &stage.sign(&with_signature(&request())), true).await);
    for out in [redirected, posted] {
        assert_eq!(out.id, "_out");
        assert_eq!(out.subject.as_deref(), Some("lena"));
        assert_eq!(out.session_index.as_deref(), Some("_session"));
        // A minute old, five of its own, two of skew.
        assert_eq!(out.good_until.millis(), NOW + 6 * 60_000);
        let reply = out.reply_url.unwrap();
        assert!(reply.starts_with("https://idp.example/slo-reply?SAMLResponse="));
        assert_eq!(parameter(&reply, "RelayState").unwrap(), "state/1");
        assert!(unpack(&reply, "SAMLResponse").contains("InResponseTo=\"_out\""));
        check_query(
            stage.folder.path(),
            &reply,
            stage.settings.cert_file.as_ref().unwrap(),
        );
    }
}

#[tokio::test]
async fn an_answer_to_our_sign_out_brings_its_handle_back() {
    let stage = Stage::set();
    let redirected = by_redirect(&stage, &signed_query(&stage, "SAMLResponse", &answer())).await;
    let posted = by_post(&stage, &stage.sign(&with_signature(&answer())), false).await;
    for word in [redirected, posted] {
        match word.unwrap() {
            LogoutWord::Answer { handle } => assert_eq!(handle.as_deref(), Some("state/1")),
            other @ LogoutWord::Request(_) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn of_several_sessions_all_are_meant() {
    let stage = Stage::set();
    let xml = request().replace(
        "</samlp:LogoutRequest>",
        "<samlp:SessionIndex>_second</samlp:SessionIndex></samlp:LogoutRequest>",
    );
    let out = requested(by_redirect(&stage, &signed_query(&stage, "SAMLRequest", &xml)).await);
    assert_eq!(out.session_index, None);
    assert_eq!(out.subject.as_deref(), Some("lena"));
}

#[tokio::test]
async fn a_sign_out_that_says_one_wrong_thing_is_refused_for_it() {
    let stage = Stage::set();
    for (from, to, expected) in [
        (IDP, "https://evil.example", Fault::WrongIssuer),
        ("saml/logout\"", "saml/SSO\"", Fault::WrongRecipient),
        (
            " Destination=\"https://bi.example/callosum/v1/saml/logout\"",
            "",
            Fault::WrongRecipient,
        ),
        ("11:59:00Z", "11:53:00Z", Fault::Expired),
        ("11:59:00Z", "12:02:01Z", Fault::TooEarly),
        (
            "Version=\"2.0\"",
            "Version=\"2.0\" NotOnOrAfter=\"2026-11-22T11:58:00Z\"",
            Fault::Expired,
        ),
        (
            "IssueInstant=\"2026-11-22T11:59:00Z\"",
            "",
            Fault::Malformed,
        ),
        ("<saml:NameID>lena</saml:NameID>", "", Fault::NoSubject),
        ("lena", " ", Fault::NoSubject),
        ("lena", "le<!---->na", Fault::Malformed),
        ("ID=\"_out\"", "", Fault::Malformed),
        (
            "samlp:LogoutRequest",
            "samlp:LogoutResponse",
            Fault::Malformed,
        ),
    ] {
        let xml = request().replace(from, to);
        let found = by_redirect(&stage, &signed_query(&stage, "SAMLRequest", &xml)).await;
        assert_eq!(fault(found), expected, "{to}");
    }
}

#[tokio::test]
async fn an_unsigned_or_bent_sign_out_is_refused() {
    let stage = Stage::set();
    let good = signed_query(&stage, "SAMLRequest", &request());
    let unsigned = good.split("&SigAlg").next().unwrap().to_owned();
    let stranger = Stage::set();
    let sha1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
    for (query, expected) in [
        (unsigned, Fault::Unsigned),
        (good.replace("state", "stage"), Fault::BadSignature),
        (
            good.replace("&RelayState=state%2f1", ""),
            Fault::BadSignature,
        ),
        // The same text once decoded, but not what was signed.
        (good.replace("state%2f1", "state/1"), Fault::BadSignature),
        (
            signed_query(&stranger, "SAMLRequest", &request()),
            Fault::BadSignature,
        ),
        (
            query(&stage, "SAMLRequest", &request(), "-sha1", sha1),
            Fault::WeakAlgorithm,
        ),
        (format!("{good}&SAMLRequest=x"), Fault::Malformed),
        (format!("{good}&RelayState=x"), Fault::Malformed),
        (format!("{good}&SAML%52equest=x"), Fault::Malformed),
        (format!("{good}&SAMLResponse=x"), Fault::Malformed),
        (
            signed_query(&stage, "SAMLResponse", &request()),
            Fault::Malformed,
        ),
        (String::new(), Fault::Malformed),
        (
            "SAMLRequest=%ff%fe&SigAlg=%ff&Signature=%ff".into(),
            Fault::Malformed,
        ),
        ("x".repeat(1 << 20), Fault::TooLarge),
        // Half a gigabyte of nothing, packed and signed.
        (
            signed_query(&stage, "SAMLRequest", &" ".repeat(64 << 20)),
            Fault::TooLarge,
        ),
    ] {
        assert_eq!(
            fault(by_redirect(&stage, &query).await),
            expected,
            "{query:.120}"
        );
    }
    assert_eq!(
        fault(by_post(&stage, &request(), true).await),
        Fault::Unsigned
    );
    let signed = stage.sign(&with_signature(&request()));
    let bent = signed.replace("lena", "root");
    assert_eq!(
        fault(by_post(&stage, &bent, true).await),
        Fault::BadSignature
    );
    assert_eq!(
        fault(by_post(&stage, &signed, false).await),
        Fault::Malformed
    );
}

#[tokio::test]
async fn an_old_sign_out_stays_old() {
    let stage = Stage::set();
    let query = signed_query(&stage, "SAMLRequest", &request());
    let late = Timestamp::from_millis(NOW).plus(Duration::from_mins(6));
    let notice = LogoutNotice::SamlRedirect(query);
    let found = stage.provider.read_logout(&notice, LOGOUT, late).await;
    assert_eq!(fault(found), Fault::Expired);
}
