//! `session/auth/token`: the holder of a secret key gets a token for a user.

use crate::api::caller::Caller;
use crate::api::dialect::ApiError;
use crate::api::form::{Form, flag, optional, required};
use crate::api::openapi::refusals::{Always, WithBody, WithKey};
use crate::api::services::Services;
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v1::attributes;
use crate::api::thoughtspot_v1::login::org_id;
use crate::domain::authn::{IssueRequest, Persist, Validity, Voucher};
use crate::domain::failure::{Failure, Unauthenticated};
use crate::domain::token::{Access, Purpose};
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Whom the token is for, and what it may do.
#[derive(Deserialize, ToSchema)]
#[schema(as = V1AuthTokenForm)]
pub struct AuthTokenForm {
    #[schema(value_type = String, format = Password)]
    secret_key: Option<SecretString>,
    #[schema(min_length = 1, value_type = String)]
    username: Option<String>,
    /// `FULL` (the default) or `REPORT_BOOK_VIEW`.
    #[schema(pattern = "^(FULL|REPORT_BOOK_VIEW)?$", value_type = String, required = false)]
    access_level: Option<String>,
    /// The GUID of the one object that `REPORT_BOOK_VIEW` is good for.
    #[schema(value_type = String, required = false)]
    id: Option<String>,
    /// The Org to work in; without it the user's last one.
    #[schema(value_type = i64, required = false)]
    orgid: Option<String>,
    /// A JSON array of group names, as a string.
    #[schema(value_type = String, required = false)]
    groups: Option<String>,
    /// Whether an unknown user is created.
    #[schema(value_type = bool, required = false)]
    autocreate: Option<String>,
    #[schema(value_type = String, required = false)]
    email: Option<String>,
    #[schema(value_type = String, required = false)]
    display_name: Option<String>,
    /// A JSON object with `parameters` and `metadata`, as a string.
    #[schema(value_type = String, required = false)]
    jwt_user_options: Option<String>,
}

/// `POST session/auth/token`: 200 and the bare token as text.
#[utoipa::path(
    post,
    path = "/session/auth/token",
    security(()),
    request_body(content = AuthTokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token.", body = String, content_type = "text/plain"),
        WithBody<V1>, WithKey<V1>, Always<V1>,
    ),
)]
pub async fn issue(
    form: Form<V1, AuthTokenForm>,
    caller: Caller<V1>,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<V1>> {
    let form = form.into_inner();
    let asked = form.orgid.clone();
    let request = read(form)?;
    let issued = services
        .trusted
        .issue(request, &caller.client)
        .await
        .map_err(|error| ApiError::from(error).for_org(asked.as_deref()))?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body(issued.text.expose().to_owned()))
}

fn read(form: AuthTokenForm) -> Result<IssueRequest, Failure> {
    // Without a key nothing else of the request is judged; with a wrong one nothing that the directory knows.
    let secret_key = form
        .secret_key
        .ok_or(Failure::Unauthenticated(Unauthenticated::BadKey))?;
    Ok(IssueRequest {
        voucher: Voucher::Key(secret_key),
        validity: Validity::Policy,
        purpose: Purpose::Access,
        username: required("username", form.username)?,
        org: org_id(form.orgid)?,
        access: access(form.access_level.as_deref(), form.id)?,
        auto_create: flag("autocreate", form.autocreate.as_deref())?,
        email: optional(form.email),
        display_name: optional(form.display_name),
        groups: groups(optional(form.groups))?,
        updates_existing: true,
        replace_groups: false,
        attributes: attributes::read(optional(form.jwt_user_options))?,
        persist: Persist::No,
    })
}

/// Absent means `FULL`, as the current vendor table has no required mark.
fn access(level: Option<&str>, id: Option<String>) -> Result<Access, Failure> {
    match level.unwrap_or_default() {
        "" | "FULL" => Ok(Access::Full),
        "REPORT_BOOK_VIEW" => {
            let id = required("id", id)?;
            Uuid::parse_str(&id)
                .map(Access::Object)
                .map_err(|_| Failure::bad("id", "the GUID of a Liveboard or visualization"))
        }
        _ => Err(Failure::bad("access_level", "FULL or REPORT_BOOK_VIEW")),
    }
}

fn groups(text: Option<String>) -> Result<Option<Vec<String>>, Failure> {
    text.map(|text| {
        serde_json::from_str(&text)
            .map_err(|_| Failure::bad("groups", "a JSON array of group names"))
    })
    .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_38_groups_that_are_no_array_of_names_are_refused() {
        for bad in ["x", "{}", "[1]", "[[\"a\"]]", "\"a\"", &"[".repeat(100_000)] {
            assert!(groups(Some(bad.to_owned())).is_err());
        }
        let read = groups(Some(r#"["a","b c"]"#.to_owned())).unwrap();
        assert_eq!(read, Some(vec!["a".to_owned(), "b c".to_owned()]));
    }

    #[test]
    fn an_object_token_needs_a_guid() {
        assert!(access(Some("REPORT_BOOK_VIEW"), None).is_err());
        assert!(access(Some("REPORT_BOOK_VIEW"), Some("x".into())).is_err());
        assert!(access(Some("report"), None).is_err());
        assert_eq!(access(None, None), Ok(Access::Full));
    }
}
