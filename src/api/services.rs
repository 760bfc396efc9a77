//! What handlers work with: the domain's services and the few facts about ourselves that HTTP needs.

use crate::domain::administration::Administration;
use crate::domain::authn::TrustedAuth;
use crate::domain::directory::Directory;
use crate::domain::login::Login;
use crate::domain::random::Random;
use crate::domain::redirect::RedirectPolicy;
use crate::domain::session::SessionStore;
use actix_web::cookie::Key;
use arc_swap::ArcSwap;
use ipnet::IpNet;
use std::fmt;
use std::sync::Arc;

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
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// What we know about ourselves.
    pub site: Site,
    /// What may change while the server runs.
    pub live: ArcSwap<Live>,
}

/// What we know about ourselves, from the settings.
pub struct Site {
    /// Our own origins: the public URL's, or those of the listeners.
    pub own_origins: Vec<String>,
    /// The public URL is https: cookies are Secure even where a proxy hands us plain http.
    pub is_public_https: bool,
    /// Peers whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Signs session cookies.
    pub cookie_key: Key,
    /// `SameSite` of session cookies.
    pub same_site: SameSiteRule,
    /// The largest body read.
    pub max_body_bytes: usize,
    /// Whether `GET session/login/token` works.
    pub may_login_by_get: bool,
    /// A name for this cluster, shown in `session/info`.
    pub cluster_id: uuid::Uuid,
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
    /// Where we may redirect to.
    pub redirects: RedirectPolicy,
    /// Whether cookies over https are `Partitioned`.
    pub is_partitioned: bool,
}

impl Services {
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
