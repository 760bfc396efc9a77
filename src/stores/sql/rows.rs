//! Rows as records and back. The JSON kept in columns has mirror types here: the domain knows no serde.

use super::{Row, failed};
use crate::domain::clock::Timestamp;
use crate::domain::directory::{
    AccountStatus, AccountType, ApiToken, Group, GroupId, KeyId, Liveboard, Org, OrgId, OrgStatus,
    SecretKey, User, UserId, Visualization,
};
use crate::domain::failure::StoreError;
use crate::domain::token::{Attributes, Filter, MetadataRef, NamedValues, Sort};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

/// The value of a column.
fn get<'r, T>(row: &'r Row, column: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
    T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    row.try_get(column).map_err(failed)
}

fn uuid(row: &Row, column: &str) -> Result<Uuid, StoreError> {
    Uuid::try_parse(get(row, column)?).map_err(StoreError::corrupt)
}

fn time(row: &Row, column: &str) -> Result<Timestamp, StoreError> {
    moment(get(row, column)?)
}

fn maybe_time(row: &Row, column: &str) -> Result<Option<Timestamp>, StoreError> {
    get::<Option<i64>>(row, column)?.map(moment).transpose()
}

fn moment(millis: i64) -> Result<Timestamp, StoreError> {
    u64::try_from(millis)
        .map(Timestamp::from_millis)
        .map_err(StoreError::corrupt)
}

fn truth(row: &Row, column: &str) -> Result<bool, StoreError> {
    Ok(get::<i64>(row, column)? != 0)
}

fn json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(get(row, column)?).map_err(StoreError::corrupt)
}

/// A moment as a column keeps it.
pub(super) fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.millis()).unwrap_or(i64::MAX)
}

/// Where a password lives, as a column keeps it.
pub(super) const fn account_type(kept: AccountType) -> &'static str {
    match kept {
        AccountType::Local => "local",
        AccountType::Ldap => "ldap",
        AccountType::Saml => "saml",
        AccountType::Oidc => "oidc",
    }
}

pub(super) fn user(row: &Row) -> Result<User, StoreError> {
    let account_type = match get::<&str>(row, "account_type")? {
        "local" => AccountType::Local,
        "ldap" => AccountType::Ldap,
        "saml" => AccountType::Saml,
        "oidc" => AccountType::Oidc,
        other => {
            return Err(StoreError::corrupt(anyhow::anyhow!(
                "unknown account type {other:?}"
            )));
        }
    };
    Ok(User {
        id: user_id(row, "id")?,
        name: get(row, "name")?,
        display_name: get(row, "display_name")?,
        email: get(row, "email")?,
        account_type,
        status: if truth(row, "is_active")? {
            AccountStatus::Active
        } else {
            AccountStatus::Disabled
        },
        is_admin: truth(row, "is_admin")?,
        last_org: OrgId(get(row, "last_org")?),
        attributes: json::<AttributesJson>(row, "attributes")?.into(),
        created_at: time(row, "created_at")?,
        modified_at: time(row, "modified_at")?,
    })
}

fn user_id(row: &Row, column: &str) -> Result<UserId, StoreError> {
    uuid(row, column).map(UserId)
}

pub(super) fn org(row: &Row) -> Result<Org, StoreError> {
    Ok(Org {
        id: OrgId(get(row, "id")?),
        name: get(row, "name")?,
        description: get(row, "description")?,
        status: if truth(row, "is_active")? {
            OrgStatus::Active
        } else {
            OrgStatus::Disabled
        },
    })
}

pub(super) fn group(row: &Row) -> Result<Group, StoreError> {
    Ok(Group {
        id: group_id(row)?,
        org: OrgId(get(row, "org_id")?),
        name: get(row, "name")?,
        display_name: get(row, "display_name")?,
        privileges: json(row, "privileges")?,
    })
}

pub(super) fn group_id(row: &Row) -> Result<GroupId, StoreError> {
    uuid(row, "id").map(GroupId)
}

pub(super) fn key(row: &Row) -> Result<SecretKey, StoreError> {
    Ok(SecretKey {
        id: KeyId(uuid(row, "id")?),
        label: get(row, "label")?,
        org: get::<Option<i64>>(row, "org_id")?.map(OrgId),
        created_at: time(row, "created_at")?,
        last_used_at: maybe_time(row, "last_used_at")?,
        retired_at: maybe_time(row, "retired_at")?,
    })
}

pub(super) fn api_token(row: &Row) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: KeyId(uuid(row, "id")?),
        user: user_id(row, "user_id")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

pub(super) fn liveboard(row: &Row) -> Result<Liveboard, StoreError> {
    Ok(Liveboard {
        id: uuid(row, "id")?,
        name: get(row, "name")?,
        owner: user_id(row, "owner_id")?,
        author_name: get(row, "author_name")?,
        created_at: time(row, "created_at")?,
        modified_at: time(row, "modified_at")?,
        visualizations: json::<Vec<VisualizationJson>>(row, "visualizations")?
            .into_iter()
            .map(|seen| Visualization {
                id: seen.id,
                title: seen.title,
                kind: seen.kind,
                size: seen.size,
            })
            .collect(),
    })
}

/// A list as a column keeps it.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::corrupt)
}

pub(super) fn attributes_json(attributes: &Attributes) -> Result<String, StoreError> {
    to_json(&AttributesJson::from(attributes))
}

pub(super) fn visualizations_json(shown: &[Visualization]) -> Result<String, StoreError> {
    let mirrored: Vec<_> = shown
        .iter()
        .map(|one| VisualizationJson {
            id: one.id,
            title: one.title.clone(),
            kind: one.kind.clone(),
            size: one.size.clone(),
        })
        .collect();
    to_json(&mirrored)
}

#[derive(Serialize, Deserialize)]
struct VisualizationJson {
    id: Uuid,
    title: String,
    kind: String,
    size: String,
}

/// Lists may be absent: most users have none of them, and kinds may be added.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct AttributesJson {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    filters: Vec<FilterJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sorts: Vec<SortJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<NamedValuesJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    variables: Vec<NamedValuesJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objects: Vec<ObjectJson>,
}

#[derive(Serialize, Deserialize)]
struct FilterJson {
    column: String,
    operator: String,
    values: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct SortJson {
    column: String,
    is_ascending: bool,
}

#[derive(Serialize, Deserialize)]
struct NamedValuesJson {
    name: String,
    values: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct ObjectJson {
    kind: String,
    id: Uuid,
}

impl From<&Attributes> for AttributesJson {
    fn from(from: &Attributes) -> Self {
        let named = |list: &[NamedValues]| {
            list.iter()
                .map(|one| NamedValuesJson {
                    name: one.name.clone(),
                    values: one.values.clone(),
                })
                .collect()
        };
        Self {
            filters: from
                .filters
                .iter()
                .map(|one| FilterJson {
                    column: one.column.clone(),
                    operator: one.operator.clone(),
                    values: one.values.clone(),
                })
                .collect(),
            sorts: from
                .sorts
                .iter()
                .map(|one| SortJson {
                    column: one.column.clone(),
                    is_ascending: one.is_ascending,
                })
                .collect(),
            parameters: named(&from.parameters),
            variables: named(&from.variables),
            objects: from
                .objects
                .iter()
                .map(|one| ObjectJson {
                    kind: one.kind.clone(),
                    id: one.id,
                })
                .collect(),
        }
    }
}

impl From<AttributesJson> for Attributes {
    fn from(from: AttributesJson) -> Self {
        let named = |list: Vec<NamedValuesJson>| {
            list.into_iter()
                .map(|one| NamedValues {
                    name: one.name,
                    values: one.values,
                })
                .collect()
        };
        Self {
            filters: from
                .filters
                .into_iter()
                .map(|one| Filter {
                    column: one.column,
                    operator: one.operator,
                    values: one.values,
                })
                .collect(),
            sorts: from
                .sorts
                .into_iter()
                .map(|one| Sort {
                    column: one.column,
                    is_ascending: one.is_ascending,
                })
                .collect(),
            parameters: named(from.parameters),
            variables: named(from.variables),
            objects: from
                .objects
                .into_iter()
                .map(|one| MetadataRef {
                    kind: one.kind,
                    id: one.id,
                })
                .collect(),
        }
    }
}
