//! `OpenID Connect`: the authorization code flow with PKCE, RP-initiated logout, and logout by the back channel.
//!
//! ```text
//! begin  ─▶ authorization endpoint: code_challenge, nonce, state
//! finish ◀─ code, iss ─▶ token endpoint: code_verifier, who we are ─▶ ID token ─▶ judged ─▶ userinfo, if claims lack
//! ```
//!
//! Nothing is asked of a provider before somebody wants something of it: one that is down does not keep us from starting.

mod claims;
mod client_auth;
mod discovery;
mod exchange;
mod http;
mod id_token;
mod jws;
mod logout_token;
mod probe;

use crate::domain::clock::{Clock, Timestamp};
use crate::domain::random::{self, Random};
use crate::domain::sso::{
    Answer, Assertion, AssertionFault, Begun, Departure, Findings, IdentityProvider, LogoutNotice,
    LogoutWord, NameForm, ProviderError, ProviderLink, Wish,
};
use crate::settings::SsoProvider;
use anyhow::{Context, anyhow, ensure};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use client_auth::ClientAuth;
use discovery::{Discovery, Known};
use http::Http;
use id_token::Expected;
use jws::{Doubt, malformed};
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreClient};
use openidconnect::{
    ClientId, CsrfToken, LogoutHint, LogoutRequest, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    PostLogoutRedirectUrl, RedirectUrl, Scope,
};
use secrecy::ExposeSecret;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Stands between the nonce and the moment of a sign-in that has to be a fresh one.
const FRESH_SINCE: char = '.';

/// A provider of `OpenID Connect`.
pub struct OidcProvider {
    name: String,
    client_id: String,
    auth: ClientAuth,
    scopes: Vec<String>,
    /// Claims that are looked for, in the ID token first.
    wanted: Vec<String>,
    skew: Duration,
    http: Arc<Http>,
    discovery: Discovery,
    random: Arc<dyn Random>,
}

impl fmt::Debug for OidcProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcProvider")
            .field("name", &self.name)
            .field("issuer", &self.discovery.issuer())
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl OidcProvider {
    /// Reads the files that the settings name. The provider itself is not asked anything yet.
    pub fn open(
        settings: &SsoProvider,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> anyhow::Result<Self> {
        let issuer = settings.issuer.clone().context("issuer is missing")?;
        ensure!(
            issuer.query().is_none() && issuer.fragment().is_none(),
            "issuer: expected a URL without query and fragment"
        );
        ensure!(
            issuer.username().is_empty() && issuer.password().is_none(),
            "issuer: expected a URL without user and password"
        );
        ensure!(!settings.client_id.is_empty(), "client_id is missing");
        let http = Arc::new(Http::open(settings, &issuer)?);
        Ok(Self {
            name: settings.name.clone(),
            client_id: settings.client_id.clone(),
            auth: ClientAuth::open(settings)?,
            scopes: settings.scopes.clone(),
            wanted: wanted(settings),
            skew: settings.clock_skew,
            http: Arc::clone(&http),
            discovery: Discovery::new(http, issuer, clock),
            random,
        })
    }

    /// Of so many bytes, in the alphabet that URLs and PKCE verifiers share.
    fn secret<const N: usize>(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(random::bytes::<N>(self.random.as_ref()))
    }

    /// Judges with the keys that are known, and once more with newer ones if there are any.
    async fn judged<T>(
        &self,
        known: &Arc<Known>,
        judge: impl Fn(&Known) -> Result<T, Doubt>,
    ) -> Result<T, ProviderError> {
        match judge(known) {
            Ok(said) => Ok(said),
            Err(Doubt::Refused(error)) => Err(error),
            Err(Doubt::OldKeys(error)) => match self.discovery.newer_keys(known).await? {
                Some(newer) => judge(&newer).map_err(Doubt::into_refusal),
                None => Err(error),
            },
        }
    }

    /// Whether an answer is of this provider: another one's code must not be shown to it, nor its to another (RFC 9207).
    fn check_sender(known: &Known, issuer: Option<&str>) -> Result<(), ProviderError> {
        let ours = known.metadata.issuer().as_str();
        let more = known.metadata.additional_metadata();
        match issuer {
            Some(issuer) if issuer == ours => Ok(()),
            None if !more.authorization_response_iss_parameter_supported => Ok(()),
            other => Err(ProviderError::refused(
                AssertionFault::WrongIssuer,
                format!(
                    "the answer is of {:?}, not of {ours:?}",
                    other.unwrap_or("nobody")
                ),
            )),
        }
    }
}

/// The claims the settings name, or what stands for them.
fn wanted(settings: &SsoProvider) -> Vec<String> {
    let or = |setting: &Option<String>, usual: &str| {
        Some(setting.clone().unwrap_or_else(|| usual.to_owned()))
    };
    let all = [
        or(&settings.username_attribute, "preferred_username"),
        or(&settings.display_name_attribute, "name"),
        or(&settings.email_attribute, "email"),
        settings.group_attribute.clone(),
        settings.org_attribute.clone(),
    ];
    let is_named_by_mail = settings.username_attribute.as_deref() == Some("email");
    // Asked of userinfo as well: an ID token may have the address and not this.
    let proof =
        (is_named_by_mail && !settings.trust_email).then(|| exchange::EMAIL_VERIFIED.to_owned());
    all.into_iter().chain([proof]).flatten().collect()
}

#[async_trait]
impl IdentityProvider for OidcProvider {
    async fn begin(&self, wish: &Wish) -> Result<Departure, ProviderError> {
        let known = self.discovery.known().await?;
        let mut nonce = self.secret::<24>();
        if wish.is_forced {
            // Who takes the demand for a fresh sign-in out of the URL must not get in without one: it comes back with
            // the answer, from where the browser cannot change it.
            let now = self.discovery.now();
            nonce = format!("{nonce}{FRESH_SINCE}{}", now.seconds());
        }
        let verifier = self.secret::<32>();
        let callback = RedirectUrl::new(wish.callback.clone())
            .context("our redirect URL")
            .map_err(ProviderError::Unavailable)?;
        let client = CoreClient::from_provider_metadata(
            known.metadata.clone(),
            ClientId::new(self.client_id.clone()),
            None,
        )
        .set_redirect_uri(callback);
        let (state, sent_nonce) = (wish.handle.clone(), nonce.clone());
        let challenge =
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.clone()));
        let scopes = self.scopes.iter().filter(|scope| *scope != "openid");
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(sent_nonce),
            )
            .add_scopes(scopes.cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        if wish.is_forced {
            // The second makes the provider say when it was; some know only the first.
            request = request
                .add_prompt(CoreAuthPrompt::Login)
                .set_max_age(Duration::ZERO);
        }
        let (url, ..) = request.url();
        Ok(Departure {
            url: url.into(),
            begun: Begun {
                request_id: nonce,
                verifier,
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
        let Answer::Oidc { code, issuer } = answer else {
            return Err(malformed("an answer of another protocol"));
        };
        let begun = begun.ok_or_else(|| {
            ProviderError::refused(AssertionFault::Unsolicited, "no sign-in was begun")
        })?;
        if begun.callback != callback {
            return Err(ProviderError::refused(
                AssertionFault::WrongRecipient,
                format!("it came to {callback}, asked for at {}", begun.callback),
            ));
        }
        let known = self.discovery.known().await?;
        Self::check_sender(&known, issuer.as_deref())?;
        let tokens = exchange::redeem(self, &known, code, begun, now).await?;
        let expected = Expected {
            client_id: &self.client_id,
            nonce: &begun.request_id,
            proved_since: fresh_since(&begun.request_id),
            now,
            skew: self.skew,
        };
        let token = tokens.id_token.expose_secret();
        let mut claims = self
            .judged(&known, |known| id_token::judge(token, known, &expected))
            .await?;
        // Taken before userinfo: these count as signed.
        let subject = claims::word(&claims, "sub").unwrap_or_default().to_owned();
        let session_index = claims::word(&claims, "sid").map(str::to_owned);
        let expires = claims::moment(&claims, "exp").unwrap_or(now);
        exchange::complete(self, &known, &tokens, &mut claims).await?;
        Ok(Assertion {
            id: begun.request_id.clone(),
            good_until: expires.plus(self.skew),
            subject,
            form: NameForm::default(),
            session_index,
            attributes: claims::attributes(&claims),
        })
    }

    async fn begin_logout(
        &self,
        link: &ProviderLink,
        handle: &str,
        return_to: &str,
    ) -> Result<Option<String>, ProviderError> {
        let known = self.discovery.known().await?;
        let more = known.metadata.additional_metadata();
        let Some(endpoint) = &more.end_session_endpoint else {
            return Ok(None);
        };
        let back = PostLogoutRedirectUrl::new(return_to.to_owned())
            .map_err(|error| ProviderError::Unavailable(anyhow!("our logout URL: {error}")))?;
        let request = LogoutRequest::from(endpoint.clone())
            .set_client_id(ClientId::new(self.client_id.clone()))
            .set_post_logout_redirect_uri(back)
            .set_state(CsrfToken::new(handle.to_owned()))
            .set_logout_hint(LogoutHint::new(link.subject.clone()));
        Ok(Some(request.http_get_url().into()))
    }

    async fn read_logout(
        &self,
        notice: &LogoutNotice,
        _callback: &str,
        now: Timestamp,
    ) -> Result<LogoutWord, ProviderError> {
        let LogoutNotice::OidcToken(token) = notice else {
            return Err(malformed("a sign-out of another protocol"));
        };
        logout_token::check_sender(token, self.issuer())?;
        let known = self.discovery.known().await?;
        let judge =
            |known: &Known| logout_token::judge(token, known, &self.client_id, now, self.skew);
        self.judged(&known, judge).await.map(LogoutWord::Request)
    }

    fn metadata(&self, _callback: &str, _logout: &str) -> Option<String> {
        None
    }

    fn issuer(&self) -> &str {
        self.discovery.issuer()
    }

    async fn probe(&self, now: Timestamp) -> Result<Findings, ProviderError> {
        probe::probe(self, now).await
    }
}

/// When the sign-in with this nonce was begun, if it has to be a fresh one.
fn fresh_since(nonce: &str) -> Option<Timestamp> {
    let (_, seconds) = nonce.split_once(FRESH_SINCE)?;
    let seconds: u64 = seconds.parse().ok()?;
    Some(Timestamp::from_millis(seconds.saturating_mul(1000)))
}
