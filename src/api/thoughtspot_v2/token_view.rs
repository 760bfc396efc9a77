//! Tokens as v2.0 shows them.

use crate::api::thoughtspot_v2::user_view::{OrgRef, UserRef};
use crate::domain::authn::Issued;
use crate::domain::token::{Access, TokenRecord};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a token is good for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenScope)]
pub struct Scope {
    /// `FULL` or `REPORT_BOOK_VIEW`.
    access_type: &'static str,
    org_id: i64,
    /// The one object that `REPORT_BOOK_VIEW` is good for.
    metadata_id: Option<Uuid>,
}

impl Scope {
    fn of(record: &TokenRecord) -> Self {
        let (access_type, metadata_id) = match record.access {
            Access::Full => ("FULL", None),
            Access::Object(id) => ("REPORT_BOOK_VIEW", Some(id)),
        };
        Self {
            access_type,
            org_id: record.org.0,
            metadata_id,
        }
    }
}

/// A token and what goes with it. Not `Debug`: it holds a secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenReply {
    token: String,
    creation_time_in_millis: u64,
    expiration_time_in_millis: u64,
    scope: Scope,
    valid_for_user_id: Uuid,
    valid_for_username: String,
}

impl TokenReply {
    /// The reply to minting.
    pub fn new(issued: &Issued) -> Self {
        let record = &issued.record;
        Self {
            token: issued.text.expose().to_owned(),
            creation_time_in_millis: record.created_at().millis(),
            expiration_time_in_millis: record.expires_at.millis(),
            scope: Scope::of(record),
            valid_for_user_id: record.user_id.0,
            valid_for_username: record.user_name.clone(),
        }
    }
}

/// A custom token and what goes with it. Not `Debug`: it holds a secret.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomToken)]
pub struct CustomReply {
    /// Always null: there is no id to speak of a token by.
    id: Option<Uuid>,
    org: OrgRef,
    user: UserRef,
    #[serde(flatten)]
    token: TokenReply,
}

impl CustomReply {
    /// The reply to minting.
    pub fn new(issued: &Issued, org: OrgRef) -> Self {
        Self {
            id: None,
            org,
            user: UserRef {
                id: issued.record.user_id.0,
                name: issued.record.user_name.clone(),
            },
            token: TokenReply::new(issued),
        }
    }
}

/// What a live token is good for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ValidToken {
    creation_time_in_millis: u64,
    expiration_time_in_millis: u64,
    scope: Scope,
    valid_for_user_id: Uuid,
    valid_for_username: String,
    token_type: &'static str,
}

impl ValidToken {
    /// The reply to a question about a token.
    pub fn new(record: TokenRecord) -> Self {
        Self {
            creation_time_in_millis: record.created_at().millis(),
            expiration_time_in_millis: record.expires_at.millis(),
            scope: Scope::of(&record),
            valid_for_user_id: record.user_id.0,
            valid_for_username: record.user_name,
            token_type: "BEARER",
        }
    }
}
