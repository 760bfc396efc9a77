//! From texts to types: one method per kind of value, each with a sentence of what it expects.

use crate::settings::layers::{Layers, Origin, Raw};
use crate::settings::{normalise_origin, secrets};
use ipnet::IpNet;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use url::Url;

/// The longest duration of any setting: a year. Revocations are kept a little longer than that, so nothing they
/// ended can outlive them.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// What a duration looks like, for error messages.
pub(in crate::settings) const DURATION: &str =
    "a duration such as 30s, 15m, 24h, 14d or 1h30m, at most 365d";

/// Reads settings out of the layers and collects what is wrong with them.
///
/// A value that is wrong is reported and stood in for, so that one start reports every problem.
#[derive(Debug)]
pub(in crate::settings) struct Reader {
    layers: Layers,
    /// Keys read so far, each with its value as it may be shown.
    shown: BTreeMap<String, String>,
}

impl Reader {
    /// A reader of those layers.
    pub fn new(layers: Layers) -> Self {
        Self {
            layers,
            shown: BTreeMap::new(),
        }
    }

    /// What is wrong, and the value of each key as it may be shown with its origin.
    pub fn finish(self) -> (Vec<String>, Vec<(String, String, Origin)>) {
        let mut shown = Vec::new();
        for (key, value) in self.shown {
            if let Some((_, origin)) = self.layers.get(&key) {
                let origin = origin.clone();
                shown.push((key, value, origin));
            }
        }
        (self.layers.problems, shown)
    }

    /// The names of the sections `[sso.NAME]`.
    pub fn names(&self) -> Vec<String> {
        self.layers.names()
    }

    /// How many problems there are so far.
    pub fn problem_count(&self) -> usize {
        self.layers.problems.len()
    }

    /// Keys that nobody asked for.
    #[cfg(test)]
    pub fn unread(&self) -> Vec<String> {
        self.layers
            .keys()
            .filter(|key| !self.shown.contains_key(*key))
            .map(str::to_owned)
            .collect()
    }

    /// Reports that the value of `key` is not what it should be.
    pub fn refuse(&mut self, key: &str, expected: impl Display) {
        let (value, origin) = match self.layers.get(key) {
            Some((Raw::One(text), origin)) => (secrets::shown(key, text), origin.to_string()),
            Some((Raw::Many(items) | Raw::Numbers(items), origin)) => {
                (items.join(","), origin.to_string())
            }
            Some((Raw::Odd, origin)) => ("a value of another type".to_owned(), origin.to_string()),
            None => (String::new(), "nowhere".to_owned()),
        };
        self.layers
            .problems
            .push(format!("{key} = {value:?} ({origin}): expected {expected}"));
    }

    /// Whether anything was said, be it right or wrong: what is wrong is reported where it is read, and once.
    pub fn is_given(&self, key: &str) -> bool {
        let value = self.layers.get(key);
        value.is_some_and(|(raw, _)| !matches!(raw, Raw::One(text) if text.is_empty()))
    }

    /// Reports something that is wrong with several keys together.
    pub fn refuse_together(&mut self, keys: &[&str], sentence: &str) {
        let origins: Vec<String> = keys
            .iter()
            .filter_map(|key| self.layers.get(key))
            .map(|(_, origin)| origin.to_string())
            .collect();
        self.layers.problems.push(format!(
            "{} ({}): {sentence}",
            keys.join(", "),
            origins.join(", ")
        ));
    }

    /// The text of a key; none (and reported) when it is of another kind.
    pub fn text(&mut self, key: &str, expected: &str) -> Option<String> {
        let found = match self.layers.get(key) {
            Some((Raw::One(text), _)) => Some(text.clone()),
            Some((Raw::Many(_) | Raw::Numbers(_) | Raw::Odd, _)) | None => None,
        };
        let shown = found
            .as_deref()
            .map_or_else(String::new, |text| secrets::shown(key, text));
        self.shown.insert(key.to_owned(), shown);
        if found.is_none() {
            self.refuse(key, expected);
        }
        found
    }

    /// What `parse` makes of the text; reported when it makes nothing.
    pub fn parsed<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key, expected)?;
        let value = parse(&text);
        if value.is_none() {
            self.refuse(key, expected);
        }
        value
    }

    /// Like [`Reader::parsed`], but an empty text means none.
    pub fn optional<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.parsed(key, expected, |text| {
            if text.is_empty() {
                Some(None)
            } else {
                parse(text).map(Some)
            }
        })
        .flatten()
    }

    /// A word out of a few.
    pub fn word<T: Copy>(&mut self, key: &str, expected: &str, words: &[(&str, T)], or: T) -> T {
        self.parsed(key, expected, |text| {
            words
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value)
        })
        .unwrap_or(or)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &str) -> bool {
        self.word(
            key,
            "true or false",
            &[("true", true), ("false", false)],
            false,
        )
    }

    /// A whole number within a range.
    pub fn number(&mut self, key: &str, range: RangeInclusive<usize>) -> usize {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        self.parsed(key, &expected, |text| {
            text.parse().ok().filter(|number| range.contains(number))
        })
        .unwrap_or(*range.start())
    }

    /// A duration; none when it was reported.
    pub fn duration(&mut self, key: &str) -> Option<Duration> {
        self.parsed(key, DURATION, parse_duration)
    }

    /// A duration that is not zero; none when it was reported.
    pub fn lifetime(&mut self, key: &str) -> Option<Duration> {
        let lifetime = self.duration(key)?;
        if lifetime.is_zero() {
            self.refuse(key, "more than 0s");
            return None;
        }
        Some(lifetime)
    }

    /// An address to listen on, or `off`.
    pub fn listener(&mut self, key: &str) -> Option<SocketAddr> {
        let expected = "an address and port such as 127.0.0.1:8080, or off";
        self.parsed(key, expected, |text| match text {
            "off" => Some(None),
            text => text.parse().ok().map(Some),
        })
        .flatten()
    }

    /// The address of a site: scheme, host and port.
    pub fn site(&mut self, key: &str) -> Option<Url> {
        let expected =
            "an address such as https://analytics.example.com, without path or query, or nothing";
        self.optional(key, expected, |text| {
            let has_scheme = text.contains("://");
            let origin = normalise_origin(text).filter(|_| has_scheme)?;
            Url::parse(&origin).ok()
        })
    }

    /// The address of another server, a path included.
    pub fn endpoint(&mut self, key: &str) -> Option<Url> {
        let expected = "an http or https address such as http://127.0.0.1:4318, without user, query or fragment, or \
                        nothing";
        self.optional(key, expected, |text| {
            let url = Url::parse(text).ok()?;
            // It is shown and logged, so it must hold no password.
            let is_plain = url.username().is_empty() && url.password().is_none();
            let is_bare = url.query().is_none() && url.fragment().is_none();
            let is_http = matches!(url.scheme(), "http" | "https");
            (is_plain && is_bare && is_http).then_some(url)
        })
    }

    /// A text; empty means none.
    pub fn text_or_none(&mut self, key: &str) -> Option<String> {
        self.optional(key, "a text", |text| Some(text.to_owned()))
    }

    /// The name of a request header that carries no credentials of its own, in lower case; empty means none.
    pub fn header(&mut self, key: &str) -> Option<String> {
        let expected = "the name of a header such as X-Remote-User, of its own";
        self.optional(key, expected, |text| {
            let name = text.to_ascii_lowercase();
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let is_taken = ["cookie", "authorization", "host", "origin"].contains(&name.as_str())
                || name.starts_with("x-mstr-")
                || name.starts_with("x-forwarded-");
            (is_name && !is_taken).then_some(name)
        })
    }

    /// A path that may be missing; nothing is opened.
    pub fn path(&mut self, key: &str) -> Option<PathBuf> {
        self.optional(key, "a path", |text| Some(PathBuf::from(text)))
    }

    /// A file that must be there when it is named.
    pub fn file(&mut self, key: &str) -> Option<PathBuf> {
        self.optional(key, "a file that exists", |text| {
            let path = PathBuf::from(text);
            path.is_file().then_some(path)
        })
    }

    /// A secret with a rule of its own; empty means none.
    pub fn secret(
        &mut self,
        key: &str,
        expected: &str,
        is_good: impl FnOnce(&str) -> bool,
    ) -> Option<SecretString> {
        self.optional(key, expected, |text| {
            is_good(text).then(|| SecretString::from(text))
        })
    }

    /// A text of one line that may be missing.
    pub fn line(&mut self, key: &str, expected: &str) -> Option<String> {
        self.optional(key, expected, |text| {
            (!text.chars().any(char::is_control)).then(|| text.to_owned())
        })
    }

    /// A list, each item through `parse`; shown as it was understood.
    pub fn list<T: PartialEq + Display>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        self.list_between(key, ',', expected, parse)
    }

    /// The same with another separator, for items that may have commas in them.
    pub fn list_between<T: PartialEq + Display>(
        &mut self,
        key: &str,
        separator: char,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let items: Vec<String> = match self.layers.get(key) {
            Some((Raw::Many(items), _)) => items.clone(),
            // A comma too many is no mistake worth stopping for.
            Some((Raw::One(text), _)) => text
                .split(separator)
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect(),
            Some((Raw::Numbers(_) | Raw::Odd, _)) | None => {
                self.refuse(key, format!("a list, each {expected}"));
                Vec::new()
            }
        };
        self.values(key, separator, &items, expected, parse)
    }

    /// A list of whole numbers, each through `parse`.
    pub fn numbers<T: PartialEq + Display>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        match self.layers.get(key) {
            Some((Raw::Numbers(items), _)) => {
                let items = items.clone();
                self.values(key, ',', &items, expected, parse)
            }
            _ => self.list(key, expected, parse),
        }
    }

    fn values<T: PartialEq + Display>(
        &mut self,
        key: &str,
        separator: char,
        items: &[String],
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for item in items {
            match parse(item) {
                Some(value) if values.contains(&value) => {}
                Some(value) => values.push(value),
                None => self.refuse(key, format!("{item:?} to be {expected}")),
            }
        }
        let texts: Vec<String> = values.iter().map(T::to_string).collect();
        self.shown
            .insert(key.to_owned(), texts.join(&separator.to_string()));
        values
    }

    /// A list of networks; a bare address is a network of one.
    pub fn networks(&mut self, key: &str) -> Vec<IpNet> {
        self.list(key, "an address or a network such as 10.0.0.0/8", |text| {
            IpNet::from_str(text)
                .ok()
                .or_else(|| IpAddr::from_str(text).ok().map(IpNet::from))
        })
    }
}

/// A duration as settings write it, within bounds.
pub(in crate::settings) fn parse_duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|duration| *duration <= LONGEST)
}
