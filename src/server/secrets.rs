//! The server's own secrets, made once and kept in the directory.

use crate::domain::authn::KeyHasher;
use crate::domain::directory::ServerSecrets;
use crate::server::assemble::Ground;
use actix_web::cookie::Key;
use anyhow::Context;
use secrecy::SecretSlice;
use std::sync::Arc;
use uuid::Uuid;

/// Secrets made once in the directory, so that every node has the same.
pub(in crate::server) struct Secrets {
    pub cookie_key: Key,
    pub token_key: SecretSlice<u8>,
    pub tag_key: SecretSlice<u8>,
    pub keys: Arc<KeyHasher>,
    pub seal_key: SecretSlice<u8>,
    pub web_key: SecretSlice<u8>,
    pub cluster_id: Uuid,
}

impl Secrets {
    pub(in crate::server) async fn load(ground: &Ground) -> anyhow::Result<Self> {
        let directory: &dyn ServerSecrets = &*ground.stores.secrets;
        let secret = async |name: &str, length: usize| -> anyhow::Result<Vec<u8>> {
            let mut fresh = zeroize::Zeroizing::new(vec![0; length]);
            ground.random.fill(&mut fresh);
            let kept = directory
                .secret_or_insert(name, &fresh)
                .await
                .with_context(|| format!("the server secret {name}"))?;
            anyhow::ensure!(kept.len() == length, "the server secret {name} is damaged");
            Ok(kept)
        };
        let cluster = secret("cluster_id", 16).await?;
        Ok(Self {
            cookie_key: Key::try_from(secret("cookie_key", 64).await?.as_slice())?,
            token_key: SecretSlice::from(secret("token_key", 32).await?),
            tag_key: SecretSlice::from(secret("tag_key", 32).await?),
            keys: Arc::new(KeyHasher::new(SecretSlice::from(
                secret("key_digest", 32).await?,
            ))),
            seal_key: SecretSlice::from(secret("key_seal", 32).await?),
            web_key: SecretSlice::from(secret("web_session_key", 32).await?),
            cluster_id: uuid::Builder::from_slice(&cluster)?
                .with_variant(uuid::Variant::RFC4122)
                .with_version(uuid::Version::Random)
                .into_uuid(),
        })
    }
}
