//! The floors: which room may name which, and the house rules that one file can break alone.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each room and what of ours it may name besides itself; `*` is everything. A new room needs a row.
const FLOORS: [(&str, &str); 12] = [
    ("domain", ""),
    ("settings", ""),
    ("telemetry", ""),
    ("trust", ""),
    ("stores", "domain settings trust"),
    ("idp", "domain settings trust"),
    ("api", "domain settings"),
    ("operator", "domain settings"),
    ("cli", "*"),
    ("server", "*"),
    ("main", "*"),
    ("lib", "*"),
];
/// Crates that only some rooms may name: the start of the crate's name, then the rooms' paths.
const CRATES: [(&str, &str); 6] = [
    ("actix", "src/api/ src/api.rs src/server/ src/server.rs"),
    ("openidconnect", "src/idp/oidc/ src/idp/oidc.rs"),
    ("bergshamra", "src/idp/saml/ src/idp/saml.rs"),
    ("ldap3", "src/stores/ldap/ src/stores/ldap.rs"),
    ("redis", "src/stores/redis/ src/stores/redis.rs"),
    (
        "sqlx",
        "src/stores/sql/ src/stores/sql.rs src/stores/embedded/ src/stores/embedded.rs",
    ),
];
const DIALECTS: [&str; 5] = [
    "thoughtspot_v1",
    "thoughtspot_v2",
    "microstrategy",
    "sso",
    "admin",
];
/// Folders that exist on one machine only; bare, so that this file does not name one.
const MACHINE_FOLDERS: [&str; 3] = ["root", "work", "home"];
const MAX_LINES: usize = 500;

/// What is wrong with one Rust file of `src` or `tests`.
fn violations(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//! ") {
        found.push("does not start with //!".to_owned());
    }
    if text.lines().count() > MAX_LINES {
        found.push(format!("has more than {MAX_LINES} lines"));
    }
    let code = code_of(text);
    if code.contains(concat!("super", "::super")) {
        found.push("climbs two floors at once".to_owned());
    }
    if code.contains(concat!("use crate::", "{")) {
        found.push("groups imports at the root".to_owned());
    }
    if let Some(inside) = path.strip_prefix("src/") {
        found.extend(floor_violations(inside, &code));
        found.extend(crate_violations(path, &code));
        found.extend(dialect_violations(inside, &code));
    }
    found.iter().map(|what| format!("{path} {what}")).collect()
}

/// The text without comment lines, with its blanks run together, so that a path split by rustfmt reads as one.
fn code_of(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"));
    let code = lines
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ");
    code.replace("{ ", "{")
        .replace(" ::", "::")
        .replace(":: ", "::")
}

fn floor_violations(inside: &str, code: &str) -> Vec<String> {
    let room = first_word(inside);
    let Some((_, may)) = FLOORS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("is in the room {room}, which has no floor")];
    };
    let named = code.split("crate::").skip(1).map(first_word);
    named
        .filter(|name| FLOORS.iter().any(|(room, _)| room == name))
        .filter(|name| *may != "*" && *name != room && !may.split(' ').any(|room| room == *name))
        .map(|name| format!("is in {room} and names {name}"))
        .collect()
}

fn crate_violations(path: &str, code: &str) -> Vec<String> {
    let banned = CRATES
        .iter()
        .filter(|(_, rooms)| !rooms.split(' ').any(|room| path.starts_with(room)));
    banned
        // After `mod redis;` the bare word means that module, as far as the file sees.
        .filter(|(name, _)| !code.contains(&format!("mod {name};")) && names_crate(code, name))
        .map(|(name, _)| format!("names the crate {name}"))
        .collect()
}

/// Whether a path begins with a crate of this name or family: `redis::…`, `use actix_web as web`.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at..]);
        let path = after.trim_start_matches(is_word);
        let root = before.strip_suffix("::").unwrap_or(before);
        let starts = !root.ends_with(is_word) && !root.ends_with('>');
        starts && (path.starts_with("::") || before.ends_with("use "))
    })
}

/// A dialect reaches a sibling through `api::` from anywhere, or through `super::` from its own top file.
fn dialect_violations(inside: &str, code: &str) -> Vec<String> {
    let Some(own) = inside
        .strip_prefix("api/")
        .map(first_word)
        .filter(|name| DIALECTS.contains(name))
    else {
        return Vec::new();
    };
    let is_top = inside == format!("api/{own}.rs") || inside == format!("api/{own}/mod.rs");
    let roots: &[&str] = if is_top {
        &["crate::api::", "super::"]
    } else {
        &["crate::api::"]
    };
    let reached = roots
        .iter()
        .flat_map(|root| code.split(root).skip(1))
        .flat_map(|rest| {
            let whole = if rest.starts_with('{') {
                rest.split(';').next()
            } else {
                Some(first_word(rest))
            };
            whole.unwrap_or_default().split(|c| !is_word(c))
        });
    reached
        .filter(|name| *name != own && DIALECTS.contains(name))
        .map(|name| format!("is in the dialect {own} and names its sibling {name}"))
        .collect()
}

/// What is wrong with any file that is kept: it must mean the same on every machine.
fn machine_violations(path: &str, text: &str) -> Vec<String> {
    let is_path_of = |folder: &&&str| {
        let full = format!("/{folder}/");
        text.match_indices(&full)
            .any(|(at, _)| starts_a_path(&text[..at]))
    };
    let named = MACHINE_FOLDERS.iter().filter(is_path_of);
    named
        .map(|folder| format!("{path} names {folder}, a folder of one machine"))
        .collect()
}

/// Whether a slash after this text begins a path on a disk, not one of a URL or of a folder before it.
fn starts_a_path(before: &str) -> bool {
    before.ends_with("file://")
        || !before.ends_with(|c: char| is_word(c) || ".-#}])*~/".contains(c))
}

fn first_word(text: &str) -> &str {
    text.split(|c| !is_word(c)).next().unwrap_or_default()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn rust_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_source_file_keeps_to_its_floor_and_to_the_house_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = rust_files(&root.join("src")).unwrap();
    files.extend(rust_files(&root.join("tests")).unwrap());
    assert!(files.len() > 30, "too few files: {}", files.len());
    let found = files.iter().flat_map(|file| {
        let path = file.strip_prefix(root).unwrap().to_str().unwrap();
        violations(path, &std::fs::read_to_string(file).unwrap())
    });
    assert_none(&found.collect::<Vec<_>>());
}

#[test]
fn no_file_of_the_repository_names_a_folder_of_one_machine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let git = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output()
        .unwrap();
    let list = String::from_utf8(git.stdout).unwrap();
    let files: Vec<&str> = list
        .split('\0')
        .filter(|path| root.join(path).is_file())
        .collect();
    assert!(files.contains(&"Cargo.toml"), "git lists no files here");
    let found = files.iter().flat_map(|path| {
        let bytes = std::fs::read(root.join(path)).unwrap();
        machine_violations(path, &String::from_utf8_lossy(&bytes))
    });
    assert_none(&found.collect::<Vec<_>>());
}

#[test]
fn a_planted_violation_of_each_rule_is_found_and_what_is_allowed_is_not() {
    let planted = include_str!("data/floors.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    for line in planted {
        let fields: Vec<&str> = line.split(" | ").collect();
        let [path, code, words] = fields[..] else {
            panic!("three fields: {line}")
        };
        let found = violations(
            path,
            &format!("//! A sign.\n{}\n", code.replace("\\n", "\n")),
        );
        if words == "fine" {
            assert!(found.is_empty(), "{line}: {found:?}");
        } else {
            assert!(
                found.len() == 1 && found[0].contains(words),
                "{line}: {found:?}"
            );
        }
    }
    assert!(violations("tests/a.rs", "// no sign\n")[0].contains("start"));
    let long = format!("//! A sign.\n{}", "\n".repeat(MAX_LINES));
    assert!(violations("src/lib.rs", &long)[0].contains("lines"));
}

#[test]
fn a_planted_folder_of_one_machine_is_found_and_an_address_is_not() {
    for folder in MACHINE_FOLDERS {
        for text in [
            "see /X/a",
            "\"/X/.b\"",
            "file:/X/me",
            "=/X/",
            "file:///X/me",
        ] {
            let text = text.replace('X', folder);
            assert_eq!(machine_violations("docs/a.md", &text).len(), 1, "{text}");
        }
        for text in [
            "https://host/X/y",
            "#/X/a",
            "./X/a",
            "$A/X/a",
            "http://[::1]/X/",
        ] {
            let text = text.replace('X', folder);
            assert!(machine_violations("docs/a.md", &text).is_empty(), "{text}");
        }
    }
}

#[test]
fn the_map_names_every_folder_and_every_decision() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = std::fs::read_to_string(root.join("docs/ARCHITECTURE.md")).unwrap();
    for decision in std::fs::read_dir(root.join("docs/decisions")).unwrap() {
        let name = decision.unwrap().file_name().into_string().unwrap();
        assert!(map.contains(&format!("(decisions/{name})")), "{name}");
    }
    for floor in ["api", "domain", "stores", "idp"] {
        for entry in std::fs::read_dir(root.join("src").join(floor)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                assert!(map.contains(&format!("{name}/")), "src/{floor}/{name}");
            }
        }
    }
}
