//! Security settings that an administrator saves while the server runs. They add to the configured ones and
//! never replace them.

use crate::domain::administration::{Actor, AdminError, Administration};
use crate::domain::directory::{OrgId, SavedSettings};
use crate::domain::failure::StoreError;
use crate::domain::redirect::{Origin, OriginRule};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where they are saved.
const SAVED: &str = "security_settings";
/// The most text all origins of one list have together, as the vendor documents it.
const MAX_LIST_BYTES: usize = 4_096;

/// What was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecuritySettings {
    /// Whether cookies over https are `Partitioned`; none leaves the configured value.
    pub is_partitioned: Option<bool>,
    /// Origins whose pages may read our answers and embed us.
    pub cors_origins: Vec<String>,
    /// The same, kept for one Org. A preflight names no Org, so in effect they count for all.
    pub org_cors_origins: BTreeMap<OrgId, Vec<String>>,
    /// Origins that may frame us.
    pub frame_origins: Vec<String>,
    /// Hosts that redirects may go to, over https.
    pub redirect_hosts: Vec<String>,
}

impl SecuritySettings {
    /// What was saved last.
    pub async fn load(saved: &dyn SavedSettings) -> Result<Self, StoreError> {
        let Some(text) = saved.get(SAVED).await? else {
            return Ok(Self::default());
        };
        let value: Value = serde_json::from_str(&text).map_err(StoreError::corrupt)?;
        let list = |value: &Value| -> Vec<String> {
            let items = value.as_array().into_iter().flatten();
            items
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        let orgs = value["org_cors_origins"].as_object().into_iter().flatten();
        Ok(Self {
            is_partitioned: value["is_partitioned"].as_bool(),
            cors_origins: list(&value["cors_origins"]),
            org_cors_origins: orgs
                .filter_map(|(org, origins)| Some((OrgId(org.parse().ok()?), list(origins))))
                .collect(),
            frame_origins: list(&value["frame_origins"]),
            redirect_hosts: list(&value["redirect_hosts"]),
        })
    }

    fn text(&self) -> String {
        let orgs: BTreeMap<String, &Vec<String>> = self
            .org_cors_origins
            .iter()
            .map(|(org, origins)| (org.to_string(), origins))
            .collect();
        json!({
            "is_partitioned": self.is_partitioned,
            "cors_origins": self.cors_origins,
            "org_cors_origins": orgs,
            "frame_origins": self.frame_origins,
            "redirect_hosts": self.redirect_hosts,
        })
        .to_string()
    }

    /// Every origin whose pages may read our answers.
    pub fn all_cors_origins(&self) -> impl Iterator<Item = &String> {
        self.cors_origins
            .iter()
            .chain(self.org_cors_origins.values().flatten())
    }
}

/// Origins as browsers send them, or which entry is none and why. Without a scheme an entry means https.
pub fn normal_origins(field: &'static str, entries: &[String]) -> Result<Vec<String>, AdminError> {
    check_size(field, entries)?;
    let mut origins = Vec::new();
    for entry in entries.iter().map(|entry| entry.trim()) {
        let text = if entry.contains("://") {
            entry.to_owned()
        } else {
            format!("https://{entry}")
        };
        let refused = |why: &str| {
            let entry: String = entry.chars().take(100).collect();
            let expected = format!("origins such as https://app.example.com; \"{entry}\": {why}");
            AdminError::field(field, expected)
        };
        // What sandboxed frames and files send: to list it would let any page in.
        if entry.eq_ignore_ascii_case("null") {
            return Err(refused("null is no site's origin"));
        }
        let origin = Origin::parse(&text).map_err(|error| refused(&error.to_string()))?;
        let origin = origin.to_string();
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

/// Host names without scheme or port, one label of wildcard allowed, or which entry is none and why.
pub fn normal_hosts(field: &'static str, entries: &[String]) -> Result<Vec<String>, AdminError> {
    check_size(field, entries)?;
    let mut hosts = Vec::new();
    for entry in entries.iter().map(|entry| entry.trim().to_lowercase()) {
        let is_bare = !entry.contains(['/', ':', '@', '?', '#']);
        if !is_bare || OriginRule::parse(&entry, "directory").is_err() {
            let entry: String = entry.chars().take(100).collect();
            let expected = format!("host names without scheme, port or path; \"{entry}\" is none");
            return Err(AdminError::field(field, expected));
        }
        if !hosts.contains(&entry) {
            hosts.push(entry);
        }
    }
    Ok(hosts)
}

fn check_size(field: &'static str, entries: &[String]) -> Result<(), AdminError> {
    let total: usize = entries.iter().map(|entry| entry.len() + 1).sum();
    if total > MAX_LIST_BYTES {
        return Err(AdminError::field(
            field,
            format!("at most {MAX_LIST_BYTES} characters in all"),
        ));
    }
    Ok(())
}

impl Administration {
    /// What was saved last.
    pub async fn security_settings(&self) -> Result<SecuritySettings, AdminError> {
        let saved: &dyn SavedSettings = &*self.directory;
        Ok(SecuritySettings::load(saved).await?)
    }

    /// Saves security settings, over those saved before. The lists must be normal: see [`normal_origins`].
    pub async fn save_security_settings(
        &self,
        settings: &SecuritySettings,
        by: &Actor,
    ) -> Result<(), AdminError> {
        self.directory.set(SAVED, &settings.text()).await?;
        self.changed("security_settings_saved", "server", by);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(entries: &[&str]) -> Result<Vec<String>, AdminError> {
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        normal_origins("cors", &entries)
    }

    #[test]
    fn an_entry_without_a_scheme_means_https() {
        let read = origins(&[
            "App.Example.com",
            "http://localhost:3000",
            "https://app.example.com:443",
        ]);
        assert_eq!(
            read.unwrap(),
            ["https://app.example.com", "http://localhost:3000"]
        );
    }

    #[test]
    fn case_48_wildcards_paths_and_opaque_origins_are_refused() {
        for bad in [
            "*",
            "*.example.com",
            ".*",
            "null",
            "https://a/b",
            "https://u@a",
            "ftp://a",
            "",
        ] {
            assert!(origins(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wildcard_is_not_recommended_where_it_is_refused() {
        let refused = origins(&["https://*.example.com"]).unwrap_err().to_string();
        assert!(
            refused.contains("each origin is written in full"),
            "{refused}"
        );
        assert_eq!(refused.matches("*.").count(), 1, "{refused}");
    }

    #[test]
    fn redirect_hosts_are_bare() {
        let hosts = |text: &str| normal_hosts("hosts", &[text.to_owned()]);
        assert_eq!(hosts("App.Example.com").unwrap(), ["app.example.com"]);
        assert_eq!(hosts("192.0.2.7").unwrap(), ["192.0.2.7"]);
        for bad in ["https://a.com", "a.com:8443", "a.com/b", "a@b", ""] {
            assert!(hosts(bad).is_err(), "{bad}");
        }
    }
}
