//! Live sessions at the console: looked for, counted, ended.

use crate::api::admin::Admin;
use crate::api::admin::desk::{Acts, Looks, Refusal};
use crate::api::admin::view;
use crate::api::form::{Query, optional};
use crate::domain::administration::RevokeWish;
use crate::domain::failure::Failure;
use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};

/// Sessions shown unless the page says.
const SHOWN: usize = 200;
/// The most sessions shown.
const MOST_SHOWN: usize = 1_000;

#[derive(Deserialize)]
pub struct ListQuery {
    user: Option<String>,
    org: Option<String>,
    key: Option<String>,
    limit: Option<usize>,
}

/// `GET sessions`: how many live of that user, Org and key, and some of them, the latest used first. Counting
/// everybody's walks through the store.
pub async fn list(
    Looks(desk): Looks,
    query: Query<Admin, ListQuery>,
) -> Result<HttpResponse, Refusal> {
    let query = query.into_inner();
    let limit = query.limit.unwrap_or(SHOWN).min(MOST_SHOWN);
    let (user, org, key) = (
        optional(query.user),
        optional(query.org),
        optional(query.key),
    );
    let manager = desk.manager();
    let filter = manager
        .session_filter(user.as_deref(), org.as_deref(), key.as_deref())
        .await?;
    let mut total = 0_u64;
    let mut shown = Vec::new();
    manager
        .each_session(filter, |summary| {
            total += 1;
            if shown.len() < limit {
                shown.push(summary);
            }
        })
        .await?;
    shown.sort_by_key(|one| std::cmp::Reverse(one.session.last_seen_at));
    let rows: Vec<Value> = shown
        .iter()
        .map(|one| view::session(one, desk.session))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "total": total, "sessions": rows })))
}

/// Exactly one of the first five; `kept` with a user only.
#[derive(Deserialize)]
pub struct RevokeBody {
    session: Option<String>,
    user: Option<String>,
    org: Option<String>,
    key: Option<String>,
    everybody: Option<bool>,
    kept: Option<String>,
}

/// `POST sessions/revoke`: ends one session, or a user's (all, or all but one), an Org's, a key's, everybody's, with
/// their tokens.
pub async fn revoke(acts: Acts<RevokeBody>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let manager = desk.manager();
    if let (Some(user), Some(kept)) = (&body.user, &body.kept) {
        let ended = manager.end_other_sessions(user, kept).await?;
        return Ok(HttpResponse::Ok().json(json!({ "ended": ended })));
    }
    let mut wishes: Vec<RevokeWish> = Vec::new();
    wishes.extend(body.session.map(RevokeWish::One));
    wishes.extend(body.user.map(RevokeWish::User));
    wishes.extend(body.org.map(RevokeWish::Org));
    wishes.extend(body.key.map(RevokeWish::Key));
    wishes.extend(
        body.everybody
            .filter(|is_meant| *is_meant)
            .map(|_| RevokeWish::Everybody),
    );
    // A slip must not end more than was meant.
    let [wish] = wishes.as_slice() else {
        return Err(Failure::bad("", "one of session, user, org, key, everybody").into());
    };
    manager.revoke(wish).await?;
    Ok(HttpResponse::NoContent().finish())
}
