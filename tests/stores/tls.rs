//! Redis behind TLS with a private certificate authority.

use crate::ports::free_port;
use crate::redis::{Guard, Kind, PASSWORD, Topology, USER};
use crate::support::{START, TestRedis, options, session, session_id, token, token_digest};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use vestibule::domain::failure::StoreError;
use vestibule::domain::session::{Check, Revocations, RevokeScope, SessionStore};
use vestibule::domain::token::{Spending, TokenStore};
use vestibule::stores::redis::{RedisOptions, RedisStore};

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    // Of the same name as what it signs, it would be taken for that by OpenSSL.
    params
        .distinguished_name
        .push(DnType::CommonName, "an authority");
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

/// A certificate for this machine and who signed it, in files.
fn guard(dir: &TempDir) -> Guard {
    // Already installed by another test of the same process, at worst.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ours = authority();
    let key = KeyPair::generate().unwrap();
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &ours)
        .unwrap();
    Guard {
        authority: write(dir, "ca.pem", &ours.pem()),
        certificate: write(dir, "cert.pem", &certificate.pem()),
        key: write(dir, "key.pem", &key.serialize_pem()),
    }
}

/// A guarded store, and that it wants the right password, the right authority, and nothing in the clear.
async fn assert_only_the_known_get_in(kind: Kind, scheme: &str) {
    let dir = tempfile::tempdir().unwrap();
    let guard = guard(&dir);
    let servers = tokio::task::block_in_place(|| Topology::guarded(kind, &guard));
    let (_, rest) = servers
        .url()
        .split_once("://")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let password = "p1anted%2Fw%3Ard";
    let at = |scheme: &str, password: &str| RedisOptions {
        url: format!("{scheme}://{USER}:{password}@{rest}").into(),
        ca_file: Some(guard.authority.clone()),
        sentinel_user: Some(USER.to_owned()),
        sentinel_password: Some(PASSWORD.into()),
        answer_within: Duration::from_secs(2),
        ..options(0, "g:")
    };
    let store = RedisStore::open(at(scheme, password)).await.unwrap();
    let (id, digest) = (session_id(1), token_digest());
    store.open(&id, &session(1, START), None).await.unwrap();
    store
        .put(&digest, &token(1, Some(5), START), true)
        .await
        .unwrap();
    assert_eq!(store.spend(&digest, START).await.unwrap(), Spending::First);
    let found = store.check(&id, START).await.unwrap();
    assert!(matches!(found, Check::Live(_)), "{found:?}");
    store.revoke(RevokeScope::All, START).await.unwrap();
    assert!(store.list_all(None, START).await.is_ok());
    store.ping().await.unwrap();
    store.store_time().await.unwrap();
    drop(store);

    let short = Duration::from_millis(300);
    let mut wrong = vec![
        at(scheme, "wrong"),
        at(&scheme.replace("rediss", "redis"), password),
    ];
    wrong.push(RedisOptions {
        ca_file: Some(write(&dir, "other.pem", &authority().pem())),
        ..at(scheme, password)
    });
    if kind == Kind::Sentinel {
        wrong.push(RedisOptions {
            sentinel_password: Some("wrong".into()),
            ..at(scheme, password)
        });
    }
    for wrong in wrong {
        let options = RedisOptions {
            answer_within: short,
            ..wrong
        };
        let error = RedisStore::open(options).await.unwrap_err();
        let debug = format!("{error:?}{error:#}");
        assert!(!debug.contains("p1anted"), "{debug}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_56_sentinels_and_their_master_take_tls_and_a_user_with_few_rights() {
    assert_only_the_known_get_in(Kind::Sentinel, "rediss-sentinel").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_56_a_cluster_takes_tls_and_a_user_with_few_rights() {
    assert_only_the_known_get_in(Kind::Cluster, "rediss-cluster").await;
}

#[tokio::test]
async fn only_the_given_authority_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let Guard {
        authority: ca,
        certificate: cert_file,
        key: key_file,
    } = guard(&dir);
    let other = write(&dir, "other.pem", &authority().pem());
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
        "redis-sentinel://:planted@127.0.0.1:1/planted",
        "redis-cluster://:planted@127.0.0.1:1,127.0.0.1:2",
        "redis-cluster://:planted@127.0.0.1:notaport",
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
