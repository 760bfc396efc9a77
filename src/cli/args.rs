//! The command line's grammar.

#[cfg(test)]
mod tests;
mod user;

pub(in crate::cli) use user::{CreateUserArgs, UserCommand};

use crate::cli::calibrate::PasswordCommand;
use crate::cli::sso::SsoCommand;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// A ThoughtSpot-compatible session server: trusted authentication, logins and redirects for embedded analytics.
///
/// Without a command it serves. Commands go to the server that runs on the data folder, so that they
/// bite at once; when none runs they work on the data themselves.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, propagate_version = true)]
pub(in crate::cli) struct Cli {
    #[command(flatten)]
    pub sources: SourceArgs,
    #[command(flatten)]
    pub serve: ServeArgs,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where settings come from.
#[derive(Args)]
pub(in crate::cli) struct SourceArgs {
    /// Settings file in TOML; it names only what differs from the defaults
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address and port of plain HTTP, or "off"
    #[arg(long, global = true, value_name = "ADDR")]
    pub http: Option<String>,
    /// Address and port of HTTPS, or "off"
    #[arg(long, global = true, value_name = "ADDR")]
    pub https: Option<String>,
    /// Folder of everything that must survive a restart
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Any other setting, such as `sessions.idle_timeout=10m`; may be repeated
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", value_parser = key_and_value)]
    pub set: Vec<(String, String)>,
}

impl std::fmt::Debug for SourceArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // `--set` may carry a password.
        f.debug_struct("SourceArgs").finish_non_exhaustive()
    }
}

#[derive(Args, Clone, Copy, Debug)]
pub(in crate::cli) struct ServeArgs {
    /// Add example users, groups, Orgs and a Liveboard to the data (with a published password: never in production)
    #[arg(long)]
    pub demo: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Run the server (the default)
    Serve(ServeArgs),
    /// Orgs: separate tenants on one server
    #[command(subcommand)]
    Org(OrgCommand),
    /// Groups of users within an Org
    #[command(subcommand)]
    Group(GroupCommand),
    /// Users, their passwords and whether they may sign in
    #[command(subcommand)]
    User(UserCommand),
    /// Secret keys of trusted authentication
    #[command(subcommand)]
    Key(KeyCommand),
    /// Live sessions: who is signed in, and ending it
    #[command(subcommand)]
    Session(SessionCommand),
    /// What password hashes cost
    #[command(subcommand)]
    Password(PasswordCommand),
    /// Redirect targets
    #[command(subcommand)]
    Redirect(RedirectCommand),
    /// Identity providers of single sign-on
    #[command(subcommand)]
    Sso(SsoCommand),
    /// The directory of users, groups, Orgs and keys as a whole
    #[command(subcommand)]
    Directory(DirectoryCommand),
    /// Settings in force
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask the running server, over plain HTTP, whether it can do its work
    Health,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OrgCommand {
    /// Create an Org
    Create {
        /// Its name
        name: String,
        /// What it is for
        #[arg(long, default_value = "", hide_default_value = true)]
        description: String,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// List Orgs
    List(FormatArgs),
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum GroupCommand {
    /// Create a group
    Create {
        /// Its name
        name: String,
        /// The Org it belongs to, by number or name
        #[arg(long, default_value = "0")]
        org: String,
        /// The name people read
        #[arg(long)]
        display_name: Option<String>,
        /// A right its members have, such as ADMINISTRATION; may be repeated
        #[arg(long = "privilege")]
        privileges: Vec<String>,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// List groups
    List {
        /// Only of this Org, by number or name
        #[arg(long)]
        org: Option<String>,
        #[command(flatten)]
        format: FormatArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeyCommand {
    /// List secret keys, retired ones included
    List(FormatArgs),
    /// Make a secret key and print it, this once
    Create {
        /// A word for people, such as the app that will hold it
        #[arg(long, default_value = "", hide_default_value = true)]
        label: String,
        /// Good for this Org only, by number or name; none is the whole server
        #[arg(long)]
        org: Option<String>,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Retire a secret key and end every token and session behind it
    Retire {
        /// The key's id, as `key list` shows it
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SessionCommand {
    /// List live sessions
    List {
        /// Only of this user, the oldest first; without it the whole store is walked through
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// End sessions, and with --user, --org, --key or --all the tokens as well
    Revoke(RevokeArgs),
}

/// Which sessions end: one of these, and no default.
#[derive(Args, Debug)]
pub(in crate::cli) struct RevokeArgs {
    #[command(flatten)]
    pub whose: WhoseArgs,
    /// With --user: this session stays, and so do tokens
    #[arg(long, value_name = "ID", requires = "user", conflicts_with_all = ["id", "org", "key", "all"])]
    pub except: Option<String>,
    /// Do not ask, not even on a terminal
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct WhoseArgs {
    /// One session, as `session list` shows it
    pub id: Option<String>,
    /// Every session and token of this user
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Every session in this Org, by number or name, and every token for it
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,
    /// Every session and token behind this secret key, which stays good; see `key retire`
    #[arg(long, value_name = "ID")]
    pub key: Option<String>,
    /// Everybody's
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RedirectCommand {
    /// Say whether a redirect target would be allowed, and by which rule
    Check {
        /// The target
        url: String,
        #[command(flatten)]
        format: FormatArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DirectoryCommand {
    /// Copy an embedded directory into an empty PostgreSQL database and check what arrived
    #[command(after_long_help = COPY_HELP)]
    Copy(CopyArgs),
}

/// What `directory copy --help` says beyond its options.
const COPY_HELP: &str = "\
No server may be running on the data folder. Everything is copied in one transaction, the server's own
secrets included, so that sessions, tokens and secret keys stay good; the rows that arrived are counted
and their checksums compared before it is made to last. The embedded directory is only read.

  vestibule directory copy --from ./data --to-env NEW_DIRECTORY

Then start the server with `directory.store` set to the same URL.";

#[derive(Args)]
pub(in crate::cli) struct CopyArgs {
    /// The embedded directory: a data folder, or sqlite:PATH of its file
    #[arg(long, value_name = "DATA_DIR|sqlite:PATH")]
    pub from: String,
    #[command(flatten)]
    pub to: TargetArgs,
    #[command(flatten)]
    pub format: FormatArgs,
}

/// Where the copy goes; without any of these, where `directory.store` says.
#[derive(Args)]
#[group(multiple = false)]
pub(in crate::cli) struct TargetArgs {
    /// The database's URL; with a password rather --to-env or --to-stdin, since every user of the machine can read arguments
    #[arg(long, value_name = "postgres://…")]
    pub to: Option<String>,
    /// The environment variable that holds the database's URL
    #[arg(long, value_name = "NAME")]
    pub to_env: Option<String>,
    /// Read the database's URL from standard input
    #[arg(long)]
    pub to_stdin: bool,
}

impl std::fmt::Debug for CopyArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // `--to` may carry a password.
        f.debug_struct("CopyArgs")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ConfigCommand {
    /// Print every setting in force and where it came from; secrets are masked
    Show(FormatArgs),
    /// Only check the settings, and whether the servers and identity providers they name are ready
    Check,
}

/// How answers look.
#[derive(Args, Clone, Copy, Debug)]
pub(in crate::cli) struct FormatArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Where a password comes from; never from an argument, which every user of the machine can read.
#[derive(Args, Clone, Copy, Debug)]
pub(in crate::cli) struct PasswordArgs {
    /// Read the password from standard input; one newline at its end is dropped
    #[arg(long)]
    pub password_stdin: bool,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.to_owned()))
        .filter(|(key, _)| !key.is_empty())
        .ok_or_else(|| "expected SECTION.KEY=VALUE".to_owned())
}
