//! What handlers work with: the domain's services and the few facts about ourselves that HTTP needs.

use crate::api::admin::Console;
use crate::api::landing::Landing;
use crate::api::microstrategy;
use crate::api::pages::SignInSite;
use crate::api::refused::Refused;
use crate::api::request_log::{RequestObserver, RequestTracer};
use crate::domain::administration::{AdminError, Administration, WebLimits};
use crate::domain::authn::TrustedAuth;
use crate::domain::directory::{Directory, NameKey, OrgId, User, UserId};
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::login::Login;
use crate::domain::principal::Principal;
use crate::domain::random::Random;
use crate::domain::redirect::{OriginRule, RedirectPolicy};
use crate::domain::session::{Method, SessionStore};
use crate::domain::token::Access;
use actix_web::cookie::Key;
use arc_swap::ArcSwap;
use ipnet::IpNet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The number of no Org.
const NO_ORG: OrgId = OrgId(i64::MIN);

/// Everything handlers use. One per process, shared by its workers.
#[derive(Debug)]
pub struct Services {
    /// The door.
    pub login: Arc<Login>,
    /// Trusted authentication.
    pub trusted: Arc<TrustedAuth>,
    /// Users, groups, Orgs, keys.
    pub directory: Arc<dyn Directory>,
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionStore>,
    /// The acts of administrators.
    pub administration: Arc<Administration>,
    /// Where browsers land that are back from an identity provider.
    pub landings: Vec<&'static dyn Landing>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Who is told of every request that was answered.
    pub requests: Arc<dyn RequestObserver>,
    /// Who makes traces of requests, if anybody.
    pub tracer: Option<Arc<dyn RequestTracer>>,
    /// What the administrators' console looks at.
    pub console: Console,
    /// What we know about ourselves.
    pub site: Site,
    /// Whose pages these are, and by whom one may sign in on them.
    pub sign_in: SignInSite,
    /// What the `MicroStrategy` dialect knows about itself; none when it is not spoken.
    pub microstrategy: Option<microstrategy::Site>,
    /// What the settings say of the things that may change while the server runs.
    pub configured: Live,
    /// The same with what administrators saved on top: what is in force.
    pub live: ArcSwap<Live>,
}

/// What we know about ourselves, from the settings.
pub struct Site {
    /// Our own origins: the public URL's, or those of the listeners.
    pub own_origins: Vec<String>,
    /// The public URL is https: cookies are Secure even where a proxy hands us plain http.
    pub is_public_https: bool,
    /// Whether https is here to stay, so that browsers may insist on it: with a development certificate it is not,
    /// and insisting would pin every server on a developer's `localhost`.
    pub insists_on_https: bool,
    /// Peers whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Signs session cookies.
    pub cookie_key: Key,
    /// `SameSite` of session cookies.
    pub same_site: SameSiteRule,
    /// The largest body read.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive whole.
    pub body_timeout: Duration,
    /// Whether `GET session/login/token` works.
    pub may_login_by_get: bool,
    /// A name for this cluster, shown in `session/info`.
    pub cluster_id: Uuid,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("own_origins", &self.own_origins)
            .finish_non_exhaustive()
    }
}

/// How `SameSite` is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSiteRule {
    /// `None` over https, `Lax` over http.
    Auto,
    /// Always `Lax`.
    Lax,
    /// Always `Strict`.
    Strict,
}

/// What may change while the server runs.
#[derive(Clone, Debug)]
pub struct Live {
    /// Origins whose pages may embed us and read our answers.
    pub embed_origins: Vec<String>,
    /// Origins that may frame our pages besides those.
    pub frame_origins: Vec<String>,
    /// Where we may redirect to.
    pub redirects: RedirectPolicy,
    /// Whether secret keys may mint tokens.
    pub is_trusted_enabled: bool,
    /// Whether cookies over https are `Partitioned`.
    pub is_partitioned: bool,
    /// What of the `MicroStrategy` dialect may change.
    pub web: microstrategy::LiveSite,
}

impl Services {
    /// Puts what administrators saved into force on this node.
    pub async fn refresh_live(&self) -> Result<(), Refused> {
        let settings = self.administration.security_settings().await?;
        let trusted = self.administration.trusted_status().await?;
        let mut live = self.configured.clone();
        live.embed_origins
            .extend(settings.all_cors_origins().cloned());
        live.frame_origins
            .extend(settings.frame_origins.iter().cloned());
        live.is_partitioned = settings.is_partitioned.unwrap_or(live.is_partitioned);
        let listed = live.embed_origins.iter().chain(&settings.redirect_hosts);
        let saved = listed.filter_map(|text| OriginRule::parse(text, "directory").ok());
        live.redirects = live.redirects.with(saved);
        live.is_trusted_enabled &= !trusted.is_server_off;
        self.refresh_web(&mut live).await?;
        self.trusted
            .switch(live.is_trusted_enabled, trusted.orgs_off);
        self.live.store(Arc::new(live));
        Ok(())
    }

    async fn refresh_web(&self, live: &mut Live) -> Result<(), Refused> {
        let Some(site) = &self.microstrategy else {
            return Ok(());
        };
        let saved = self.administration.web_settings().await?;
        // No server starts on such a pair; but another node, with other settings, may save one later.
        let limits = self.web_limits(site);
        let timeout = saved.iserver_timeout;
        let timeout = timeout.filter(|timeout| limits.refusal(*timeout).is_none());
        live.web.iserver_timeout = timeout.unwrap_or(live.web.iserver_timeout);
        if let Some(modes) = saved.login_modes {
            live.web.modes.retain(|mode| modes.contains(mode));
        }
        live.web.default_mode = saved.default_mode.unwrap_or(live.web.default_mode);
        Ok(())
    }

    /// What is wrong with the idle timeout that an administrator saved, if the settings have since been changed so that
    /// it may no longer be.
    pub async fn saved_web_refusal(&self) -> Result<Option<String>, Refused> {
        let Some(site) = &self.microstrategy else {
            return Ok(None);
        };
        let saved = self.administration.web_settings().await?;
        let limits = self.web_limits(site);
        Ok(saved
            .iserver_timeout
            .and_then(|timeout| limits.refusal(timeout)))
    }

    /// What an idle timeout of the `MicroStrategy` dialect has to stay below.
    pub fn web_limits(&self, site: &microstrategy::Site) -> WebLimits {
        WebLimits {
            http_session: site.http_session_timeout,
            absolute: self.login.policy.absolute,
        }
    }

    /// The landing of that name.
    pub fn landing(&self, name: &str) -> Option<&'static dyn Landing> {
        let mut all = self.landings.iter().copied();
        all.find(|landing| landing.name() == name)
    }

    /// Whether a path is the `MicroStrategy` dialect's.
    pub fn is_microstrategy_path(&self, path: &str) -> bool {
        self.microstrategy.as_ref().is_some_and(|site| {
            path.strip_prefix(&site.base_path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// What the `MicroStrategy` dialect knows about itself.
    pub fn microstrategy(&self) -> Result<&microstrategy::Site, Failure> {
        self.microstrategy.as_ref().ok_or(Failure::Internal)
    }

    /// The Org called by number or name; none when none is called.
    pub async fn org_called(&self, called: Option<&str>) -> Result<Option<OrgId>, Refused> {
        let Some(called) = called else {
            return Ok(None);
        };
        match self.administration.require_org(called).await {
            Ok(org) => Ok(Some(org.id)),
            Err(AdminError::Missing { .. }) => {
                Err(Failure::bad("org", "the number or name of an Org").into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The Org asked for by somebody who has proved nothing yet. One that does not exist is refused later, with
    /// those that are out of reach, or anybody could learn by asking which Orgs there are.
    pub async fn org_asked_for(&self, called: Option<&str>) -> Result<Option<OrgId>, Refused> {
        match self.org_called(called).await {
            Err(refused) if matches!(refused.failure, Failure::BadRequest { .. }) => {
                Ok(Some(NO_ORG))
            }
            other => other,
        }
    }

    /// The user called by GUID or name.
    pub async fn user_called(&self, field: &'static str, called: &str) -> Result<User, Refused> {
        let mut found = match Uuid::parse_str(called) {
            Ok(id) => self.find_user_by_id(UserId(id)).await?,
            Err(_) => None,
        };
        if let (None, Ok(key)) = (&found, NameKey::new(called)) {
            found = self.directory.find_user(&key).await?;
        }
        found.ok_or_else(|| Failure::bad(field, "the GUID or name of an existing user").into())
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, Refused> {
        Ok(self.directory.find_user_by_id(id).await?)
    }

    /// The record of whoever is signed in; gone when the user was deleted meanwhile.
    ///
    /// An administrator who came by way of one object or of one Org's key, or as a guest before they were one, is
    /// none here: nobody gets further than what they presented reaches.
    pub async fn require_user(&self, who: &Principal) -> Result<User, Refused> {
        let user = self
            .find_user_by_id(who.user_id)
            .await?
            .ok_or(Failure::Unauthenticated(Unauthenticated::DeadSession))?;
        let reaches_all = who.access == Access::Full && who.method != Some(Method::Guest);
        let is_admin = user.is_admin && reaches_all && !self.is_org_bound(who).await?;
        Ok(User { is_admin, ..user })
    }

    /// Refuses whoever presented less than all of their account, when they act on all of it: one object, some Orgs,
    /// the key of an Org, or a guest's session, which is many people's.
    pub async fn require_whole_account(&self, who: &Principal) -> Result<(), Refused> {
        let is_whole = who.access == Access::Full
            && who.reach.is_empty()
            && who.method != Some(Method::Guest)
            && !self.is_org_bound(who).await?;
        if is_whole {
            return Ok(());
        }
        Err(Failure::forbidden(
            "this is about everything of the user, and what was presented is limited, to one object or to an Org; \
             sign in without such a limit",
        )
        .into())
    }

    /// Whether a key that is good for one Org is behind what was presented.
    async fn is_org_bound(&self, who: &Principal) -> Result<bool, Refused> {
        let Some(id) = who.secret_key() else {
            return Ok(false);
        };
        let keys = self.directory.list_keys().await?;
        // A key that is gone vouches for nothing.
        Ok(keys
            .iter()
            .find(|key| key.id == id)
            .is_none_or(|key| key.org.is_some()))
    }

    /// Whether whoever is signed in administers the whole server, as far as what they presented reaches.
    pub async fn is_admin(&self, who: &Principal) -> Result<bool, Refused> {
        Ok(self.require_user(who).await?.is_admin)
    }

    /// Whether pages of that origin may read our answers.
    pub fn is_embed_origin(&self, origin: &str) -> bool {
        self.live
            .load()
            .embed_origins
            .iter()
            .any(|allowed| allowed == origin)
    }

    /// Whether that origin is ourselves.
    pub fn is_own_origin(&self, origin: &str) -> bool {
        self.site.own_origins.iter().any(|own| own == origin)
    }
}
