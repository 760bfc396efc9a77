//! Where somebody was going when they had to sign in: judged before the form is shown and again before it is left.

use crate::domain::redirect::RedirectPolicy;
use url::Url;

/// A place this server may send a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The `Location`: a path of ours, or a whole URL.
    pub location: String,
    /// The same as a whole URL.
    pub absolute: String,
    /// Its origin, when it is not ours: the form's policy has to let the redirect through.
    pub foreign_origin: Option<String>,
}

impl Target {
    /// The target as it was asked for; none when this server may not send anybody there.
    ///
    /// A path is judged as the URL it is to the browser that asks: one rule for both spellings.
    pub fn read(text: &str, own_origin: &str, policy: &RedirectPolicy) -> Option<Self> {
        if !text.starts_with('/') {
            let location = policy.check(text).ok()?.location().to_owned();
            let origin = Url::parse(&location).ok()?.origin().ascii_serialization();
            return Some(Self {
                absolute: location.clone(),
                location,
                foreign_origin: (origin != own_origin).then_some(origin),
            });
        }
        // `//host` would be another server.
        if text.starts_with("//") {
            return None;
        }
        let safe = policy.check(&format!("{own_origin}{text}")).ok()?;
        let absolute = safe.location().to_owned();
        Some(Self {
            location: absolute.strip_prefix(own_origin)?.to_owned(),
            absolute,
            foreign_origin: None,
        })
    }

    /// A path of our own that needs no judging.
    pub fn own(path: &'static str, own_origin: &str) -> Self {
        Self {
            location: path.to_owned(),
            absolute: format!("{own_origin}{path}"),
            foreign_origin: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::redirect::OriginRule;

    const OWN: &str = "https://good.example";

    fn read(text: &str) -> Option<Target> {
        let rule = |text| OriginRule::parse(text, "test").unwrap();
        let rules = vec![rule(OWN), rule("https://app.example")];
        Target::read(text, OWN, &RedirectPolicy::new(rules, false))
    }

    #[test]
    fn case_22_a_path_of_ours_stays_a_path_and_keeps_its_query_and_fragment() {
        for path in [
            "/",
            "/v2/#/pinboard/5e%2F1?a=b",
            "/a?to=//evil.example",
            "/é",
        ] {
            let target = read(path).unwrap();
            assert_eq!(target.location, path.replace('é', "%C3%A9"));
            assert_eq!(target.absolute, format!("{OWN}{}", target.location));
            assert_eq!(target.foreign_origin, None);
        }
    }

    #[test]
    fn case_22_what_only_looks_like_a_path_of_ours_is_none() {
        for bad in [
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/.//evil.example",
            "/x/..//evil.example",
            "/%2e%2e/evil",
            "\\/evil.example",
            " /",
            "sign-in",
            "?",
            "#",
            "@evil.example",
            ".evil.example",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn case_22_a_url_passes_only_by_the_redirect_policy() {
        let target = read("https://app.example/x#y").unwrap();
        assert_eq!(target.location, "https://app.example/x#y");
        assert_eq!(
            target.foreign_origin.as_deref(),
            Some("https://app.example")
        );
        assert_eq!(read("https://good.example/x").unwrap().foreign_origin, None);
        for bad in [
            "https://evil.example/",
            "javascript:alert(1)",
            "https:evil.example",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
