//! Revocations of everybody, Orgs and keys, as a Cluster keeps them: in one slot, which no script elsewhere sees.
//!
//! They are read beside the session, at the same moment. So that this stays small however many Orgs
//! were ever revoked, the last answer is remembered with its stamp, which every revocation changes:
//! while Redis still has that stamp it answers one word. Nothing is believed without asking.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId};
use crate::domain::failure::StoreError;
use crate::domain::session::{EndReason, Session};
use crate::domain::token::TokenRecord;
use crate::stores::codec::decode_reason;
use crate::stores::redis::call::Call;
use crate::stores::redis::keys::{ALL, key_field, org_field, why_field};
use crate::stores::redis::{RedisStore, Reply, unexpected, word};
use anyhow::anyhow;
use std::collections::HashMap;
use std::sync::Arc;

/// What was revoked until when, and why.
#[derive(Debug, Default)]
pub struct Epochs {
    /// Changes with every revocation; empty when there is none.
    stamp: Vec<u8>,
    fields: HashMap<Vec<u8>, Vec<u8>>,
}

impl Epochs {
    /// Why the session is over, if it is.
    pub fn end(&self, session: &Session) -> Result<Option<EndReason>, StoreError> {
        self.end_of(session.opened_at, session.org, session.key)
    }

    /// Whether the token is revoked.
    pub fn revoke(&self, token: &TokenRecord) -> Result<bool, StoreError> {
        let end = self.end_of(token.minted_at, token.org, token.key)?;
        Ok(end.is_some())
    }

    /// The same rule, in the same order, as `revoked` in `common.lua`.
    fn end_of(
        &self,
        began: Timestamp,
        org: OrgId,
        key: Option<KeyId>,
    ) -> Result<Option<EndReason>, StoreError> {
        let fields = [
            Some(ALL.to_owned()),
            Some(org_field(org)),
            key.map(key_field),
        ];
        for field in fields.into_iter().flatten() {
            let Some(epoch) = self.fields.get(field.as_bytes()) else {
                continue;
            };
            if bites(epoch, began)? {
                let why = self.fields.get(why_field(&field).as_bytes());
                return why
                    .map_or(Ok(EndReason::Revoked), |word| decode_reason(word))
                    .map(Some);
            }
        }
        Ok(None)
    }
}

/// Whether an epoch ends what began then.
pub fn bites(epoch: &[u8], began: Timestamp) -> Result<bool, StoreError> {
    let epoch: Option<u64> = std::str::from_utf8(epoch)
        .ok()
        .and_then(|text| text.parse().ok());
    epoch
        .map(|epoch| epoch >= began.millis())
        .ok_or_else(|| StoreError::corrupt(anyhow!("an epoch is damaged")))
}

impl RedisStore {
    /// The epochs as they are now; none where scripts see them themselves.
    pub(in crate::stores::redis) async fn epochs(&self) -> Result<Option<Arc<Epochs>>, StoreError> {
        if !self.link.is_split() {
            return Ok(None);
        }
        let known = self.known_epochs.load_full();
        let mut call = Call::look(&self.scripts.epochs);
        call.key(self.keys.epochs()).arg(&known.stamp);
        let reply: Reply = self.link.invoke(&call).await?;
        match word(&reply) {
            b"same" => Ok(Some(known)),
            b"all" => {
                let mut parts = reply.into_iter().skip(1);
                let stamp = parts.next().unwrap_or_default();
                let mut fields = HashMap::new();
                while let (Some(field), Some(value)) = (parts.next(), parts.next()) {
                    fields.insert(field, value);
                }
                let read = Arc::new(Epochs { stamp, fields });
                self.known_epochs.store(Arc::clone(&read));
                Ok(Some(read))
            }
            _ => Err(unexpected(&reply)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(fields: &[(&str, &str)]) -> Epochs {
        let fields = fields
            .iter()
            .map(|(field, value)| (field.as_bytes().to_vec(), value.as_bytes().to_vec()));
        Epochs {
            stamp: Vec::new(),
            fields: fields.collect(),
        }
    }

    #[test]
    fn what_began_at_or_before_an_epoch_is_over_for_its_reason() {
        let found = epochs(&[("org:1", "5"), ("why:org:1", "user_disabled"), ("all", "3")]);
        let end = |began, org| {
            let began = Timestamp::from_millis(began);
            found.end_of(began, OrgId(org), None).unwrap()
        };
        assert_eq!(end(3, 2), Some(EndReason::Revoked));
        assert_eq!(end(4, 2), None);
        assert_eq!(end(6, 1), None);
        assert_ne!(end(5, 1), None);
    }

    #[test]
    fn a_damaged_epoch_lets_nobody_pass() {
        let found = epochs(&[("all", "soon")]);
        let end = found.end_of(Timestamp::from_millis(9), OrgId(1), None);
        assert!(matches!(end, Err(StoreError::Corrupt(_))));
    }
}
