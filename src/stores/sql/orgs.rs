//! Orgs and groups in SQL.

use super::members::{fold, missing, require_org};
use super::memory::recall;
use super::rows::{self, to_json};
use super::{Conn, SqlDirectory, failed, query};
use crate::domain::directory::{
    DirectoryError, Group, GroupDraft, GroupId, NameKey, Org, OrgId, OrgStatus, Orgs,
};
use crate::domain::failure::StoreError;
use async_trait::async_trait;

macro_rules! select_orgs {
    ($tail:literal) => {
        concat!("SELECT id, name, description, is_active FROM orgs ", $tail)
    };
}
macro_rules! select_groups {
    ($tail:literal) => {
        concat!(
            "SELECT id, org_id, name, display_name, privileges FROM user_groups ",
            $tail
        )
    };
}
pub(super) use {select_groups, select_orgs};

#[async_trait]
impl Orgs for SqlDirectory {
    async fn find_org(&self, id: OrgId) -> Result<Option<Org>, StoreError> {
        query(select_orgs!("WHERE id = $1"))
            .bind(id.0)
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .as_ref()
            .map(rows::org)
            .transpose()
    }

    async fn find_org_by_name(&self, name: &NameKey) -> Result<Option<Org>, StoreError> {
        query(select_orgs!("WHERE name_key = $1"))
            .bind(name.as_str())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .as_ref()
            .map(rows::org)
            .transpose()
    }

    async fn list_orgs(&self) -> Result<Vec<Org>, StoreError> {
        let ask = async {
            query(select_orgs!("ORDER BY id"))
                .fetch_all(&self.reader)
                .await
                .map_err(failed)?
                .iter()
                .map(rows::org)
                .collect()
        };
        recall(self.memory.as_ref(), |memory| &memory.orgs, (), ask).await
    }

    async fn create_org(&self, org: &Org) -> Result<(), DirectoryError> {
        let key = fold("Org", &org.name)?;
        let mut tx = self.begin().await?;
        let done = query(
            "INSERT INTO orgs (id, name, name_key, description, is_active)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(org.id.0)
        .bind(org.name.as_str())
        .bind(key.as_str())
        .bind(org.description.as_str())
        .bind(i64::from(org.status == OrgStatus::Active))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        if done.rows_affected() == 0 {
            // A caller that drew a taken number must be able to tell that from a taken name.
            let name = match require_org(&mut tx, org.id).await {
                Ok(()) => org.id.to_string(),
                Err(_) => org.name.clone(),
            };
            return Err(DirectoryError::Exists { what: "Org", name });
        }
        tx.commit().await.map_err(failed)?;
        Ok(())
    }

    async fn update_org(&self, org: &Org) -> Result<(), DirectoryError> {
        let key = fold("Org", &org.name)?;
        let mut tx = self.begin().await?;
        require_org(&mut tx, org.id).await?;
        let done = query(
            "UPDATE orgs SET name = $2, name_key = $3, description = $4, is_active = $5
             WHERE id = $1
             AND NOT EXISTS (SELECT 1 FROM orgs AS o WHERE o.name_key = $3 AND o.id <> $1)",
        )
        .bind(org.id.0)
        .bind(org.name.as_str())
        .bind(key.as_str())
        .bind(org.description.as_str())
        .bind(i64::from(org.status == OrgStatus::Active))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        changed_or_taken(done.rows_affected(), "Org", &org.name)?;
        tx.commit().await.map_err(failed)?;
        Ok(())
    }

    async fn delete_org(&self, id: OrgId) -> Result<bool, DirectoryError> {
        if id == OrgId::PRIMARY {
            return Err(DirectoryError::PrimaryOrg);
        }
        let mut tx = self.begin().await?;
        let done = query("DELETE FROM orgs WHERE id = $1")
            .bind(id.0)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        query(
            "UPDATE users SET last_org = COALESCE(
                 (SELECT MIN(org_id) FROM org_members WHERE user_id = users.id), 0)
             WHERE last_org = $1",
        )
        .bind(id.0)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn find_group(&self, org: OrgId, name: &NameKey) -> Result<Option<Group>, StoreError> {
        query(select_groups!("WHERE org_id = $1 AND name_key = $2"))
            .bind(org.0)
            .bind(name.as_str())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .as_ref()
            .map(rows::group)
            .transpose()
    }

    async fn find_group_by_id(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        query(select_groups!("WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .as_ref()
            .map(rows::group)
            .transpose()
    }

    async fn list_groups(&self, org: OrgId) -> Result<Vec<Group>, StoreError> {
        query(select_groups!("WHERE org_id = $1 ORDER BY name_key"))
            .bind(org.0)
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?
            .iter()
            .map(rows::group)
            .collect()
    }

    async fn create_group(&self, draft: &GroupDraft) -> Result<Group, DirectoryError> {
        let mut tx = self.begin().await?;
        require_org(&mut tx, draft.org).await?;
        let done = query(
            "INSERT INTO user_groups (id, org_id, name, name_key, display_name, privileges)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(draft.id.to_string())
        .bind(draft.org.0)
        .bind(draft.name.as_str())
        .bind(draft.key.as_str())
        .bind(draft.display_name.as_str())
        .bind(to_json(&draft.privileges)?)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        changed_or_taken(done.rows_affected(), "group", &draft.name)?;
        tx.commit().await.map_err(failed)?;
        Ok(Group {
            id: draft.id,
            org: draft.org,
            name: draft.name.clone(),
            display_name: draft.display_name.clone(),
            privileges: draft.privileges.clone(),
        })
    }

    async fn update_group(&self, group: &Group) -> Result<(), DirectoryError> {
        let key = fold("group", &group.name)?;
        let mut tx = self.begin().await?;
        require_group(&mut tx, group.id).await?;
        let done = query(
            "UPDATE user_groups SET name = $2, name_key = $3, display_name = $4, privileges = $5
             WHERE id = $1
             AND NOT EXISTS (SELECT 1 FROM user_groups AS o
                 WHERE o.name_key = $3 AND o.org_id = user_groups.org_id AND o.id <> $1)",
        )
        .bind(group.id.to_string())
        .bind(group.name.as_str())
        .bind(key.as_str())
        .bind(group.display_name.as_str())
        .bind(to_json(&group.privileges)?)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        changed_or_taken(done.rows_affected(), "group", &group.name)?;
        tx.commit().await.map_err(failed)?;
        Ok(())
    }

    async fn delete_group(&self, id: GroupId) -> Result<bool, StoreError> {
        // Within a transaction, so that no other comes between that is adding somebody to the group.
        let mut tx = self.begin().await?;
        let done = query("DELETE FROM user_groups WHERE id = $1")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }
}

async fn require_group(conn: &mut Conn, id: GroupId) -> Result<(), DirectoryError> {
    query("SELECT id FROM user_groups WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(failed)?
        .map(drop)
        .ok_or_else(|| missing("group", &id))
}

/// A write that left out its row because the name is another's.
fn changed_or_taken(changed: u64, what: &'static str, name: &str) -> Result<(), DirectoryError> {
    if changed > 0 {
        return Ok(());
    }
    Err(DirectoryError::Exists {
        what,
        name: name.to_owned(),
    })
}
