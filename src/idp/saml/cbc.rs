//! AES-CBC, of cipher texts that the provider signed and of no others.
//!
//! Whoever changes a cipher text of CBC changes the plain text in ways of their choice, and a server that opens whatever it
//! is sent tells them by its answers, byte for byte, what is inside. So here nothing is opened whose writer is not known:
//! a [`Cbc`] is made of an [`Authentic`] element, which there is none of before a signature around it has held.

use super::decrypt::cipher_value;
use super::fault::Judged;
use super::signature::Authentic;
use aws_lc_rs::cipher::{
    AES_128, AES_256, AES_CBC_IV_LEN, Algorithm, DecryptingKey, DecryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;

const BLOCK: usize = 16;

/// Which AES.
#[derive(Clone, Copy)]
pub(super) struct Cipher(&'static Algorithm);

impl Cipher {
    /// The method of that name, where it is one of CBC's that are taken.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        match name {
            "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => Some(Self(&AES_128)),
            "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => Some(Self(&AES_256)),
            _ => None,
        }
    }
}

/// A cipher text that the provider signed.
pub(super) struct Cbc {
    cipher: Cipher,
    sealed: Vec<u8>,
}

impl Cbc {
    /// That of an `EncryptedData`.
    pub(super) fn of(cipher: Cipher, data: Authentic<'_, '_>) -> Judged<Self> {
        let sealed = cipher_value(data.node())?;
        Ok(Self { cipher, sealed })
    }

    /// What is inside. A wrong key, a wrong length and a wrong padding are the same to whoever asks.
    pub(super) fn open(&self, key: &[u8]) -> Option<Vec<u8>> {
        let (iv, sealed) = self.sealed.split_at_checked(AES_CBC_IV_LEN)?;
        let iv = FixedLength::<AES_CBC_IV_LEN>::try_from(iv).ok()?;
        let key = UnboundCipherKey::new(self.cipher.0, key)
            .and_then(DecryptingKey::cbc)
            .ok()?;
        let mut plain = sealed.to_vec();
        key.decrypt(&mut plain, DecryptionContext::Iv128(iv)).ok()?;
        // XML Encryption's padding: the last byte says how long it is, the others may be anything.
        let padding = usize::from(*plain.last()?);
        if padding == 0 || padding > BLOCK {
            return None;
        }
        plain.truncate(plain.len() - padding);
        Some(plain)
    }
}
