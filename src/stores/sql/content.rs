//! Liveboards in SQL.

use super::rows::{self, millis};
use super::{SqlDirectory, failed, query};
use crate::domain::directory::{Content, Liveboard};
use crate::domain::failure::StoreError;
use async_trait::async_trait;
use uuid::Uuid;

#[async_trait]
impl Content for SqlDirectory {
    async fn find_liveboard(&self, id: Uuid) -> Result<Option<Liveboard>, StoreError> {
        query(
            "SELECT id, name, owner_id, author_name, created_at, modified_at, visualizations
             FROM liveboards WHERE id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.reader)
        .await
        .map_err(failed)?
        .as_ref()
        .map(rows::liveboard)
        .transpose()
    }

    async fn put_liveboard(&self, liveboard: &Liveboard) -> Result<(), StoreError> {
        query(
            "INSERT INTO liveboards
                 (id, name, owner_id, author_name, created_at, modified_at, visualizations)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO UPDATE SET
                 name = excluded.name, owner_id = excluded.owner_id,
                 author_name = excluded.author_name, created_at = excluded.created_at,
                 modified_at = excluded.modified_at, visualizations = excluded.visualizations",
        )
        .bind(liveboard.id.to_string())
        .bind(liveboard.name.as_str())
        .bind(liveboard.owner.to_string())
        .bind(liveboard.author_name.as_str())
        .bind(millis(liveboard.created_at))
        .bind(millis(liveboard.modified_at))
        .bind(rows::visualizations_json(&liveboard.visualizations)?)
        .execute(&self.writer)
        .await
        .map_err(failed)?;
        Ok(())
    }
}
