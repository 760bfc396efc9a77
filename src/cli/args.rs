//! The command line's grammar.

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
pub(in crate::cli) enum UserCommand {
    /// Create a user; the password comes from a prompt or --password-stdin
    Create(CreateUserArgs),
    /// List users
    List(FormatArgs),
    /// Show a user with Orgs and groups
    Show {
        /// Sign-in name
        name: String,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Set a password and end the user's sessions
    Passwd {
        /// Sign-in name
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Switch a user off and end their sessions and tokens
    Disable {
        /// Sign-in name
        name: String,
    },
    /// Switch a user on again
    Enable {
        /// Sign-in name
        name: String,
    },
    /// Delete a user with their sessions and tokens
    Delete {
        /// Sign-in name
        name: String,
    },
    /// Create many users from a CSV file
    #[command(after_long_help = IMPORT_HELP)]
    Import {
        /// The file; "-" is standard input
        file: PathBuf,
        /// Make groups that do not exist instead of skipping the row
        #[arg(long)]
        create_groups: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
}

/// What `user import --help` says about the file.
const IMPORT_HELP: &str = "\
The file is CSV in UTF-8 with a header. Columns, in any order, of which only `name` is required:

  name          sign-in name
  display_name  the name people read; empty takes the sign-in name
  email         where mail goes
  password      at least 8 bytes; empty for users who never type one
  orgs          Orgs by number or name, separated by `;`; empty is the Primary Org
  groups        groups by name, separated by `;`, each in the row's first Org, or ORG:GROUP with
                ORG as written in `orgs`

  name,display_name,email,password,orgs,groups
  alice,Alice Example,alice@example.com,correct horse,Sales;Support,east;Support:tier 2

A bad row is reported by its line and skipped; the others are created. Importing the same file again
skips the users that exist. The exit code is 1 if any row was skipped.";

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::cli) struct CreateUserArgs {
    /// Sign-in name
    pub name: String,
    /// The name people read
    #[arg(long)]
    pub display_name: Option<String>,
    /// Where mail goes
    #[arg(long)]
    pub email: Option<String>,
    /// An Org to join, by number or name; may be repeated; none is the Primary Org
    #[arg(long = "org", value_name = "ORG")]
    pub orgs: Vec<String>,
    /// A group to join, in the first --org, or ORG:GROUP; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// Make groups that do not exist instead of refusing
    #[arg(long)]
    pub create_groups: bool,
    /// May administer the whole server
    #[arg(long)]
    pub admin: bool,
    /// No password: the user comes in by trusted authentication only
    #[arg(long, conflicts_with = "password_stdin")]
    pub no_password: bool,
    /// The LDAP directory of the settings keeps the password
    #[arg(long, conflicts_with_all = ["password_stdin", "no_password"])]
    pub ldap: bool,
    #[command(flatten)]
    pub password: PasswordArgs,
    #[command(flatten)]
    pub format: FormatArgs,
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
    /// Check the settings and what they name (TLS, logo, audit file, Redis, PostgreSQL, guest, LDAP, SSO); change nothing
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_grammar_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default_and_flags_stand_on_either_side_of_a_command() {
        let cli = parse("vestibule --demo --http 127.0.0.1:0").unwrap();
        assert!(cli.command.is_none() && cli.serve.demo);
        let cli = parse("vestibule serve --demo --set a.b=c=d --set e=").unwrap();
        assert!(matches!(
            cli.command,
            Some(Command::Serve(ServeArgs { demo: true }))
        ));
        assert_eq!(
            cli.sources.set,
            [("a.b".into(), "c=d".into()), ("e".into(), String::new())]
        );
        for line in [
            "vestibule --data-dir /d user list --json",
            "vestibule user list --json --data-dir /d",
        ] {
            let cli = parse(line).unwrap();
            assert_eq!(cli.sources.data_dir.as_deref(), Some("/d"), "{line}");
        }
    }

    #[test]
    fn the_documented_commands_parse() {
        for line in [
            "org create Sales --description x",
            "org list --json",
            "group create east --org Sales",
            "group list --org 0 --json",
            "user create alice --display-name A --email a@b --org 1 --group g --admin --password-stdin",
            "user create lena --ldap",
            "user list",
            "user show alice --json",
            "user passwd alice --password-stdin",
            "user disable alice",
            "user enable alice",
            "user delete alice",
            "user import users.csv",
            "key list --json",
            "key create --label app --org 0",
            "key retire 6f0e",
            "password calibrate --target-ms 20 --memory-mib 64 --json",
            "session list --user alice --json",
            "session revoke 00112233aabb-0011223344556677",
            "session revoke --user alice --yes",
            "session revoke --user alice --except 00112233aabb-0011223344556677",
            "session revoke --org Sales",
            "session revoke --key 6f0e",
            "session revoke --all",
            "redirect check https://a.example/x --json",
            "directory copy --from ./data --to-env NAME",
            "directory copy --from sqlite:x.db --to-stdin --json",
            "config show --json --config x.toml",
            "config check",
            "sso test corp --claims - --json",
            "health",
        ] {
            let line = format!("vestibule {line}");
            assert!(parse(&line).is_ok(), "{line}: {:?}", parse(&line).err());
        }
    }

    #[test]
    fn sessions_are_revoked_by_exactly_one_word() {
        for line in [
            "",
            "--user alice --all",
            "00112233aabb-0011223344556677 --org 0",
            "--except 00112233aabb-0011223344556677",
            "--all --except 00112233aabb-0011223344556677",
        ] {
            assert!(
                parse(&format!("vestibule session revoke {line}")).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn a_password_cannot_be_an_argument() {
        assert!(parse("vestibule user create alice --password secret").is_err());
        assert!(parse("vestibule user passwd alice secret").is_err());
        assert!(parse("vestibule --set nonsense").is_err());
    }
}
