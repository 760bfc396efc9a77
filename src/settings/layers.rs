//! The layers of settings: each key's text, and where it came from.

use crate::settings::spelling;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// How environment variables of ours begin.
const PREFIX: &str = "VESTIBULE__";
/// What the keys of sections with a name of the operator's own begin with.
const NAMED: &str = "sso.";
/// The longest such name.
const MOST_NAME_BYTES: usize = 32;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::settings) enum Origin {
    /// Nobody set it.
    Default,
    /// The file of `--config`.
    File(PathBuf),
    /// The environment variable of that name.
    Environment(String),
    /// The flag of that name.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A value before anyone has asked what type it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::settings) enum Raw {
    /// A text, number or boolean.
    One(String),
    /// A list of texts.
    Many(Vec<String>),
    /// A list of whole numbers.
    Numbers(Vec<String>),
    /// Something no setting takes, such as a date.
    Odd,
}

impl Raw {
    fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::One(text.clone()),
            Value::Integer(number) => Self::One(number.to_string()),
            Value::Float(number) => Self::One(number.to_string()),
            Value::Boolean(flag) => Self::One(flag.to_string()),
            Value::Array(items) => {
                let texts: Option<Vec<_>> = items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned))
                    .collect();
                let numbers: Option<Vec<_>> = items
                    .iter()
                    .map(|item| item.as_integer().map(|number| number.to_string()))
                    .collect();
                match (texts, numbers) {
                    (Some(texts), _) => Self::Many(texts),
                    (None, Some(numbers)) => Self::Numbers(numbers),
                    (None, None) => Self::Odd,
                }
            }
            Value::Datetime(_) | Value::Table(_) => Self::Odd,
        }
    }
}

/// Every key with the value in force and its origin, and what was wrong on the way.
#[derive(Debug)]
pub(in crate::settings) struct Layers {
    leaves: BTreeMap<String, (Raw, Origin)>,
    /// What each section of [`NAMED`] begins with, by the last part of the key.
    template: BTreeMap<String, Raw>,
    /// One sentence each.
    pub problems: Vec<String>,
}

impl Layers {
    /// The lowest layer. Its keys are the only ones there are.
    pub fn of_defaults(text: &str) -> Self {
        let mut layers = Self {
            leaves: BTreeMap::new(),
            template: BTreeMap::new(),
            problems: Vec::new(),
        };
        match text.parse::<Table>() {
            Ok(table) => {
                for (key, value) in flatten(&table) {
                    let raw = value.map_or(Raw::Odd, Raw::of);
                    layers.leaves.insert(key, (raw, Origin::Default));
                }
            }
            Err(error) => layers
                .problems
                .push(format!("the embedded defaults: {}", error.message())),
        }
        layers
    }

    /// The settings that each section `[sso.NAME]` may have, with their defaults.
    #[must_use]
    pub fn with_named(mut self, text: &str) -> Self {
        let table = text.parse::<Table>().unwrap_or_default();
        for (key, value) in flatten(&table) {
            let Some((_, rest)) = named(&key).or_else(|| key.split_once(".NAME.")) else {
                continue;
            };
            let raw = value.map_or(Raw::Odd, Raw::of);
            self.template.insert(rest.to_owned(), raw);
        }
        self
    }

    /// The names of the sections `[sso.NAME]` that somebody has set something in.
    pub fn names(&self) -> Vec<String> {
        let names = self.leaves.keys().filter_map(|key| named(key));
        let mut names: Vec<String> = names.map(|(name, _)| name.to_owned()).collect();
        names.dedup();
        names
    }

    /// Makes room for the section a key is in, if it is one with a name.
    fn make_named(&mut self, key: &str) {
        let Some((name, rest)) = named(key) else {
            return;
        };
        if !self.template.contains_key(rest) {
            return;
        }
        for (rest, raw) in &self.template {
            let key = format!("{NAMED}{name}.{rest}");
            let leaf = (raw.clone(), Origin::Default);
            self.leaves.entry(key).or_insert(leaf);
        }
    }

    /// Lays the file of `--config` on top.
    pub fn add_file(&mut self, path: &Path, text: &str) {
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                // The parser's own rendering quotes the line, which may hold a password.
                let line = error
                    .span()
                    .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
                let message = error.message().replace('\n', " ");
                self.problems
                    .push(format!("file {}, line {line}: {message}", path.display()));
                return;
            }
        };
        for (key, value) in flatten(&table) {
            let place = format!("file {}", path.display());
            let Some(value) = value else {
                // An empty section changes nothing, but a misspelt one was meant to.
                if !self.is_section(&key) {
                    self.unknown(&place, &key, &key, str::to_owned);
                }
                continue;
            };
            self.make_named(&key);
            if let Some(leaf) = self.leaves.get_mut(&key) {
                *leaf = (Raw::of(value), Origin::File(path.to_owned()));
            } else if self.is_section(&key) {
                self.problems.push(format!(
                    "{place}: {key} is a section: expected [{key}] with settings below it"
                ));
            } else {
                self.unknown(&place, &key, &key, str::to_owned);
            }
        }
    }

    /// Lays environment variables on top; those of others are none of our business.
    pub fn add_environment(&mut self, variables: &[(String, String)]) {
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let key = rest.replace("__", ".").to_ascii_lowercase();
            if *name == variable_of(&key) {
                self.make_named(&key);
            }
            if self.leaves.contains_key(&key) && *name == variable_of(&key) {
                let origin = Origin::Environment(name.clone());
                self.leaves.insert(key, (Raw::One(value.clone()), origin));
            } else {
                self.unknown("environment", name, &key, variable_of);
            }
        }
    }

    /// Lays flags on top.
    pub fn add_flags(&mut self, flags: &[(String, String)]) {
        for (key, value) in flags {
            self.make_named(key);
            if self.leaves.contains_key(key) {
                let origin = Origin::Flag(flag_of(key));
                self.leaves
                    .insert(key.clone(), (Raw::One(value.clone()), origin));
            } else {
                self.unknown("flag --set", key, key, str::to_owned);
            }
        }
    }

    /// The value in force and its origin.
    pub fn get(&self, key: &str) -> Option<&(Raw, Origin)> {
        self.leaves.get(key)
    }

    /// Every key there is.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.leaves.keys().map(String::as_str)
    }

    fn is_section(&self, name: &str) -> bool {
        if name == NAMED.trim_end_matches('.') {
            return true;
        }
        self.keys()
            .any(|key| key.split_once('.').is_some_and(|(first, _)| first == name))
    }

    /// Reports a name nobody knows. Never its value: a misspelt password is still one.
    fn unknown(&mut self, place: &str, written: &str, key: &str, spell: fn(&str) -> String) {
        let close = match named(key) {
            // In a section with a name by what such sections may have: its name is right, however long.
            Some((name, rest)) => {
                let known = self.template.keys().map(String::as_str);
                spelling::closest(rest, known).map(|rest| format!("{NAMED}{name}.{rest}"))
            }
            None => spelling::closest(key, self.keys()).map(str::to_owned),
        };
        let hint = match close {
            Some(close) => format!("did you mean {}?", spell(&close)),
            None if is_misnamed(key) => {
                format!("a section [{NAMED}NAME] is named by {NAME_RULE}")
            }
            None => "`vestibule config show` lists them all".to_owned(),
        };
        self.problems
            .push(format!("{place}: {written} is not a setting; {hint}"));
    }
}

/// The name and the rest of a key in a section with a name.
fn named(key: &str) -> Option<(&str, &str)> {
    let (name, rest) = key.strip_prefix(NAMED)?.split_once('.')?;
    let is_good = (1..=MOST_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte)
        });
    is_good.then_some((name, rest))
}

/// What such a name is made of.
const NAME_RULE: &str = "1 to 32 lower-case letters, digits, - and _";

/// A key below a section whose name cannot be one.
fn is_misnamed(key: &str) -> bool {
    key.strip_prefix(NAMED)
        .is_some_and(|rest| rest.contains('.'))
        && named(key).is_none()
}

/// The environment variable of a key.
fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

/// The flag that sets a key.
fn flag_of(key: &str) -> String {
    match key {
        "server.http" => "--http".to_owned(),
        "server.https" => "--https".to_owned(),
        "data_dir" => "--data-dir".to_owned(),
        other => format!("--set {other}"),
    }
}

/// Dotted keys and their values; an empty table is its own key without a value.
fn flatten(table: &Table) -> Vec<(String, Option<&Value>)> {
    let mut flat = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) if inner.is_empty() => flat.push((name.clone(), None)),
            Value::Table(inner) => {
                for (rest, value) in flatten(inner) {
                    flat.push((format!("{name}.{rest}"), value));
                }
            }
            value => flat.push((name.clone(), Some(value))),
        }
    }
    flat
}
