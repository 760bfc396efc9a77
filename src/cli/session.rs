//! `session …`: who is signed in, and ending it.

use crate::cli::args::{RevokeArgs, SessionCommand};
use crate::cli::output::{Column, field, plain, print, print_rows};
use crate::cli::way::Way;
use crate::cli::{Outcome, runtime};
use crate::operator::{OperatorCommand, SessionsOf};
use crate::settings::Settings;
use anyhow::bail;
use serde_json::Value;
use std::io::{self, BufRead, IsTerminal, Write};

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
        let way = Way::find(settings).await?;
        match command {
            SessionCommand::List { user, format } => {
                let of = user.map_or(SessionsOf::Everybody, SessionsOf::User);
                let rows = list(&way, of).await?;
                print_rows(&rows, COLUMNS, format.json)?;
                Ok(Outcome::Good)
            }
            SessionCommand::Revoke(args) => revoke(&way, args).await,
        }
    })
}

async fn list(way: &Way, of: SessionsOf) -> anyhow::Result<Vec<Value>> {
    let command = OperatorCommand::ListSessions { of };
    Ok(way.run(command, |_done| ()).await?.rows)
}

async fn revoke(way: &Way, args: RevokeArgs) -> anyhow::Result<Outcome> {
    let whose = args.whose;
    if let Some(id) = whose.id {
        let command = OperatorCommand::RevokeSession { id };
        let answer = way.run(command, |_done| ()).await?;
        let user = field(&answer.value, "user");
        print(&format!("session of {user} ended"))?;
        return Ok(Outcome::Good);
    }
    let of = match (whose.user, whose.org, whose.key) {
        (Some(user), _, _) => SessionsOf::User(user),
        (_, Some(org), _) => SessionsOf::Org(org),
        (_, _, Some(key)) => SessionsOf::Key(key),
        (None, None, None) if whose.all => SessionsOf::Everybody,
        (None, None, None) => bail!("nothing to revoke was named"),
    };
    // Scripts, which have no terminal, mean what they say.
    if !args.yes && io::stdin().is_terminal() {
        let count = list(way, of.clone()).await?.len();
        let spared = usize::from(args.except.is_some());
        if !is_meant(count.saturating_sub(spared), &of)? {
            print("nothing was ended")?;
            return Ok(Outcome::Bad);
        }
    }
    let line = match (of, args.except) {
        (SessionsOf::User(user), Some(kept)) => {
            let command = OperatorCommand::RevokeOtherSessions { user, kept };
            let answer = way.run(command, |_done| ()).await?;
            let (ended, user) = (field(&answer.value, "ended"), field(&answer.value, "user"));
            format!("sessions of user {user} ended: {ended}; one stays")
        }
        (of, _) => {
            let command = OperatorCommand::RevokeSessions { of };
            let answer = way.run(command, |_done| ()).await?;
            let of = field(&answer.value, "of");
            format!("every session and token of {of} is ended")
        }
    };
    print(&line)?;
    Ok(Outcome::Good)
}

fn is_meant(count: usize, of: &SessionsOf) -> anyhow::Result<bool> {
    let whose = match of {
        SessionsOf::Everybody => "of everybody".to_owned(),
        SessionsOf::User(name) => format!("of user {}", plain(name)),
        SessionsOf::Org(org) => format!("in Org {}", plain(org)),
        SessionsOf::Key(id) => format!("behind key {}", plain(id)),
    };
    let mut out = io::stdout().lock();
    write!(
        out,
        "This ends {count} live sessions {whose}. Go on? [y/N] "
    )?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
