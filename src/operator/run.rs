//! Running one command on the directory, wherever it came from.

use crate::domain::administration::{
    Actor, AdminError, Administration, ImportOptions, ImportRow, MembershipDraft, NewUser,
};
use crate::domain::directory::{AccountType, KeyId};
use crate::operator::{Event, ImportLine, OperatorCommand, UserFields, sessions, view};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Users fetched at a time for a listing.
const PAGE: u32 = 500;

/// Runs a command. What happens is told to `sink`, at the end [`Event::Done`] or [`Event::Failed`].
pub async fn run(
    admin: &Administration,
    command: OperatorCommand,
    mut sink: impl FnMut(Event) + Send,
) {
    let by = admin.operator();
    let outcome = act(admin, command, &by, &mut sink).await;
    sink(match outcome {
        Ok(value) => Event::Done(value),
        Err(error) => Event::Failed(error.to_string()),
    });
}

async fn act(
    admin: &Administration,
    command: OperatorCommand,
    by: &Actor,
    sink: &mut (impl FnMut(Event) + Send),
) -> Result<Value, AdminError> {
    match command {
        OperatorCommand::CreateOrg { name, description } => {
            let org = admin.create_org(&name, &description, by).await?;
            Ok(view::org(&org))
        }
        OperatorCommand::ListOrgs => {
            let orgs = admin.list_orgs().await?;
            Ok(rows(orgs.iter().map(view::org), sink))
        }
        OperatorCommand::CreateGroup {
            org,
            name,
            display_name,
            privileges,
        } => {
            let group = admin
                .create_group(&org, &name, display_name.as_deref(), privileges, by)
                .await?;
            Ok(view::group(&group))
        }
        OperatorCommand::ListGroups { org } => list_groups(admin, org, sink).await,
        OperatorCommand::CreateUser {
            user,
            create_groups,
        } => {
            let new = NewUser {
                create_groups,
                ..new_user(user)
            };
            let user = admin.create_user(new, by).await?;
            Ok(view::user(&user))
        }
        OperatorCommand::ListUsers => list_users(admin, sink).await,
        OperatorCommand::ShowUser { name } => {
            let details = admin.user_details(&name).await?;
            Ok(view::user_details(&details))
        }
        OperatorCommand::SetPassword { name, password } => {
            let user = admin.set_password(&name, &password.0, by).await?;
            Ok(view::user(&user))
        }
        OperatorCommand::DisableUser { name } => {
            Ok(view::user(&admin.disable_user(&name, by).await?))
        }
        OperatorCommand::EnableUser { name } => {
            Ok(view::user(&admin.enable_user(&name, by).await?))
        }
        OperatorCommand::SetAdmin { name, is_admin } => {
            Ok(view::user(&admin.set_admin(&name, is_admin, by).await?))
        }
        OperatorCommand::DeleteUser { name } => {
            Ok(view::user(&admin.delete_user(&name, by).await?))
        }
        OperatorCommand::ReleaseUser { name } => {
            let (user, was_bound) = admin.release_user(&name, by).await?;
            let mut value = view::user(&user);
            value["was_bound"] = was_bound.into();
            Ok(value)
        }
        OperatorCommand::ImportUsers {
            rows,
            create_groups,
        } => import_users(admin, rows, ImportOptions { create_groups }, by, sink).await,
        OperatorCommand::ListKeys => {
            let keys = admin.list_keys().await?;
            Ok(rows(keys.iter().map(view::key), sink))
        }
        OperatorCommand::CreateKey { label, org } => {
            let (key, secret) = admin.create_key(&label, org.as_deref(), by).await?;
            let mut value = view::key(&key);
            value["secret_key"] = secret.expose_secret().into();
            Ok(value)
        }
        OperatorCommand::RetireKey { id } => {
            let parsed = id.parse().map_err(|_not_a_uuid| AdminError::Missing {
                what: "key",
                name: id.clone(),
            })?;
            admin.retire_key(KeyId(parsed), by).await?;
            Ok(json!({ "id": id, "status": "retired" }))
        }
        OperatorCommand::ListSessions { of } => sessions::list(admin, of, sink).await,
        OperatorCommand::RevokeSession { id } => sessions::revoke_one(admin, &id, by).await,
        OperatorCommand::RevokeOtherSessions { user, kept } => {
            sessions::revoke_others(admin, &user, &kept, by).await
        }
        OperatorCommand::RevokeSessions { of } => sessions::revoke(admin, of, by).await,
    }
}

/// Tells every item; the answer's end then says nothing more.
fn rows(items: impl Iterator<Item = Value>, sink: &mut impl FnMut(Event)) -> Value {
    items.map(Event::Row).for_each(sink);
    Value::Null
}

async fn list_groups(
    admin: &Administration,
    org: Option<String>,
    sink: &mut (impl FnMut(Event) + Send),
) -> Result<Value, AdminError> {
    let orgs = match org {
        Some(org) => vec![admin.require_org(&org).await?],
        None => admin.list_orgs().await?,
    };
    for org in orgs {
        let groups = admin.list_groups(&org.id.to_string()).await?;
        rows(groups.iter().map(view::group), sink);
    }
    Ok(Value::Null)
}

async fn list_users(
    admin: &Administration,
    sink: &mut (impl FnMut(Event) + Send),
) -> Result<Value, AdminError> {
    let mut last: Option<String> = None;
    loop {
        let users = admin.list_users(last.as_deref(), PAGE).await?;
        rows(users.iter().map(view::user), sink);
        match users.last() {
            Some(user) if users.len() >= PAGE as usize => last = Some(user.name.clone()),
            _ => return Ok(Value::Null),
        }
    }
}

async fn import_users(
    admin: &Administration,
    lines: Vec<ImportLine>,
    options: ImportOptions,
    by: &Actor,
    sink: &mut (impl FnMut(Event) + Send),
) -> Result<Value, AdminError> {
    let total = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    let rows: Vec<ImportRow> = lines
        .into_iter()
        .map(|line| ImportRow {
            line: line.line,
            user: line.user.map(new_user),
        })
        .collect();
    let report = admin
        .import_users(rows, options, by, |done| {
            sink(Event::Progress { done, total });
        })
        .await?;
    for row in &report.skipped {
        sink(Event::Row(
            json!({ "line": row.line, "reason": row.reason }),
        ));
    }
    Ok(json!({ "created": report.created, "skipped": report.skipped.len() }))
}

fn new_user(fields: UserFields) -> NewUser {
    let memberships = MembershipDraft::listed(fields.orgs, fields.groups);
    NewUser {
        name: fields.name,
        display_name: fields.display_name,
        email: fields.email,
        account_type: if fields.is_ldap {
            AccountType::Ldap
        } else {
            AccountType::Local
        },
        password: fields.password.map(|password| password.0),
        is_admin: fields.is_admin,
        memberships,
        create_groups: false,
    }
}
