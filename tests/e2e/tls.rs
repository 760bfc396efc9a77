//! HTTPS: development certificates, certificates of one's own, and their renewal while the server runs.

use crate::metrics::operations;
use crate::support::{Home, Ran, Server, until};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether curl, trusting only `ca`, is content with the server's certificate for `localhost`.
fn trusts(server: &Server, ca: &Path) -> bool {
    let port = server.https().rsplit(':').next().unwrap();
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--fail", "--noproxy", "*", "--cacert"])
        .arg(ca)
        .args(["--resolve", &format!("localhost:{port}:127.0.0.1")])
        .arg(format!("https://localhost:{port}/health/live"));
    Ran::of(&mut curl, "").code == 0
}

/// A certificate for `localhost`, signed by itself.
pub fn write_pair(home: &Home, name: &str) -> [(PathBuf, String); 2] {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pair = [
        (format!("{name}.pem"), made.cert.pem()),
        (format!("{name}.key"), made.signing_key.serialize_pem()),
    ];
    pair.map(|(name, text)| (PathBuf::from(home.write(&name, &text)), text))
}

fn certificate_settings(home: &Home) -> String {
    let folder = home.path().display();
    format!(
        "--set server.tls_cert_file={folder}/site.pem --set server.tls_key_file={folder}/site.key"
    )
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let home = Home::new();
    let [(site, first), _] = write_pair(&home, "site");
    let server = home.server().with(&certificate_settings(&home)).start();
    let before = PathBuf::from(home.write("before.pem", &first));
    assert!(!server.greeting.contains("development certificate"));
    assert!(trusts(&server, &before));

    let [(_, chain), (_, key)] = write_pair(&home, "after");
    let after = home.path().join("after.pem");
    // First the chain alone, as renewal tools write it: it does not fit the key, and the old pair stays.
    std::fs::write(&site, chain).unwrap();
    server.logs("changed certificate not loaded").await;
    assert!(trusts(&server, &before));
    home.write("site.key", &key);
    server.logs("certificate reloaded").await;
    assert!(trusts(&server, &after));
    assert!(!trusts(&server, &before));
}

/// A certificate for `localhost` that is over at a moment of long ago, as `site.pem` and `site.key`.
pub fn write_expired_pair(home: &Home) {
    let mut about = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    about.not_after = rcgen::date_time_ymd(2020, 1, 2);
    let key = rcgen::KeyPair::generate().unwrap();
    home.write("site.pem", &about.self_signed(&key).unwrap().pem());
    home.write("site.key", &key.serialize_pem());
}

#[tokio::test]
async fn an_expired_certificate_is_served_and_told_of_until_it_is_renewed() {
    let home = Home::new();
    write_expired_pair(&home);
    let server = home
        .server()
        .with(&certificate_settings(&home))
        .with("--set metrics.listen=127.0.0.1:0 --set log.format=json")
        .start();
    server
        .logs("the certificate expired on 2020-01-02T00:00:00Z")
        .await;
    let operations = operations(&server);
    let metric = async |line: &str| {
        let reply = operations.get("/metrics").await;
        reply.text().await.unwrap().contains(line)
    };
    let expired = "\nvestibule_tls_not_after_seconds 1577923200\n";
    until("the metric", async || metric(expired).await).await;
    write_pair(&home, "site");
    server.logs("certificate reloaded").await;
    until("the new date", async || !metric(expired).await).await;
    let said = server.log();
    assert_eq!(said.matches("the certificate expire").count(), 1, "{said}");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start() {
    let home = Home::new();
    write_pair(&home, "site");
    home.write("site.key", "no key");
    let line = format!(
        "serve --http off --https 127.0.0.1:0 {}",
        certificate_settings(&home)
    );
    let error = home.run(&line).refusal();
    assert!(error.contains("site.key"), "{error}");
}

#[tokio::test]
async fn the_development_certificate_is_kept_in_the_data_folder_and_outlives_a_restart() {
    let home = Home::new();
    let server = home.server().start();
    let ca = home.data().join("certs/ca.pem");
    let first = std::fs::read(&ca).unwrap();
    assert!(server.greeting.contains(ca.to_str().unwrap()));
    assert!(trusts(&server, &ca));
    assert!(!home.path().join("certs").exists());
    drop(server);
    let server = home.server().start();
    assert_eq!(std::fs::read(&ca).unwrap(), first);
    assert!(trusts(&server, &ca));
}

#[tokio::test]
async fn a_folder_certs_beside_the_server_takes_the_development_certificate() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("certs")).unwrap();
    let server = home.server().start();
    assert!(trusts(&server, &home.path().join("certs/ca.pem")));
    for key in ["certs/ca.key", "certs/localhost.key"] {
        let metadata = std::fs::metadata(home.path().join(key)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{key}");
    }
    assert!(!home.data().join("certs").exists());
}
