//! The table of docs/console.md against the real grammar: whatever a command line can do has its place at the console.

use crate::cli::args::Cli;
use clap::{Arg, Command, CommandFactory};
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../docs/console.md");
const WORDS: &str = include_str!("../../static/console/words.js");

/// The cells of each row of the table whose first column has this title.
fn rows(title: &str) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| -> Vec<&'static str> {
        let inner = line.trim_start_matches('|').trim_end_matches('|');
        inner.split('|').map(str::trim).collect()
    };
    let mut lines = PAGE.lines();
    lines
        .find(|line| line.starts_with('|') && cells(line)[0] == title)
        .unwrap_or_else(|| panic!("no table of {title}"));
    let body = lines.skip(1).take_while(|line| line.starts_with('|'));
    body.map(cells).collect()
}

/// What stands between that mark and the next, in order.
fn marked(text: &str, mark: &str) -> BTreeSet<String> {
    text.split(mark)
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// An option as people type it, a positional argument by its name in capitals.
fn spelled(argument: &Arg) -> String {
    match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => argument.get_id().as_str().to_uppercase(),
    }
}

/// Every command that does something, by its words, with its own arguments.
fn leaves(command: &Command, path: &str, into: &mut BTreeMap<String, BTreeSet<String>>) {
    for child in command.get_subcommands() {
        let path = format!("{path} {}", child.get_name()).trim().to_owned();
        if child.has_subcommands() {
            leaves(child, &path, into);
        } else {
            let own = child.get_arguments().map(spelled).collect();
            into.insert(path, own);
        }
    }
}

#[test]
fn every_command_and_option_has_its_place_at_the_console_or_a_reason_why_not() {
    let shared: BTreeSet<String> = rows("option of several commands")
        .iter()
        .flat_map(|row| {
            assert!(row[1].len() > 20, "{row:?} gives no reason");
            marked(row[0], "`")
        })
        .collect();
    let cli = Cli::command();
    let mut commands = BTreeMap::new();
    leaves(&cli, "", &mut commands);
    assert!(commands.len() > 20, "{commands:?}");
    let of_all: BTreeSet<String> = cli.get_arguments().map(spelled).collect();
    let mut used: BTreeSet<String> = of_all.intersection(&shared).cloned().collect();
    for own in commands.values_mut() {
        used.extend(own.intersection(&shared).cloned());
        own.retain(|one| !shared.contains(one));
    }
    assert_eq!(used, shared, "an option that no command has");

    let mut listed = BTreeMap::new();
    for row in rows("command") {
        let name = row[0].trim_matches('`').to_owned();
        let before = listed.insert(name, marked(row[1], "`"));
        assert!(before.is_none(), "{row:?} is there twice");
    }
    assert_eq!(listed, commands);
    let of_serve = &commands["serve"];
    let open: Vec<_> = of_all
        .iter()
        .filter(|one| !shared.contains(*one) && !of_serve.contains(*one))
        .collect();
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_places_that_the_page_names_are_words_of_the_console() {
    for row in rows("command") {
        let place = row[2];
        let is_refused = place.starts_with("no: ") && place.len() > 20;
        let views = marked(place, "**");
        assert!(is_refused || !views.is_empty(), "{row:?} names no view");
        let buttons = marked(&place.replace("**", ""), "*");
        for words in views.union(&buttons) {
            let is_there = WORDS.contains(&format!(": '{words}'"));
            assert!(is_there, "{row:?}: the console nowhere says {words:?}");
        }
    }
}
