//! Signing in at an identity provider, and out when it says so.

use crate::domain::audit::{Act, AuditEvent, Client, Refusal};
use crate::domain::authn::{Authenticated, NotSettled, Outsider, SettleRules};
use crate::domain::clock::Timestamp;
use crate::domain::directory::{AccountType, NameKey, User};
use crate::domain::failure::StoreError;
use crate::domain::login::{Login, LoginError, OpenRequest, Opened};
use crate::domain::session::{EndReason, Method, SessionHandle, SessionNotes};
use crate::domain::sso::{
    Answer, Begun, LoggedOutThere, Protocol, Provider, ProviderLink, SsoError, SsoIdentity,
};

/// An answer a browser brought from a provider.
#[derive(Debug)]
pub struct ProviderAnswer<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// What it said.
    pub answer: &'a Answer,
    /// What was remembered when the sign-in began; none when nobody here had asked.
    pub begun: Option<&'a Begun>,
    /// Whether the person had to prove who they are even if the provider remembers them.
    pub is_forced: bool,
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
        let assertion = self
            .sso
            .judge(provider, said.answer, said.begun, said.callback)
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
        let user = self.settle_identity(provider, &identity, client).await?;
        let link = ProviderLink {
            provider: provider.name.clone(),
            subject: assertion.subject,
            session_index: assertion.session_index,
            // The engine holds the answer to it, but only to what was begun here.
            is_proven: said.is_forced && said.begun.is_some(),
        };
        let request = OpenRequest {
            notes: SessionNotes {
                provider: Some(link.clone()),
                ..request.notes
            },
            ..request
        };
        let proof = Authenticated::by(method(provider.protocol), user, None, began_at);
        let opened = self.open(proof, request, client).await?;
        let session = &opened.session;
        let until = session.opened_at.plus(session.lifetime.absolute);
        self.sso.remember(&link, session.user_id, until).await?;
        Ok(opened)
    }

    async fn settle_identity(
        &self,
        provider: &Provider,
        identity: &SsoIdentity,
        client: &Client,
    ) -> Result<User, LoginError> {
        let unknown = || LoginError::BadCredentials(Refusal::UnknownUser);
        let key = NameKey::new(&identity.username).map_err(|_| unknown())?;
        let policy = &provider.policy;
        let who = Outsider {
            username: &identity.username,
            key: &key,
            display_name: identity.display_name.as_deref(),
            email: identity.email.as_deref(),
            due_orgs: identity.orgs.clone(),
            due_groups: identity.groups.iter().map(String::as_str).collect(),
        };
        let rules = SettleRules {
            account_type: match provider.protocol {
                Protocol::Saml => AccountType::Saml,
                Protocol::Oidc => AccountType::Oidc,
            },
            accepts_local: policy.accepts_local,
            creates_users: policy.creates_users,
            org: policy.org,
            orgs: policy.orgs.iter().map(|(_, org)| *org).collect(),
            groups: policy
                .groups
                .iter()
                .map(|(_, ours)| ours.as_str())
                .collect(),
            setting: "[sso.*] org, org_map, group_map",
        };
        let known = self.directory.find_user(&key).await?;
        let settled = self.settler.settle(known, &who, &rules, client).await;
        settled.map_err(|error| match error {
            NotSettled::Refused(why) => LoginError::BadCredentials(why),
            NotSettled::Store(error) => LoginError::Store(error),
        })
    }

    /// Ends the sessions that came from one of a provider's that is over; says how many.
    pub async fn log_out_by_provider(
        &self,
        provider: &Provider,
        there: &LoggedOutThere,
        client: &Client,
    ) -> Result<usize, SsoError> {
        self.sso
            .once("logout", provider, &there.id, there.good_until)
            .await?;
        let (subject, index) = (there.subject.as_deref(), there.session_index.as_deref());
        let whose = self.sso.remembered(&provider.name, subject, index).await?;
        let Some(user) = whose else {
            return Ok(0);
        };
        let now = self.clock.now();
        let mut ended = 0;
        for listed in self.sessions.list(self.trusted.tag(user), now).await? {
            let is_meant = listed.session.notes.provider.as_ref().is_some_and(|link| {
                link.provider == provider.name
                    && subject.is_none_or(|subject| link.subject == subject)
                    && index.is_none_or(|index| link.session_index.as_deref() == Some(index))
            });
            if is_meant && self.end_at_provider(&listed.handle, now, client).await? {
                ended += 1;
            }
        }
        Ok(ended)
    }

    async fn end_at_provider(
        &self,
        handle: &SessionHandle,
        now: Timestamp,
        client: &Client,
    ) -> Result<bool, StoreError> {
        let reason = EndReason::SignedOutAtProvider;
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

/// The particulars, for whoever has to find out what a provider does wrong. They name no secret.
fn note_refusal(provider: &str, error: &LoginError, client: &Client) {
    if let LoginError::Assertion(fault, detail) = error {
        let incident = client.incident.as_str();
        tracing::warn!(provider, incident, %fault, detail, "a provider's answer was refused");
    }
}

const fn method(protocol: Protocol) -> Method {
    match protocol {
        Protocol::Saml => Method::Saml,
        Protocol::Oidc => Method::Oidc,
    }
}
