//! The settings of the pages people see: whose they are, by title, logo and colour.

use crate::settings::reader::Reader;
use std::path::PathBuf;

/// The longest title, in characters: it stands above a form that a phone shows.
const MAX_TITLE_CHARS: usize = 60;

/// `[pages]`
#[derive(Clone, Debug)]
pub struct Pages {
    /// What the pages are called.
    pub title: String,
    /// Whether whoever is not signed in goes straight to the first identity provider.
    pub auto_redirect: bool,
    /// Whether whoever belongs to several Orgs and named none is asked which, after the password.
    pub ask_org: bool,
    /// A picture in SVG or PNG; none shows ours.
    pub logo_file: Option<PathBuf>,
    /// `#rrggbb` in lower case; none is our own.
    pub colour: Option<String>,
}

pub(in crate::settings) fn pages(reader: &mut Reader) -> Pages {
    let title = reader.parsed(
        "pages.title",
        "1 to 60 characters on one line, without spaces at either end",
        |text| is_title(text).then(|| text.to_owned()),
    );
    Pages {
        title: title.unwrap_or_default(),
        auto_redirect: reader.flag("pages.auto_redirect"),
        ask_org: reader.flag("pages.ask_org"),
        logo_file: reader.file("pages.logo_file"),
        colour: reader.optional("pages.colour", "a colour such as #1f5c56", |text| {
            is_colour(text).then(|| text.to_ascii_lowercase())
        }),
    }
}

fn is_title(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text.chars().count() <= MAX_TITLE_CHARS
        && !text.chars().any(char::is_control)
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_hexadecimal_digits_and_a_title_one_short_line() {
        assert!(is_colour("#1F5c56"));
        for bad in [
            "", "1f5c56", "#1f5", "#1f5c5g", "#1f5c56;", "red", "##1f5c5",
        ] {
            assert!(!is_colour(bad), "{bad}");
        }
        assert!(is_title("Acme <Analytics>") && is_title(&"é".repeat(60)));
        for bad in ["", " a", "a ", "a\nb", &"é".repeat(61)] {
            assert!(!is_title(bad), "{bad:?}");
        }
    }
}
