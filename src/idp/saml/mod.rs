//! SAML 2.0: a service provider for the Web Browser SSO and Single Logout profiles, over one metadata file.
//!
//! ```text
//! decode ─▶ guard ─▶ parse ─▶ signature ─▶ response ─▶ assertion      what a browser posts
//! size      bytes,   xml      which of its   envelope    subject, window,
//! Base64    shape    document elements hold              audience, attributes
//! ```
//!
//! One parser reads and verifies one document: what is read are the elements whose signature held, not a second
//! reading of the text. docs/decisions/0017-saml.md says why the rest is our own.

mod assertion;
mod cbc;
mod decrypt;
mod fault;
mod instant;
mod keys;
mod logout;
mod message;
mod metadata;
mod peer_file;
mod redirect;
mod rehearsal;
mod response;
mod shape;
mod signature;
mod turns;
mod xml;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::random::Random;
use crate::domain::sso::{
    Answer, Assertion, Begun, Departure, Findings, IdentityProvider, LoggedOutThere, LogoutNotice,
    LogoutWord, ProviderError, ProviderLink, Wish,
};
use crate::settings::SsoProvider;
use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use keys::OwnKey;
use message::{Head, new_fresh_id, new_id};
use metadata::Peer;
use peer_file::PeerFile;
use redirect::Field;
use std::sync::Arc;
use std::time::Duration;
use turns::Turns;

/// Warned of by [`IdentityProvider::probe`] when a certificate ends sooner.
const SOON: Duration = Duration::from_hours(30 * 24);

/// An identity provider that speaks SAML 2.0.
#[derive(Debug)]
pub struct SamlProvider {
    issuer: String,
    entity_id: String,
    peer: PeerFile,
    own: Option<Arc<OwnKey>>,
    is_signing: bool,
    is_unsolicited_allowed: bool,
    skew: Duration,
    turns: Turns,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl SamlProvider {
    /// Reads the files that the settings name; errors say which setting is wrong.
    pub fn open(
        settings: &SsoProvider,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let section = || format!("sso.{}", settings.name);
        let path = settings
            .metadata_file
            .as_deref()
            .context("metadata_file is missing")
            .with_context(section)?;
        ensure!(
            !settings.entity_id.is_empty(),
            "sso.{}: entity_id is empty",
            settings.name
        );
        let own = match (&settings.key_file, &settings.cert_file) {
            (Some(key), Some(cert)) => {
                Some(Arc::new(OwnKey::open(key, cert).with_context(section)?))
            }
            (None, None) => None,
            _ => bail!("sso.{}: key_file and cert_file go together", settings.name),
        };
        ensure!(
            own.is_some() || !settings.sign_requests,
            "sso.{}: sign_requests needs key_file and cert_file",
            settings.name
        );
        let now = clock.now();
        let peer = PeerFile::open(&settings.name, path, now).with_context(section)?;
        Ok(Self {
            issuer: peer.current(now).entity_id.clone(),
            entity_id: settings.entity_id.clone(),
            peer,
            own,
            is_signing: settings.sign_requests,
            is_unsolicited_allowed: settings.idp_initiated,
            skew: settings.clock_skew,
            turns: Turns::new(),
            clock,
            random,
        })
    }

    /// The provider's metadata, unless it has expired: then nothing it says may be relied on any more.
    fn peer(&self, now: Timestamp) -> Result<Arc<Peer>, ProviderError> {
        let peer = self.peer.current(now);
        if peer.is_valid(now) {
            return Ok(peer);
        }
        Err(ProviderError::Unavailable(anyhow::anyhow!(
            "the metadata in metadata_file has expired (validUntil)"
        )))
    }

    fn head<'a>(&'a self, id: &'a str, at: Timestamp, destination: &'a str) -> Head<'a> {
        Head {
            id,
            at,
            destination,
            issuer: &self.entity_id,
        }
    }
}

#[async_trait]
impl IdentityProvider for SamlProvider {
    async fn begin(&self, wish: &Wish) -> Result<Departure, ProviderError> {
        let now = self.clock.now();
        let peer = self.peer(now)?;
        let id = if wish.is_forced {
            new_fresh_id(&*self.random, now)
        } else {
            new_id(&*self.random)
        };
        let xml = self
            .head(&id, now, &peer.sign_in)
            .authn_request(&wish.callback, wish.is_forced);
        let key = self.own.as_deref().filter(|_| self.is_signing);
        let handle = Some(wish.handle.as_str());
        let url = redirect::write(&peer.sign_in, Field::Request, &xml, handle, key)
            .map_err(ProviderError::Unavailable)?;
        Ok(Departure {
            url,
            begun: Begun {
                request_id: id,
                verifier: String::new(),
                callback: wish.callback.clone(),
            },
        })
    }

    async fn finish(
        &self,
        answer: &Answer,
        begun: Option<&Begun>,
        callback: &str,
        now: Timestamp,
    ) -> Result<Assertion, ProviderError> {
        let Answer::Saml(encoded) = answer else {
            return Err(fault::malformed("not an answer of SAML"));
        };
        let peer = self.peer(now)?;
        response::check_callback(begun, callback)?;
        let text = response::decode(encoded)?;
        response::check_is_wanted(&text, begun, self.is_unsolicited_allowed)?;
        let (audience, skew, own) = (self.entity_id.clone(), self.skew, self.own.clone());
        let (begun, callback) = (begun.cloned(), callback.to_owned());
        let judging = move || {
            response::judge(
                &text,
                &response::Expected {
                    issuer: &peer.entity_id,
                    audience: &audience,
                    callback: &callback,
                    begun: begun.as_ref(),
                    keys: &peer.certificates,
                    own: own.as_deref(),
                    skew,
                    now,
                },
            )
        };
        self.turns.take(judging).await
    }

    async fn begin_logout(
        &self,
        link: &ProviderLink,
        handle: &str,
        _return_to: &str,
    ) -> Result<Option<String>, ProviderError> {
        let now = self.clock.now();
        let peer = self.peer(now)?;
        let Some(place) = &peer.sign_out else {
            return Ok(None);
        };
        let id = new_id(&*self.random);
        let xml = self.head(&id, now, place).logout_request(link);
        redirect::write(
            place,
            Field::Request,
            &xml,
            Some(handle),
            self.own.as_deref(),
        )
        .map(Some)
        .map_err(ProviderError::Unavailable)
    }

    async fn read_logout(
        &self,
        notice: &LogoutNotice,
        callback: &str,
        now: Timestamp,
    ) -> Result<LogoutWord, ProviderError> {
        let peer = self.peer(now)?;
        let (skew, theirs) = (self.skew, Arc::clone(&peer));
        let (notice, callback) = (notice.clone(), callback.to_owned());
        let judging = move || {
            let expected = logout::Expected {
                issuer: &theirs.entity_id,
                callback: &callback,
                keys: &theirs.certificates,
                skew,
                now,
            };
            logout::judge(&notice, &expected)
        };
        let out = match self.turns.take(judging).await? {
            logout::Word::Answer { relay_state } => {
                return Ok(LogoutWord::Answer {
                    handle: relay_state,
                });
            }
            logout::Word::Request(out) => out,
        };
        let reply_url = match &peer.sign_out_reply {
            Some(place) => {
                let id = new_id(&*self.random);
                let xml = self.head(&id, now, place).logout_response(&out.id);
                let state = out.relay_state.as_deref();
                let url = redirect::write(place, Field::Response, &xml, state, self.own.as_deref())
                    .map_err(ProviderError::Unavailable)?;
                Some(url)
            }
            None => None,
        };
        Ok(LogoutWord::Request(LoggedOutThere {
            id: out.id,
            good_until: out.good_until,
            subject: Some(out.subject),
            session_index: out.session_index,
            reply_url,
        }))
    }

    fn metadata(&self, callback: &str, logout: &str) -> Option<String> {
        Some(metadata::own(
            &self.entity_id,
            callback,
            logout,
            self.own.as_deref(),
            self.is_signing,
        ))
    }

    fn issuer(&self) -> &str {
        &self.issuer
    }

    async fn names_itself(&self) -> Result<bool, ProviderError> {
        // In what it signs.
        Ok(true)
    }

    async fn probe(&self, now: Timestamp) -> Result<Findings, ProviderError> {
        let peer = self.peer.probe(now).map_err(ProviderError::Unavailable)?;
        Ok(findings(self, &peer, now))
    }

    async fn rehearse(
        &self,
        response: &str,
        callback: &str,
        now: Timestamp,
    ) -> Result<Assertion, ProviderError> {
        rehearsal::rehearse(self, response, callback, now).await
    }
}

/// What there is to say about a provider.
fn findings(provider: &SamlProvider, peer: &Peer, now: Timestamp) -> Findings {
    let mut found = Findings::default();
    found.note(format!("metadata of {}", peer.entity_id));
    if let Some(until) = peer.valid_until {
        found.note(format!("good until {}", instant::write(until)));
    }
    found.note(format!("sign-in at {}", peer.sign_in));
    found.note(match &peer.sign_out {
        Some(place) => format!("sign-out at {place}"),
        None => "no sign-out by redirect".to_owned(),
    });
    for certificate in &peer.certificates {
        found.note(format!("signs with {}", dates(certificate, now)));
    }
    for why in &peer.left_out {
        found.warn(&format!("a certificate is left out: {why}"));
    }
    if peer.wants_signed_requests && !provider.is_signing {
        found.warn("it wants requests signed, and sign_requests is off");
    }
    found.note(match &provider.own {
        Some(own) => format!("our certificate: {}", dates(&own.certificate, now)),
        None => "no key of ours: requests are unsigned, encrypted assertions refused".to_owned(),
    });
    found
}

fn dates(certificate: &keys::Certificate, now: Timestamp) -> String {
    let until = certificate.not_after;
    let remark = if now >= until {
        " (warning: it has expired; the key is pinned and still believed)"
    } else if now < certificate.not_before {
        " (warning: it is not valid yet)"
    } else if now.plus(SOON) >= until {
        " (warning: it ends soon)"
    } else {
        ""
    };
    format!(
        "{} {}, valid until {}{remark}",
        certificate.kind,
        certificate.subject,
        instant::write(until)
    )
}
