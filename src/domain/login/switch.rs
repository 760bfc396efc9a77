//! Moving a session to another Org, for good or for one request.

use crate::domain::audit::{Act, AuditEvent, Client};
use crate::domain::authn::{OrgRefused, choose_org};
use crate::domain::directory::{KeyId, OrgId, User};
use crate::domain::failure::{Failure, StoreError, Unauthenticated};
use crate::domain::login::Login;
use crate::domain::principal::{Principal, Via};
use crate::domain::token::Access;

impl Login {
    /// Moves a session to another Org, in place. A Bearer cannot move: a token is good for one Org.
    pub async fn switch_org(
        &self,
        who: &Principal,
        to: OrgId,
        client: &Client,
    ) -> Result<(), SwitchError> {
        let Via::Session(id) = &who.via else {
            return if to == who.org {
                Ok(())
            } else {
                Err(SwitchError::BoundToken)
            };
        };
        let user = self.let_into(who, to).await?;
        if !self.sessions.set_org(id, to).await? {
            return Err(SwitchError::SessionOver);
        }
        self.remember_org(&user, to).await;
        self.audit.record(AuditEvent {
            at: self.clock.now(),
            act: Act::OrgSwitched { from: who.org, to },
            user_id: Some(user.id),
            user_name: Some(user.name),
            client: client.clone(),
        });
        Ok(())
    }

    /// The same principal in another Org, for one request.
    pub async fn visit_org(&self, who: Principal, to: OrgId) -> Result<Principal, SwitchError> {
        if who.org == to {
            return Ok(who);
        }
        if matches!(who.via, Via::Bearer) {
            return Err(SwitchError::BoundToken);
        }
        self.let_into(&who, to).await?;
        Ok(Principal { org: to, ..who })
    }

    /// The user, where they belong to that Org and what they signed in with is good for it.
    async fn let_into(&self, who: &Principal, to: OrgId) -> Result<User, SwitchError> {
        let is_bound = who.access != Access::Full || !who.may_reach(to);
        if is_bound || self.key_binds(who.secret_key(), to).await? {
            return Err(SwitchError::BoundToken);
        }
        let user = self
            .directory
            .find_user_by_id(who.user_id)
            .await?
            .ok_or(SwitchError::SessionOver)?;
        choose_org(&*self.directory, &user, Some(to)).await?;
        Ok(user)
    }

    /// Whether the session came from a key that is good for another Org only: it must not outgrow its key.
    async fn key_binds(&self, key: Option<KeyId>, to: OrgId) -> Result<bool, StoreError> {
        let Some(id) = key else {
            return Ok(false);
        };
        let keys = self.directory.list_keys().await?;
        let of = keys.iter().find(|key| key.id == id).map(|key| key.org);
        Ok(match of {
            Some(None) => false,
            Some(Some(org)) => org != to,
            None => true,
        })
    }
}

/// Why a session stayed in its Org.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// A Bearer token is good for one Org.
    #[error("a token is good for one Org")]
    BoundToken,
    /// Not an active Org of that user.
    #[error("Org not allowed")]
    NotAllowed,
    /// The session ended meanwhile.
    #[error("the session is over")]
    SessionOver,
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OrgRefused> for SwitchError {
    fn from(refused: OrgRefused) -> Self {
        match refused {
            OrgRefused::NotAllowed => Self::NotAllowed,
            OrgRefused::Store(error) => Self::Store(error),
        }
    }
}

impl From<&SwitchError> for Failure {
    fn from(error: &SwitchError) -> Self {
        match error {
            SwitchError::BoundToken => Self::forbidden(
                "this token or session is good for one Org; sign in to the other Org",
            ),
            SwitchError::NotAllowed => {
                Self::forbidden("the Org does not exist, is not active, or the user is not in it")
            }
            SwitchError::SessionOver => Self::Unauthenticated(Unauthenticated::DeadSession),
            SwitchError::Store(error) => error.into(),
        }
    }
}
