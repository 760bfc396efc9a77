//! Certificates: configured ones, reloaded when their files change, or a development CA made on the first start.

use crate::domain::clock::Clock;
use crate::settings::Settings;
use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

/// How often certificate files are looked at. Polled, because file notifications miss symlink swaps.
const POLL: Duration = Duration::from_secs(2);
/// Browsers refuse leaf certificates that last longer.
const LEAF_DAYS: i64 = 397;
const CA_DAYS: i64 = 3650;

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The chain, in PEM.
    pub chain: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

/// The configured certificate; without one that of a development CA, whose own file is the second.
pub fn files(
    settings: &Settings,
    clock: &dyn Clock,
) -> anyhow::Result<(CertificateFiles, Option<String>)> {
    if let (Some(chain), Some(key)) = (
        &settings.server.tls_cert_file,
        &settings.server.tls_key_file,
    ) {
        let files = CertificateFiles {
            chain: chain.clone(),
            key: key.clone(),
        };
        return Ok((files, None));
    }
    let beside = PathBuf::from("certs");
    let own = settings.data_dir.join("certs");
    // An authority that browsers were told to trust goes on, wherever the server is started next.
    let folder = if beside.is_dir() && !own.join("ca.pem").exists() {
        beside
    } else {
        own
    };
    let nanos = i128::from(clock.now().millis()) * 1_000_000;
    let now = OffsetDateTime::from_unix_timestamp_nanos(nanos)?;
    let files = development(&folder, now)?;
    // Whole, because it is pasted into shells that may stand elsewhere.
    let ca = std::path::absolute(folder.join("ca.pem"))?;
    let ca = ca.display().to_string();
    Ok((files, Some(ca)))
}

/// Serves whatever certificate was loaded last.
#[derive(Debug)]
struct Resolver {
    current: ArcSwap<CertifiedKey>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// A TLS configuration over `files`, and the task that follows their changes.
pub fn configure(
    files: CertificateFiles,
) -> anyhow::Result<(ServerConfig, impl Future<Output = ()>)> {
    let resolver = Arc::new(Resolver {
        current: ArcSwap::from_pointee(load(&files)?),
    });
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&resolver) as Arc<dyn ResolvesServerCert>);
    Ok((config, follow(files, resolver)))
}

async fn follow(files: CertificateFiles, resolver: Arc<Resolver>) {
    let mut seen = fingerprint(&files);
    loop {
        tokio::time::sleep(POLL).await;
        let now = fingerprint(&files);
        if now == seen {
            continue;
        }
        seen = now;
        match load(&files) {
            Ok(key) => {
                resolver.current.store(Arc::new(key));
                tracing::info!(file = %files.chain.display(), "certificate reloaded");
            }
            // Often the chain is written before its key: the pair that fits is served until then.
            Err(error) => {
                tracing::error!(
                    error = format!("{error:#}"),
                    "changed certificate not loaded; the old one stays"
                );
            }
        }
    }
}

fn fingerprint(files: &CertificateFiles) -> [Option<(SystemTime, u64)>; 2] {
    [&files.chain, &files.key].map(|path| {
        let data = fs::metadata(path).ok()?;
        Some((data.modified().ok()?, data.len()))
    })
}

fn load(files: &CertificateFiles) -> anyhow::Result<CertifiedKey> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.chain)
        .with_context(|| format!("certificate file {}", files.chain.display()))?
        .collect::<Result<_, _>>()
        .with_context(|| format!("certificate file {}", files.chain.display()))?;
    if chain.is_empty() {
        bail!(
            "certificate file {} holds no certificate",
            files.chain.display()
        );
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("key file {}", files.key.display()))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).with_context(|| {
        format!(
            "{} and {} do not fit together",
            files.chain.display(),
            files.key.display()
        )
    })
}

/// The development certificate in `folder`, made anew when it is missing or about to expire.
pub fn development(folder: &Path, now: OffsetDateTime) -> anyhow::Result<CertificateFiles> {
    let files = CertificateFiles {
        chain: folder.join("localhost.pem"),
        key: folder.join("localhost.key"),
    };
    let is_fresh = fs::metadata(&files.chain)
        .and_then(|data| data.modified())
        .is_ok_and(|made| now - OffsetDateTime::from(made) < time::Duration::days(LEAF_DAYS - 30));
    if is_fresh && load(&files).is_ok() {
        return Ok(files);
    }
    fs::create_dir_all(folder).with_context(|| format!("folder {}", folder.display()))?;
    make(folder, &files, now).context("the development certificate could not be made")?;
    tracing::info!(folder = %folder.display(), "made a development CA and a certificate for localhost");
    Ok(files)
}

fn make(folder: &Path, files: &CertificateFiles, now: OffsetDateTime) -> anyhow::Result<()> {
    let yesterday = now - time::Duration::days(1);
    let mut ca = CertificateParams::default();
    ca.distinguished_name
        .push(DnType::CommonName, "vestibule development CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    ca.not_before = yesterday;
    ca.not_after = now + time::Duration::days(CA_DAYS);
    let ca_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?;

    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()])?;
    leaf.subject_alt_names.extend([
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ]);
    leaf.distinguished_name
        .push(DnType::CommonName, "vestibule development server");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    leaf.not_before = yesterday;
    leaf.not_after = now + time::Duration::days(LEAF_DAYS);
    let leaf_key = KeyPair::generate()?;
    let leaf_certificate = leaf.signed_by(&leaf_key, &Issuer::from_params(&ca, &ca_key))?;

    write(&folder.join("ca.key"), &ca_key.serialize_pem(), 0o600)?;
    write(&folder.join("ca.pem"), &ca_certificate.pem(), 0o644)?;
    write(&files.key, &leaf_key.serialize_pem(), 0o600)?;
    write(&files.chain, &leaf_certificate.pem(), 0o644)
}

/// Writes beside and renames, so that nobody reads half a file and a key never has wider rights.
fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)
        .with_context(|| format!("file {}", beside.display()))?;
    file.write_all(text.as_bytes())?;
    fs::rename(&beside, path).with_context(|| format!("file {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_development_certificate_is_made_once_and_its_keys_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let now = OffsetDateTime::now_utc();
        let files = development(folder.path(), now).unwrap();
        let first = fs::read(&files.chain).unwrap();
        development(folder.path(), now).unwrap();
        assert_eq!(fs::read(&files.chain).unwrap(), first);
        for key in ["ca.key", "localhost.key"] {
            let mode = fs::metadata(folder.path().join(key))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // The key no longer fits: both are made anew.
        fs::write(&files.key, "garbage").unwrap();
        development(folder.path(), now).unwrap();
        assert_ne!(fs::read(&files.chain).unwrap(), first);
    }
}
