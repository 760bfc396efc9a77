//! Issuing tokens: who vouches, for whom, for which Org, for how long.

use crate::domain::audit::{Act, AuditEvent, Client, Refusal};
use crate::domain::authn::trusted::request::{IssueError, IssueRequest, Issued, Validity, Voucher};
use crate::domain::authn::{OrgRefused, TrustedAuth, choose_org};
use crate::domain::clock::Timestamp;
use crate::domain::directory::{
    AccountStatus, DirectoryError, KeyId, NameKey, OrgId, Provision, SecretKey, TextError, User,
    UserId, check_email, check_text,
};
use crate::domain::failure::StoreError;
use crate::domain::principal::Via;
use crate::domain::random;
use crate::domain::session::{Check, SessionHandle, SessionId, check_told};
use crate::domain::token::{
    Access, Attributes, Lineage, Presented, Putting, TokenDigest, TokenLifetime, TokenRecord,
};
use secrecy::{ExposeSecret, SecretString};

/// The most groups one request may name.
const MAX_GROUPS: usize = 200;

/// One sentence for somebody who does not exist and for somebody whom the key of an Org does not reach: its holder
/// must not learn by asking who there is in other Orgs. With auto-creation they can, at the price of creating whoever
/// there is not: a free name becomes a user, a taken one is this sentence.
const NOBODY: &str = "an existing user (with the key of one Org: one of that Org), or a free name and auto-creation \
                      by a secret key";

/// What may become of a user who exists already.
#[derive(Clone, Copy)]
struct Existing {
    /// Whether they are added to the Org.
    may_join: bool,
    /// Whether they get the name and the address that were given.
    may_rename: bool,
}

/// What a voucher turned out to vouch for.
pub(super) struct Vouched {
    key: Option<SecretKey>,
    /// The user, where the voucher itself says who.
    user: Option<UserId>,
    /// The only Org the voucher is good for.
    bound_org: Option<OrgId>,
    /// Whether what comes of the token may not leave its Org.
    is_bound: bool,
    /// The most the token may show.
    access: Option<Access>,
    /// When the voucher's own proof began: what was revoked since then stays revoked.
    began_at: Option<Timestamp>,
    /// Attributes the token cannot shed.
    pub(super) attributes: Option<Attributes>,
    /// What the token inherits from what was presented.
    lineage: Option<Box<Lineage>>,
}

impl Vouched {
    /// The key behind the token, so that retiring it ends the token too.
    fn key_id(&self, request: &IssueRequest) -> Option<KeyId> {
        match &request.voucher {
            Voucher::Held(held) => held.key,
            Voucher::Key(_) | Voucher::Proof(_) => self.key.as_ref().map(|key| key.id),
        }
    }

    /// The Org of the key, where it is the key of one.
    pub(super) fn key_org(&self) -> Option<OrgId> {
        self.key.as_ref().and_then(|key| key.org)
    }
}

impl TrustedAuth {
    /// Issues a token. Order: enabled, voucher, parameters, user, Org, mint, audit.
    pub async fn issue(
        &self,
        request: IssueRequest,
        client: &Client,
    ) -> Result<Issued, IssueError> {
        let at = self.clock.now();
        let result = self.try_issue(&request, client, at).await;
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
        client: &Client,
        at: Timestamp,
    ) -> Result<(Issued, bool), IssueError> {
        let vouched = self.vouch(request, at).await?;
        let name = NameKey::new(&request.username)
            .map_err(|error| parameter("username", error.to_string(), Refusal::BadRequest))?;
        request
            .attributes
            .validate()
            .map_err(|error| parameter(error.part, error.to_string(), Refusal::BadRequest))?;
        if let (Some(of), Some(wanted)) = (vouched.bound_org, request.org)
            && of != wanted
        {
            return Err(IssueError::KeyOfOtherOrg);
        }
        let wanted_org = request.org.or(vouched.bound_org);
        let (user, created) = self
            .user_for(request, &vouched, &name, wanted_org, at)
            .await?;
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
                OrgRefused::NotAllowed => IssueError::OrgNotAllowed {
                    may_create: vouched.key.is_some(),
                },
                OrgRefused::Store(error) => IssueError::Store(error),
            })?;
        if let Some(key) = &vouched.key {
            self.directory.touch_key(key.id, at).await?;
        }
        let attributes = self
            .settle_attributes(request, &vouched, &user, client, at)
            .await?;
        let minted_at = vouched.began_at.unwrap_or(at);
        let created_at = vouched.lineage.as_ref().map_or(minted_at, |_| at);
        let (expires_at, supersedes) = self.expiry(request.validity, created_at);
        let record = TokenRecord {
            user_id: user.id,
            user_tag: self.tag(user.id),
            user_name: user.name,
            minted_for: request.username.clone(),
            org,
            is_bound: vouched.is_bound,
            access: vouched.access.unwrap_or(request.access),
            attributes,
            purpose: request.purpose,
            session: None,
            key: vouched.key_id(request),
            minted_at,
            expires_at: vouched
                .lineage
                .as_ref()
                .map_or(expires_at, |of| expires_at.min(of.ends_at)),
            lineage: vouched.lineage,
        };
        let (text, digest) = self.mint.fresh(&*self.random);
        let (minter, since) = minter(request);
        let presented = Presented {
            session: minter.map(SessionHandle::of),
            since,
        };
        let put = self
            .tokens
            .put_for(&digest, &record, supersedes, presented)
            .await?;
        require_standing(put, at)?;
        if let Some(minter) = minter {
            self.require_minter(minter, &digest).await?;
        }
        Ok((Issued { text, record }, created))
    }

    /// A session that was over by the time its token was there has minted none.
    async fn require_minter(
        &self,
        session: &SessionId,
        minted: &TokenDigest,
    ) -> Result<(), IssueError> {
        let now = self.clock.now();
        let found = check_told(&*self.sessions, &*self.audit, session, now).await?;
        if let Check::Live(_) = found {
            return Ok(());
        }
        self.tokens.revoke_token(minted).await?;
        Err(IssueError::SessionOver)
    }

    fn expiry(&self, validity: Validity, at: Timestamp) -> (Timestamp, bool) {
        let most = self.policy.max_age;
        match (validity, self.policy.lifetime) {
            (Validity::For(time), _) | (Validity::Policy, TokenLifetime::Fixed(time)) => {
                (at.plus(time.min(most)), false)
            }
            (Validity::Policy, TokenLifetime::UntilSuperseded) => (at.plus(most), true),
        }
    }

    async fn vouch(&self, request: &IssueRequest, at: Timestamp) -> Result<Vouched, IssueError> {
        let nothing = Vouched {
            key: None,
            user: None,
            bound_org: None,
            is_bound: false,
            access: None,
            began_at: None,
            attributes: None,
            lineage: None,
        };
        match &request.voucher {
            Voucher::Key(presented) => {
                if !self.is_enabled() {
                    return Err(IssueError::SwitchedOff);
                }
                let key = self.require_key(presented).await?;
                if key
                    .org
                    .is_some_and(|org| self.orgs_off.load().contains(&org))
                {
                    return Err(IssueError::SwitchedOff);
                }
                Ok(Vouched {
                    bound_org: key.org,
                    key: Some(key),
                    ..nothing
                })
            }
            Voucher::Proof(proof) => Ok(Vouched {
                user: Some(proof.user().id),
                began_at: Some(proof.began_at()),
                ..nothing
            }),
            Voucher::Held(held) => {
                // What came of a key or shows one object stays where it is; what a user's own sign-in brought,
                // cookie or Bearer, may ask for a token of another of the user's Orgs.
                let session = match &held.via {
                    Via::Session(id) => Some(SessionHandle::of(id)),
                    Via::Bearer => None,
                };
                let is_bound = !held.reach.is_empty();
                let wanted = request.org.filter(|org| is_bound && held.may_reach(*org));
                let may_move = held.access == Access::Full && held.key.is_none() && !is_bound;
                Ok(Vouched {
                    user: Some(held.user_id),
                    bound_org: (!may_move).then(|| wanted.unwrap_or(held.org)),
                    is_bound,
                    access: Some(held.access),
                    attributes: Some(held.attributes.clone()),
                    began_at: Some(held.began_at),
                    lineage: Some(Box::new(Lineage {
                        created_at: at,
                        ends_at: held.absolute_end,
                        origin: held.origin.or(session),
                        root: held.root,
                        provider: held.provider.clone(),
                        is_by_bearer: session.is_none(),
                    })),
                    ..nothing
                })
            }
        }
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
        vouched: &Vouched,
        name: &NameKey,
        org: Option<OrgId>,
        at: Timestamp,
    ) -> Result<(User, bool), IssueError> {
        let may_create = request.auto_create && vouched.key.is_some();
        let existing = Existing {
            may_join: vouched.key_org().is_none(),
            may_rename: true,
        };
        let found = self.directory.find_user(name).await?;
        let Some(user) = found else {
            if may_create {
                let user = self.provision(request, name, org, existing, at).await?;
                return Ok((user, true));
            }
            return Err(parameter("username", NOBODY.into(), Refusal::UnknownUser));
        };
        if vouched.user.is_some_and(|id| id != user.id) {
            return Err(parameter(
                "username",
                "the user who is signed in".into(),
                Refusal::BadRequest,
            ));
        }
        if let Some(own) = vouched.key_org()
            && !self.org_ids_of(&user).await?.contains(&own)
        {
            return Err(parameter("username", NOBODY.into(), Refusal::OrgNotAllowed));
        }
        // Otherwise whoever holds the key of one Org would hold the server. After the above: of somebody in other Orgs
        // the key's holder must not learn this either.
        if user.is_admin && vouched.key_org().is_some() {
            return Err(IssueError::KeyForAdministrator);
        }
        // A disabled account stays as it is: whoever holds a key may not revive or reshape it.
        let may_update =
            may_create && request.updates_existing && user.status == AccountStatus::Active;
        if may_update {
            let existing = Existing {
                may_rename: self.may_change_account(vouched, &user).await?,
                ..existing
            };
            let user = self.provision(request, name, org, existing, at).await?;
            return Ok((user, false));
        }
        Ok((user, false))
    }

    pub(super) async fn org_ids_of(&self, user: &User) -> Result<Vec<OrgId>, StoreError> {
        let orgs = self.directory.orgs_of(user.id).await?;
        Ok(orgs.iter().map(|org| org.id).collect())
    }

    async fn provision(
        &self,
        request: &IssueRequest,
        name: &NameKey,
        org: Option<OrgId>,
        existing: Existing,
        at: Timestamp,
    ) -> Result<User, IssueError> {
        let bad =
            |field, error: TextError| parameter(field, error.to_string(), Refusal::BadRequest);
        if let Some(display_name) = &request.display_name {
            check_text(display_name).map_err(|error| bad("display_name", error))?;
        }
        if let Some(email) = &request.email {
            check_email(email).map_err(|error| bad("email", error))?;
        }
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
            display_name: request.display_name.clone().filter(|_| existing.may_rename),
            email: request.email.clone().filter(|_| existing.may_rename),
            org,
            may_join: existing.may_join,
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
                DirectoryError::NotInOrg(_) => {
                    parameter("username", NOBODY.into(), Refusal::OrgNotAllowed)
                }
                other => parameter("username", other.to_string(), Refusal::BadRequest),
            })
    }
}

/// The session that asks for a token, where one does, and since when there is what was presented.
fn minter(request: &IssueRequest) -> (Option<&SessionId>, Timestamp) {
    match &request.voucher {
        Voucher::Held(held) => match &held.via {
            Via::Session(id) => (Some(id), held.since),
            Via::Bearer => (None, held.since),
        },
        Voucher::Key(_) | Voucher::Proof(_) => (None, Timestamp::default()),
    }
}

/// Refuses in the name of a store that did not let a token stand.
pub(super) fn require_standing(put: Putting, now: Timestamp) -> Result<(), IssueError> {
    match put {
        Putting::Stands => Ok(()),
        Putting::Ended => Err(IssueError::SessionOver),
        Putting::TooMany(first_ends) => Err(IssueError::TooMany(first_ends.since(now))),
    }
}

pub(super) const fn parameter(field: &'static str, expected: String, why: Refusal) -> IssueError {
    IssueError::Parameter {
        field,
        expected,
        why,
    }
}
