//! Just-in-time users: found or made, and brought up to date, in one transaction.

use super::members::{
    fold, groups_by_name, is_member, join_groups, join_org, leave_all_groups, settle_last_org,
};
use super::users::{apply, find_by_name, insert};
use super::{Conn, SqlDirectory, failed, query};
use crate::domain::directory::{
    AccountStatus, AccountType, DirectoryError, Membership, OrgId, Provision, User, UserChange,
    UserDraft,
};
use crate::domain::failure::StoreError;
use std::collections::HashSet;

impl SqlDirectory {
    pub(super) async fn provision_user(&self, request: &Provision) -> Result<User, DirectoryError> {
        // Embedding apps ask for the same thing at every page view; most need no write at all.
        let mut reader = self.reader.acquire().await.map_err(failed)?;
        if let Some(user) = unchanged(&mut reader, request).await? {
            return Ok(user);
        }
        drop(reader);

        let mut tx = self.begin().await?;
        let user = match find_by_name(&mut tx, &request.key).await? {
            Some(user) if user.status == AccountStatus::Disabled => return Ok(user),
            Some(user) => user,
            None => self.create_bare(&mut tx, request).await?,
        };
        let org = home(&user, request);
        let is_new = user.id == request.fresh_id;
        if !request.may_join && !is_new && !is_member(&mut tx, user.id, org).await? {
            return Err(DirectoryError::NotInOrg(org));
        }
        join_org(&mut tx, user.id, org).await?;
        settle_last_org(&mut tx, user.id).await?;
        if let Some(names) = &request.groups {
            let wanted = Membership {
                org,
                groups: names.clone(),
            };
            let groups = groups_by_name(&mut tx, &*self.random, &wanted, true).await?;
            if request.replace_groups {
                leave_all_groups(&mut tx, user.id, org).await?;
            }
            join_groups(&mut tx, user.id, &groups).await?;
        }
        let change = UserChange {
            display_name: request.display_name.clone(),
            email: request.email.clone(),
            at: request.at,
            ..UserChange::default()
        };
        let user = apply(&mut tx, user.id, &change).await?;
        tx.commit().await.map_err(failed)?;
        Ok(user)
    }

    /// A new user in no Org yet, without a password or any right.
    async fn create_bare(
        &self,
        conn: &mut Conn,
        request: &Provision,
    ) -> Result<User, DirectoryError> {
        let draft = UserDraft {
            id: request.fresh_id,
            name: request.name.clone(),
            key: request.key.clone(),
            display_name: request.name.clone(),
            email: None,
            account_type: AccountType::Local,
            password: None,
            is_admin: false,
            memberships: Vec::new(),
            create_groups: false,
            at: request.at,
        };
        // Where transactions overlap, another may have made the user since we looked; then that
        // one is ours as well.
        insert(conn, &draft).await?;
        find_by_name(conn, &request.key)
            .await?
            .ok_or_else(|| DirectoryError::Exists {
                what: "user id",
                name: request.fresh_id.to_string(),
            })
    }
}

fn home(user: &User, request: &Provision) -> OrgId {
    // A user's last Org is always one they belong to, so that naming none never adds an Org;
    // only who belongs nowhere, as a new user does, gets into the Primary Org by it.
    request.org.unwrap_or(user.last_org)
}

/// The user, when the request asks for nothing that is not so already, or may change nothing.
async fn unchanged(conn: &mut Conn, request: &Provision) -> Result<Option<User>, DirectoryError> {
    let Some(user) = find_by_name(conn, &request.key).await? else {
        return Ok(None);
    };
    if user.status == AccountStatus::Disabled {
        return Ok(Some(user));
    }
    let org = home(&user, request);
    let is_same = request
        .display_name
        .as_ref()
        .is_none_or(|name| *name == user.display_name)
        && request
            .email
            .as_deref()
            .is_none_or(|email| email == user.email.as_deref().unwrap_or_default())
        && is_member(conn, user.id, org).await?
        && is_in_groups(conn, &user, org, request).await?;
    Ok(is_same.then_some(user))
}

async fn is_in_groups(
    conn: &mut Conn,
    user: &User,
    org: OrgId,
    request: &Provision,
) -> Result<bool, DirectoryError> {
    let Some(names) = &request.groups else {
        return Ok(true);
    };
    let mut wanted = HashSet::with_capacity(names.len());
    for name in names {
        wanted.insert(fold("group", name)?.as_str().to_owned());
    }
    let current = query(
        "SELECT name_key FROM user_groups WHERE org_id = $2
         AND id IN (SELECT group_id FROM group_members WHERE user_id = $1)",
    )
    .bind(user.id.to_string())
    .bind(org.0)
    .fetch_all(conn)
    .await
    .map_err(failed)?
    .iter()
    .map(|row| row.try_get("name_key").map_err(failed))
    .collect::<Result<HashSet<String>, StoreError>>()?;
    Ok(if request.replace_groups {
        current == wanted
    } else {
        current.is_superset(&wanted)
    })
}
