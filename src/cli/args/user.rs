//! The grammar of `vestibule user`.

use crate::cli::args::{FormatArgs, PasswordArgs};
use clap::{Args, Subcommand};
use std::path::PathBuf;

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
    /// Have a user administer the server, or no longer
    Admin {
        /// Sign-in name
        name: String,
        /// No longer: their sessions and tokens end. Somebody always stays
        #[arg(long)]
        revoke: bool,
    },
    /// Delete a user with their sessions and tokens
    Delete {
        /// Sign-in name
        name: String,
        /// Do not ask, not even on a terminal
        #[arg(long)]
        yes: bool,
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
