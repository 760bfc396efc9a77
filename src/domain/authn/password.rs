//! Passwords: argon2id hashes, what one costs, and when one is to be renewed. Who may hash when is in `pool`.

use crate::domain::authn::memory::HashMemory;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::password_hash::try_generate_salt;
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

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

/// Why a password was not hashed. Where it is the password itself: what was expected of it.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Shorter than [`MIN_PASSWORD_BYTES`].
    #[error("at least {MIN_PASSWORD_BYTES} bytes")]
    TooShort,
    /// Longer than [`MAX_PASSWORD_BYTES`].
    #[error("at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// The hasher itself failed.
    #[error("hashing failed: {0}")]
    Hasher(String),
}

/// What one hash costs: argon2id's parameters. The default is OWASP's first choice: 19 MiB, two passes, one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes, which argon2 could compute side by side; ours does not, so more of them only cost an attacker less.
    pub lanes: u32,
}

impl Default for HashCost {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            lanes: 1,
        }
    }
}

impl HashCost {
    fn params(self) -> Result<Params, PasswordError> {
        Params::new(self.memory_kib, self.iterations, self.lanes, None)
            .map_err(|error| PasswordError::Hasher(error.to_string()))
    }

    /// Hashes on this thread, which takes as long as it takes.
    pub fn hash_now(
        self,
        password: &[u8],
        memory: &mut HashMemory,
    ) -> Result<PasswordHash, PasswordError> {
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params()?);
        let salt = try_generate_salt().map_err(failed)?;
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        compute(&hasher, password, &salt, &mut output, memory)?;
        let phc = Phc {
            algorithm: argon2::ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(hasher.params()).map_err(failed)?,
            salt: Some(Salt::new(&salt).map_err(failed)?),
            hash: Some(Output::new(&output).map_err(failed)?),
        };
        Ok(PasswordHash::from_phc(phc.to_string()))
    }

    /// What is verified at this cost where there is no hash. Written, not computed: that would take a start as long
    /// as a login. Nobody gets in by it, whatever matches.
    pub(in crate::domain::authn) fn stand_in(self) -> Result<PasswordHash, PasswordError> {
        let params = self.params()?;
        // 16 bytes of salt and 32 of output in Base64, as real ones have.
        let (salt, output) = ("A".repeat(22), "A".repeat(43));
        Ok(PasswordHash::from_phc(format!(
            "$argon2id$v=19$m={},t={},p={}${salt}${output}",
            params.m_cost(),
            params.t_cost(),
            params.p_cost()
        )))
    }

    /// Whether a hash was made at exactly this cost; what cannot be read was not.
    pub fn made(self, hash: &PasswordHash) -> bool {
        Phc::new(hash.expose_phc()).is_ok_and(|parsed| {
            parsed.algorithm == argon2::ARGON2ID_IDENT
                && parsed.version == Some(Version::V0x13.into())
                && Params::try_from(&parsed).is_ok_and(|params| {
                    params.m_cost() == self.memory_kib
                        && params.t_cost() == self.iterations
                        && params.p_cost() == self.lanes
                })
        })
    }
}

/// Whether a password matches a hash, at the cost the hash itself names.
pub(in crate::domain::authn) fn verify_now(
    password: &[u8],
    hash: &PasswordHash,
    memory: &mut HashMemory,
) -> Result<bool, PasswordError> {
    let damaged =
        |what: &dyn fmt::Display| PasswordError::Hasher(format!("stored hash is damaged: {what}"));
    let parsed = Phc::new(hash.expose_phc()).map_err(|error| damaged(&error))?;
    let (Some(salt), Some(expected)) = (parsed.salt, parsed.hash) else {
        return Err(damaged(&"it has no salt or no output"));
    };
    let algorithm =
        Algorithm::try_from(parsed.algorithm.as_str()).map_err(|error| damaged(&error))?;
    let version = parsed
        .version
        .map_or(Ok(Version::default()), Version::try_from)
        .map_err(|error| damaged(&error))?;
    let params = Params::try_from(&parsed).map_err(|error| damaged(&error))?;
    let hasher = Argon2::new(algorithm, version, params);
    let mut output = [0; Output::MAX_LENGTH];
    let output = &mut output[..expected.len()];
    compute(&hasher, password, &salt, output, memory)?;
    // Compared in constant time: `Output` says so of its `==`.
    Ok(Output::new(output).map_err(failed)? == expected)
}

fn compute(
    hasher: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    memory: &mut HashMemory,
) -> Result<(), PasswordError> {
    let blocks = memory.blocks(hasher.params().block_count())?;
    hasher
        .hash_password_into_with_memory(password, salt, output, blocks)
        .map_err(failed)
}

fn failed(error: impl fmt::Display) -> PasswordError {
    PasswordError::Hasher(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashCost = HashCost {
        memory_kib: 64,
        iterations: 1,
        lanes: 1,
    };

    #[test]
    fn case_40_the_stand_in_is_as_much_work_as_a_hash() {
        let memory = &mut HashMemory::default();
        let (stand_in, real) = (
            CHEAP.stand_in().unwrap(),
            CHEAP.hash_now(b"any", memory).unwrap(),
        );
        assert!(CHEAP.made(&stand_in));
        assert_eq!(stand_in.expose_phc().len(), real.expose_phc().len());
        assert!(!verify_now(b"any", &stand_in, memory).unwrap());
    }

    #[test]
    fn a_hash_is_verified_at_its_own_cost_and_known_by_it() {
        let memory = &mut HashMemory::default();
        let hash = CHEAP.hash_now(b"correct horse", memory).unwrap();
        assert!(hash.expose_phc().contains("m=64,t=1,p=1"));
        assert!(verify_now(b"correct horse", &hash, memory).unwrap());
        assert!(!verify_now(b"correct horsf", &hash, memory).unwrap());
        assert!(CHEAP.made(&hash));
        assert!(!HashCost::default().made(&hash));
        let older = hash.expose_phc().replace("v=19", "v=16");
        assert!(!CHEAP.made(&PasswordHash::from_phc(older)));
        let other = hash.expose_phc().replace("argon2id", "argon2i");
        assert!(!CHEAP.made(&PasswordHash::from_phc(other)));
        assert!(!CHEAP.made(&PasswordHash::from_phc("damaged".to_owned())));
    }

    #[test]
    fn a_hash_of_another_program_is_verified() {
        let memory = &mut HashMemory::default();
        let phc = "$argon2id$v=19$m=65536,t=3,p=4$MIIRqgvgQbgj220jfp0MPA$YfwJSVjtjSU0zzV/P3S9nnQ/USre2wvJMjfCIjrTQbg";
        let hash = PasswordHash::from_phc(phc.to_owned());
        assert!(verify_now(b"correct horse battery staple", &hash, memory).unwrap());
        assert!(!verify_now(b"correct horse battery stapl", &hash, memory).unwrap());
        // No output to compare with is no match with everything.
        let cut = phc.rsplit_once('$').unwrap().0;
        assert!(verify_now(b"", &PasswordHash::from_phc(cut.to_owned()), memory).is_err());
    }
}
