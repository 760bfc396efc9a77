//! Signing in at an identity provider, and out when it says so.

mod trial;

pub use trial::Foreseen;

use crate::domain::audit::{Act, AuditEvent, Client, Refusal};
use crate::domain::authn::{
    Authenticated, NotSettled, Outsider, SettleRules, choose_org, judge, open_orgs,
};
use crate::domain::clock::Timestamp;
use crate::domain::directory::{AccountType, NameKey, OrgId, User};
use crate::domain::failure::StoreError;
use crate::domain::login::{Login, LoginError, OpenRequest, Opened};
use crate::domain::session::{
    EndReason, Ending, Method, RevokeScope, SessionHandle, SessionNotes, SessionSummary,
    end_everything,
};
use crate::domain::sso::{
    Accounts, Answer, Errand, LOGOUT, LoggedOutThere, Protocol, Provider, ProviderLink, SsoError,
    SsoIdentity,
};
use crate::domain::throttle::Admission;
use std::net::IpAddr;
use std::time::Duration;

/// An answer a browser brought from a provider.
#[derive(Debug)]
pub struct ProviderAnswer<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// What it said.
    pub answer: &'a Answer,
    /// What was remembered when the sign-in began; none when nobody here had asked.
    pub errand: Option<&'a Errand>,
    /// Where the answer arrived.
    pub callback: &'a str,
}

impl From<SsoError> for LoginError {
    fn from(error: SsoError) -> Self {
        match error {
            SsoError::NotUnderWay => Self::BadCredentials(Refusal::BadRequest),
            SsoError::NoProvider => Self::BadCredentials(Refusal::SwitchedOff),
            SsoError::Provider(error) => error.into(),
            SsoError::Store(error) => Self::Store(error),
        }
    }
}

impl Login {
    /// Lets a sign-in at a provider begin, or says how long to wait.
    pub async fn admit_departure(&self, address: Option<IpAddr>) -> Result<(), LoginError> {
        let most = self.sso.most_begun.unwrap_or(u64::MAX);
        match self.throttle.admit_begun(address, most).await? {
            Admission::Admitted => Ok(()),
            Admission::Wait(pause) => Err(LoginError::Throttled(pause)),
        }
    }

    /// Opens a session for whom a provider vouches for.
    pub async fn log_in_by_provider(
        &self,
        answer: ProviderAnswer<'_>,
        request: OpenRequest,
        client: &Client,
    ) -> Result<Opened, LoginError> {
        let mut name = String::new();
        let result = self
            .open_by_provider(&answer, request, client, &mut name)
            .await;
        if let Err(error) = &result {
            note_refusal(&answer.provider.name, error, client);
        }
        self.audit_login(method(answer.provider.protocol), &name, &result, client);
        result
    }

    /// Notes that a provider refused, or sent what belongs to no sign-in; hands the refusal back.
    pub fn refused_by_provider(
        &self,
        protocol: Protocol,
        error: SsoError,
        client: &Client,
    ) -> LoginError {
        let error = LoginError::from(error);
        self.audit_refused(method(protocol), "", &error, client);
        note_refusal("", &error, client);
        error
    }

    async fn open_by_provider(
        &self,
        said: &ProviderAnswer<'_>,
        request: OpenRequest,
        client: &Client,
        name: &mut String,
    ) -> Result<Opened, LoginError> {
        let provider = said.provider;
        let began_at = self.clock.now();
        let begun = said.errand.map(|errand| &errand.begun);
        let intent = said.errand.map(|errand| &errand.intent);
        let assertion = self
            .sso
            .judge(provider, said.answer, begun, said.callback)
            .await?;
        let identity = provider.policy.identity(provider.protocol, &assertion)?;
        name.clone_from(&identity.username);
        if !identity.unknown_orgs.is_empty() {
            let orgs = &identity.unknown_orgs;
            tracing::info!(
                provider = provider.name,
                ?orgs,
                "Orgs of no rule were passed over"
            );
        }
        let (user, began_at) = self
            .settle_identity(provider, &identity, began_at, client)
            .await?;
        let link = ProviderLink {
            provider: provider.name.clone(),
            subject: assertion.subject,
            form: assertion.form,
            session_index: assertion.session_index,
            // The engine holds the answer to it, but only to what was begun here.
            is_proven: intent.is_some_and(|intent| intent.is_forced),
        };
        let wanted = intent.and_then(|intent| intent.org).or(request.org);
        let org = self.org_for(provider, &user, wanted).await?;
        // Before it opens: a session that the provider could not end must not be there.
        let until = self
            .clock
            .now()
            .plus(self.policy.absolute.max(self.policy.remembered));
        self.sso.remember(&link, user.id, until).await?;
        let held = intent.and_then(|intent| intent.held);
        let tag = self.trusted.tag(user.id);
        let replaced = request.replaced.as_ref().and_then(|came| came.by(tag));
        let replaced = replaced.map(SessionHandle::of);
        if let Some(held) = held.filter(|held| replaced != Some(*held)) {
            // Its cookie did not come along, so that nothing else would end it.
            self.end(&held, EndReason::Replaced, client).await?;
        }
        let request = OpenRequest {
            org: Some(org),
            notes: SessionNotes {
                provider: Some(link),
                orgs: provider.orgs.clone(),
                ..request.notes
            },
            ..request
        };
        let proof = Authenticated::by(method(provider.protocol), user, None, began_at);
        self.open(proof, request, client).await
    }

    /// The Org to be signed in to: the one asked for, else the user's last one, of those the provider may sign them
    /// into.
    async fn org_for(
        &self,
        provider: &Provider,
        user: &User,
        wanted: Option<OrgId>,
    ) -> Result<OrgId, LoginError> {
        let directory = &*self.directory;
        let open = match choose_org(directory, user, wanted).await {
            Ok(org) if provider.is_for(org) => return Ok(org),
            Ok(_) if wanted.is_none() => open_orgs(directory, user).await?,
            Ok(_) => return Err(LoginError::OrgNotAllowed),
            Err(refused) => return Err(refused.into()),
        };
        let mut theirs = open.iter().map(|org| org.id);
        let first = theirs.find(|org| provider.is_for(*org));
        first.ok_or(LoginError::OrgNotAllowed)
    }

    /// The user here, and since when sessions of theirs count: not before everything ended that an Org they lost
    /// had let them into.
    async fn settle_identity(
        &self,
        provider: &Provider,
        identity: &SsoIdentity,
        began_at: Timestamp,
        client: &Client,
    ) -> Result<(User, Timestamp), LoginError> {
        let unknown = || LoginError::BadCredentials(Refusal::UnknownUser);
        let key = NameKey::new(&identity.username).map_err(|_| unknown())?;
        let who = Outsider {
            username: &identity.username,
            key: &key,
            display_name: identity.display_name.as_deref(),
            email: identity.email.as_deref(),
            due_orgs: identity.orgs.clone(),
            due_groups: identity.groups.iter().map(String::as_str).collect(),
        };
        let rules = rules_of(provider);
        let known = self.directory.find_user(&key).await?;
        let taken = self.settler.take(known, &who, &rules, client).await;
        let user = taken.map_err(not_settled)?;
        // Before anything is ended or changed: who is refused here is nobody the provider may speak of.
        if user.is_admin && !provider.policy.accepts_admins {
            return Err(LoginError::BadCredentials(Refusal::AdminElsewhere));
        }
        judge(&user, &rules).map_err(not_settled)?;
        self.claim(provider, identity.person.as_deref(), &user)
            .await?;
        let mut began_at = began_at;
        let leaves = self.leaves_an_org(&user, &who, &rules).await?;
        if leaves {
            self.end_everything(&user, client).await?;
        }
        let updated = self.settler.update(user, &who, &rules, client).await;
        let user = updated.map_err(not_settled)?;
        if leaves {
            // Once more, for what was opened meanwhile; what follows must begin after it, or it would be over as well.
            let ended_at = self.end_everything(&user, client).await?;
            began_at = ended_at.plus(Duration::from_millis(1));
        }
        Ok((user, began_at))
    }

    async fn leaves_an_org(
        &self,
        user: &User,
        who: &Outsider<'_>,
        rules: &SettleRules<'_>,
    ) -> Result<bool, LoginError> {
        if rules.orgs.is_empty() {
            return Ok(false);
        }
        let held = self.directory.orgs_of(user.id).await?;
        let mut held = held.iter().map(|org| org.id);
        Ok(held.any(|org| rules.orgs.contains(&org) && !who.due_orgs.contains(&org)))
    }

    /// Ends the user's sessions and tokens, API token included; says up to when.
    async fn end_everything(&self, user: &User, client: &Client) -> Result<Timestamp, LoginError> {
        let scope = RevokeScope::User(user.id, self.trusted.tag(user.id));
        let reason = EndReason::Revoked;
        let (tokens, clock) = (&*self.directory, &*self.clock);
        let ended = end_everything(tokens, &*self.revocations, clock, scope, reason).await;
        let at = ended.map_err(StoreError::from)?;
        self.audit.record(AuditEvent {
            at,
            act: Act::Revoked { scope, reason },
            user_id: Some(user.id),
            user_name: Some(user.name.clone()),
            client: client.clone(),
        });
        Ok(at)
    }

    /// Ends the sessions that came from one of a provider's that is over, with the tokens minted in them and what those
    /// opened; says how many.
    pub async fn log_out_by_provider(
        &self,
        provider: &Provider,
        there: &LoggedOutThere,
        client: &Client,
    ) -> Result<usize, SsoError> {
        self.sso.refuse_seen(LOGOUT, provider, &there.id).await?;
        let (subject, index) = (there.subject.as_deref(), there.session_index.as_deref());
        let now = self.clock.now();
        let mut ended = 0;
        let mut tell = |one: SessionSummary| {
            self.audit_end(
                one.handle,
                EndReason::SignedOutAtProvider,
                &one.session,
                client.clone(),
            );
            ended += 1;
        };
        for user in self.sso.remembered(&provider.name, subject, index).await? {
            let ending = Ending {
                sessions: &*self.sessions,
                tokens: self.trusted.tokens(),
                tag: self.trusted.tag(user),
                kept: None,
                reason: EndReason::SignedOutAtProvider,
                at: now,
                clock: &*self.clock,
            };
            let is_of_it = |link: &ProviderLink| is_meant(link, provider, there);
            ending.end_linked(is_of_it, &mut tell).await?;
        }
        // Last, so that a provider whom a store's trouble turned away can say it again.
        self.sso
            .once(LOGOUT, provider, &there.id, there.good_until)
            .await?;
        Ok(ended)
    }

    async fn end(
        &self,
        handle: &SessionHandle,
        reason: EndReason,
        client: &Client,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let closed = self.sessions.close_by_handle(handle, reason, now).await?;
        let Some(session) = closed else {
            return Ok(false);
        };
        self.audit.record(AuditEvent {
            at: now,
            act: Act::SessionEnded {
                session: *handle,
                owner: session.user_id,
                org: session.org,
                reason,
            },
            user_id: Some(session.user_id),
            user_name: Some(session.user_name),
            client: client.clone(),
        });
        Ok(true)
    }
}

/// What becomes of those whom that provider vouches for.
fn rules_of(provider: &Provider) -> SettleRules<'_> {
    let policy = &provider.policy;
    SettleRules {
        account_type: match provider.protocol {
            Protocol::Saml => AccountType::Saml,
            Protocol::Oidc => AccountType::Oidc,
        },
        accepts_local: policy.accounts == Accounts::Local,
        creates_users: policy.creates_users,
        org: policy.org,
        orgs: policy.orgs.iter().map(|(_, org)| *org).collect(),
        groups: policy
            .groups
            .iter()
            .map(|(_, ours)| ours.as_str())
            .collect(),
        setting: "[sso.*] org, org_map, group_map",
    }
}

/// The particulars, for whoever has to find out what a provider does wrong. They name no secret.
fn note_refusal(provider: &str, error: &LoginError, client: &Client) {
    if let LoginError::Assertion(fault, detail) = error {
        let incident = client.incident.as_str();
        tracing::warn!(provider, incident, %fault, detail, "a provider's answer was refused");
    }
}

fn not_settled(error: NotSettled) -> LoginError {
    match error {
        NotSettled::Refused(why) => LoginError::BadCredentials(why),
        NotSettled::Store(error) => LoginError::Store(error),
    }
}

/// Whether a session came from the one that is over there. Of a session whose provider gave no name for its own, the
/// subject alone tells.
fn is_meant(link: &ProviderLink, provider: &Provider, there: &LoggedOutThere) -> bool {
    let is_subject = there
        .subject
        .as_ref()
        .map(|subject| link.subject == *subject);
    let is_session = match (&there.session_index, &link.session_index) {
        (Some(there), Some(here)) => Some(there == here),
        (Some(_), None) | (None, _) => None,
    };
    link.provider == provider.name
        && is_subject != Some(false)
        && is_session != Some(false)
        && (is_subject.is_some() || is_session.is_some())
}

const fn method(protocol: Protocol) -> Method {
    match protocol {
        Protocol::Saml => Method::Saml,
        Protocol::Oidc => Method::Oidc,
    }
}
