//! Identity tokens: a signed-in session vouches once, for a minute, for a second session of the same user.

use crate::domain::authn::Authenticated;
use crate::domain::authn::trusted::issue::require_standing;
use crate::domain::authn::trusted::{IssueError, RedeemError, TrustedAuth};
use crate::domain::clock::Timestamp;
use crate::domain::directory::{AccountStatus, OrgId, User};
use crate::domain::session::{Method, SessionHandle, SessionId};
use crate::domain::token::Attributes;
use crate::domain::token::{
    Access, FoundToken, Presented, Purpose, Spending, TokenDigest, TokenRecord, TokenText,
};
use std::time::Duration;

/// How long an identity token lives: as long as handing it over takes.
const LIFETIME: Duration = Duration::from_mins(1);

/// Whom an identity token vouches for, and the session it speaks of.
#[derive(Debug)]
pub struct Delegation {
    pub(in crate::domain) proof: Authenticated,
    pub(in crate::domain) org: OrgId,
    pub(in crate::domain) session: SessionId,
}

impl TrustedAuth {
    /// An identity token for that live session of the user, which began at that moment.
    pub async fn mint_identity(
        &self,
        session: &SessionId,
        user: &User,
        org: OrgId,
        began_at: Timestamp,
    ) -> Result<TokenText, IssueError> {
        let now = self.clock.now();
        let record = TokenRecord {
            user_id: user.id,
            user_tag: self.tag(user.id),
            user_name: user.name.clone(),
            minted_for: user.name.clone(),
            org,
            // What it leads to takes that from the session itself.
            is_bound: false,
            access: Access::Full,
            purpose: Purpose::Identity,
            session: Some(session.clone()),
            attributes: Attributes::default(),
            key: None,
            // What ends the session ends its tokens: they date from its beginning.
            minted_at: began_at,
            expires_at: now.plus(LIFETIME),
            lineage: None,
        };
        let (text, digest) = self.mint.fresh(&*self.random);
        let presented = Presented {
            session: Some(SessionHandle::of(session)),
            since: began_at,
        };
        let put = self.tokens.put_for(&digest, &record, false, presented);
        let put = put.await?;
        require_standing(put, now)?;
        Ok(text)
    }

    /// What an identity token says; looking does not use it up.
    pub async fn look_at_identity(&self, text: &str) -> Result<TokenRecord, RedeemError> {
        self.find_identity(text).await.map(|(_, record, _)| record)
    }

    /// Uses an identity token up. Of any number of attempts one gets through.
    pub(in crate::domain) async fn spend_identity(
        &self,
        text: &str,
    ) -> Result<Delegation, RedeemError> {
        let began_at = self.clock.now();
        let (digest, record, session) = self.find_identity(text).await?;
        let user = self
            .directory
            .find_user_by_id(record.user_id)
            .await?
            .filter(|user| user.status == AccountStatus::Active)
            .ok_or(RedeemError::Dead)?;
        match self.tokens.spend(&digest, self.clock.now()).await? {
            Spending::First => {}
            Spending::Again => return Err(RedeemError::Spent),
            Spending::NotGood => return Err(RedeemError::Dead),
        }
        Ok(Delegation {
            proof: Authenticated::by(Method::IdentityToken, user, None, began_at),
            org: record.org,
            session,
        })
    }

    async fn find_identity(
        &self,
        text: &str,
    ) -> Result<(TokenDigest, TokenRecord, SessionId), RedeemError> {
        let digest = self.mint.recognise(text).ok_or(RedeemError::Unknown)?;
        let record = match self.tokens.find(&digest, self.clock.now()).await? {
            FoundToken::Live(record) => *record,
            FoundToken::Dead => return Err(RedeemError::Dead),
            FoundToken::Unknown => return Err(RedeemError::Unknown),
        };
        match (record.purpose, record.session.clone()) {
            (Purpose::Identity, Some(session)) => Ok((digest, record, session)),
            _ => Err(RedeemError::Unknown),
        }
    }
}
