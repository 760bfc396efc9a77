//! What `config check` says of identity providers, and its exit code, which scripts go by.

use crate::oidc_provider::{CLIENT_SECRET, Provider, Wanted};
use crate::ports::free_port;
use crate::support::Home;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// An authority's word for a key, until the end of that year.
fn certificate_until(year: i32) -> String {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 12, 31);
    let key = KeyPair::generate().unwrap();
    STANDARD.encode(params.self_signed(&key).unwrap().der())
}

fn metadata(certificate: &str, attributes: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:example:idp"{attributes}><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

/// Flags of a SAML provider over that metadata.
fn saml(home: &Home, metadata: &str) -> String {
    let file = home.write("idp.xml", metadata);
    format!("--set sso.corp.protocol=saml --set sso.corp.metadata_file={file}")
}

#[test]
fn config_check_ends_with_0_when_every_provider_is_ready() {
    let home = Home::new();
    let address = format!("127.0.0.1:{}", free_port());
    let mut provider = Provider::at_rest(Wanted::default());
    provider.serve(&[&format!("http://{address}")]);
    let secret = home.write("oidc-secret", CLIENT_SECRET);
    let good = saml(&home, &metadata(&certificate_until(2090), ""));
    let line = format!(
        "config check {good} --set server.http={address} --set server.https=off \
         --set sso.company.issuer={} --set sso.company.client_id=by-secret \
         --set sso.company.client_secret_file={secret}",
        provider.issuer()
    );
    let told = home.run(&line).good();
    for words in [
        "sso.company: ready",
        "2 signing keys: rsa-",
        "sso.corp: ready",
        "metadata of urn:example:idp",
        "valid until 2090-12-31",
        "the settings are good",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
    // It is away: nobody can sign in there, and the exit code says so. The other one is no worse for it.
    provider.down();
    let ran = home.run(&line);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.contains("sso.company: "), "{ran:?}");
    assert!(ran.out.contains("Connection refused"), "{ran:?}");
    assert!(ran.out.contains("sso.corp: ready"), "{ran:?}");
    assert!(!ran.out.contains("settings are good"), "{ran:?}");
    assert!(!format!("{ran:?}").contains("p1anted"));
}

#[test]
fn config_check_ends_with_1_for_metadata_that_is_of_no_use() {
    let home = Home::new();
    let good = metadata(&certificate_until(2090), "");
    let expired = metadata(
        &certificate_until(2090),
        r#" validUntil="2021-01-01T00:00:00Z""#,
    );
    for (name, text, words) in [
        ("nothing", String::new(), "not XML"),
        ("half of it", good[..good.len() / 2].to_owned(), "not XML"),
        (
            "a page of something else",
            "<html/>".to_owned(),
            "not an EntityDescriptor",
        ),
        ("no key", metadata("", ""), "no signing certificate of use"),
        ("expired", expired, "it expired at 2021-01-01T00:00:00Z"),
    ] {
        let line = format!("config check {}", saml(&home, &text));
        let ran = home.run(&line);
        assert_eq!(ran.code, 1, "{name}: {ran:?}");
        assert_eq!(ran.out, "", "{name}");
        assert!(ran.err.contains("sso.corp: metadata_file "), "{ran:?}");
        assert!(ran.err.contains(words), "{name}: {ran:?}");
    }
}

/// A key is pinned by its metadata; the date of the certificate around it ends nothing, so that nobody is locked out at
/// midnight.
#[test]
fn config_check_warns_of_an_expired_certificate_and_ends_with_0() {
    let home = Home::new();
    let expired = metadata(&certificate_until(2021), "");
    let told = home
        .run(&format!("config check {}", saml(&home, &expired)))
        .good();
    for words in [
        "sso.corp: ready",
        "valid until 2021-12-31",
        "warning: it has expired",
        "the settings are good",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
}

/// Answers discovery and keys, and nothing else, for as long as the test runs.
fn provider_with_keys(keys: &Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let discovery = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "authorization_response_iss_parameter_supported": true,
    });
    let keys = json!({ "keys": keys });
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            lines.read_line(&mut asked).unwrap();
            let mut header = String::new();
            while lines.read_line(&mut header).unwrap() > 2 {
                header.clear();
            }
            let (status, body) = match asked.split(' ').nth(1).unwrap_or_default() {
                "/.well-known/openid-configuration" => ("200 OK", discovery.to_string()),
                "/jwks" => ("200 OK", keys.to_string()),
                _ => ("404 Not Found", String::new()),
            };
            // Somebody who hangs up early is no failure of the test.
            let _gone = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    issuer
}

#[test]
fn config_check_ends_with_1_for_an_oidc_provider_without_usable_keys() {
    let home = Home::new();
    let symmetric = json!([{ "kty": "oct", "kid": "shared", "k": "c2VjcmV0" }]);
    for keys in [json!([]), symmetric] {
        let line = format!(
            "config check --set sso.company.issuer={} --set sso.company.client_id=us",
            provider_with_keys(&keys)
        );
        let ran = home.run(&line);
        assert_eq!(ran.code, 1, "{keys}: {ran:?}");
        for words in [
            "sso.company: not ready",
            "discovery answers: http://127.0.0.1:",
            "defect: no usable signing key",
        ] {
            assert!(ran.out.contains(words), "{words}: {ran:?}");
        }
        assert!(!ran.out.contains("settings are good"), "{ran:?}");
    }
}
