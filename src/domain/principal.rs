//! Who a request acts for, once a guard has checked what it presented.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{KeyId, OrgId, UserId};
use crate::domain::session::{Method, Session, SessionHandle, SessionId};
use crate::domain::sso::ProviderLink;
use crate::domain::token::{Access, Attributes, Family, TokenDigest, TokenRecord};

/// Who a request acts for.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Who.
    pub user_id: UserId,
    /// By what name, for logs; the directory has the current one.
    pub user_name: String,
    /// In which Org.
    pub org: OrgId,
    /// Orgs they may move to; none is every one of the user's.
    pub reach: Vec<OrgId>,
    /// How much they may see.
    pub access: Access,
    /// The secret key behind it, if one is.
    pub key: Option<KeyId>,
    /// What attributes they bring.
    pub attributes: Attributes,
    /// When the login or minting behind it began: what is minted from it cannot outlive a revocation since then.
    pub began_at: Timestamp,
    /// When this ends at the latest.
    pub absolute_end: Timestamp,
    /// When this ends if nothing more happens; none where only time matters.
    pub idle_end: Option<Timestamp>,
    /// What was presented.
    pub via: Via,
    /// How the session was opened; none for a Bearer.
    pub method: Option<Method>,
    /// The identity provider's session it came from, itself, by delegation or by a token.
    pub provider: Option<ProviderLink>,
    /// The first session, when this came of a token that one minted; none of what was signed in to directly.
    pub origin: Option<SessionHandle>,
    /// The first token, of a Bearer that no session came before.
    pub root: Option<Family>,
    /// Since when there is what was presented.
    pub since: Timestamp,
    /// Whether the browser was asked to keep the session.
    pub is_remembered: bool,
}

/// What was presented.
#[derive(Clone, Debug)]
pub enum Via {
    /// A session cookie.
    Session(SessionId),
    /// A Bearer token.
    Bearer,
}

impl Principal {
    /// The owner of a live session.
    pub fn of_session(id: &SessionId, session: &Session) -> Self {
        Self {
            absolute_end: session.opened_at.plus(session.lifetime.absolute),
            began_at: session.opened_at,
            idle_end: Some(session.last_seen_at.plus(session.lifetime.idle)),
            user_id: session.user_id,
            user_name: session.user_name.clone(),
            org: session.org,
            reach: session.notes.orgs.clone(),
            access: session.access,
            key: session.key,
            attributes: session.attributes.clone(),
            via: Via::Session(id.clone()),
            method: Some(session.method),
            provider: session.notes.provider.clone(),
            origin: session.notes.origin,
            root: None,
            since: session.opened_at,
            is_remembered: session.is_remembered,
        }
    }

    /// The secret key behind it, which may be good for one Org only. An API token is its user's own, and none.
    pub fn secret_key(&self) -> Option<KeyId> {
        self.key.filter(|_| self.method != Some(Method::ApiToken))
    }

    /// Whether what they presented is good for that Org too, as far as who vouched for them goes.
    pub fn may_reach(&self, org: OrgId) -> bool {
        self.reach.is_empty() || self.reach.contains(&org)
    }

    /// Whether an identity provider had them prove who they are when this session was opened.
    pub fn is_proven_at_provider(&self) -> bool {
        let is_opened_there = matches!(self.method, Some(Method::Saml | Method::Oidc));
        is_opened_there && self.provider.as_ref().is_some_and(|link| link.is_proven)
    }

    /// The bearer of a live token.
    pub fn of_token(digest: &TokenDigest, record: TokenRecord) -> Self {
        let since = record.created_at();
        let (origin, root, provider) = record.lineage.map_or((None, None, None), |lineage| {
            (lineage.origin, lineage.root, lineage.provider)
        });
        let root = root.unwrap_or_else(|| Family::of_token(digest));
        Self {
            user_id: record.user_id,
            user_name: record.user_name,
            org: record.org,
            reach: record.is_bound.then_some(record.org).into_iter().collect(),
            access: record.access,
            key: record.key,
            attributes: record.attributes,
            began_at: record.minted_at,
            absolute_end: record.expires_at,
            idle_end: None,
            via: Via::Bearer,
            method: None,
            provider,
            origin,
            root: origin.is_none().then_some(root),
            since,
            is_remembered: false,
        }
    }
}
