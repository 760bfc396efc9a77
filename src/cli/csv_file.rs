//! Reading a CSV file of users: every line becomes a user or a reason.

use crate::operator::{ImportLine, UserFields, WireSecret};
use anyhow::{Context, bail, ensure};
use csv::{ByteRecord, ReaderBuilder, StringRecord};
use std::io::Read;

/// The columns there are, in the order the help names them.
const COLUMNS: [&str; 6] = [
    "name",
    "display_name",
    "email",
    "password",
    "orgs",
    "groups",
];
/// The longest row; a longer one is a quote that was never closed.
const MAX_ROW_BYTES: usize = 16 * 1024;

/// Every row of the file. An error means that the file as a whole cannot be used.
pub(in crate::cli) fn read(input: impl Read) -> anyhow::Result<Vec<ImportLine>> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(input);
    let header = reader
        .headers()
        .context("the header cannot be read")?
        .clone();
    let places = Places::of(&header)?;
    let mut lines = Vec::new();
    let mut record = ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .with_context(|| format!("the file cannot be read after line {}", last(&lines)))?
    {
        let line = record.position().map_or(0, csv::Position::line);
        let user = places.user(&record, header.len());
        lines.push(ImportLine { line, user });
    }
    Ok(lines)
}

fn last(lines: &[ImportLine]) -> u64 {
    lines.last().map_or(1, |line| line.line)
}

/// Where each column of [`COLUMNS`] stands.
struct Places([Option<usize>; COLUMNS.len()]);

impl Places {
    fn of(header: &StringRecord) -> anyhow::Result<Self> {
        let mut places = [None; COLUMNS.len()];
        for (place, title) in header.iter().enumerate() {
            let Some(column) = COLUMNS.iter().position(|name| *name == title.trim()) else {
                bail!(
                    "the header names a column {:?}; expected {}",
                    title,
                    COLUMNS.join(",")
                );
            };
            ensure!(
                places[column].is_none(),
                "the header names the column {title} twice"
            );
            places[column] = Some(place);
        }
        ensure!(
            places[0].is_some(),
            "the first line must be a header with a column `name`, such as {}",
            COLUMNS.join(",")
        );
        Ok(Self(places))
    }

    /// The user of a row, or why there is none; never quotes the row, which holds a password.
    fn user(&self, record: &ByteRecord, width: usize) -> Result<UserFields, String> {
        if record.len() != width {
            return Err(format!(
                "{} fields where the header has {width}",
                record.len()
            ));
        }
        if record.as_slice().len() > MAX_ROW_BYTES {
            return Err(format!(
                "more than {MAX_ROW_BYTES} bytes; is a quotation mark missing?"
            ));
        }
        let [name, display_name, email, password, orgs, groups] = self
            .0
            .map(|place| place.and_then(|place| record.get(place)));
        Ok(UserFields {
            name: text(COLUMNS[0], name)?.unwrap_or_default(),
            display_name: text(COLUMNS[1], display_name)?,
            email: text(COLUMNS[2], email)?,
            is_ldap: false,
            password: text(COLUMNS[3], password)?.map(|text| WireSecret(text.into())),
            is_admin: false,
            orgs: items(&text(COLUMNS[4], orgs)?.unwrap_or_default()),
            groups: items(&text(COLUMNS[5], groups)?.unwrap_or_default()),
        })
    }
}

fn text(column: &str, bytes: Option<&[u8]>) -> Result<Option<String>, String> {
    let text = str::from_utf8(bytes.unwrap_or_default())
        .map_err(|_not_text| format!("{column}: not UTF-8 text"))?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn items(text: &str) -> Vec<String> {
    text.split(';')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn reason(lines: &[ImportLine], line: u64) -> &str {
        let found = lines.iter().find(|row| row.line == line).unwrap();
        found.user.as_ref().unwrap_err()
    }

    #[test]
    fn a_row_becomes_a_user() {
        let lines = read(
            "name,display_name,email,password,orgs,groups\n\
             alice,\"Example, Alice\",a@b.example, secret ,Sales; 7 ;,east;7:west\n\
             bob,,,,,\n"
                .as_bytes(),
        )
        .unwrap();
        let alice = lines[0].user.as_ref().unwrap();
        assert_eq!(lines[0].line, 2);
        assert_eq!(alice.name, "alice");
        assert_eq!(alice.display_name.as_deref(), Some("Example, Alice"));
        assert_eq!(alice.email.as_deref(), Some("a@b.example"));
        let password = alice.password.as_ref().unwrap();
        assert_eq!(password.0.expose_secret(), " secret ");
        assert_eq!(alice.orgs, ["Sales", "7"]);
        assert_eq!(alice.groups, ["east", "7:west"]);
        let bob = lines[1].user.as_ref().unwrap();
        assert!(bob.password.is_none() && bob.email.is_none() && bob.orgs.is_empty());
    }

    #[test]
    fn columns_stand_in_any_order_and_a_byte_order_mark_is_ignored() {
        let lines = read("\u{FEFF}email,name\r\na@b,alice\r\n".as_bytes()).unwrap();
        assert_eq!(lines[0].user.as_ref().unwrap().name, "alice");
    }

    #[test]
    fn a_bad_row_is_named_by_line_and_the_others_live() {
        let mut text = b"name,password\nalice,p1anted,x\n\"multi\nline\",longenough\n".to_vec();
        text.extend_from_slice(b"b\xFFb,longenough\n");
        text.extend_from_slice(format!("{},longenough\n", "x".repeat(20_000)).as_bytes());
        text.extend_from_slice(b"carol,longenough\n");
        let lines = read(text.as_slice()).unwrap();
        assert_eq!(lines.len(), 5);
        assert_eq!(reason(&lines, 2), "3 fields where the header has 2");
        assert_eq!(reason(&lines, 5), "name: not UTF-8 text");
        assert!(reason(&lines, 6).contains("quotation mark"));
        assert_eq!(lines[4].line, 7);
        assert!(lines[4].user.is_ok());
        assert!(!format!("{lines:?}").contains("longenough"));
    }

    #[test]
    fn a_header_must_name_the_columns() {
        for (text, part) in [
            ("alice,secret\n", "names a column \"alice\""),
            ("email\n", "a column `name`"),
            ("name,name\n", "twice"),
            ("", "a column `name`"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
