//! Sign-ins at providers: begun, bound to a browser, and judged once when it is back.

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::directory::{OrgId, UserId};
use crate::domain::failure::StoreError;
use crate::domain::random::{self, Random};
use crate::domain::session::SessionHandle;
use crate::domain::sso::configured::{choose, refuse_unnamed};
use crate::domain::sso::{
    Answer, Asked, Assertion, AssertionFault, Begun, FlowDigest, FlowStore, Protocol, Provider,
    ProviderError, ProviderLink, Wish,
};
use anyhow::Context;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use uuid::Uuid;

/// What is kept of sign-outs that were heard.
pub(in crate::domain) const LOGOUT: &str = "logout";

/// How long somebody may take at the provider.
pub const FLOW_LIFETIME: Duration = Duration::from_mins(10);

/// What single sign-on is built from.
#[derive(Debug)]
pub struct SingleSignOn {
    /// The providers, in the order of the settings.
    pub providers: Vec<Provider>,
    /// How many may begin from one address within a minute; none is any number.
    pub most_begun: Option<u64>,
    /// Sign-ins under way.
    pub flows: Arc<dyn FlowStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// A sign-in that has begun: where the browser goes, and the secret that shows it is the same one when it is back.
pub struct Begin {
    /// The address at the provider.
    pub url: String,
    /// Comes back with the answer.
    pub handle: String,
    /// For a cookie.
    pub browser: String,
}

/// A sign-in that was begun here, in this browser.
#[derive(Clone, Debug)]
pub struct Errand {
    /// With which provider.
    pub provider: String,
    /// What its engine wanted remembered.
    pub begun: Begun,
    /// What it was begun for.
    pub intent: Intent,
}

/// What a sign-in is begun for. Kept on our side until the browser is back.
#[derive(Clone, Debug, Default)]
pub struct Intent {
    /// Whether the provider is asked to have the person prove who they are.
    pub is_forced: bool,
    /// The Org it is for; none is the user's last one.
    pub org: Option<OrgId>,
    /// The session this browser holds meanwhile. Its cookie may not come with the answer, which another site posts.
    pub held: Option<SessionHandle>,
    /// What the dialect wants remembered; only it can read that.
    pub purpose: String,
}

/// Why a sign-in cannot go on.
#[derive(Debug, Error)]
pub enum SsoError {
    /// It was not begun here, not in this browser, too long ago, or has been answered.
    #[error("no such sign-in is under way in this browser")]
    NotUnderWay,
    /// No provider of that name or protocol is configured.
    #[error("no such provider")]
    NoProvider,
    /// The provider is of no help.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SingleSignOn {
    /// The provider of that name.
    pub fn find(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|one| one.name == name)
    }

    /// The provider for a sign-in: the one named, or the best for the Org and host it is for.
    pub fn choose(&self, asked: &Asked<'_>) -> Option<&Provider> {
        choose(&self.providers, asked)
    }

    /// The providers of that name of their own: those first that are meant for that host of ours, then those that are
    /// meant for any.
    pub fn of_issuer(&self, protocol: Protocol, issuer: &str, host: &str) -> Vec<&Provider> {
        let is_it = |one: &&Provider| one.protocol == protocol && one.engine.issuer() == issuer;
        let mut found: Vec<&Provider> = self.providers.iter().filter(is_it).collect();
        found.sort_by_key(|one| {
            let is_for_host = one.hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
            (!is_for_host, !one.hosts.is_empty())
        });
        found
    }

    /// Which of several sections for one provider an answer is meant for that nobody asked for: the first that believes
    /// it, else the first of all, which then says why not.
    pub async fn whose<'a>(
        &self,
        sections: Vec<&'a Provider>,
        answer: &Answer,
        callback: &str,
    ) -> Option<&'a Provider> {
        let first = sections.first().copied();
        if sections.len() > 1 {
            for section in sections {
                let now = self.clock.now();
                let judged = section.engine.finish(answer, None, callback, now).await;
                if judged.is_ok() {
                    return Some(section);
                }
            }
        }
        first
    }

    /// Begins a sign-in; the intent comes back with [`SingleSignOn::resume`].
    pub async fn begin(
        &self,
        provider: &Provider,
        callback: &str,
        intent: &Intent,
    ) -> Result<Begin, SsoError> {
        let (handle, browser) = (self.secret(), self.secret());
        let wish = Wish {
            handle: handle.clone(),
            callback: callback.to_owned(),
            is_forced: intent.is_forced,
        };
        let departure = provider.engine.begin(&wish).await?;
        let now = self.clock.now();
        let text = json!({
            "provider": provider.name,
            "request": departure.begun.request_id,
            "verifier": departure.begun.verifier,
            "callback": departure.begun.callback,
            "forced": intent.is_forced,
            "purpose": intent.purpose,
            "org": intent.org.map(|org| org.0),
            "held": intent.held.map(|handle| handle.to_string()),
        });
        let under = FlowDigest::of("sign-in", &[&handle, &browser]);
        let until = now.plus(FLOW_LIFETIME);
        self.flows
            .keep_new(&under, &text.to_string(), until, now)
            .await?;
        Ok(Begin {
            url: departure.url,
            handle,
            browser,
        })
    }

    /// The sign-in that an answer belongs to; it can be taken up once.
    pub async fn resume(&self, handle: &str, browser: &str) -> Result<Errand, SsoError> {
        let under = FlowDigest::of("sign-in", &[handle, browser]);
        let text = self.flows.take(&under, self.clock.now()).await?;
        let text = text.ok_or(SsoError::NotUnderWay)?;
        Ok(read_errand(&text)?)
    }

    /// Judges an answer. It counts once: whoever brings it again hears that it was used.
    pub async fn judge(
        &self,
        provider: &Provider,
        answer: &Answer,
        begun: Option<&Begun>,
        callback: &str,
    ) -> Result<Assertion, SsoError> {
        refuse_unnamed(&self.providers, provider, answer)?;
        let now = self.clock.now();
        let engine = &provider.engine;
        let assertion = engine.finish(answer, begun, callback, now).await?;
        self.once("assertion", provider, &assertion.id, assertion.good_until)
            .await?;
        Ok(assertion)
    }

    /// Refuses what has been seen before, and does not mark it as seen.
    pub async fn refuse_seen(
        &self,
        kind: &str,
        provider: &Provider,
        id: &str,
    ) -> Result<(), SsoError> {
        let under = FlowDigest::of(kind, &[heard_by(kind, provider), id]);
        match self.flows.look(&under, self.clock.now()).await? {
            None => Ok(()),
            Some(_) => Err(seen(kind, id)),
        }
    }

    /// Refuses what has been seen before.
    pub async fn once(
        &self,
        kind: &str,
        provider: &Provider,
        id: &str,
        good_until: Timestamp,
    ) -> Result<(), SsoError> {
        let now = self.clock.now();
        let under = FlowDigest::of(kind, &[heard_by(kind, provider), id]);
        if self.flows.keep_new(&under, "", good_until, now).await? {
            return Ok(());
        }
        Err(seen(kind, id))
    }

    /// Remembers whose session it is, for the provider to end it later.
    pub async fn remember(
        &self,
        link: &ProviderLink,
        user: UserId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let text = user.0.to_string();
        for under in places(
            &link.provider,
            Some(&link.subject),
            link.session_index.as_deref(),
        ) {
            self.flows
                .put(&under, &text, until, self.clock.now())
                .await?;
        }
        Ok(())
    }

    /// Whose sessions a provider means by that subject or that session of its own: more than one where the subject
    /// has come to mean somebody else since.
    pub async fn remembered(
        &self,
        provider: &str,
        subject: Option<&str>,
        session_index: Option<&str>,
    ) -> Result<Vec<UserId>, StoreError> {
        let mut users = Vec::new();
        for under in places(provider, subject, session_index) {
            let text = self.flows.look(&under, self.clock.now()).await?;
            let user = text
                .and_then(|text| Uuid::parse_str(&text).ok())
                .map(UserId);
            if let Some(user) = user.filter(|user| !users.contains(user)) {
                users.push(user);
            }
        }
        Ok(users)
    }

    /// 256 bits in hexadecimal digits.
    fn secret(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in random::bytes::<32>(&*self.random) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// Whom a message counts for once: an assertion for the provider, whichever section it is brought to; a sign-out for
/// each section, since each ends sessions of its own.
fn heard_by<'a>(kind: &str, provider: &'a Provider) -> &'a str {
    match kind {
        LOGOUT => &provider.name,
        _ => provider.engine.issuer(),
    }
}

fn seen(kind: &str, id: &str) -> SsoError {
    let fault = AssertionFault::Replayed;
    ProviderError::refused(fault, format!("{kind} {id:?} was used before")).into()
}

fn places(provider: &str, subject: Option<&str>, session_index: Option<&str>) -> Vec<FlowDigest> {
    let subject = subject.map(|subject| FlowDigest::of("subject", &[provider, subject]));
    let session = session_index.map(|index| FlowDigest::of("session", &[provider, index]));
    subject.into_iter().chain(session).collect()
}

fn read_errand(text: &str) -> Result<Errand, StoreError> {
    let value: Value = serde_json::from_str(text).map_err(StoreError::corrupt)?;
    let field = |name: &str| {
        let text = value[name].as_str().map(str::to_owned);
        text.with_context(|| format!("a sign-in under way has no {name}"))
            .map_err(StoreError::corrupt)
    };
    Ok(Errand {
        provider: field("provider")?,
        begun: Begun {
            request_id: field("request")?,
            verifier: field("verifier")?,
            callback: field("callback")?,
        },
        intent: Intent {
            // Not there in what an earlier node keeps: as good as not asked for.
            is_forced: value["forced"].as_bool().unwrap_or_default(),
            org: value["org"].as_i64().map(OrgId),
            held: value["held"].as_str().and_then(SessionHandle::parse),
            purpose: field("purpose")?,
        },
    })
}
