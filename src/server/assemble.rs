//! From settings to services: puts the domain together.

use crate::api::admin::AuditHistory;
use crate::api::landings;
use crate::api::microstrategy;
use crate::api::request_log::RequestObserver;
use crate::api::services::{Live, SameSiteRule, Services, Site};
use crate::domain::administration::{Administration, AdministrationParts};
use crate::domain::audit::AuditSink;
use crate::domain::authn::{
    GroupRule, HashCost, KeySealer, LdapAuth, LdapParts, LdapPolicy, PasswordPool, PoolObserver,
    PoolOptions, Settler, TrustedAuth, TrustedParts, TrustedPolicy,
};
use crate::domain::clock::Clock;
use crate::domain::directory::{NameKey, OrgId};
use crate::domain::login::{Login, SessionPolicy};
use crate::domain::random::Random;
use crate::domain::session::{AtLimit, BlockIds, SessionLimit};
use crate::domain::throttle::Throttle;
use crate::domain::token::{TokenLifetime, TokenMint, TokenReuse};
use crate::server::addresses::{Addresses, redirect_policy};
use crate::server::console::console;
use crate::server::meters::Meters;
use crate::server::pages::sign_in_site;
use crate::server::preflight::guest_user;
use crate::server::priority::yield_to_others;
use crate::server::secrets::Secrets;
use crate::server::sso::single_sign_on;
use crate::settings::{
    AtLimitSetting, Loaded, LoginMode, Passwords, SameSite, Settings, SsoProtocol,
    TokenLifetimeSetting, TokenReuseSetting,
};
use crate::stores::Stores;
use actix_web::http::header::HeaderName;
use anyhow::Context;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// What everything is built on.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where audit events go.
    pub audit: Arc<dyn AuditSink>,
    /// Where the latest of them are to be read.
    pub history: Arc<dyn AuditHistory>,
    /// The settings with their sources, as far as they may be shown.
    pub loaded: Option<Loaded>,
    /// Where things are kept.
    pub stores: Stores,
    /// What is counted and measured.
    pub meters: Arc<Meters>,
}

/// How many passwords are hashed at a time under those settings: unless they say, one core is left for everything else.
pub fn hashes_at_a_time(settings: &Passwords) -> usize {
    match settings.hash_at_a_time {
        0 => std::thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1)),
        n => n,
    }
}

fn password_pool(settings: &Settings, ground: &Ground) -> anyhow::Result<PasswordPool> {
    let passwords = &settings.passwords;
    let at_a_time = hashes_at_a_time(passwords);
    ground.meters.password_slots(at_a_time);
    Ok(PasswordPool::with(PoolOptions {
        at_a_time,
        queue: passwords.queue,
        cost: HashCost {
            memory_kib: u32::try_from(passwords.memory_kib)?,
            iterations: u32::try_from(passwords.iterations)?,
            lanes: u32::try_from(passwords.lanes)?,
        },
        observer: Some(Arc::clone(&ground.meters) as Arc<dyn PoolObserver>),
        at_start: Some(yield_to_others),
    })?)
}

/// The administrator's acts alone: what the command line needs when no server runs.
pub async fn administration(
    settings: &Settings,
    ground: &Ground,
) -> anyhow::Result<Administration> {
    let secrets = Secrets::load(ground).await?;
    Ok(build_administration(
        ground,
        &secrets,
        password_pool(settings, ground)?,
    ))
}

fn build_administration(
    ground: &Ground,
    secrets: &Secrets,
    passwords: PasswordPool,
) -> Administration {
    Administration::new(AdministrationParts {
        directory: Arc::clone(&ground.stores.directory),
        sessions: Arc::clone(&ground.stores.sessions),
        tokens: Arc::clone(&ground.stores.tokens),
        revocations: Arc::clone(&ground.stores.revocations),
        passwords,
        keys: Arc::clone(&secrets.keys),
        sealer: KeySealer::new(secrets.seal_key.clone()),
        audit: Arc::clone(&ground.audit),
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
        tag_key: secrets.tag_key.clone(),
    })
}

/// Every service, for a server that listens on `addresses`.
pub async fn services(
    settings: &Settings,
    ground: &Ground,
    addresses: &Addresses,
) -> anyhow::Result<Services> {
    let secrets = Secrets::load(ground).await?;
    let passwords = password_pool(settings, ground)?;
    let administration = build_administration(ground, &secrets, passwords.clone());
    let trusted = Arc::new(TrustedAuth::new(TrustedParts {
        directory: Arc::clone(&ground.stores.directory),
        tokens: Arc::clone(&ground.stores.tokens),
        sessions: Arc::clone(&ground.stores.sessions),
        audit: Arc::clone(&ground.audit),
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
        mint: TokenMint::new(secrets.token_key.clone()),
        keys: Arc::clone(&secrets.keys),
        tag_key: secrets.tag_key.clone(),
        policy: TrustedPolicy {
            lifetime: match settings.tokens.lifetime {
                TokenLifetimeSetting::Compat => TokenLifetime::UntilSuperseded,
                TokenLifetimeSetting::Fixed(lifetime) => TokenLifetime::Fixed(lifetime),
            },
            max_age: settings.tokens.max_age,
            reuse: match settings.tokens.reuse {
                TokenReuseSetting::Many => TokenReuse::Many,
                TokenReuseSetting::Once => TokenReuse::Once,
            },
        },
        is_enabled: settings.trusted_auth.enabled,
    }));
    let login = Arc::new(Login {
        sso: single_sign_on(settings, ground)?,
        revocations: Arc::clone(&ground.stores.revocations),
        settler: Settler {
            directory: Arc::clone(&ground.stores.directory),
            audit: Arc::clone(&ground.audit),
            clock: Arc::clone(&ground.clock),
            random: Arc::clone(&ground.random),
        },
        directory: Arc::clone(&ground.stores.directory),
        sessions: Arc::clone(&ground.stores.sessions),
        trusted: Arc::clone(&trusted),
        passwords,
        ldap: ldap(settings, ground)?,
        throttle: Throttle::new(
            Arc::clone(&ground.stores.throttle),
            Arc::clone(&ground.clock),
            secrets.tag_key.clone(),
        ),
        audit: Arc::clone(&ground.audit),
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
        policy: SessionPolicy {
            idle: settings.sessions.idle_timeout,
            absolute: settings.sessions.absolute_timeout,
            remembered: settings.sessions.remember_for,
            limit: session_limit(settings),
        },
    });
    let configured = live(settings, addresses)?;
    let services = Services {
        login,
        trusted,
        administration: Arc::new(administration),
        directory: Arc::clone(&ground.stores.directory),
        sessions: Arc::clone(&ground.stores.sessions),
        random: Arc::clone(&ground.random),
        landings: landings(),
        microstrategy: microstrategy_site(settings, &secrets)?,
        site: site(settings, secrets, addresses),
        sign_in: sign_in_site(settings)?,
        requests: Arc::clone(&ground.meters) as Arc<dyn RequestObserver>,
        tracer: None,
        console: console(settings, ground, addresses)?,
        live: ArcSwap::from_pointee(configured.clone()),
        configured,
    };
    services
        .refresh_live()
        .await
        .map_err(|refused| anyhow::anyhow!("the saved security settings: {}", refused.cause()))?;
    judge_web(&services).await?;
    Ok(services)
}

/// Refuses a start with a saved timeout that the settings no longer allow.
async fn judge_web(services: &Services) -> anyhow::Result<()> {
    let refusal = services.saved_web_refusal().await;
    let refusal =
        refusal.map_err(|refused| anyhow::anyhow!("the saved timeout: {}", refused.cause()))?;
    if let Some(refusal) = refusal {
        anyhow::bail!(
            "maxWebConnectionIdleTime, which an administrator saved: {refusal}; raise the setting, or start with it as \
             it was and save a shorter one"
        );
    }
    Ok(())
}

/// Warns of a guest whom nobody can be. On the very first start there are users only after the bootstrap.
pub async fn warn_of_guest(settings: &Settings, services: &Services) -> anyhow::Result<()> {
    let Some(guest) = guest_user(settings) else {
        return Ok(());
    };
    let Some(user) = services.directory.find_user(&guest).await? else {
        tracing::warn!(
            user = settings.microstrategy.guest_user,
            "microstrategy.guest_user names nobody, so guests are refused: make that user, or name another"
        );
        return Ok(());
    };
    if services.login.administers(&user).await? {
        tracing::warn!(
            user = user.name,
            "microstrategy.guest_user is an administrator, so guests are refused: name a user without rights"
        );
    }
    Ok(())
}

/// Signing in by LDAP, where the settings name servers.
fn ldap(settings: &Settings, ground: &Ground) -> anyhow::Result<Option<LdapAuth>> {
    let Some(server) = &ground.stores.ldap else {
        return Ok(None);
    };
    let mut groups = Vec::new();
    for rule in &settings.ldap.group_map {
        NameKey::new(&rule.group)
            .with_context(|| format!("ldap.group_map: the group {:?}", rule.group))?;
        groups.push(GroupRule {
            ldap: rule.ldap.clone(),
            group: rule.group.clone(),
        });
    }
    Ok(Some(LdapAuth::new(LdapParts {
        server: Arc::clone(server),
        policy: LdapPolicy {
            creates_users: settings.ldap.create_users,
            org: OrgId(settings.ldap.org),
            groups,
        },
        directory: Arc::clone(&ground.stores.directory),
        audit: Arc::clone(&ground.audit),
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
    })))
}

/// 0 in the settings is no limit.
fn session_limit(settings: &Settings) -> Option<SessionLimit> {
    (settings.sessions.max_per_user > 0).then_some(SessionLimit {
        most: settings.sessions.max_per_user,
        at_limit: match settings.sessions.at_limit {
            AtLimitSetting::Evict => AtLimit::Evict,
            AtLimitSetting::Refuse => AtLimit::Refuse,
        },
    })
}

fn site(settings: &Settings, secrets: Secrets, addresses: &Addresses) -> Site {
    Site {
        own_origins: addresses.own_origins(settings),
        is_public_https: settings
            .server
            .public_url
            .as_ref()
            .is_some_and(|url| url.scheme() == "https"),
        insists_on_https: settings.server.tls_cert_file.is_some()
            || settings
                .server
                .public_url
                .as_ref()
                .is_some_and(|url| url.scheme() == "https"),
        trusted_proxies: settings.server.trusted_proxies.clone(),
        cookie_key: secrets.cookie_key,
        same_site: match settings.cookies.same_site {
            SameSite::Auto => SameSiteRule::Auto,
            SameSite::Lax => SameSiteRule::Lax,
            SameSite::Strict => SameSiteRule::Strict,
        },
        max_body_bytes: settings.server.max_body_bytes,
        body_timeout: settings.server.body_timeout,
        may_login_by_get: settings.tokens.login_by_get,
        cluster_id: secrets.cluster_id,
    }
}

fn live(settings: &Settings, addresses: &Addresses) -> anyhow::Result<Live> {
    Ok(Live {
        embed_origins: settings.embed.origins.clone(),
        frame_origins: Vec::new(),
        is_trusted_enabled: settings.trusted_auth.enabled,
        redirects: redirect_policy(settings, addresses)?,
        is_partitioned: settings.cookies.partitioned,
        web: microstrategy::LiveSite {
            iserver_timeout: settings.microstrategy.iserver_session_timeout,
            modes: login_modes(settings),
            default_mode: login_modes(settings).first().copied().unwrap_or(1),
        },
    })
}

/// The numbers of the login modes that are switched on; those that ask somebody else are none without anybody to ask.
fn login_modes(settings: &Settings) -> Vec<i64> {
    let has_provider = |protocol| settings.sso.iter().any(|one| one.protocol == protocol);
    let is_usable = |mode: &&LoginMode| match mode {
        LoginMode::Ldap => !settings.ldap.urls.is_empty(),
        LoginMode::Saml => has_provider(SsoProtocol::Saml),
        LoginMode::Oidc => has_provider(SsoProtocol::Oidc),
        _ => true,
    };
    let usable = settings.microstrategy.login_modes.iter().filter(is_usable);
    usable.map(|mode| mode.number()).collect()
}

/// None when the dialect is not spoken.
fn microstrategy_site(
    settings: &Settings,
    secrets: &Secrets,
) -> anyhow::Result<Option<microstrategy::Site>> {
    let own = &settings.microstrategy;
    if !own.enabled {
        return Ok(None);
    }
    let header = own.trusted_header.as_deref().map(HeaderName::try_from);
    Ok(Some(microstrategy::Site {
        base_path: own.base_path.clone(),
        ids: Arc::new(BlockIds::new(secrets.web_key.clone())),
        http_session_timeout: own.http_session_timeout,
        version: own.iserver_version.clone(),
        guest_user: own.guest_user.clone(),
        trusted_header: header.transpose()?,
        api_token_lifetime: own.api_token_lifetime,
        modes: login_modes(settings),
    }))
}
