//! What a command prints: aligned tables for people, JSON for scripts.

use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, BufRead, Write};

/// A column of a table: its title, and how a row fills it.
pub(in crate::cli) type Column = (&'static str, fn(&Value) -> String);

/// Writes a line to standard output. A reader that has seen enough (`| head`) is no error.
pub(in crate::cli) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Asks on the terminal whether that is meant; the answer is no unless it says yes.
pub(in crate::cli) fn confirmed(what: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    write!(out, "{what} Go on? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Prints a list as a table or as one JSON array.
pub(in crate::cli) fn print_rows(rows: &[Value], columns: &[Column], json: bool) -> io::Result<()> {
    if json {
        return print_json(&Value::from(rows));
    }
    print(&table(rows, columns))
}

/// Prints a value as indented JSON.
pub(in crate::cli) fn print_json(value: &Value) -> io::Result<()> {
    print(&format!("{value:#}"))
}

/// A field as text; `-` when there is nothing.
pub(in crate::cli) fn field(row: &Value, name: &str) -> String {
    match &row[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => plain(text),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(|item| plain(&text_of(item))).collect();
            if texts.is_empty() {
                "-".to_owned()
            } else {
                texts.join(", ")
            }
        }
        other => other.to_string(),
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A text that cannot move the terminal's cursor: names may come from clients we do not know.
pub(in crate::cli) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}') {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// The widest a column is padded to: beyond it one long cell would push everything else off the screen, and from
/// 65,536 on formatting panics.
const MAX_WIDTH: usize = 64;

fn table(rows: &[Value], columns: &[Column]) -> String {
    let mut lines: Vec<Vec<String>> =
        vec![columns.iter().map(|(title, _)| (*title).into()).collect()];
    for row in rows {
        lines.push(columns.iter().map(|(_, cell)| cell(row)).collect());
    }
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let lengths = lines.iter().map(|line| line[column].chars().count());
            lengths.max().unwrap_or_default().min(MAX_WIDTH)
        })
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _infallible = write!(row, "{cell:width$}  ");
        }
        text.push_str(row.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COLUMNS: &[Column] = &[
        ("NAME", |row| field(row, "name")),
        ("ADMIN", |row| field(row, "is_admin")),
        ("GROUPS", |row| field(row, "groups")),
    ];

    #[test]
    fn a_table_is_aligned_and_says_nothing_with_a_dash() {
        let rows = [
            json!({"name": "alice", "is_admin": true, "groups": ["a", "b"]}),
            json!({"name": "bö", "is_admin": false, "groups": []}),
        ];
        assert_eq!(
            table(&rows, COLUMNS),
            "NAME   ADMIN  GROUPS\nalice  yes    a, b\nbö     no     -"
        );
        assert_eq!(table(&[], COLUMNS), "NAME  ADMIN  GROUPS");
    }

    #[test]
    fn case_46_a_cell_of_any_length_is_printed_and_moves_only_its_own_line() {
        let long = "x".repeat(900_000);
        let rows = [
            json!({"name": long, "is_admin": true, "groups": []}),
            json!({"name": "b", "is_admin": false, "groups": []}),
        ];
        let text = table(&rows, COLUMNS);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], format!("{long}  yes    -"));
        assert_eq!(lines[2], format!("{:64}  no     -", "b"));
    }

    #[test]
    fn case_46_a_name_cannot_drive_the_terminal() {
        let row = json!({"name": "a\u{1b}[2Jb\r\nc\u{202E}d"});
        assert_eq!(
            field(&row, "name"),
            "a\u{FFFD}[2Jb\u{FFFD}\u{FFFD}c\u{FFFD}d"
        );
    }
}
