//! What of a setting may be shown.

/// Stands in for what may not be shown.
const MASK: &str = "***";

/// The text of a setting as it may be shown: masked when it is a secret or carries one.
pub(in crate::settings) fn shown(key: &str, text: &str) -> String {
    match key {
        "bootstrap.admin_password"
        | "bootstrap.secret_key"
        | "ldap.bind_password"
        | "sessions.sentinel_password"
            if !text.is_empty() =>
        {
            MASK.to_owned()
        }
        "sessions.store" | "directory.store" | "directory.copy_to" | "telemetry.otlp_endpoint" => {
            mask_url(text)
        }
        key if key.ends_with(".client_secret") && !text.is_empty() => MASK.to_owned(),
        _ => text.to_owned(),
    }
}

/// A URL without its password and query. Works on damaged ones too, which are the ones that get printed.
fn mask_url(text: &str) -> String {
    let (text, query) = text
        .split_once('?')
        .map_or((text, ""), |(text, _)| (text, "?***"));
    // The last `@`: a password may hold one that nobody escaped.
    let Some((before, host)) = text.rsplit_once('@') else {
        return format!("{text}{query}");
    };
    let (scheme, credentials) = before
        .split_once("://")
        .map_or(("", before), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let user = credentials
        .split_once(':')
        .map_or_else(String::new, |(user, _)| format!("{user}:"));
    format!("{scheme}{separator}{user}{MASK}@{host}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_56_a_password_in_a_redis_url_never_shows() {
        for (url, masked) in [
            ("embedded", "embedded"),
            ("redis://host:6379/1", "redis://host:6379/1"),
            ("redis://:pw@host", "redis://:***@host"),
            ("rediss://user:p@w@host/0", "rediss://user:***@host/0"),
            ("redis://token@host", "redis://***@host"),
            ("user:pw@host", "user:***@host"),
            ("redis://host?password=pw", "redis://host?***"),
            (
                "redis-sentinel://u:p@w@a:1,b:2/m/0",
                "redis-sentinel://u:***@a:1,b:2/m/0",
            ),
            ("rediss-cluster://u:pw@a,b", "rediss-cluster://u:***@a,b"),
        ] {
            assert_eq!(shown("sessions.store", url), masked);
            assert_eq!(shown("directory.store", url), masked);
            assert_eq!(shown("directory.copy_to", url), masked);
        }
        assert_eq!(shown("bootstrap.secret_key", "pw"), "***");
        assert_eq!(shown("bootstrap.secret_key", ""), "");
        assert_eq!(shown("sessions.sentinel_password", "pw"), "***");
        assert_eq!(shown("sso.corp.client_secret", "pw"), "***");
    }
}
