//! The command line: `serve`, and the operator's commands.

mod args;
mod calibrate;
mod csv_file;
mod directory;
#[cfg(test)]
mod documented;
mod health;
mod import;
mod output;
mod password;
mod redirect;
mod requests;
mod session;
mod sso;
mod way;

use crate::cli::args::{
    Cli, Command, ConfigCommand, DirectoryCommand, RedirectCommand, SourceArgs, UserCommand,
};
use crate::cli::calibrate::PasswordCommand;
use crate::cli::output::{Column, confirmed, field, plain, print, print_json, print_rows};
use crate::cli::requests::{Print, Request, group, key, org, release, user};
use crate::cli::sso::SsoCommand;
use crate::cli::way::Way;
use crate::domain::administration::SecuritySettings;
use crate::domain::random::SystemRandom;
use crate::operator::OperatorCommand;
use crate::server::ServeOptions;
use crate::settings::{Loaded, Settings, Shown, Sources};
use anyhow::Context;
use clap::{CommandFactory, Parser, error::ErrorKind};
use serde_json::Value;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

/// How a command that ran to its end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// As asked.
    Good,
    /// With something to look at, such as a skipped row or a refused redirect; already printed.
    Bad,
}

/// Runs the command line. Exit codes: 0 good, 1 failed, 2 not understood.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output and is no error; clap knows which is which.
            let _terminal_gone = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    if cli.serve.demo && !matches!(cli.command, None | Some(Command::Serve(_))) {
        let error = Cli::command().error(
            ErrorKind::ArgumentConflict,
            "--demo is for serving; it does nothing for other commands",
        );
        let _terminal_gone = error.print();
        return ExitCode::from(2);
    }
    match dispatch(cli) {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(error) => {
            for line in format!("{error:#}").lines() {
                eprintln!("vestibule: {}", plain(line));
            }
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<Outcome> {
    // Before anything that needs it: a hash map panics without, and TLS aborts.
    SystemRandom::open().context("the operating system's random generator")?;
    let loaded = Loaded::load(&sources(cli.sources)?)?;
    match cli.command {
        None => serve(&loaded, cli.serve.demo),
        Some(Command::Serve(args)) => serve(&loaded, args.demo || cli.serve.demo),
        Some(Command::Config(ConfigCommand::Check)) => {
            runtime()?.block_on(check_config(&loaded.settings))
        }
        Some(Command::Config(ConfigCommand::Show(format))) => show_config(&loaded, format.json),
        Some(Command::Health) => {
            let is_ready = health::check(&loaded.settings)?;
            Ok(if is_ready {
                Outcome::Good
            } else {
                Outcome::Bad
            })
        }
        Some(Command::Password(PasswordCommand::Calibrate(args))) => {
            runtime()?.block_on(calibrate::calibrate(&loaded.settings, args))?;
            Ok(Outcome::Good)
        }
        Some(Command::Redirect(RedirectCommand::Check { url, format })) => {
            let is_allowed = redirect::check(&url, &loaded.settings, format.json)?;
            Ok(if is_allowed {
                Outcome::Good
            } else {
                Outcome::Bad
            })
        }
        Some(Command::Sso(SsoCommand::Test(args))) => {
            runtime()?.block_on(sso::test(&loaded.settings, args))
        }
        Some(Command::Sso(SsoCommand::Release { user })) => {
            operate(&loaded.settings, release(user))
        }
        Some(Command::Directory(DirectoryCommand::Copy(args))) => {
            runtime()?.block_on(directory::copy(args, &loaded.settings))
        }
        Some(Command::Org(command)) => operate(&loaded.settings, org(command)),
        Some(Command::Group(command)) => operate(&loaded.settings, group(command)),
        Some(Command::Key(command)) => operate(&loaded.settings, key(command)),
        Some(Command::Session(command)) => session::run(&loaded.settings, command),
        Some(Command::User(UserCommand::Import {
            file,
            create_groups,
            format,
        })) => runtime()?.block_on(async {
            let nothing_yet = OperatorCommand::ImportUsers {
                rows: Vec::new(),
                create_groups,
            };
            let way = Way::find(&loaded.settings, &nothing_yet).await?;
            let outcome = import::import(&way, &file, create_groups, format.json).await;
            way.tell();
            outcome
        }),
        Some(Command::User(UserCommand::Delete { ref name, yes }))
            if !yes && std::io::stdin().is_terminal() && !is_deletion_meant(name)? =>
        {
            print("nobody was deleted")?;
            Ok(Outcome::Bad)
        }
        Some(Command::User(command)) => operate(&loaded.settings, user(command)?),
    }
}

/// What the settings alone cannot tell: whether the LDAP servers and identity providers they name are ready for logins.
async fn check_config(settings: &Settings) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Good;
    for (server, found) in crate::stores::check_ldap(settings).await? {
        let words = match found {
            Ok(()) => "ready".to_owned(),
            Err(why) => {
                outcome = Outcome::Bad;
                why
            }
        };
        print(&format!("{server}: {words}"))?;
    }
    for (provider, found) in sso::check(settings).await? {
        match found {
            Ok(found) => {
                let word = if found.is_fit() { "ready" } else { "not ready" };
                print(&format!("{provider}: {word}"))?;
                if !found.is_fit() {
                    outcome = Outcome::Bad;
                }
                for line in found.lines() {
                    print(&format!("  {line}"))?;
                }
            }
            Err(why) => {
                outcome = Outcome::Bad;
                print(&format!("{provider}: {why}"))?;
            }
        }
    }
    if outcome == Outcome::Good {
        print("the settings are good")?;
    }
    Ok(outcome)
}

fn serve(loaded: &Loaded, is_demo: bool) -> anyhow::Result<Outcome> {
    crate::server::serve(loaded, ServeOptions { is_demo })?;
    Ok(Outcome::Good)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime could not start")
}

/// Settings from flags and the process's environment.
fn sources(args: SourceArgs) -> anyhow::Result<Sources> {
    let mut environment = Vec::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with("VESTIBULE__")) else {
            continue;
        };
        let value = value.into_string().ok();
        let value = value.with_context(|| format!("environment {name}: not UTF-8 text"))?;
        environment.push((name.to_owned(), value));
    }
    let named = [
        ("server.http", args.http),
        ("server.https", args.https),
        ("data_dir", args.data_dir),
    ];
    let named = named
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Ok(Sources {
        config_file: args.config,
        environment,
        flags: args.set.into_iter().chain(named).collect(),
    })
}

fn show_config(loaded: &Loaded, json: bool) -> anyhow::Result<Outcome> {
    const COLUMNS: &[Column] = &[
        ("SETTING", |row| field(row, "key")),
        ("VALUE", |row| field(row, "value")),
        ("ORIGIN", |row| field(row, "origin")),
    ];
    let mut shown = loaded.show();
    // When a database is away is just when its setting is looked up.
    let saved = runtime()?.block_on(crate::server::saved_security_settings(&loaded.settings));
    if let Ok(saved) = &saved {
        shown.extend(saved_rows(saved));
    }
    let rows: Result<Vec<Value>, _> = shown.iter().map(serde_json::to_value).collect();
    print_rows(&rows?, COLUMNS, json)?;
    saved.context("without what administrators saved")?;
    Ok(Outcome::Good)
}

/// What administrators saved while the server ran: it adds to the rows of the same name.
fn saved_rows(saved: &SecuritySettings) -> Vec<Shown> {
    let origins: Vec<&str> = saved.all_cors_origins().map(String::as_str).collect();
    let lists = [
        ("embed.origins", origins.join(",")),
        ("embed.frames", saved.frame_origins.join(",")),
        ("redirects.allow", saved.redirect_hosts.join(",")),
        (
            "cookies.partitioned",
            saved
                .is_partitioned
                .map(|on| on.to_string())
                .unwrap_or_default(),
        ),
    ];
    lists
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| Shown {
            key: key.to_owned(),
            value,
            origin: "directory".to_owned(),
        })
        .collect()
}

fn is_deletion_meant(name: &str) -> std::io::Result<bool> {
    let name = plain(name);
    confirmed(&format!(
        "This deletes user {name} with their memberships, sessions and tokens, for good."
    ))
}

fn operate(settings: &Settings, request: Request) -> anyhow::Result<Outcome> {
    let Request {
        command,
        print: how,
        json,
    } = request;
    let answer = runtime()?.block_on(async {
        let way = Way::find(settings, &command).await?;
        let looks = command.looks();
        let answer = way.run(command, |_done| ()).await;
        if !looks {
            way.tell();
        }
        answer
    })?;
    match how {
        Print::Table(columns) => print_rows(&answer.rows, columns, json)?,
        Print::Fields(_) | Print::Line(_) if json => print_json(&answer.value)?,
        Print::Fields(columns) => {
            let width = columns.iter().map(|(title, _)| title.len()).max();
            let width = width.unwrap_or_default();
            for (title, cell) in columns {
                print(&format!("{title:width$}  {}", cell(&answer.value)))?;
            }
        }
        Print::Line(line) => print(&line(&answer.value))?,
    }
    Ok(Outcome::Good)
}
