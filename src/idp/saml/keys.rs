//! Keys: the certificates a provider signs with, and our own pair.

use crate::domain::clock::Timestamp;
use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{self, KeyPair as _, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::path::Path;
use x509_cert::der::{Decode, Encode};

/// Smaller RSA keys are refused, theirs and ours.
const MIN_RSA_BITS: usize = 2048;
pub(super) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
const CURVES: [(&str, Kind); 3] = [
    ("1.2.840.10045.3.1.7", Kind::P256),
    ("1.3.132.0.34", Kind::P384),
    ("1.3.132.0.35", Kind::P521),
];

/// What kind of key it is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rsa(usize),
    P256,
    P384,
    P521,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::P256 => f.write_str("EC P-256"),
            Self::P384 => f.write_str("EC P-384"),
            Self::P521 => f.write_str("EC P-521"),
        }
    }
}

/// A certificate, of which only the key is trusted: it is pinned, so nobody else vouches for it.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    der: Vec<u8>,
    /// `SubjectPublicKeyInfo`, DER.
    spki: Vec<u8>,
    /// The key alone: PKCS#1 or the curve point.
    raw: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) subject: String,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

impl Certificate {
    /// From the text of an `X509Certificate` element.
    pub(super) fn from_base64(text: &str) -> Result<Self> {
        let compact: String = text.split_ascii_whitespace().collect();
        let der = STANDARD
            .decode(compact)
            .context("the certificate is not Base64")?;
        Self::from_der(&der)
    }

    fn from_pem_file(path: &Path) -> Result<Self> {
        let der = CertificateDer::from_pem_file(path)?;
        Self::from_der(&der)
    }

    pub(super) fn from_der(der: &[u8]) -> Result<Self> {
        let certificate =
            x509_cert::Certificate::from_der(der).context("not an X.509 certificate")?;
        let body = &certificate.tbs_certificate;
        let key = &body.subject_public_key_info;
        let raw = key
            .subject_public_key
            .as_bytes()
            .context("an odd public key")?
            .to_vec();
        let spki = key.to_der().context("an odd public key")?;
        let kind = match key.algorithm.oid.to_string().as_str() {
            RSA_ENCRYPTION => {
                let parsed = aws_lc_rs::rsa::PublicKey::from_der(&spki)
                    .map_err(|_| anyhow::anyhow!("an odd RSA key"))?;
                let bits = parsed.modulus_len() * 8;
                ensure!(
                    bits >= MIN_RSA_BITS,
                    "an RSA key of {bits} bits; {MIN_RSA_BITS} is the least"
                );
                Kind::Rsa(bits)
            }
            EC_PUBLIC_KEY => {
                let curve = key
                    .algorithm
                    .parameters
                    .as_ref()
                    .and_then(|p| p.decode_as::<x509_cert::spki::ObjectIdentifier>().ok())
                    .map(|oid| oid.to_string())
                    .unwrap_or_default();
                CURVES
                    .iter()
                    .find(|(oid, _)| *oid == curve)
                    .map(|(_, kind)| *kind)
                    .context("an elliptic curve other than P-256, P-384 and P-521")?
            }
            other => bail!("a key of another kind than RSA and ECDSA ({other})"),
        };
        let moment = |at: x509_cert::time::Time| {
            let since = at.to_unix_duration();
            Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
        };
        Ok(Self {
            der: der.to_vec(),
            spki,
            raw,
            kind,
            subject: body.subject.to_string(),
            not_before: moment(body.validity.not_before),
            not_after: moment(body.validity.not_after),
        })
    }

    /// Whether both hold the same key.
    pub(super) fn has_key_of(&self, other: &Self) -> bool {
        self.spki == other.spki
    }

    pub(super) fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(super) fn to_base64(&self) -> String {
        STANDARD.encode(&self.der)
    }

    /// Whether this key made a signature over bytes. `None`: the method is not one for this key, or too weak.
    pub(super) fn verifies(&self, method: &str, data: &[u8], signature: &[u8]) -> Option<bool> {
        let algorithms: [&dyn VerificationAlgorithm; 2] = match (method, self.kind) {
            (RSA_SHA256, Kind::Rsa(_)) => [&signature::RSA_PKCS1_2048_8192_SHA256; 2],
            ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", Kind::Rsa(_)) => {
                [&signature::RSA_PKCS1_2048_8192_SHA384; 2]
            }
            ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", Kind::Rsa(_)) => {
                [&signature::RSA_PKCS1_2048_8192_SHA512; 2]
            }
            // The redirect binding does not say how the two numbers are written; both ways are in use.
            ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", Kind::P256) => [
                &signature::ECDSA_P256_SHA256_FIXED,
                &signature::ECDSA_P256_SHA256_ASN1,
            ],
            ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", Kind::P384) => [
                &signature::ECDSA_P384_SHA384_FIXED,
                &signature::ECDSA_P384_SHA384_ASN1,
            ],
            ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", Kind::P521) => [
                &signature::ECDSA_P521_SHA512_FIXED,
                &signature::ECDSA_P521_SHA512_ASN1,
            ],
            _ => return None,
        };
        Some(
            algorithms
                .into_iter()
                .any(|algorithm| algorithm.verify_sig(&self.raw, data, signature).is_ok()),
        )
    }
}

/// Our own key pair, which signs requests and opens assertions.
pub(super) struct OwnKey {
    signing: RsaKeyPair,
    opening: OaepPrivateDecryptingKey,
    pub(super) certificate: Certificate,
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnKey")
            .field("certificate", &self.certificate.subject)
            .finish_non_exhaustive()
    }
}

impl OwnKey {
    /// Reads both files; errors name the setting.
    pub(super) fn open(key_file: &Path, cert_file: &Path) -> Result<Self> {
        let key = || format!("key_file {}", key_file.display());
        let der = PrivateKeyDer::from_pem_file(key_file).with_context(key)?;
        let signing = match &der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => bail!("{}: an RSA key is needed", key()),
        }
        .map_err(|why| anyhow::anyhow!("{}: not an RSA key of use: {why}", key()))?;
        let bits = signing.public_modulus_len() * 8;
        ensure!(
            bits >= MIN_RSA_BITS,
            "{}: an RSA key of {bits} bits; {MIN_RSA_BITS} is the least",
            key()
        );
        let certificate = Certificate::from_pem_file(cert_file)
            .with_context(|| format!("cert_file {}", cert_file.display()))?;
        let public = AsDer::<PublicKeyX509Der<'_>>::as_der(signing.public_key())
            .map_err(|_| anyhow::anyhow!("{}: no public half", key()))?;
        ensure!(
            public.as_ref() == certificate.spki(),
            "cert_file {} is not the certificate of key_file {}",
            cert_file.display(),
            key_file.display()
        );
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&signing)
            .map_err(|_| anyhow::anyhow!("{}: cannot be used", key()))?;
        let opening = PrivateDecryptingKey::from_pkcs8(private.as_ref())
            .ok()
            .and_then(|private| OaepPrivateDecryptingKey::new(private).ok())
            .with_context(|| format!("{}: cannot decrypt", key()))?;
        Ok(Self {
            signing,
            opening,
            certificate,
        })
    }

    /// Signs by RSA-SHA256.
    pub(super) fn sign(&self, data: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0; self.signing.public_modulus_len()];
        // PKCS #1 signatures are the same every time; the generator only blinds the computation.
        let blinding = aws_lc_rs::rand::SystemRandom::new();
        self.signing
            .sign(
                &signature::RSA_PKCS1_SHA256,
                &blinding,
                data,
                &mut signature,
            )
            .map_err(|_| anyhow::anyhow!("cannot sign"))?;
        Ok(signature)
    }

    pub(super) const fn opening(&self) -> &OaepPrivateDecryptingKey {
        &self.opening
    }
}
