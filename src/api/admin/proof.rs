//! What binds a request to its session: the token against forgery, and the proof that a password was given lately.
//!
//! Both are keyed digests over the session's own digest, so nothing has to be kept: they are good on every node that
//! shares the cookie key, for that session only, and worthless once it has ended.

use crate::domain::clock::Timestamp;
use actix_web::cookie::Key;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::Duration;

/// How long an administrator counts as having proven who they are.
pub const FRESH_FOR: Duration = Duration::from_mins(10);

/// What is proven of one session.
pub struct Proofs {
    key: [u8; 32],
    session: [u8; 32],
}

impl Proofs {
    /// The proofs of the session with that digest. None without a key, which cannot be.
    pub fn of(key: &Key, session: [u8; 32]) -> Option<Self> {
        // A key of its own: what signs cookies must not sign anything else.
        let mut mac = Hmac::<Sha256>::new_from_slice(key.signing()).ok()?;
        mac.update(b"vestibule console");
        let key = mac.finalize().into_bytes().into();
        Some(Self { key, session })
    }

    /// The token that shows a request to be our own page's.
    pub fn csrf(&self) -> Option<String> {
        let digest = self.mac(b"csrf", &[])?.finalize().into_bytes();
        Some(URL_SAFE_NO_PAD.encode(digest))
    }

    /// Whether that is the token.
    pub fn is_csrf(&self, token: &str) -> bool {
        self.is_good(b"csrf", &[], token)
    }

    /// The proof that the password was right at that moment.
    pub fn confirmation(&self, at: Timestamp) -> Option<String> {
        let stamp = at.millis().to_string();
        let digest = self.mac(b"confirmed", stamp.as_bytes())?.finalize();
        let digest = URL_SAFE_NO_PAD.encode(digest.into_bytes());
        Some(format!("{stamp}.{digest}"))
    }

    /// Until when such a proof is good; none when it is not ours.
    pub fn confirmed_until(&self, proof: &str) -> Option<Timestamp> {
        let (stamp, digest) = proof.split_once('.')?;
        let is_ours = self.is_good(b"confirmed", stamp.as_bytes(), digest);
        let at = stamp.parse().ok().filter(|_| is_ours)?;
        Some(Timestamp::from_millis(at).plus(FRESH_FOR))
    }

    fn is_good(&self, purpose: &[u8], about: &[u8], digest: &str) -> bool {
        let Ok(digest) = URL_SAFE_NO_PAD.decode(digest) else {
            return false;
        };
        // Compares in constant time.
        self.mac(purpose, about)
            .is_some_and(|mac| mac.verify_slice(&digest).is_ok())
    }

    fn mac(&self, purpose: &[u8], about: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(purpose);
        mac.update(b"\0");
        mac.update(&self.session);
        mac.update(about);
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proven_of_one_session_proves_nothing_of_another() {
        let key = Key::from(&[7; 64]);
        let (mine, other) = (
            Proofs::of(&key, [1; 32]).unwrap(),
            Proofs::of(&key, [2; 32]).unwrap(),
        );
        let csrf = mine.csrf().unwrap();
        assert!(mine.is_csrf(&csrf) && !other.is_csrf(&csrf));
        assert!(!mine.is_csrf("") && !mine.is_csrf(&csrf[1..]));
        let at = Timestamp::from_millis(1_000);
        let proof = mine.confirmation(at).unwrap();
        assert_eq!(mine.confirmed_until(&proof), Some(at.plus(FRESH_FOR)));
        assert_eq!(other.confirmed_until(&proof), None);
        // A later stamp on an old proof, and the one proof in place of the other.
        let (_, digest) = proof.split_once('.').unwrap();
        assert_eq!(mine.confirmed_until(&format!("9{proof}")), None);
        assert_eq!(mine.confirmed_until(&format!("1000.{csrf}")), None);
        assert!(!mine.is_csrf(digest));
    }
}
