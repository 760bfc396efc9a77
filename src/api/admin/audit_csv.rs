//! Audit lines as a table that a spreadsheet opens without running anything in it.
//!
//! Names and agents are what callers typed. A cell that begins like a formula would be one for the administrator
//! who opens the file, so such cells get an apostrophe in front, which spreadsheets show as text.

use csv::{QuoteStyle, WriterBuilder};
use serde_json::Value;

/// The columns; all else goes into the last.
const COLUMNS: [&str; 9] = [
    "ts", "event", "user", "user_id", "result", "client", "agent", "dialect", "incident",
];

/// The table, with a header.
pub fn export<'a>(events: impl Iterator<Item = &'a Value>) -> anyhow::Result<Vec<u8>> {
    let mut writer = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS.iter().chain(&["details"]))?;
    for event in events {
        let mut cells: Vec<String> = COLUMNS.iter().map(|column| cell(event, column)).collect();
        cells.push(harmless(details(event)));
        writer.write_record(&cells)?;
    }
    Ok(writer.into_inner()?)
}

fn cell(event: &Value, column: &str) -> String {
    let text = match column {
        "result" => result(event),
        column => plain(&event[column]),
    };
    harmless(text)
}

fn result(event: &Value) -> String {
    ["why", "reason", "what"]
        .iter()
        .find_map(|field| event[*field].as_str())
        .unwrap_or("ok")
        .to_owned()
}

fn details(event: &Value) -> String {
    let fields = event.as_object().into_iter().flatten();
    let other = fields.filter(|(name, value)| {
        !COLUMNS.contains(&name.as_str())
            && !matches!(name.as_str(), "why" | "reason" | "what")
            && !value.is_null()
    });
    let texts: Vec<String> = other
        .map(|(name, value)| format!("{name}={}", plain(value)))
        .collect();
    texts.join("; ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        // What stands for "none" in the trail would look like the start of a formula.
        Value::String(text) if text == "-" => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn harmless(text: String) -> String {
    let starts = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let is_risky = text.starts_with(|c: char| c.is_control())
        || text
            .trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{FEFF}')
            .starts_with(starts);
    if is_risky { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn case_46_no_cell_is_a_formula_whatever_callers_called_themselves() {
        for hostile in [
            "=HYPERLINK(\"https://evil.example\")",
            "+1",
            "-1+1|cmd",
            "@SUM(1)",
            " =1",
            "\t=1",
            "\r\n=1",
            "＝1",
            "\u{FEFF}=1",
        ] {
            let event = json!({ "ts": "t", "event": "login", "user": hostile, "target": hostile });
            let text = String::from_utf8(export([&event].into_iter()).unwrap()).unwrap();
            let row = text.split_once('\n').unwrap().1;
            let cell = format!("\"'{}\"", hostile.replace('"', "\"\""));
            assert!(row.contains(&cell), "{row}");
        }
        let event = json!({ "ts": "t", "event": "login_refused", "user": "a", "why": "throttled",
            "client": "-", "org": 0 });
        let text = String::from_utf8(export([&event].into_iter()).unwrap()).unwrap();
        let row = text.lines().nth(1).unwrap();
        let expected =
            "\"t\",\"login_refused\",\"a\",\"\",\"throttled\",\"\",\"\",\"\",\"\",\"org=0\"";
        assert_eq!(row, expected);
    }
}
