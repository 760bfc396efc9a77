//! Who belongs to which Org and group: the steps that larger changes are made of, inside their transactions.

use super::{Conn, failed, query, rows};
use crate::domain::directory::{
    DirectoryError, GroupId, Membership, MembershipChange, NameKey, Operation, OrgId, UserId,
};
use crate::domain::failure::StoreError;
use crate::domain::random::{self, Random};

/// The folded form of a name that a request brings.
pub(super) fn fold(what: &'static str, name: &str) -> Result<NameKey, DirectoryError> {
    NameKey::new(name).map_err(|why| DirectoryError::BadName {
        what,
        name: name.to_owned(),
        why,
    })
}

pub(super) fn missing(what: &'static str, name: &impl ToString) -> DirectoryError {
    DirectoryError::Missing {
        what,
        name: name.to_string(),
    }
}

pub(super) async fn require_org(conn: &mut Conn, org: OrgId) -> Result<(), DirectoryError> {
    query("SELECT id FROM orgs WHERE id = $1")
        .bind(org.0)
        .fetch_optional(conn)
        .await
        .map_err(failed)?
        .map(drop)
        .ok_or_else(|| missing("Org", &org))
}

pub(super) async fn is_member(
    conn: &mut Conn,
    user: UserId,
    org: OrgId,
) -> Result<bool, StoreError> {
    let row = query("SELECT org_id FROM org_members WHERE user_id = $1 AND org_id = $2")
        .bind(user.to_string())
        .bind(org.0)
        .fetch_optional(conn)
        .await
        .map_err(failed)?;
    Ok(row.is_some())
}

pub(super) async fn join_org(
    conn: &mut Conn,
    user: UserId,
    org: OrgId,
) -> Result<(), DirectoryError> {
    require_org(conn, org).await?;
    query("INSERT INTO org_members (user_id, org_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(user.to_string())
        .bind(org.0)
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn leave_org(conn: &mut Conn, user: UserId, org: OrgId) -> Result<(), StoreError> {
    leave_all_groups(conn, user, org).await?;
    query("DELETE FROM org_members WHERE user_id = $1 AND org_id = $2")
        .bind(user.to_string())
        .bind(org.0)
        .execute(conn)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Moves a last Org that the user does not belong to, to one that they do: the Primary Org, as the lowest, if they can.
pub(super) async fn settle_last_org(conn: &mut Conn, user: UserId) -> Result<(), StoreError> {
    query(
        "UPDATE users SET last_org = COALESCE(
             (SELECT MIN(org_id) FROM org_members WHERE user_id = users.id), 0)
         WHERE id = $1 AND NOT EXISTS (
             SELECT 1 FROM org_members
             WHERE user_id = users.id AND org_id = users.last_org)",
    )
    .bind(user.to_string())
    .execute(conn)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Ids of groups by name. Unknown ones are made on request, without privileges, else refused.
pub(super) async fn groups_by_name(
    conn: &mut Conn,
    random: &dyn Random,
    wanted: &Membership,
    create: bool,
) -> Result<Vec<GroupId>, DirectoryError> {
    let mut found = Vec::with_capacity(wanted.groups.len());
    for name in &wanted.groups {
        let key = fold("group", name)?;
        if create {
            // The name of an existing group, in whatever case, wins over ours.
            query(
                "INSERT INTO user_groups (id, org_id, name, name_key, display_name, privileges)
                 VALUES ($1, $2, $3, $4, $3, '[]') ON CONFLICT DO NOTHING",
            )
            .bind(random::uuid(random).to_string())
            .bind(wanted.org.0)
            .bind(name.as_str())
            .bind(key.as_str())
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
        }
        let row = query("SELECT id FROM user_groups WHERE org_id = $1 AND name_key = $2")
            .bind(wanted.org.0)
            .bind(key.as_str())
            .fetch_optional(&mut *conn)
            .await
            .map_err(failed)?
            .ok_or_else(|| missing("group", name))?;
        found.push(rows::group_id(&row)?);
    }
    Ok(found)
}

pub(super) async fn join_groups(
    conn: &mut Conn,
    user: UserId,
    groups: &[GroupId],
) -> Result<(), StoreError> {
    for group in groups {
        query(
            "INSERT INTO group_members (user_id, group_id) VALUES ($1, $2)
             ON CONFLICT DO NOTHING",
        )
        .bind(user.to_string())
        .bind(group.to_string())
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    }
    Ok(())
}

async fn leave_groups(conn: &mut Conn, user: UserId, groups: &[GroupId]) -> Result<(), StoreError> {
    for group in groups {
        query("DELETE FROM group_members WHERE user_id = $1 AND group_id = $2")
            .bind(user.to_string())
            .bind(group.to_string())
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn leave_all_groups(
    conn: &mut Conn,
    user: UserId,
    org: OrgId,
) -> Result<(), StoreError> {
    query(
        "DELETE FROM group_members WHERE user_id = $1
         AND group_id IN (SELECT id FROM user_groups WHERE org_id = $2)",
    )
    .bind(user.to_string())
    .bind(org.0)
    .execute(conn)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Makes a whole [`MembershipChange`]; the user must exist.
pub(super) async fn change(
    conn: &mut Conn,
    random: &dyn Random,
    user: UserId,
    change: &MembershipChange,
) -> Result<(), DirectoryError> {
    if let Some(orgs) = &change.orgs {
        change_orgs(conn, user, change.operation, orgs).await?;
        settle_last_org(conn, user).await?;
    }
    let Some(wanted) = &change.groups else {
        return Ok(());
    };
    let create = change.create_groups && change.operation != Operation::Remove;
    if change.operation != Operation::Remove {
        require_org(conn, wanted.org).await?;
        if !is_member(conn, user, wanted.org).await? {
            return Err(DirectoryError::NotInOrg(wanted.org));
        }
    }
    let groups = groups_by_name(conn, random, wanted, create).await?;
    match change.operation {
        Operation::Add => join_groups(conn, user, &groups).await?,
        Operation::Replace => {
            leave_all_groups(conn, user, wanted.org).await?;
            join_groups(conn, user, &groups).await?;
        }
        Operation::Remove => leave_groups(conn, user, &groups).await?,
    }
    Ok(())
}

async fn change_orgs(
    conn: &mut Conn,
    user: UserId,
    operation: Operation,
    orgs: &[OrgId],
) -> Result<(), DirectoryError> {
    if operation == Operation::Replace {
        let before = query("SELECT org_id FROM org_members WHERE user_id = $1")
            .bind(user.to_string())
            .fetch_all(&mut *conn)
            .await
            .map_err(failed)?;
        for row in before {
            let org = OrgId(row.try_get("org_id").map_err(failed)?);
            if !orgs.contains(&org) {
                leave_org(conn, user, org).await?;
            }
        }
    }
    for &org in orgs {
        match operation {
            Operation::Add | Operation::Replace => join_org(conn, user, org).await?,
            Operation::Remove => leave_org(conn, user, org).await?,
        }
    }
    Ok(())
}
