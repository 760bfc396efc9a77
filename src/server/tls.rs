//! Certificates: configured ones, reloaded when their files change, or a development CA made on the first start.

use crate::domain::clock::{Clock, Timestamp};
use crate::server::expiry::{expiry_of, judge};
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
use tokio::sync::Notify;

/// How often certificate files are looked at. Polled, because file notifications miss symlink swaps.
const POLL: Duration = Duration::from_secs(2);
/// How often the log says that a certificate is over or about to be.
const REMIND: Duration = Duration::from_hours(24);
/// Browsers refuse leaf certificates that last longer.
const LEAF_DAYS: i64 = 397;
const CA_DAYS: i64 = 3650;
/// A development certificate that is over sooner is made anew at a start.
const RENEW: Duration = Duration::from_hours(30 * 24);

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The chain, in PEM.
    pub chain: PathBuf,
    /// The private key, in PEM.
    pub key: PathBuf,
}

/// A certificate with its key, and when it is over.
#[derive(Debug)]
pub struct Pair {
    key: Arc<CertifiedKey>,
    /// None where the certificate says it in no way we read.
    pub expiry: Option<Timestamp>,
}

/// Serves whatever certificate was loaded last.
#[derive(Debug)]
pub struct Served {
    current: ArcSwap<Pair>,
}

impl Served {
    /// When the certificate that is served now is over.
    pub fn expiry(&self) -> Option<Timestamp> {
        self.current.load().expiry
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.load().key))
    }
}

/// A TLS configuration over `files`, what it serves, and the task that follows their changes; `reload` has it look at
/// once.
pub fn configure(
    files: CertificateFiles,
    clock: Arc<dyn Clock>,
    reload: Arc<Notify>,
) -> anyhow::Result<(ServerConfig, Arc<Served>, impl Future<Output = ()>)> {
    let served = Arc::new(Served {
        current: ArcSwap::from_pointee(load(&files)?),
    });
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&served) as Arc<dyn ResolvesServerCert>);
    let task = follow(files, Arc::clone(&served), clock, reload);
    Ok((config, served, task))
}

async fn follow(
    files: CertificateFiles,
    served: Arc<Served>,
    clock: Arc<dyn Clock>,
    reload: Arc<Notify>,
) {
    let mut seen = fingerprint(&files);
    let mut reminded = remind(&files, &served, &*clock);
    loop {
        let is_asked = tokio::select! {
            () = tokio::time::sleep(POLL) => false,
            () = reload.notified() => true,
        };
        let now = fingerprint(&files);
        if now != seen || is_asked {
            seen = now;
            if renew(&files, &served) {
                reminded = remind(&files, &served, &*clock);
            }
        }
        if clock.now().since(reminded) >= REMIND {
            reminded = remind(&files, &served, &*clock);
        }
    }
}

/// Whether the files' pair is the one that is served now.
fn renew(files: &CertificateFiles, served: &Served) -> bool {
    match load(files) {
        Ok(pair) => {
            served.current.store(Arc::new(pair));
            tracing::info!(file = %files.chain.display(), "certificate reloaded");
            true
        }
        // Often the chain is written before its key: the pair that fits is served until then.
        Err(error) => {
            tracing::error!(
                error = format!("{error:#}"),
                "changed certificate not loaded; the old one stays"
            );
            false
        }
    }
}

/// Says so if the certificate is over or about to be, and when that was looked at.
fn remind(files: &CertificateFiles, served: &Served, clock: &dyn Clock) -> Timestamp {
    let now = clock.now();
    if let Err(why) = judge(served.expiry(), now) {
        tracing::warn!(file = %files.chain.display(), "the certificate {why}");
    }
    now
}

/// The files that the settings name.
pub fn configured(settings: &Settings) -> Option<CertificateFiles> {
    let server = &settings.server;
    Some(CertificateFiles {
        chain: server.tls_cert_file.clone()?,
        key: server.tls_key_file.clone()?,
    })
}

/// The configured certificate; without one that of a development CA, whose own file is the second.
pub fn files(
    settings: &Settings,
    clock: &dyn Clock,
) -> anyhow::Result<(CertificateFiles, Option<String>)> {
    if let Some(files) = configured(settings) {
        return Ok((files, None));
    }
    let folder = development_folder(settings);
    let files = development(&folder, clock.now())?;
    // Whole, because it is pasted into shells that may stand elsewhere.
    let ca = std::path::absolute(folder.join("ca.pem"))?;
    Ok((files, Some(ca.display().to_string())))
}

/// The folder that holds the development certificate, or will.
fn development_folder(settings: &Settings) -> PathBuf {
    let beside = PathBuf::from("certs");
    let own = settings.data_dir.join("certs");
    // An authority that browsers were told to trust goes on, wherever the server is started next.
    if beside.is_dir() && !own.join("ca.pem").exists() {
        beside
    } else {
        own
    }
}

fn fingerprint(files: &CertificateFiles) -> [Option<(SystemTime, u64)>; 2] {
    [&files.chain, &files.key].map(|path| {
        let data = fs::metadata(path).ok()?;
        Some((data.modified().ok()?, data.len()))
    })
}

/// Reads both and sees that they fit together.
pub fn load(files: &CertificateFiles) -> anyhow::Result<Pair> {
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
    let expiry = chain.first().and_then(|leaf| expiry_of(leaf));
    let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
    let key = key.with_context(|| {
        format!(
            "{} and {} do not fit together",
            files.chain.display(),
            files.key.display()
        )
    })?;
    Ok(Pair {
        key: Arc::new(key),
        expiry,
    })
}

/// The development certificate in `folder`, made anew when it is missing or about to expire.
pub fn development(folder: &Path, now: Timestamp) -> anyhow::Result<CertificateFiles> {
    let files = development_files(folder);
    let is_fresh = |pair: Pair| pair.expiry.is_some_and(|end| end.since(now) > RENEW);
    if load(&files).is_ok_and(is_fresh) {
        return Ok(files);
    }
    let now = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now.millis()) * 1_000_000)?;
    fs::create_dir_all(folder).with_context(|| format!("folder {}", folder.display()))?;
    make(folder, &files, now).context("the development certificate could not be made")?;
    tracing::info!(folder = %folder.display(), "made a development CA and a certificate for localhost");
    Ok(files)
}

/// Where the development certificate of `folder` is.
pub fn development_files(folder: &Path) -> CertificateFiles {
    CertificateFiles {
        chain: folder.join("localhost.pem"),
        key: folder.join("localhost.key"),
    }
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
        let now = Timestamp::from_millis(1_800_000_000_000);
        let files = development(folder.path(), now).unwrap();
        let first = fs::read(&files.chain).unwrap();
        let day = Duration::from_hours(24);
        development(folder.path(), now.plus(day * 366)).unwrap();
        assert_eq!(fs::read(&files.chain).unwrap(), first);
        // In its last month it is made anew.
        development(folder.path(), now.plus(day * 368)).unwrap();
        let second = fs::read(&files.chain).unwrap();
        assert_ne!(second, first);
        for key in ["ca.key", "localhost.key"] {
            let mode = fs::metadata(folder.path().join(key))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // The key no longer fits: both are made anew.
        fs::write(&files.key, "garbage").unwrap();
        development(folder.path(), now.plus(day * 368)).unwrap();
        assert_ne!(fs::read(&files.chain).unwrap(), second);
    }
}
