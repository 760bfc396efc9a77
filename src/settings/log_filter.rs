//! `log.level`: a level or a filter, read more strictly than the filter itself does.

use crate::settings::reader::Reader;
use crate::settings::spelling::closest;
use tracing_subscriber::EnvFilter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

pub(in crate::settings) fn log_filter(reader: &mut Reader) -> String {
    const KEY: &str = "log.level";
    const EXPECTED: &str =
        "off, error, warn, info, debug, trace or a filter such as info,vestibule=debug";
    let Some(text) = reader.text(KEY, EXPECTED) else {
        return String::new();
    };
    // A filter takes a word that is no level for the name of a module, and then logs that module and nothing else:
    // a slip would switch the whole log off, errors included.
    let stray = words(&text).find(|word| !word.contains('=') && !is_level(word));
    if let Some(stray) = stray {
        let meant = meant(&stray.to_lowercase());
        match meant {
            Some(meant) => reader.refuse(KEY, format!("{EXPECTED}; did you mean {meant}?")),
            None => reader.refuse(KEY, EXPECTED),
        }
    } else if words(&text).next().is_none() || EnvFilter::try_new(&text).is_err() {
        reader.refuse(KEY, EXPECTED);
    }
    text
}

/// The level that was meant: `warning`, `err`, `wran`, `debg`.
fn meant(stray: &str) -> Option<&'static str> {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let is_alike = |level: &&str| {
        stray.starts_with(level) || level.starts_with(stray) || sorted(stray) == sorted(level)
    };
    let alike = LEVELS.into_iter().find(is_alike);
    alike.or_else(|| closest(stray, LEVELS.into_iter()))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}
