//! `sessions` and what is below it: is it alive, whose is it, what may they do?

use crate::api::dialect::ApiError;
use crate::api::microstrategy::MicroStrategy;
use crate::api::microstrategy::guard::Signed;
use crate::api::microstrategy::project::{hex_id, project_id, project_of, projects};
use crate::api::microstrategy::reply::json;
use crate::api::services::Services;
use crate::domain::directory::{ADMINISTRATION, User, privileges_in};
use crate::domain::failure::Failure;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json as value};
use std::collections::BTreeMap;

type Refusal = ApiError<MicroStrategy>;

const PROJECT_ID: HeaderName = HeaderName::from_static("x-mstr-projectid");
/// English (United States), as the product numbers locales.
const LOCALE: u32 = 1033;
/// What clients get that did not say, as the vendor documents it.
const WORKING_SET: u32 = 10;
const MAX_SEARCH: u32 = 3;

/// `GET sessions`.
pub async fn show(
    signed: Signed,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    Ok(json(&request, describe(&signed, &services).await?))
}

/// `PUT sessions`: nothing but a use of the session, which every call is.
pub async fn keep_alive(_: Signed) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// `GET sessions/projectId`: the same as `GET sessions`, for a project of the user's.
pub async fn show_in_project(
    signed: Signed,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let expected = "the id of one of your projects";
    let called = request
        .headers()
        .get(PROJECT_ID)
        .and_then(|id| id.to_str().ok())
        .ok_or_else(|| Failure::bad("X-MSTR-ProjectID", expected))?;
    let wanted = project_of(called).ok_or_else(|| Failure::bad("X-MSTR-ProjectID", expected))?;
    let user = services.require_user(&signed.principal).await?;
    let orgs = projects(&signed, &user, &services).await?;
    if !orgs.iter().any(|org| org.id == wanted) {
        return Err(Failure::bad("X-MSTR-ProjectID", expected).into());
    }
    Ok(json(&request, describe(&signed, &services).await?))
}

/// `GET sessions/userInfo`.
pub async fn user_info(
    signed: Signed,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    Ok(json(&request, describe(&signed, &services).await?))
}

async fn describe(signed: &Signed, services: &Services) -> Result<Value, Refusal> {
    let user = services.require_user(&signed.principal).await?;
    let full_name = full_name(&user);
    Ok(value!({
        "locale": LOCALE,
        "maxSearch": signed.session.notes.max_search.unwrap_or(MAX_SEARCH),
        "workingSet": signed.session.notes.working_set.unwrap_or(WORKING_SET),
        // In seconds, and the one that ends a session: clients renew by it.
        "timeout": signed.timeout.as_secs(),
        "id": hex_id(user.id.0),
        "fullName": full_name,
        "initials": initials(full_name),
        "username": user.name,
    }))
}

/// What people read; never empty, because clients take that for nobody.
pub fn full_name(user: &User) -> &str {
    match user.display_name.trim() {
        "" => &user.name,
        name => name,
    }
}

fn initials(name: &str) -> String {
    let words = name
        .split_whitespace()
        .filter_map(|word| word.chars().next());
    words.take(2).flat_map(char::to_uppercase).collect()
}

/// `GET sessions/privileges`.
pub async fn privileges(
    signed: Signed,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let all = privileges_of(&signed, &services).await?;
    let all: Vec<Value> = all.into_values().collect();
    Ok(json(&request, value!({ "privileges": all })))
}

/// `GET sessions/privileges/{id}`.
pub async fn privilege(
    signed: Signed,
    id: web::Path<String>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Refusal> {
    let mut all = privileges_of(&signed, &services).await?;
    let one = all.remove(id.as_str()).ok_or_else(|| Failure::NotFound {
        what: "privilege of that id".to_owned(),
    })?;
    Ok(json(&request, one))
}

/// The user's privileges by id, each with the projects it is held in.
async fn privileges_of(
    signed: &Signed,
    services: &Services,
) -> Result<BTreeMap<String, Value>, Refusal> {
    let directory = &*services.directory;
    let user = services.require_user(&signed.principal).await?;
    let orgs = projects(signed, &user, services).await?;
    let mut held: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for org in &orgs {
        for privilege in privileges_in(directory, &user, org.id).await? {
            held.entry(privilege).or_default().push(org.id);
        }
    }
    let one = |id: String, holding: Vec<_>| {
        let projects: Vec<Value> = orgs
            .iter()
            .map(|org| value!({ "id": project_id(org.id), "isAllowed": holding.contains(&org.id) }))
            .collect();
        let privilege = value!({
            "id": id,
            "name": id,
            "description": "",
            "isUserLevelAllowed": user.is_admin && id == ADMINISTRATION,
            "projects": projects,
        });
        (id, privilege)
    };
    Ok(held
        .into_iter()
        .map(|(id, holding)| one(id, holding))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_the_first_letters_of_two_words() {
        assert_eq!(initials("MSTR User"), "MU");
        assert_eq!(initials("élodie de la Tour"), "ÉD");
        assert_eq!(initials("alice"), "A");
    }
}
