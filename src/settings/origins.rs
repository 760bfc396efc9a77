//! Web origins as operators write them, brought into the one form browsers send.

use url::{Host, Url};

/// What an origin looks like, for error messages.
pub const EXPECTED_ORIGIN: &str =
    "an origin such as https://app.example.com or http://localhost:3000, without path or query";
/// What an origin of `redirects.allow` looks like, for error messages.
pub const EXPECTED_REDIRECT: &str =
    "an origin such as https://app.example.com, or https://*.example.com for one label";

/// An exact origin, normalised to `scheme://host[:port]`; none when the text is anything else.
///
/// Without a scheme https is meant. There are no wildcards: an entry here lets a page read answers.
pub fn normalise_origin(text: &str) -> Option<String> {
    if text.contains('*') {
        return None;
    }
    parse_origin(text).map(|url| url.origin().ascii_serialization())
}

/// An origin a browser may be sent to: exact, or with `*.` in place of the first label.
pub fn normalise_redirect(text: &str) -> Option<String> {
    let Some((scheme, rest)) = text.split_once("*.") else {
        return normalise_origin(text);
    };
    if !matches!(
        scheme.to_ascii_lowercase().as_str(),
        "" | "https://" | "http://"
    ) || rest.contains('*')
    {
        return None;
    }
    let base = parse_origin(&format!("{scheme}{rest}"))?;
    // `*.com` would allow the whole world, and an address has no labels to stand for.
    let Some(Host::Domain(domain)) = base.host() else {
        return None;
    };
    if !domain.trim_end_matches('.').contains('.') {
        return None;
    }
    let origin = base.origin().ascii_serialization();
    let (scheme, rest) = origin.split_once("://")?;
    Some(format!("{scheme}://*.{rest}"))
}

fn parse_origin(text: &str) -> Option<Url> {
    // The URL parser silently drops tabs and line ends and reads a backslash as a slash, so that
    // what it understood would not be what the operator sees.
    if text
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '\\')
        || text.contains(['?', '#', '@'])
        || text.eq_ignore_ascii_case("null")
    {
        return None;
    }
    let url = if text.contains("://") {
        Url::parse(text)
    } else {
        Url::parse(&format!("https://{text}"))
    }
    .ok()?;
    let is_web = matches!(url.scheme(), "http" | "https");
    (is_web && url.path() == "/" && url.host().is_some()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_takes_the_form_browsers_send() {
        for (written, normal) in [
            ("https://app.example.com", "https://app.example.com"),
            ("https://app.example.com/", "https://app.example.com"),
            ("HTTPS://App.Example.COM:443", "https://app.example.com"),
            ("app.example.com", "https://app.example.com"),
            ("localhost:3000", "https://localhost:3000"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:80", "http://[::1]"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(
                normalise_origin(written).as_deref(),
                Some(normal),
                "{written}"
            );
        }
    }

    #[test]
    fn case_48_what_is_no_origin_is_refused() {
        for bad in [
            "",
            "*",
            "null",
            "https://*",
            "https://*.example.com",
            "https://a.example/path",
            "https://a.example?x",
            "https://a.example#x",
            "https://u:p@a.example",
            "https://a.example\\b",
            "https://a b.example",
            "ftp://a.example",
            "javascript://a.example",
            "file:///etc",
            "https://",
            "https://a.example:99999",
        ] {
            assert_eq!(normalise_origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn case_17_a_redirect_wildcard_is_the_whole_first_label_and_nothing_else() {
        for (written, normal) in [
            ("https://*.Example.com", "https://*.example.com"),
            ("*.example.com", "https://*.example.com"),
            ("http://*.example.com:8080", "http://*.example.com:8080"),
            ("https://app.example.com", "https://app.example.com"),
        ] {
            assert_eq!(
                normalise_redirect(written).as_deref(),
                Some(normal),
                "{written}"
            );
        }
        for bad in [
            "*",
            "*.com",
            "https://*.",
            "https://*.*.example.com",
            "https://a.*.example.com",
            "https://a*.example.com",
            "https://*.example.com/x",
            "https://*.192.0.2.1",
            "ftp://*.example.com",
        ] {
            assert_eq!(normalise_redirect(bad), None, "{bad}");
        }
    }
}
