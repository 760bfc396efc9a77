//! Redis behind TLS with a private certificate authority.

use crate::support::{START, TestRedis, free_port, options, session, session_id};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vestibule::domain::failure::StoreError;
use vestibule::domain::session::{Check, SessionStore};
use vestibule::stores::redis::{RedisOptions, RedisStore};

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn write(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn tls_options(port: u16, ca_file: Option<&Path>) -> RedisOptions {
    RedisOptions {
        url: format!("rediss://localhost:{port}/").into(),
        ca_file: ca_file.map(Path::to_owned),
        ..options(port, "a:")
    }
}

#[tokio::test]
async fn only_the_given_authority_is_trusted() {
    // Already installed by another test of the same process, at worst.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let ours = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &ours)
        .unwrap();
    let ca = write(&dir, "ca.pem", &ours.pem());
    let other = write(&dir, "other.pem", &authority().pem());
    let cert_file = write(&dir, "cert.pem", &certificate.pem());
    let key_file = write(&dir, "key.pem", &key.serialize_pem());
    let port = free_port();
    let _server = TestRedis::start(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        cert_file.to_str().unwrap(),
        "--tls-key-file",
        key_file.to_str().unwrap(),
        "--tls-ca-cert-file",
        ca.to_str().unwrap(),
        "--tls-auth-clients",
        "no",
    ])
    .await;

    let store = RedisStore::open(tls_options(port, Some(&ca)))
        .await
        .unwrap();
    let id = session_id(1);
    store.open(&id, &session(1, START), None).await.unwrap();
    let found = store.check(&id, START).await.unwrap();
    assert!(matches!(found, Check::Live(_)), "{found:?}");

    let missing = dir.path().join("missing.pem");
    for wrong in [Some(other.as_path()), None, Some(missing.as_path())] {
        let refused = RedisStore::open(tls_options(port, wrong)).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn case_56_no_error_and_no_debug_shows_the_password() {
    let mut wrong = options(free_port(), "a:");
    for url in [
        "redis://:planted@127.0.0.1:1/",
        "redis://:planted@127.0.0.1:notaport/",
        "http://:planted@127.0.0.1/",
        "redis://:planted@/x/y?protocol=planted",
        "redis://:planted@127.0.0.1/planted",
    ] {
        wrong.url = url.into();
        assert!(!format!("{wrong:?}").contains("planted"));
        let error = RedisStore::open(RedisOptions {
            url: url.into(),
            ..options(0, "")
        })
        .await
        .unwrap_err();
        let (shown, debug) = (format!("{error:#}"), format!("{error:?}"));
        assert!(
            !shown.contains("planted") && !debug.contains("planted"),
            "{debug}"
        );
    }
}
