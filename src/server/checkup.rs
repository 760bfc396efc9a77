//! What only the whole server can look at: the session store's clock, the LDAP servers, and what a restart would find.

use crate::api::admin::{Checkup, Finding};
use crate::domain::clock::Clock;
use crate::server::preflight::{Verdict, look};
use crate::settings::{Loaded, Settings};
use crate::stores::{Stores, check_ldap};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long anybody may take to answer before they count as away.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nodes whose clocks differ by more disagree noticeably on when a session ends.
const MOST_APART: Duration = Duration::from_secs(1);

/// Looks at this server.
#[derive(Debug)]
pub struct ServerCheckup {
    /// The settings it runs with.
    pub settings: Settings,
    /// Where these came from; none in a server put together by hand.
    pub loaded: Option<Loaded>,
    /// The stores.
    pub stores: Stores,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Checkup for ServerCheckup {
    async fn examine(&self) -> Vec<Finding> {
        let (clock, ldap, ahead) = tokio::join!(self.clock(), self.ldap(), self.next_start());
        let mut all = vec![Finding {
            what: "clock".to_owned(),
            found: clock,
        }];
        all.extend(ldap);
        all.extend(ahead);
        if let Some(loaded) = self.loaded.clone() {
            // The file may lie where reading takes its time.
            let found = tokio::task::spawn_blocking(move || restart(&loaded)).await;
            all.push(Finding {
                what: "settings".to_owned(),
                found: found.unwrap_or_else(|error| Err(error.to_string())),
            });
        }
        all
    }
}

impl ServerCheckup {
    /// What the settings name as they stand now: files may be others by now, and so may the settings.
    async fn next_start(&self) -> Vec<Finding> {
        let loaded = self.loaded.clone();
        let again = tokio::task::spawn_blocking(move || loaded?.again().ok());
        let again = again.await.ok().flatten();
        let settings = again.map_or_else(|| self.settings.clone(), |again| again.settings);
        let looks = look(&settings, self.clock.now()).await.into_iter();
        looks
            .map(|look| Finding {
                what: match look.what {
                    // The stores of today have rows of their own.
                    "sessions.store" | "directory.store" => format!("{} (next start)", look.what),
                    _ => look.what.to_owned(),
                },
                found: match look.verdict {
                    Verdict::Good => Ok(vec![look.words]),
                    Verdict::Worry | Verdict::Bad => Err(look.words),
                },
            })
            .collect()
    }

    async fn clock(&self) -> Result<Vec<String>, String> {
        let store = tokio::time::timeout(PATIENCE, self.stores.time()).await;
        let store = store.map_err(|_late| "the session store did not tell the time".to_owned())?;
        let store = store.map_err(|error| error.to_string())?;
        let Some(store) = store else {
            return Ok(vec![
                "this machine's own; no other node shares its sessions".to_owned(),
            ]);
        };
        let own = self.clock.now();
        let apart = own.since(store).max(store.since(own));
        let line = format!("{} ms from the session store's", apart.as_millis());
        if apart > MOST_APART {
            return Err(line);
        }
        Ok(vec![line])
    }

    async fn ldap(&self) -> Vec<Finding> {
        let one = |what: String, found| Finding { what, found };
        let found = tokio::time::timeout(PATIENCE, check_ldap(&self.settings)).await;
        match found {
            Ok(Ok(servers)) => servers
                .into_iter()
                .map(|(server, answer)| one(server, answer.map(|()| vec!["ready".to_owned()])))
                .collect(),
            Ok(Err(error)) => vec![one("ldap".to_owned(), Err(format!("{error:#}")))],
            Err(_late) => {
                let why = "no answer within 5 seconds".to_owned();
                vec![one("ldap".to_owned(), Err(why))]
            }
        }
    }
}

/// Whether the server would start again, and what would be different.
fn restart(loaded: &Loaded) -> Result<Vec<String>, String> {
    let now = loaded.again().map_err(|error| error.to_string())?;
    let before: BTreeMap<_, _> = values(loaded);
    let after = values(&now);
    let differs = |key: &&String| before.get(*key) != after.get(*key);
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).filter(differs).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(vec!["good, and as they were at the start".to_owned()]);
    }
    let change = |key: &&String| format!("{key} changes at the next start");
    Ok(keys.iter().map(change).collect())
}

fn values(loaded: &Loaded) -> BTreeMap<String, String> {
    let shown = loaded.show().into_iter();
    shown.map(|one| (one.key, one.value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Sources;

    #[test]
    fn a_changed_file_is_told_and_a_wrong_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("v.toml");
        std::fs::write(&file, "[sessions]\nidle_timeout = \"20m\"\n").unwrap();
        let loaded = Loaded::load(&Sources {
            config_file: Some(file.clone()),
            ..Sources::default()
        });
        let loaded = loaded.unwrap();
        assert!(restart(&loaded).unwrap()[0].contains("as they were"));
        std::fs::write(&file, "[sessions]\nidle_timeout = \"25m\"\n").unwrap();
        let told = restart(&loaded).unwrap();
        assert_eq!(told, ["sessions.idle_timeout changes at the next start"]);
        std::fs::write(&file, "[sessions]\nidle_timeout = \"soon\"\n").unwrap();
        assert!(
            restart(&loaded)
                .unwrap_err()
                .contains("sessions.idle_timeout")
        );
    }
}
