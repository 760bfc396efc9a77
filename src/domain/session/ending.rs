//! Ends everything in a scope, for whichever room has a reason to.

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::directory::ApiTokens;
use crate::domain::failure::StoreError;
use crate::domain::session::{EndReason, Revocations, RevokeScope};

/// Which half did not happen.
#[derive(Debug)]
pub(in crate::domain) enum NotEnded {
    /// API tokens are still there, and so is everything else.
    ApiTokens(StoreError),
    /// API tokens are gone; sessions and tokens are not over.
    Sessions(StoreError),
}

impl From<NotEnded> for StoreError {
    fn from(error: NotEnded) -> Self {
        match error {
            NotEnded::ApiTokens(error) | NotEnded::Sessions(error) => error,
        }
    }
}

/// Ends every session and token in scope, API tokens included; says up to when.
///
/// Called after what was written to the directory: the moment is taken here, so that an attempt which read the
/// directory before that began no later than the revocation, and loses.
pub(in crate::domain) async fn end_everything(
    api_tokens: &dyn ApiTokens,
    revocations: &dyn Revocations,
    clock: &dyn Clock,
    scope: RevokeScope,
    reason: EndReason,
) -> Result<Timestamp, NotEnded> {
    // An epoch ends what is open; an API token would open the next session.
    let forgotten = match scope {
        RevokeScope::User(user, _) => api_tokens.delete_api_token(user).await.map(drop),
        RevokeScope::All => api_tokens.delete_api_tokens().await,
        RevokeScope::Org(_) | RevokeScope::Key(_) => Ok(()),
    };
    forgotten.map_err(NotEnded::ApiTokens)?;
    let at = clock.now();
    let revoked = revocations.revoke_for(scope, reason, at).await;
    revoked.map_err(NotEnded::Sessions)?;
    Ok(at)
}
