//! Passwords: argon2id with OWASP's parameters, hashed off the async threads in a bounded pool.

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The shortest password that may be set, in bytes.
pub const MIN_PASSWORD_BYTES: usize = 8;
/// The longest password that is hashed, in bytes: bounds what one attempt costs.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// A password hash in PHC form (`$argon2id$v=19$m=19456,t=2,p=1$…`). Never prints.
#[derive(Clone)]
pub struct PasswordHash(SecretString);

impl PasswordHash {
    /// A hash as a store kept it.
    pub fn from_phc(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text a store keeps.
    pub fn expose_phc(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Shorter than [`MIN_PASSWORD_BYTES`].
    #[error("a password has at least {MIN_PASSWORD_BYTES} bytes")]
    TooShort,
    /// Longer than [`MAX_PASSWORD_BYTES`].
    #[error("a password has at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// The hasher itself failed.
    #[error("hashing failed: {0}")]
    Hasher(String),
}

/// Hashes and verifies, at most as many at a time as the machine has cores.
///
/// A verification takes 19 MiB and tens of milliseconds; without the bound a login flood would take
/// all memory and every core.
#[derive(Debug, Clone)]
pub struct PasswordPool {
    permits: Arc<Semaphore>,
    /// Verified when there is no real hash, so that an unknown user costs what a known one does.
    dummy: Arc<PasswordHash>,
}

impl PasswordPool {
    /// A pool of that many hashes at a time.
    pub fn new(at_a_time: usize) -> Result<Self, PasswordError> {
        let dummy = hash_now(b"vestibule: nobody has this password")?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(at_a_time.max(1))),
            dummy: Arc::new(dummy),
        })
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: &SecretString) -> Result<PasswordHash, PasswordError> {
        let length = password.expose_secret().len();
        if length < MIN_PASSWORD_BYTES {
            return Err(PasswordError::TooShort);
        }
        if length > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong);
        }
        let password = password.clone();
        self.run(move || hash_now(password.expose_secret().as_bytes()))
            .await?
    }

    /// Whether the password matches, byte for byte. Without a hash the same work is done, and the answer is no.
    pub async fn verify(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordError> {
        let is_real = hash.is_some();
        let hash = hash.map_or_else(|| Arc::clone(&self.dummy), |hash| Arc::new(hash.clone()));
        // Too long is hashed all the same, cut to the limit, so that the answer takes as long as any other.
        let is_sane = password.expose_secret().len() <= MAX_PASSWORD_BYTES;
        let password = password.clone();
        let matches = self
            .run(move || {
                let bytes = password.expose_secret().as_bytes();
                verify_now(&bytes[..bytes.len().min(MAX_PASSWORD_BYTES)], &hash)
            })
            .await??;
        Ok(matches && is_real && is_sane)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|closed| PasswordError::Hasher(closed.to_string()))?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|broken| PasswordError::Hasher(broken.to_string()))
    }
}

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(19_456, 2, 1, None)
        .map_err(|error| PasswordError::Hasher(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &[u8]) -> Result<PasswordHash, PasswordError> {
    let phc = hasher()?
        .hash_password(password)
        .map_err(|error| PasswordError::Hasher(error.to_string()))?;
    Ok(PasswordHash::from_phc(phc.to_string()))
}

fn verify_now(password: &[u8], hash: &PasswordHash) -> Result<bool, PasswordError> {
    let parsed = Phc::new(hash.expose_phc())
        .map_err(|error| PasswordError::Hasher(format!("stored hash is damaged: {error}")))?;
    match hasher()?.verify_password(password, &parsed) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(PasswordError::Hasher(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn case_44_passwords_match_byte_for_byte_at_every_length() {
        let pool = PasswordPool::new(2).unwrap();
        for length in [8, 64, 72, 73, 1024] {
            let mut text = "p".repeat(length - 1);
            text.push('\0');
            let hash = pool.hash(&SecretString::from(text.clone())).await.unwrap();
            assert!(
                pool.verify(&text.clone().into(), Some(&hash))
                    .await
                    .unwrap()
            );
            for wrong in [format!("{text} "), format!(" {text}"), "p".repeat(length)] {
                assert!(!pool.verify(&wrong.into(), Some(&hash)).await.unwrap());
            }
        }
        assert!(matches!(
            pool.hash(&"short".into()).await,
            Err(PasswordError::TooShort)
        ));
        assert!(matches!(
            pool.hash(&"x".repeat(1025).into()).await,
            Err(PasswordError::TooLong)
        ));
    }

    #[tokio::test]
    async fn without_a_hash_nothing_matches() {
        let pool = PasswordPool::new(1).unwrap();
        let dummy = "vestibule: nobody has this password";
        assert!(!pool.verify(&dummy.into(), None).await.unwrap());
    }
}
