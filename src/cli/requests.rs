//! What each operator's command asks the directory for, and how its answer is printed.

use crate::cli::args::{CreateUserArgs, GroupCommand, KeyCommand, OrgCommand, UserCommand};
use crate::cli::output::{Column, field};
use crate::cli::password;
use crate::operator::{OperatorCommand, UserFields, WireSecret};
use anyhow::ensure;
use serde_json::Value;

/// A command for the directory, and how its answer is printed.
pub(in crate::cli) struct Request {
    pub command: OperatorCommand,
    pub print: Print,
    pub json: bool,
}

/// How an answer is printed for people.
pub(in crate::cli) enum Print {
    /// A list.
    Table(&'static [Column]),
    /// One thing, field by field.
    Fields(&'static [Column]),
    /// One sentence.
    Line(fn(&Value) -> String),
}

/// `org …`.
pub(in crate::cli) fn org(command: OrgCommand) -> Request {
    const COLUMNS: &[Column] = &[
        ("ID", |row| field(row, "id")),
        ("NAME", |row| field(row, "name")),
        ("STATUS", |row| field(row, "status")),
        ("DESCRIPTION", |row| field(row, "description")),
    ];
    match command {
        OrgCommand::Create {
            name,
            description,
            format,
        } => Request {
            command: OperatorCommand::CreateOrg { name, description },
            print: Print::Line(|org| {
                let (name, id) = (field(org, "name"), field(org, "id"));
                format!("Org {name} created with number {id}")
            }),
            json: format.json,
        },
        OrgCommand::List(format) => Request {
            command: OperatorCommand::ListOrgs,
            print: Print::Table(COLUMNS),
            json: format.json,
        },
    }
}

/// `group …`.
pub(in crate::cli) fn group(command: GroupCommand) -> Request {
    const COLUMNS: &[Column] = &[
        ("ORG", |row| field(row, "org")),
        ("NAME", |row| field(row, "name")),
        ("DISPLAY NAME", |row| field(row, "display_name")),
        ("PRIVILEGES", |row| field(row, "privileges")),
        ("ID", |row| field(row, "id")),
    ];
    match command {
        GroupCommand::Create {
            name,
            org,
            display_name,
            privileges,
            format,
        } => Request {
            command: OperatorCommand::CreateGroup {
                org,
                name,
                display_name,
                privileges,
            },
            print: Print::Line(|group| {
                let (name, org) = (field(group, "name"), field(group, "org"));
                format!("group {name} created in Org {org}")
            }),
            json: format.json,
        },
        GroupCommand::List { org, format } => Request {
            command: OperatorCommand::ListGroups { org },
            print: Print::Table(COLUMNS),
            json: format.json,
        },
    }
}

/// `key …`.
pub(in crate::cli) fn key(command: KeyCommand) -> Request {
    const COLUMNS: &[Column] = &[
        ("ID", |row| field(row, "id")),
        ("LABEL", |row| field(row, "label")),
        ("ORG", |row| field(row, "org")),
        ("STATUS", |row| field(row, "status")),
        ("CREATED", |row| field(row, "created_at")),
        ("LAST USED", |row| field(row, "last_used_at")),
    ];
    match command {
        KeyCommand::List(format) => Request {
            command: OperatorCommand::ListKeys,
            print: Print::Table(COLUMNS),
            json: format.json,
        },
        KeyCommand::Create { label, org, format } => Request {
            command: OperatorCommand::CreateKey { label, org },
            print: Print::Fields(&[
                ("id", |key| field(key, "id")),
                ("secret key, shown only now", |key| field(key, "secret_key")),
            ]),
            json: format.json,
        },
        KeyCommand::Retire { id } => Request {
            command: OperatorCommand::RetireKey { id },
            print: Print::Line(|key| format!("key {} retired", field(key, "id"))),
            json: false,
        },
    }
}

/// `user …`, but for `user import`; asks for a password where one is needed.
pub(in crate::cli) fn user(command: UserCommand) -> anyhow::Result<Request> {
    const COLUMNS: &[Column] = &[
        ("NAME", |row| field(row, "name")),
        ("DISPLAY NAME", |row| field(row, "display_name")),
        ("EMAIL", |row| field(row, "email")),
        ("STATUS", |row| field(row, "status")),
        ("ADMIN", |row| field(row, "is_admin")),
        ("CREATED", |row| field(row, "created_at")),
    ];
    const DETAILS: &[Column] = &[
        ("name", |user| field(user, "name")),
        ("display name", |user| field(user, "display_name")),
        ("email", |user| field(user, "email")),
        ("status", |user| field(user, "status")),
        ("admin", |user| field(user, "is_admin")),
        ("account type", |user| field(user, "account_type")),
        ("password", |user| field(user, "has_password")),
        ("orgs", orgs_of),
        ("created", |user| field(user, "created_at")),
        ("modified", |user| field(user, "modified_at")),
        ("id", |user| field(user, "id")),
    ];
    let (command, print, json) = match command {
        UserCommand::Create(args) => return create_user(args),
        UserCommand::List(format) => (
            OperatorCommand::ListUsers,
            Print::Table(COLUMNS),
            format.json,
        ),
        UserCommand::Show { name, format } => (
            OperatorCommand::ShowUser { name },
            Print::Fields(DETAILS),
            format.json,
        ),
        UserCommand::Passwd { name, password } => {
            let password = WireSecret(password::read(password)?);
            let line: fn(&Value) -> String = |user| {
                let name = field(user, "name");
                format!("password of {name} set; their sessions are ended")
            };
            let command = OperatorCommand::SetPassword { name, password };
            (command, Print::Line(line), false)
        }
        UserCommand::Disable { name } => (
            OperatorCommand::DisableUser { name },
            Print::Line(|user| format!("user {} disabled", field(user, "name"))),
            false,
        ),
        UserCommand::Enable { name } => (
            OperatorCommand::EnableUser { name },
            Print::Line(|user| format!("user {} enabled", field(user, "name"))),
            false,
        ),
        UserCommand::Admin { name, revoke } => {
            let line: fn(&Value) -> String = if revoke {
                |user| {
                    let name = field(user, "name");
                    format!(
                        "user {name} no longer administers the server; their sessions are ended"
                    )
                }
            } else {
                |user| format!("user {} administers the server", field(user, "name"))
            };
            let is_admin = !revoke;
            let command = OperatorCommand::SetAdmin { name, is_admin };
            (command, Print::Line(line), false)
        }
        UserCommand::Delete { name, .. } => (
            OperatorCommand::DeleteUser { name },
            Print::Line(|user| format!("user {} deleted", field(user, "name"))),
            false,
        ),
        UserCommand::Import { .. } => anyhow::bail!("an import goes in batches"),
    };
    Ok(Request {
        command,
        print,
        json,
    })
}

/// `sso release`.
pub(in crate::cli) fn release(name: String) -> Request {
    Request {
        command: OperatorCommand::ReleaseUser { name },
        print: Print::Line(|user| {
            let name = field(user, "name");
            if user["was_bound"] == Value::Bool(true) {
                format!("user {name} released: whoever signs in next by that name has the account")
            } else {
                format!("user {name} belongs to no identity provider")
            }
        }),
        json: false,
    }
}

fn create_user(args: CreateUserArgs) -> anyhow::Result<Request> {
    ensure!(!args.name.is_empty(), "a name must not be empty");
    let password = if args.no_password || args.ldap {
        None
    } else {
        Some(WireSecret(password::read(args.password)?))
    };
    Ok(Request {
        command: OperatorCommand::CreateUser {
            user: UserFields {
                name: args.name,
                display_name: args.display_name,
                email: args.email,
                is_ldap: args.ldap,
                password,
                is_admin: args.admin,
                orgs: args.orgs,
                groups: args.groups,
            },
            create_groups: args.create_groups,
        },
        print: Print::Line(|user| format!("user {} created", field(user, "name"))),
        json: args.format.json,
    })
}

/// `Sales (7): east, west; Primary (0)`
fn orgs_of(user: &Value) -> String {
    let orgs = user["orgs"].as_array().map(Vec::as_slice);
    let texts: Vec<String> = orgs
        .unwrap_or_default()
        .iter()
        .map(|org| {
            let groups = match field(org, "groups") {
                none if none == "-" => String::new(),
                groups => format!(": {groups}"),
            };
            format!("{} ({}){groups}", field(org, "name"), field(org, "id"))
        })
        .collect();
    texts.join("; ")
}
