//! The files: metadata, keys and certificates, theirs and ours.

use super::support::*;
use std::sync::Arc;
use vestibule::domain::clock::{ManualClock, Timestamp};
use vestibule::domain::sso::{IdentityProvider, ProviderError, Wish};
use vestibule::settings::SsoProvider;

fn refusal(settings: &SsoProvider) -> String {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(NOW)));
    match open(settings, &clock) {
        Ok(provider) => panic!("opened: {provider:?}"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn a_wrong_file_is_refused_at_the_start_by_the_name_of_its_setting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let idp = Pair::rsa(path, "idp");
    let weak = Pair::make(path, "weak", &["-newkey", "rsa:1024"]);
    let other = Pair::rsa(path, "other");
    let file = path.join("idp.xml");

    let mut wrong = settings(path);
    assert!(refusal(&wrong).contains("metadata_file"), "missing");
    for (text, word) in [
        ("", "metadata_file"),
        ("<a/>", "EntityDescriptor"),
        ("<!DOCTYPE a><a/>", "DOCTYPE"),
    ] {
        std::fs::write(&file, text).unwrap();
        let found = refusal(&wrong);
        assert!(
            found.contains("sso.corp") && found.contains(word),
            "{text:?}: {found}"
        );
    }
    write_metadata(path, &[], "");
    assert!(refusal(&wrong).contains("no signing certificate"));
    write_metadata(path, &[&weak.base64()], "");
    assert!(refusal(&wrong).contains("1024"), "{}", refusal(&wrong));
    write_metadata(
        path,
        &[&idp.base64()],
        " validUntil=\"2026-11-22T11:59:59Z\"",
    );
    assert!(refusal(&wrong).contains("expired"));
    write_metadata(path, &[&idp.base64()], "");
    let good = std::fs::read_to_string(&file).unwrap();
    for (from, to, word) in [
        ("SAML:2.0:protocol", "SAML:1.1:protocol", "does not speak"),
        (
            "HTTP-Redirect\" Location=\"https://idp.example/sso",
            "SOAP\" Location=\"https://idp.example/sso",
            "SingleSignOnService",
        ),
        (
            "https://idp.example/sso",
            "javascript:alert(1)//",
            "SingleSignOnService",
        ),
    ] {
        std::fs::write(&file, good.replace(from, to)).unwrap();
        assert!(refusal(&wrong).contains(word), "{to}: {}", refusal(&wrong));
    }
    std::fs::write(&file, &good).unwrap();

    wrong.sign_requests = true;
    assert!(refusal(&wrong).contains("sign_requests"));
    wrong.sign_requests = false;
    wrong.key_file = Some(idp.key.clone());
    assert!(refusal(&wrong).contains("cert_file"));
    wrong.cert_file = Some(other.cert.clone());
    assert!(refusal(&wrong).contains("not the certificate of"));
    wrong.key_file = Some(weak.key.clone());
    wrong.cert_file = Some(weak.cert.clone());
    assert!(refusal(&wrong).contains("key_file"));
    wrong.key_file = Some(file.clone());
    assert!(refusal(&wrong).contains("key_file"));
    wrong.metadata_file = None;
    assert!(refusal(&wrong).contains("metadata_file is missing"));
}

#[test]
fn one_provider_may_come_wrapped_and_two_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let idp = Pair::rsa(path, "idp");
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(NOW)));
    write_metadata(path, &[&idp.base64()], "");
    let file = path.join("idp.xml");
    let text = std::fs::read_to_string(&file).unwrap();
    let entity = &text[text.find("<md:Entity").unwrap()..];
    let wrap = |inside: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{inside}</md:EntitiesDescriptor>"
        )
    };
    std::fs::write(&file, wrap(entity)).unwrap();
    assert_eq!(open(&settings(path), &clock).unwrap().issuer(), IDP);
    std::fs::write(&file, wrap(&entity.repeat(2))).unwrap();
    assert!(refusal(&settings(path)).contains("several"));
}

#[tokio::test]
async fn the_probe_tells_people_what_it_found() {
    let stage = Stage::with(with_own_key);
    let weak = Pair::make(stage.folder.path(), "weak", &["-newkey", "rsa:1024"]);
    write_metadata(
        stage.folder.path(),
        &[&stage.idp.base64(), &weak.base64()],
        " validUntil=\"2027-01-01T00:00:00Z\"",
    );
    let now = Timestamp::from_millis(NOW);
    let found = stage.provider.probe(now).await.unwrap();
    assert!(found.is_fit(), "{found:?}");
    let lines = found.lines().join("\n");
    for part in [
        IDP,
        "https://idp.example/sso?tenant=7",
        "https://idp.example/slo",
        "good until 2027-01-01T00:00:00Z",
        "signs with RSA 2048 CN=idp, valid until 20",
        "warning: a certificate is left out: an RSA key of 1024 bits",
        "our certificate: RSA 2048 CN=own",
    ] {
        assert!(lines.contains(part), "{part} is not in:\n{lines}");
    }
    std::fs::write(stage.folder.path().join("idp.xml"), "<half").unwrap();
    assert!(stage.provider.probe(now).await.is_err());
}

#[tokio::test]
async fn metadata_that_expires_while_the_server_runs_is_used_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let idp = Pair::rsa(folder.path(), "idp");
    write_metadata(
        folder.path(),
        &[&idp.base64()],
        " validUntil=\"2026-11-22T12:01:00Z\"",
    );
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(NOW)));
    let provider = open(&settings(folder.path()), &clock).unwrap();
    let wish = Wish {
        handle: "h".into(),
        callback: CALLBACK.into(),
        is_forced: false,
    };
    assert!(provider.begin(&wish).await.is_ok());
    clock.advance(std::time::Duration::from_mins(1));
    match provider.begin(&wish).await {
        Err(ProviderError::Unavailable(why)) => assert!(why.to_string().contains("expired")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn our_metadata_says_where_and_how() {
    let keyless = Stage::set();
    let xml = keyless.provider.metadata(CALLBACK, LOGOUT).unwrap();
    for part in [
        &format!("entityID=\"{SP}\""),
        "WantAssertionsSigned=\"true\"",
        "AuthnRequestsSigned=\"false\"",
        &format!("bindings:HTTP-POST\" Location=\"{CALLBACK}\" index=\"0\""),
        &format!("bindings:HTTP-POST\" Location=\"{LOGOUT}\""),
        &format!("bindings:HTTP-Redirect\" Location=\"{LOGOUT}\""),
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    assert!(!xml.contains("KeyDescriptor"));
    let keyed = Stage::with(|folder, settings| {
        with_own_key(folder, settings);
        settings.sign_requests = true;
    });
    let xml = keyed.provider.metadata(CALLBACK, LOGOUT).unwrap();
    assert!(xml.contains("AuthnRequestsSigned=\"true\""));
    assert_eq!(xml.matches("<ds:X509Certificate>").count(), 2);
    // The private half stays here, in whatever is printed.
    let shown = format!("{:?}", keyed.provider);
    let key = std::fs::read_to_string(keyed.settings.key_file.as_ref().unwrap()).unwrap();
    assert!(!shown.contains(key.lines().nth(1).unwrap()));
}
