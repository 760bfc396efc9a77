//! Trusted authentication: an app that holds a secret key vouches for its users, and gets tokens for them.

use crate::domain::audit::{Act, AuditEvent, AuditSink, Client, Refusal};
use crate::domain::authn::{Authenticated, KeyHasher, OrgRefused, choose_org};
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::directory::{
    AccountStatus, Directory, DirectoryError, NameKey, OrgId, Provision, SecretKey, User, UserId,
};
use crate::domain::failure::{Failure, StoreError, Unauthenticated};
use crate::domain::random;
use crate::domain::random::Random;
use crate::domain::session::{Method, UserTag};
use crate::domain::token::{
    Access, Attributes, FoundToken, TokenLifetime, TokenMint, TokenRecord, TokenStore, TokenText,
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The most groups one request may name.
const MAX_GROUPS: usize = 200;

/// How trusted authentication behaves.
#[derive(Clone, Copy, Debug)]
pub struct TrustedPolicy {
    /// How long tokens live when the request does not say.
    pub lifetime: TokenLifetime,
    /// How long a token lives at most.
    pub max_age: Duration,
}

/// A request for a token, by the holder of a secret key.
#[derive(Debug)]
pub struct IssueRequest {
    /// The key presented.
    pub secret_key: SecretString,
    /// For whom.
    pub username: String,
    /// For which Org; none means the user's last one.
    pub org: Option<OrgId>,
    /// Everything, or one object.
    pub access: Access,
    /// Whether to create or update the user.
    pub auto_create: bool,
    /// For a created or updated user.
    pub email: Option<String>,
    /// For a created or updated user.
    pub display_name: Option<String>,
    /// Groups of a created or updated user, by name.
    pub groups: Option<Vec<String>>,
    /// Whether `groups` replaces rather than adds.
    pub replace_groups: bool,
    /// Attributes the token brings.
    pub attributes: Attributes,
}

/// A token and what it is good for.
#[derive(Debug)]
pub struct Issued {
    /// The token itself.
    pub text: TokenText,
    /// What it grants.
    pub record: TokenRecord,
}

/// Why a token was not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// Trusted authentication is off.
    #[error("trusted authentication is not enabled")]
    SwitchedOff,
    /// The key is unknown or retired.
    #[error("the secret key is wrong")]
    WrongKey,
    /// The key is good for one Org only, and this is another.
    #[error("the secret key is good for another Org")]
    KeyOfOtherOrg,
    /// A parameter is wrong.
    #[error("{field}: {expected}")]
    Parameter {
        /// Which, in the domain's words (`username`, `org`, `groups`, `attributes`).
        field: &'static str,
        /// What was expected.
        expected: String,
        /// Why, for the audit trail.
        why: Refusal,
    },
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<&IssueError> for Failure {
    fn from(error: &IssueError) -> Self {
        match error {
            IssueError::SwitchedOff => Self::SwitchedOff {
                feature: "trusted authentication",
            },
            IssueError::WrongKey => Self::Unauthenticated(Unauthenticated::BadKey),
            IssueError::KeyOfOtherOrg => {
                Self::forbidden("this secret key is good for another Org only")
            }
            IssueError::Parameter {
                field, expected, ..
            } => Self::bad(*field, expected.clone()),
            IssueError::Store(error) => error.into(),
        }
    }
}

impl IssueError {
    const fn refusal(&self) -> Refusal {
        match self {
            Self::SwitchedOff => Refusal::SwitchedOff,
            Self::WrongKey => Refusal::WrongKey,
            Self::KeyOfOtherOrg => Refusal::KeyOfOtherOrg,
            Self::Parameter { why, .. } => *why,
            Self::Store(_) => Refusal::Unavailable,
        }
    }
}

/// Why a token is not good.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// Not ours, or forgotten.
    #[error("unknown token")]
    Unknown,
    /// Expired, superseded or revoked.
    #[error("dead token")]
    Dead,
    /// Minted for someone else than the user name beside it.
    #[error("the token is another user's")]
    OfOther,
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RedeemError {
    /// The word for the audit trail.
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Unknown => Refusal::UnknownToken,
            Self::Dead => Refusal::DeadToken,
            Self::OfOther => Refusal::TokenOfOther,
            Self::Store(_) => Refusal::Unavailable,
        }
    }
}

impl From<&RedeemError> for Failure {
    fn from(error: &RedeemError) -> Self {
        match error {
            RedeemError::Unknown | RedeemError::Dead | RedeemError::OfOther => {
                Self::Unauthenticated(Unauthenticated::DeadToken)
            }
            RedeemError::Store(error) => error.into(),
        }
    }
}

/// Issues and recognises trusted tokens.
#[derive(Debug)]
pub struct TrustedAuth {
    directory: Arc<dyn Directory>,
    tokens: Arc<dyn TokenStore>,
    audit: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    mint: TokenMint,
    keys: Arc<KeyHasher>,
    tag_key: SecretSlice<u8>,
    policy: TrustedPolicy,
    is_enabled: AtomicBool,
}

/// What [`TrustedAuth`] is built from.
#[derive(Debug)]
pub struct TrustedParts {
    /// Users, Orgs and keys.
    pub directory: Arc<dyn Directory>,
    /// Where tokens are kept.
    pub tokens: Arc<dyn TokenStore>,
    /// Where events go.
    pub audit: Arc<dyn AuditSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Makes and recognises token texts.
    pub mint: TokenMint,
    /// Digests presented keys.
    pub keys: Arc<KeyHasher>,
    /// The key of user tags.
    pub tag_key: SecretSlice<u8>,
    /// How it behaves.
    pub policy: TrustedPolicy,
    /// Whether keys may mint at all.
    pub is_enabled: bool,
}

impl TrustedAuth {
    /// Puts the parts together.
    pub fn new(parts: TrustedParts) -> Self {
        Self {
            directory: parts.directory,
            tokens: parts.tokens,
            audit: parts.audit,
            clock: parts.clock,
            random: parts.random,
            mint: parts.mint,
            keys: parts.keys,
            tag_key: parts.tag_key,
            policy: parts.policy,
            is_enabled: AtomicBool::new(parts.is_enabled),
        }
    }

    /// The tag of a user's sessions and tokens.
    pub fn tag(&self, user: UserId) -> UserTag {
        UserTag::of(user, self.tag_key.expose_secret())
    }

    /// Issues a token to the holder of a secret key. Order: enabled, key, parameters, user, Org, mint.
    pub async fn issue(
        &self,
        request: IssueRequest,
        client: &Client,
    ) -> Result<Issued, IssueError> {
        let at = self.clock.now();
        let result = self.try_issue(&request, at).await;
        let (act, user) = match &result {
            Ok((issued, created_user)) => (
                Act::TokenIssued {
                    org: issued.record.org,
                    key: issued.record.key,
                    created_user: *created_user,
                },
                Some(issued.record.user_id),
            ),
            Err(error) => (
                Act::TokenRefused {
                    why: error.refusal(),
                },
                None,
            ),
        };
        self.audit.record(AuditEvent {
            at,
            act,
            user_id: user,
            user_name: Some(request.username.chars().take(255).collect()),
            client: client.clone(),
        });
        result.map(|(issued, _)| issued)
    }

    async fn try_issue(
        &self,
        request: &IssueRequest,
        at: Timestamp,
    ) -> Result<(Issued, bool), IssueError> {
        if !self.is_enabled.load(Ordering::Relaxed) {
            return Err(IssueError::SwitchedOff);
        }
        let key = self.require_key(&request.secret_key).await?;
        if let (Some(of), Some(wanted)) = (key.org, request.org)
            && of != wanted
        {
            return Err(IssueError::KeyOfOtherOrg);
        }
        let name = NameKey::new(&request.username)
            .map_err(|error| parameter("username", error.to_string(), Refusal::BadRequest))?;
        request
            .attributes
            .validate()
            .map_err(|error| parameter("attributes", error.to_string(), Refusal::BadRequest))?;

        let wanted_org = request.org.or(key.org);
        let (user, created) = self.user_for(request, &name, wanted_org, at).await?;
        if user.status != AccountStatus::Active {
            return Err(parameter(
                "username",
                "an active user; this one is disabled".into(),
                Refusal::UserDisabled,
            ));
        }
        let org = choose_org(&*self.directory, &user, wanted_org)
            .await
            .map_err(|refused| match refused {
                OrgRefused::NotAllowed => parameter(
                    "org",
                    "an active Org the user belongs to, or autocreate=true to add the user".into(),
                    Refusal::OrgNotAllowed,
                ),
                OrgRefused::Store(error) => IssueError::Store(error),
            })?;
        self.directory.touch_key(key.id, at).await?;

        let (lifetime, supersedes) = match self.policy.lifetime {
            TokenLifetime::UntilSuperseded => (self.policy.max_age, true),
            TokenLifetime::Fixed(lifetime) => (lifetime.min(self.policy.max_age), false),
        };
        let record = TokenRecord {
            user_id: user.id,
            user_tag: self.tag(user.id),
            user_name: user.name,
            minted_for: request.username.clone(),
            org,
            access: request.access,
            attributes: request.attributes.clone(),
            key: Some(key.id),
            minted_at: at,
            expires_at: at.plus(lifetime),
        };
        let issued = self.mint(record, supersedes).await?;
        Ok((issued, created))
    }

    /// Keeps a record under a fresh token.
    async fn mint(&self, record: TokenRecord, supersedes: bool) -> Result<Issued, StoreError> {
        let (text, digest) = self.mint.fresh(&*self.random);
        self.tokens.put(&digest, &record, supersedes).await?;
        Ok(Issued { text, record })
    }

    async fn require_key(&self, presented: &SecretString) -> Result<SecretKey, IssueError> {
        let digest = self
            .keys
            .digest(presented.expose_secret())
            .ok_or(IssueError::WrongKey)?;
        let key = self.directory.find_key(&digest).await?;
        key.filter(|key| key.retired_at.is_none())
            .ok_or(IssueError::WrongKey)
    }

    async fn user_for(
        &self,
        request: &IssueRequest,
        name: &NameKey,
        org: Option<OrgId>,
        at: Timestamp,
    ) -> Result<(User, bool), IssueError> {
        let found = self.directory.find_user(name).await?;
        let Some(user) = found else {
            if request.auto_create {
                let user = self.provision(request, name, org, at).await?;
                return Ok((user, true));
            }
            return Err(parameter(
                "username",
                "an existing user, or autocreate=true".into(),
                Refusal::UnknownUser,
            ));
        };
        // A disabled account stays as it is: whoever holds a key may not revive or reshape it.
        if request.auto_create && user.status == AccountStatus::Active {
            let user = self.provision(request, name, org, at).await?;
            return Ok((user, false));
        }
        Ok((user, false))
    }

    async fn provision(
        &self,
        request: &IssueRequest,
        name: &NameKey,
        org: Option<OrgId>,
        at: Timestamp,
    ) -> Result<User, IssueError> {
        if let Some(groups) = &request.groups {
            if groups.len() > MAX_GROUPS {
                let expected = format!("at most {MAX_GROUPS} groups");
                return Err(parameter("groups", expected, Refusal::BadRequest));
            }
            for group in groups {
                NameKey::new(group)
                    .map_err(|error| parameter("groups", error.to_string(), Refusal::BadRequest))?;
            }
        }
        let request = Provision {
            fresh_id: UserId(random::uuid(&*self.random)),
            name: request.username.clone(),
            key: name.clone(),
            display_name: request.display_name.clone(),
            email: request.email.clone(),
            org,
            groups: request.groups.clone(),
            replace_groups: request.replace_groups,
            at,
        };
        self.directory
            .provision(&request)
            .await
            .map_err(|error| match error {
                DirectoryError::Store(error) => IssueError::Store(error),
                DirectoryError::Missing { what: "Org", .. } => {
                    parameter("org", "an existing Org".into(), Refusal::OrgNotAllowed)
                }
                other => parameter("username", other.to_string(), Refusal::BadRequest),
            })
    }

    /// What a token grants, if it is good now.
    pub async fn recognise(&self, text: &str) -> Result<TokenRecord, RedeemError> {
        let digest = self.mint.recognise(text).ok_or(RedeemError::Unknown)?;
        match self.tokens.find(&digest, self.clock.now()).await? {
            FoundToken::Live(record) => Ok(*record),
            FoundToken::Dead => Err(RedeemError::Dead),
            FoundToken::Unknown => Err(RedeemError::Unknown),
        }
    }

    /// Authenticates by token. A user name beside it must be the one it was minted for.
    pub async fn authenticate(
        &self,
        text: &str,
        username: Option<&str>,
    ) -> Result<Authenticated, RedeemError> {
        let began_at = self.clock.now();
        let record = self.recognise(text).await?;
        if let Some(name) = username
            && name != record.minted_for
            && name != record.user_name
        {
            return Err(RedeemError::OfOther);
        }
        let user = self
            .directory
            .find_user_by_id(record.user_id)
            .await?
            .filter(|user| user.status == AccountStatus::Active)
            .ok_or(RedeemError::Dead)?;
        Ok(Authenticated {
            user,
            method: Method::TrustedToken,
            org: Some(record.org),
            key: record.key,
            access: record.access,
            attributes: record.attributes,
            began_at,
        })
    }
}

const fn parameter(field: &'static str, expected: String, why: Refusal) -> IssueError {
    IssueError::Parameter {
        field,
        expected,
        why,
    }
}
