//! Users in SQL.

use super::engine::Builder;
use super::members::{self, groups_by_name, join_groups, join_org, missing, settle_last_org};
use super::memory::recall;
use super::orgs::{select_groups, select_orgs};
use super::rows::{self, millis};
use super::{Conn, SqlDirectory, failed, query, quietly};
use crate::domain::authn::PasswordHash;
use crate::domain::directory::{
    AccountStatus, DirectoryError, Group, GroupId, LastAdministrator, MembershipChange, NameKey,
    Org, OrgId, Provision, User, UserChange, UserDraft, UserId, UserQuery, Users,
};
use crate::domain::failure::StoreError;
use crate::domain::token::Attributes;
use async_trait::async_trait;

/// No name folds to more than this, and databases refuse patterns that are much longer.
const MAX_FRAGMENT_BYTES: usize = 8_192;

/// The password hash is not among them: it is read only where it is asked for.
macro_rules! user_columns {
    () => {
        "id, name, display_name, email, account_type, is_active, is_admin, last_org, attributes, \
         created_at, modified_at"
    };
}
macro_rules! select_users {
    ($tail:literal) => {
        concat!("SELECT ", user_columns!(), " FROM users ", $tail)
    };
}

#[async_trait]
impl Users for SqlDirectory {
    async fn find_user(&self, name: &NameKey) -> Result<Option<User>, StoreError> {
        let ask = async {
            let mut conn = self.reader.acquire().await.map_err(failed)?;
            find_by_name(&mut conn, name).await
        };
        recall(
            self.memory.as_ref(),
            |memory| &memory.names,
            name.clone(),
            ask,
        )
        .await
    }

    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let ask = async {
            query(select_users!("WHERE id = $1"))
                .bind(id.to_string())
                .fetch_optional(&self.reader)
                .await
                .map_err(failed)?
                .as_ref()
                .map(rows::user)
                .transpose()
        };
        recall(self.memory.as_ref(), |memory| &memory.users, id, ask).await
    }

    async fn password_hash(&self, id: UserId) -> Result<Option<PasswordHash>, StoreError> {
        let row = query("SELECT password_hash FROM users WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let hash: Option<String> = row.try_get("password_hash").map_err(failed)?;
        Ok(hash.map(PasswordHash::from_phc))
    }

    async fn list_users(
        &self,
        after: Option<&NameKey>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError> {
        // No name folds to nothing, so every name comes after the empty one.
        query(select_users!(
            "WHERE name_key > $1 ORDER BY name_key LIMIT $2"
        ))
        .bind(after.map_or("", NameKey::as_str))
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?
        .iter()
        .map(rows::user)
        .collect()
    }

    async fn has_administrator(&self, other: Option<UserId>) -> Result<bool, StoreError> {
        let found =
            query("SELECT 1 FROM users WHERE is_admin = 1 AND is_active = 1 AND id <> $1 LIMIT 1")
                .bind(other.map(|other| other.to_string()).unwrap_or_default())
                .fetch_optional(&self.reader)
                .await
                .map_err(failed)?;
        Ok(found.is_some())
    }

    async fn search_users(&self, wanted: &UserQuery) -> Result<Vec<User>, StoreError> {
        let mut sql = Builder::new(select_users!("WHERE name_key > "));
        sql.push_bind(wanted.after.as_ref().map_or("", NameKey::as_str));
        if let Some(fragment) = &wanted.name_contains {
            let Some(pattern) = containing(fragment) else {
                return Ok(Vec::new());
            };
            sql.push(" AND name_key LIKE ")
                .push_bind(pattern)
                .push(" ESCAPE '!'");
        }
        if let Some(org) = wanted.org {
            sql.push(" AND id IN (SELECT user_id FROM org_members WHERE org_id = ")
                .push_bind(org.0)
                .push(")");
        }
        if let Some(group) = wanted.group {
            sql.push(" AND id IN (SELECT user_id FROM group_members WHERE group_id = ")
                .push_bind(group.to_string())
                .push(")");
        }
        sql.push(" ORDER BY name_key LIMIT ")
            .push_bind(i64::from(wanted.limit));
        sql.build()
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?
            .iter()
            .map(rows::user)
            .collect()
    }

    async fn members_among(
        &self,
        org: OrgId,
        names: &[NameKey],
        ids: &[UserId],
    ) -> Result<Vec<(User, u64)>, StoreError> {
        let mut sql = Builder::new(concat!(
            "SELECT ",
            user_columns!(),
            ", (SELECT COUNT(*) FROM org_members WHERE user_id = users.id) AS org_count FROM users \
             WHERE id IN (SELECT user_id FROM org_members WHERE org_id = "
        ));
        // Neither a name nor an id is ever empty, and not every database takes an empty list.
        sql.push_bind(org.0).push(") AND (name_key IN (''");
        for name in names {
            sql.push(", ").push_bind(name.as_str());
        }
        sql.push(") OR id IN (''");
        for id in ids {
            sql.push(", ").push_bind(id.to_string());
        }
        sql.push("))");
        let rows = sql.build().fetch_all(&self.reader).await.map_err(failed)?;
        rows.iter()
            .map(|row| {
                let orgs: i64 = row.try_get("org_count").map_err(failed)?;
                Ok((rows::user(row)?, orgs.unsigned_abs()))
            })
            .collect()
    }

    async fn members_of(&self, group: GroupId) -> Result<Vec<User>, StoreError> {
        query(select_users!(
            "WHERE id IN (SELECT user_id FROM group_members WHERE group_id = $1) ORDER BY name_key"
        ))
        .bind(group.to_string())
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?
        .iter()
        .map(rows::user)
        .collect()
    }

    async fn create_user(&self, draft: &UserDraft) -> Result<User, DirectoryError> {
        let mut tx = self.begin().await?;
        if !insert(&mut tx, draft).await? {
            return Err(DirectoryError::Exists {
                what: "user",
                name: draft.name.clone(),
            });
        }
        for joined in &draft.memberships {
            join_org(&mut tx, draft.id, joined.org).await?;
            let groups =
                groups_by_name(&mut tx, &*self.random, joined, draft.create_groups).await?;
            join_groups(&mut tx, draft.id, &groups).await?;
        }
        settle_last_org(&mut tx, draft.id).await?;
        let user = require_by_id(&mut tx, draft.id).await?;
        tx.commit().await.map_err(failed)?;
        Ok(user)
    }

    async fn update_user(&self, id: UserId, change: &UserChange) -> Result<User, DirectoryError> {
        let mut tx = self.begin().await?;
        if change.is_admin == Some(false) {
            judge_last(&mut tx, id, change.last_administrator).await?;
        }
        let user = apply(&mut tx, id, change).await?;
        tx.commit().await.map_err(failed)?;
        Ok(user)
    }

    async fn change_memberships(
        &self,
        id: UserId,
        change: &MembershipChange,
    ) -> Result<User, DirectoryError> {
        let touched = UserChange {
            at: change.at,
            ..UserChange::default()
        };
        let mut tx = self.begin().await?;
        apply(&mut tx, id, &touched).await?;
        members::change(&mut tx, &*self.random, id, change).await?;
        let user = require_by_id(&mut tx, id).await?;
        tx.commit().await.map_err(failed)?;
        Ok(user)
    }

    async fn set_password(
        &self,
        id: UserId,
        hash: Option<&PasswordHash>,
    ) -> Result<(), StoreError> {
        query("UPDATE users SET password_hash = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(hash.map(PasswordHash::expose_phc))
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn upgrade_password(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let changed =
            query("UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $3")
                .bind(id.to_string())
                .bind(new.expose_phc())
                .bind(old.expose_phc())
                .execute(&self.writer)
                .await
                .map_err(failed)
                .map(|changed| changed.rows_affected() > 0);
        quietly(changed, false)
    }

    async fn set_status(
        &self,
        id: UserId,
        status: AccountStatus,
        last: LastAdministrator,
    ) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        if status == AccountStatus::Disabled {
            judge_last(&mut tx, id, last).await?;
        }
        query("UPDATE users SET is_active = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(i64::from(status == AccountStatus::Active))
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(())
    }

    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError> {
        // Within a transaction, so that no other comes between that is adding the user somewhere.
        let mut tx = self.begin().await?;
        let done = query("DELETE FROM users WHERE id = $1")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn set_last_org(&self, id: UserId, org: OrgId) -> Result<(), StoreError> {
        // Every login says this; when it is no news, nothing is written and no writer waited for.
        let news = query("SELECT id FROM users WHERE id = $1 AND last_org <> $2")
            .bind(id.to_string())
            .bind(org.0)
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?;
        if news.is_none() {
            return Ok(());
        }
        // Within a transaction, so that no other takes the user out of the Org meanwhile.
        let Some(mut tx) = quietly(self.begin().await.map(Some), None)? else {
            return Ok(());
        };
        query(
            "UPDATE users SET last_org = $2 WHERE id = $1
             AND EXISTS (SELECT 1 FROM org_members WHERE user_id = $1 AND org_id = $2)",
        )
        .bind(id.to_string())
        .bind(org.0)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    async fn provision(&self, request: &Provision) -> Result<User, DirectoryError> {
        self.provision_user(request).await
    }

    async fn orgs_of(&self, id: UserId) -> Result<Vec<Org>, StoreError> {
        let ask = async {
            query(select_orgs!(
                "WHERE id IN (SELECT org_id FROM org_members WHERE user_id = $1) ORDER BY id"
            ))
            .bind(id.to_string())
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?
            .iter()
            .map(rows::org)
            .collect()
        };
        recall(self.memory.as_ref(), |memory| &memory.orgs_of, id, ask).await
    }

    async fn groups_of(&self, id: UserId, org: OrgId) -> Result<Vec<Group>, StoreError> {
        query(select_groups!(
            "WHERE org_id = $2 AND id IN (SELECT group_id FROM group_members WHERE user_id = $1)
             ORDER BY name_key"
        ))
        .bind(id.to_string())
        .bind(org.0)
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?
        .iter()
        .map(rows::group)
        .collect()
    }
}

pub(super) async fn find_by_name(
    conn: &mut Conn,
    name: &NameKey,
) -> Result<Option<User>, StoreError> {
    query(select_users!("WHERE name_key = $1"))
        .bind(name.as_str())
        .fetch_optional(conn)
        .await
        .map_err(failed)?
        .as_ref()
        .map(rows::user)
        .transpose()
}

async fn require_by_id(conn: &mut Conn, id: UserId) -> Result<User, DirectoryError> {
    let row = query(select_users!("WHERE id = $1"))
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(failed)?
        .ok_or_else(|| missing("user", &id))?;
    Ok(rows::user(&row)?)
}

/// Refuses the last administrator who may sign in, unless they may go. Within the transaction that would take them away,
/// or two who do so to each other would both find the other one left.
async fn judge_last(
    conn: &mut Conn,
    id: UserId,
    last: LastAdministrator,
) -> Result<(), DirectoryError> {
    if last == LastAdministrator::MayGo {
        return Ok(());
    }
    let found = query(
        "SELECT 1 FROM users WHERE id = $1 AND is_admin = 1 AND is_active = 1 AND NOT EXISTS
             (SELECT 1 FROM users WHERE id <> $1 AND is_admin = 1 AND is_active = 1)",
    )
    .bind(id.to_string())
    .fetch_optional(conn)
    .await
    .map_err(failed)?;
    match found {
        Some(_) => Err(DirectoryError::LastAdministrator),
        None => Ok(()),
    }
}

/// Adds the bare user, in no Org; false when the name is taken.
pub(super) async fn insert(conn: &mut Conn, draft: &UserDraft) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO users
             (id, name, name_key, display_name, email, account_type, is_active, is_admin,
              last_org, attributes, password_hash, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $10, 1, $6, 0, $7, $8, $9, $9)
         ON CONFLICT DO NOTHING",
    )
    .bind(draft.id.to_string())
    .bind(draft.name.as_str())
    .bind(draft.key.as_str())
    .bind(draft.display_name.as_str())
    .bind(draft.email.as_deref().filter(|email| !email.is_empty()))
    .bind(i64::from(draft.is_admin))
    .bind(rows::attributes_json(&Attributes::default())?)
    .bind(draft.password.as_ref().map(PasswordHash::expose_phc))
    .bind(millis(draft.at))
    .bind(rows::account_type(draft.account_type))
    .execute(conn)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() > 0)
}

/// Makes a [`UserChange`] and returns the user as changed.
pub(super) async fn apply(
    conn: &mut Conn,
    id: UserId,
    change: &UserChange,
) -> Result<User, DirectoryError> {
    let attributes = change.attributes.as_ref().map(rows::attributes_json);
    let row = query(concat!(
        "UPDATE users SET
             display_name = COALESCE($2, display_name),
             email = CASE WHEN $3 IS NULL THEN email ELSE NULLIF($3, '') END,
             is_admin = COALESCE($4, is_admin),
             attributes = COALESCE($5, attributes),
             modified_at = $6
         WHERE id = $1 RETURNING ",
        user_columns!()
    ))
    .bind(id.to_string())
    .bind(change.display_name.as_deref())
    .bind(change.email.as_deref())
    .bind(change.is_admin.map(i64::from))
    .bind(attributes.transpose()?)
    .bind(millis(change.at))
    .fetch_optional(conn)
    .await
    .map_err(failed)?
    .ok_or_else(|| missing("user", &id))?;
    Ok(rows::user(&row)?)
}

/// A pattern for names that contain the text as it stands; none when no name can.
fn containing(fragment: &str) -> Option<String> {
    let folded = NameKey::fold(fragment);
    // SQLite reads a pattern up to a NUL only: what follows would be ignored, and everything match.
    if folded.len() > MAX_FRAGMENT_BYTES || folded.contains('\0') {
        return None;
    }
    let mut pattern = String::with_capacity(folded.len() + 2);
    pattern.push('%');
    for c in folded.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    Some(pattern)
}
