//! A company's LDAP directory as the judge of passwords: several servers, each asked within a bounded time.
//!
//! One attempt is one conversation on a connection of its own, so that no password is ever judged on a line on
//! which somebody else is signed in. The server that answered last is asked first; the next one is asked when it does not
//! answer, and never because it refused a password: that would double every count towards a lock there.

mod connection;
mod conversation;

use crate::domain::authn::{DirectoryServer, LdapAnswer, is_sendable};
use crate::domain::failure::StoreError;
use crate::settings::{Ldap, LdapUserSetting};
use crate::stores::ldap::connection::{Connection, Problem};
use crate::trust;
use anyhow::{Context, anyhow, ensure};
use async_trait::async_trait;
use ldap3::LdapConnSettings;
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time;
use url::Url;

/// Conversations at a time, so that a flood of logins does not become one of connections.
const AT_A_TIME: usize = 32;

/// The servers of `[ldap]`.
pub struct LdapServers {
    plan: Arc<Plan>,
    /// Which server answered last.
    preferred: AtomicUsize,
    turns: Semaphore,
}

/// What every conversation needs.
struct Plan {
    urls: Vec<Url>,
    start_tls: bool,
    tls: Arc<ClientConfig>,
    service: Option<(String, SecretString)>,
    users: LdapUserSetting,
    group_base: Option<String>,
    group_filter: String,
    username_attribute: String,
    display_name_attribute: Option<String>,
    email_attribute: Option<String>,
    timeout: Duration,
}

impl fmt::Debug for LdapServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = self.plan.urls.iter().map(Url::as_str);
        f.debug_struct("LdapServers")
            .field("urls", &urls.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl LdapServers {
    /// Reads what the settings name; connects to nothing yet.
    pub fn open(settings: &Ldap) -> anyhow::Result<Self> {
        ensure!(!settings.urls.is_empty(), "ldap.urls: expected a server");
        if let LdapUserSetting::Search { filter, .. } = &settings.users {
            check_filter("ldap.user_filter", filter)?;
        }
        check_filter("ldap.group_filter", &settings.group_filter)?;
        let tls = trust::client(settings.ca_file.as_deref()).context("ldap.ca_file")?;
        let dn = settings.bind_dn.clone();
        Ok(Self {
            plan: Arc::new(Plan {
                urls: settings.urls.clone(),
                start_tls: settings.start_tls,
                tls: Arc::new(tls),
                service: dn.zip(settings.bind_password.clone()),
                users: settings.users.clone(),
                group_base: settings.group_base.clone(),
                group_filter: settings.group_filter.clone(),
                username_attribute: settings.username_attribute.clone(),
                display_name_attribute: settings.display_name_attribute.clone(),
                email_attribute: settings.email_attribute.clone(),
                timeout: settings.timeout,
            }),
            preferred: AtomicUsize::new(0),
            turns: Semaphore::new(AT_A_TIME),
        })
    }

    /// Asks every server whether it is there, lets `bind_dn` in and has the bases; the answers by URL.
    pub async fn check(&self) -> Vec<(String, Result<(), String>)> {
        let mut found = Vec::with_capacity(self.plan.urls.len());
        for (at, url) in self.plan.urls.iter().enumerate() {
            let plan = Arc::clone(&self.plan);
            let outcome = within(self.plan.timeout, async move {
                let mut line = plan.connect(at).await?;
                plan.look_around(&mut line).await
            })
            .await;
            let outcome = outcome.map_err(|problem| problem.to_string());
            found.push((url.to_string(), outcome));
        }
        found
    }
}

#[async_trait]
impl DirectoryServer for LdapServers {
    async fn authenticate(
        &self,
        name: &str,
        password: &SecretString,
    ) -> Result<LdapAnswer, StoreError> {
        // Asked again here, where an empty password would do its harm.
        if !is_sendable(password.expose_secret()) {
            return Ok(LdapAnswer::WrongPassword);
        }
        let Ok(Ok(_turn)) = time::timeout(self.plan.timeout, self.turns.acquire()).await else {
            return Err(StoreError::unavailable(anyhow!(
                "{AT_A_TIME} logins wait for the LDAP servers already"
            )));
        };
        let servers = self.plan.urls.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let mut last = Problem::new("no server is configured");
        for at in (0..servers).map(|step| (first + step) % servers) {
            let plan = Arc::clone(&self.plan);
            let (name, password) = (name.to_owned(), password.clone());
            let answer = within(self.plan.timeout, async move {
                let mut line = plan.connect(at).await?;
                plan.judge(&mut line, &name, &password).await
            });
            match answer.await {
                Ok(answer) => {
                    self.preferred.store(at, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(problem) => {
                    let server = &self.plan.urls[at];
                    tracing::warn!(%server, %problem, "an LDAP server could not judge a login");
                    last = problem;
                }
            }
        }
        Err(StoreError::unavailable(anyhow!(
            "no LDAP server could judge the login; the last said: {last}"
        )))
    }
}

impl Plan {
    async fn connect(&self, at: usize) -> Result<Connection, Problem> {
        let settings = LdapConnSettings::new()
            .set_starttls(self.start_tls)
            .set_config(Arc::clone(&self.tls));
        Connection::open(settings, &self.urls[at]).await
    }
}

/// Runs one conversation in a task of its own, which ends with this future: the client library panics over answers that
/// break the protocol, and that must cost one login only.
async fn within<T: Send + 'static>(
    limit: Duration,
    conversation: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let mut task = JoinSet::new();
    task.spawn(conversation);
    match time::timeout(limit, task.join_next()).await {
        Ok(Some(Ok(outcome))) => outcome,
        Ok(_) => Err(Problem::new("its answer breaks the protocol")),
        Err(_) => Err(Problem::new(format!("no answer within {limit:?}"))),
    }
}

/// Whether the client can read the filter once a name is in it.
fn check_filter(key: &str, filter: &str) -> anyhow::Result<()> {
    let filled = conversation::fill(filter, &[("{dn}", "cn=x"), ("{}", "x")]);
    let is_good = ldap3::parse_filter(&filled).is_ok();
    ensure!(
        is_good,
        "{key} = {filter:?}: expected a filter such as (uid={{}})"
    );
    Ok(())
}
