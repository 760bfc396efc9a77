//! Opens encrypted assertions: AES-GCM, or AES-CBC in a response that the provider signed; the key under RSA-OAEP.
//!
//! RSA 1.5, and CBC of anybody's making, tell an attacker who asks often enough what is inside. Here every failure past the
//! choice of methods looks the same, and what CBC opens looks the same until the signature inside has held.

use super::cbc::{Cbc, Cipher};
use super::fault::{Judged, malformed, refuse, shown};
use super::keys::OwnKey;
use super::signature::Signed;
use super::xml::{DSIG, Node, XENC, XENC11};
use crate::domain::sso::{AssertionFault, ProviderError};
use aws_lc_rs::aead::{
    AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey,
};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const NONCE: usize = 12;
/// As many recipients as are tried.
const MAX_KEYS: usize = 4;
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";

/// What was inside, not believed yet.
pub(super) struct Opened {
    text: String,
    is_malleable: bool,
}

impl Opened {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How to refuse what is inside, until it is known who wrote it.
    ///
    /// After CBC the padding, the text, its XML and its signature fail alike. Otherwise a provider that shares our key
    /// with another could sign cipher texts of the other's and learn from the answers what is in them.
    pub(super) fn refusal(&self, why: ProviderError) -> ProviderError {
        if self.is_malleable {
            return no_signed_assertion();
        }
        why
    }
}

/// A cipher text with how it was made. One by CBC is the provider's own; nothing else becomes a [`Cbc`].
enum Content {
    Gcm(&'static Algorithm, Vec<u8>),
    Cbc(Cbc),
}

impl Content {
    fn read<'d, 'x>(data: Node<'d, 'x>, held: &Signed<'d, 'x>) -> Judged<Self> {
        let algorithm = match method(data)?.1 {
            "http://www.w3.org/2009/xmlenc11#aes128-gcm" => &AES_128_GCM,
            "http://www.w3.org/2009/xmlenc11#aes192-gcm" => &AES_192_GCM,
            "http://www.w3.org/2009/xmlenc11#aes256-gcm" => &AES_256_GCM,
            name => {
                let how = shown(name);
                let Some(cbc) = Cipher::by_name(name) else {
                    return refuse(
                        AssertionFault::WeakAlgorithm,
                        format!(
                            "encrypted by {how}; AES-GCM is needed, or AES-CBC with 128 or 256 bits in a signed response"
                        ),
                    );
                };
                let Some(data) = held.vouch_for(data) else {
                    return refuse(
                        AssertionFault::WeakAlgorithm,
                        format!(
                            "encrypted by {how} in a response that is not signed: sign the response as well, or choose AES-GCM"
                        ),
                    );
                };
                return Cbc::of(cbc, data).map(Self::Cbc);
            }
        };
        Ok(Self::Gcm(algorithm, cipher_value(data)?))
    }

    fn open(&self, key: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Gcm(algorithm, sealed) => decrypt(algorithm, key, sealed),
            Self::Cbc(cbc) => cbc.open(key),
        }
    }

    const fn is_malleable(&self) -> bool {
        matches!(self, Self::Cbc(_))
    }

    fn refusal(&self) -> ProviderError {
        if self.is_malleable() {
            return no_signed_assertion();
        }
        ProviderError::refused(
            AssertionFault::Undecryptable,
            "not encrypted to our key, or changed since",
        )
    }
}

/// The one answer to everything that can be wrong with what CBC opened.
fn no_signed_assertion() -> ProviderError {
    ProviderError::refused(
        AssertionFault::Undecryptable,
        "not encrypted to our key, or no assertion inside that is signed itself",
    )
}

/// Opens an `EncryptedAssertion`; `held` are the signatures of the document it stands in.
pub(super) fn open<'d, 'x>(
    encrypted: Node<'d, 'x>,
    held: &Signed<'d, 'x>,
    own: Option<&OwnKey>,
) -> Judged<Opened> {
    let data = encrypted.only(XENC, "EncryptedData").map_err(malformed)?;
    let content = Content::read(data, held)?;
    let keys: Vec<_> = data
        .one(DSIG, "KeyInfo")
        .map_err(malformed)?
        .into_iter()
        .flat_map(|info| info.named(XENC, "EncryptedKey"))
        .chain(encrypted.named(XENC, "EncryptedKey"))
        .collect();
    if keys.is_empty() || keys.len() > MAX_KEYS {
        return Err(malformed(format!("{} encrypted keys", keys.len())));
    }
    let Some(own) = own else {
        return refuse(
            AssertionFault::Undecryptable,
            "it is encrypted, and key_file is not set",
        );
    };
    for key in keys {
        let transport = transport_algorithm(key)?;
        let wrapped = cipher_value(key)?;
        let label = label(key)?;
        let plain =
            unwrap(own, transport, &wrapped, label.as_deref()).and_then(|key| content.open(&key));
        if let Some(plain) = plain {
            let text = String::from_utf8(plain).map_err(|_| content.refusal())?;
            let is_malleable = content.is_malleable();
            return Ok(Opened { text, is_malleable });
        }
    }
    Err(content.refusal())
}

fn unwrap(
    own: &OwnKey,
    algorithm: &'static OaepAlgorithm,
    wrapped: &[u8],
    label: Option<&[u8]>,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; own.opening().min_output_size()]);
    let length = own
        .opening()
        .decrypt(algorithm, wrapped, &mut key, label)
        .ok()?
        .len();
    key.truncate(length);
    Some(key)
}

fn decrypt(algorithm: &'static Algorithm, key: &[u8], cipher: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = cipher.split_at_checked(NONCE)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let mut sealed = sealed.to_vec();
    let length = key
        .open_in_place(nonce, Aad::empty(), &mut sealed)
        .ok()?
        .len();
    sealed.truncate(length);
    Some(sealed)
}

fn method<'d, 'x>(node: Node<'d, 'x>) -> Judged<(Node<'d, 'x>, &'d str)> {
    let method = node.only(XENC, "EncryptionMethod").map_err(malformed)?;
    Ok((method, method.attribute("Algorithm").unwrap_or("")))
}

fn transport_algorithm(key: Node<'_, '_>) -> Judged<&'static OaepAlgorithm> {
    let (method, name) = method(key)?;
    let digest = method.one(DSIG, "DigestMethod").map_err(malformed)?;
    let digest = digest.map_or(SHA1, |d| d.attribute("Algorithm").unwrap_or(""));
    let mask = method.one(XENC11, "MGF").map_err(malformed)?;
    let mask = mask.map_or(MGF1_SHA1, |m| m.attribute("Algorithm").unwrap_or(""));
    let is_newer = match name {
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => false,
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => true,
        other => {
            return refuse(
                AssertionFault::WeakAlgorithm,
                format!(
                    "its key is encrypted by {}; RSA-OAEP is needed",
                    shown(other)
                ),
            );
        }
    };
    // SHA-1 inside OAEP is not a signature: nothing depends on collisions there, and every provider's default is it.
    match (is_newer, digest, mask) {
        (_, SHA1, MGF1_SHA1) => Ok(&OAEP_SHA1_MGF1SHA1),
        (
            true,
            "http://www.w3.org/2001/04/xmlenc#sha256",
            "http://www.w3.org/2009/xmlenc11#mgf1sha256",
        ) => Ok(&OAEP_SHA256_MGF1SHA256),
        (
            true,
            "http://www.w3.org/2001/04/xmldsig-more#sha384",
            "http://www.w3.org/2009/xmlenc11#mgf1sha384",
        ) => Ok(&OAEP_SHA384_MGF1SHA384),
        (
            true,
            "http://www.w3.org/2001/04/xmlenc#sha512",
            "http://www.w3.org/2009/xmlenc11#mgf1sha512",
        ) => Ok(&OAEP_SHA512_MGF1SHA512),
        _ => refuse(
            AssertionFault::WeakAlgorithm,
            format!(
                "RSA-OAEP with {} and {}; one hash for both is needed",
                shown(digest),
                shown(mask)
            ),
        ),
    }
}

fn label(key: Node<'_, '_>) -> Judged<Option<Vec<u8>>> {
    method(key)?
        .0
        .one(XENC, "OAEPparams")
        .map_err(malformed)?
        .map(|params| decode(&params.text()))
        .transpose()
}

pub(super) fn cipher_value(node: Node<'_, '_>) -> Judged<Vec<u8>> {
    let value = node
        .only(XENC, "CipherData")
        .and_then(|data| data.only(XENC, "CipherValue"))
        .map_err(malformed)?;
    decode(&value.text())
}

fn decode(text: &str) -> Judged<Vec<u8>> {
    let compact: String = text.split_ascii_whitespace().collect();
    STANDARD
        .decode(compact)
        .map_err(|_| malformed("a cipher value that is not Base64"))
}
