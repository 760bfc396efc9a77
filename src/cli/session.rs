//! `session …`: who is signed in, and ending it.

use crate::cli::args::{RevokeArgs, SessionCommand};
use crate::cli::output::{Column, confirmed, field, plain, print, print_rows};
use crate::cli::way::Way;
use crate::cli::{Outcome, runtime};
use crate::operator::{OperatorCommand, SessionsOf};
use crate::settings::Settings;
use anyhow::bail;
use serde_json::Value;
use std::io::{self, IsTerminal};

const COLUMNS: &[Column] = &[
    ("ID", |row| field(row, "id")),
    ("USER", |row| field(row, "user")),
    ("ORG", |row| field(row, "org")),
    ("METHOD", |row| field(row, "method")),
    ("ADDRESS", |row| field(row, "address")),
    ("OPENED", |row| field(row, "opened_at")),
    ("LAST SEEN", |row| field(row, "last_seen_at")),
    ("EXPIRES", |row| field(row, "expires_at")),
    ("DEVICE", |row| field(row, "agent")),
];

/// Runs one of them.
pub(in crate::cli) fn run(settings: &Settings, command: SessionCommand) -> anyhow::Result<Outcome> {
    runtime()?.block_on(async {
        match command {
            SessionCommand::List { user, format } => {
                let of = user.map_or(SessionsOf::Everybody, SessionsOf::User);
                let command = OperatorCommand::ListSessions { of };
                let way = Way::find(settings, &command).await?;
                let rows = way.run(command, |_done| ()).await?.rows;
                print_rows(&rows, COLUMNS, format.json)?;
                Ok(Outcome::Good)
            }
            SessionCommand::Revoke(args) => {
                let is_asked = !args.yes && io::stdin().is_terminal();
                let (command, of) = command_of(args)?;
                let way = Way::find(settings, &command).await?;
                // Scripts, which have no terminal, mean what they say.
                if let Some(of) = of.filter(|_| is_asked)
                    && !is_meant(&way, &command, of).await?
                {
                    print("nothing was ended")?;
                    return Ok(Outcome::Bad);
                }
                let answer = revoke(&way, command).await;
                way.tell();
                answer?;
                Ok(Outcome::Good)
            }
        }
    })
}

/// What is asked for, and whose sessions they are when it is more than one.
fn command_of(args: RevokeArgs) -> anyhow::Result<(OperatorCommand, Option<SessionsOf>)> {
    let whose = args.whose;
    let of = match (whose.id, whose.user, whose.org, whose.key) {
        (Some(id), ..) => return Ok((OperatorCommand::RevokeSession { id }, None)),
        (_, Some(user), ..) => SessionsOf::User(user),
        (_, _, Some(org), _) => SessionsOf::Org(org),
        (.., Some(key)) => SessionsOf::Key(key),
        _ if whose.all => SessionsOf::Everybody,
        _ => bail!("nothing to revoke was named"),
    };
    let command = match (&of, args.except) {
        (SessionsOf::User(user), Some(kept)) => OperatorCommand::RevokeOtherSessions {
            user: user.clone(),
            kept,
        },
        _ => OperatorCommand::RevokeSessions { of: of.clone() },
    };
    Ok((command, Some(of)))
}

async fn revoke(way: &Way, command: OperatorCommand) -> anyhow::Result<()> {
    let line: fn(&Value) -> String = match &command {
        OperatorCommand::RevokeSession { .. } => {
            |answer| format!("session of {} ended", field(answer, "user"))
        }
        OperatorCommand::RevokeOtherSessions { .. } => |answer| {
            let (ended, user) = (field(answer, "ended"), field(answer, "user"));
            format!("sessions of user {user} ended: {ended}; one stays")
        },
        _ => |answer| {
            let of = field(answer, "of");
            format!("every session and token of {of} is ended")
        },
    };
    let answer = way.run(command, |_done| ()).await?;
    print(&line(&answer.value))?;
    Ok(())
}

async fn is_meant(way: &Way, command: &OperatorCommand, of: SessionsOf) -> anyhow::Result<bool> {
    let list = OperatorCommand::ListSessions { of: of.clone() };
    let spares = matches!(command, OperatorCommand::RevokeOtherSessions { .. });
    let all = way.run(list, |_done| ()).await?.rows.len();
    let count = all.saturating_sub(usize::from(spares));
    let whose = match &of {
        SessionsOf::Everybody => "of everybody".to_owned(),
        SessionsOf::User(name) => format!("of user {}", plain(name)),
        SessionsOf::Org(org) => format!("in Org {}", plain(org)),
        SessionsOf::Key(id) => format!("behind key {}", plain(id)),
    };
    Ok(confirmed(&format!(
        "This ends {count} live sessions {whose}."
    ))?)
}
