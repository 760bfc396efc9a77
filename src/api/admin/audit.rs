//! The audit trail at the console: the latest lines of this node, filtered, followed, exported.
//!
//! Administrators of one Org are shown what users of that Org did there: their logins and endings, never an event
//! of another Org. A line that names no Org (a refusal, a change to the directory) they are shown only of those who
//! belong to no other Org and do not administer the server: of anybody else it may be about what is not theirs to know.

use crate::api::admin::audit_csv::export as write_csv;
use crate::api::admin::desk::{Desk, Looks, Refusal};
use crate::api::admin::{Admin, AuditLine};
use crate::api::form::{Query, optional};
use crate::domain::administration::AdminScope;
use crate::domain::clock::Timestamp;
use crate::domain::directory::{Directory, NameKey, OrgId, User, UserId};
use crate::domain::failure::{Failure, StoreError};
use crate::domain::throttle::FORGET_AFTER;
use actix_web::http::header::{CONTENT_DISPOSITION, ContentType};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::IpAddr;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Lines shown unless the page says.
const SHOWN: usize = 200;
/// The most lines shown at a time, and exported.
const MOST_SHOWN: usize = 10_000;

/// Which lines; moments are milliseconds since 1970.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AuditQuery {
    /// Only lines with greater numbers, to follow the trail.
    after: Option<u64>,
    act: Option<String>,
    user: Option<String>,
    /// `ok`, `refused`, or the word of a refusal or an ending.
    result: Option<String>,
    from: Option<u64>,
    to: Option<u64>,
    limit: Option<usize>,
}

/// `GET audit`: the latest lines first; with `after`, those since then.
pub async fn list(
    Looks(desk): Looks,
    query: Query<Admin, AuditQuery>,
) -> Result<HttpResponse, Refusal> {
    let query = query.into_inner();
    let found = find(&desk, query).await?;
    let rows: Vec<Value> = found
        .lines
        .into_iter()
        .map(|(number, mut event)| {
            event["number"] = number.into();
            event
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "node": desk.node(),
        "events": rows,
        "newest": found.newest,
        "has_more": found.has_more,
    })))
}

/// `GET audit.csv`: the same as a table for a spreadsheet, the oldest line first.
pub async fn export(
    Looks(desk): Looks,
    query: Query<Admin, AuditQuery>,
) -> Result<HttpResponse, Refusal> {
    let query = AuditQuery {
        limit: Some(MOST_SHOWN),
        ..query.into_inner()
    };
    let found = find(&desk, query).await?;
    let events = found.lines.iter().rev().map(|(_, event)| event);
    let text = write_csv(events).map_err(|error| Refusal::caused(Failure::Internal, error))?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType(
            "text/csv; charset=utf-8"
                .parse()
                .unwrap_or(actix_web::mime::TEXT_CSV),
        ))
        .insert_header((
            CONTENT_DISPOSITION,
            "attachment; filename=\"vestibule-audit.csv\"",
        ))
        .body(text))
}

/// Addresses from which that name was refused lately, for its failures there to be forgotten.
pub async fn refused_addresses(desk: &Desk, name: &str) -> Result<Vec<IpAddr>, Refusal> {
    let now = desk.services().login.now().millis();
    let since = now.saturating_sub(u64::try_from(FORGET_AFTER.as_millis()).unwrap_or(u64::MAX));
    let query = AuditQuery {
        from: Some(since),
        result: Some("refused".to_owned()),
        ..AuditQuery::default()
    };
    let wanted = NameKey::fold(name);
    let mut found: Vec<IpAddr> = Vec::new();
    for (_, event) in lines(desk, query).await? {
        let is_theirs = event["user"]
            .as_str()
            .is_some_and(|user| NameKey::fold(user) == wanted);
        let address = event["client"].as_str().and_then(|text| text.parse().ok());
        if let Some(address) = address.filter(|address| is_theirs && !found.contains(address)) {
            found.push(address);
        }
    }
    Ok(found)
}

struct Found {
    lines: Vec<(u64, Value)>,
    newest: u64,
    has_more: bool,
}

async fn find(desk: &Desk, query: AuditQuery) -> Result<Found, Refusal> {
    let limit = query.limit.unwrap_or(SHOWN).clamp(1, MOST_SHOWN);
    let after = query.after.unwrap_or(0);
    let matching = lines(desk, query).await?;
    let mut found = Found {
        newest: matching.first().map_or(after, |(number, _)| *number),
        lines: Vec::new(),
        has_more: false,
    };
    let (_, scope) = desk.viewer();
    let mut sight = Sight::new(&*desk.services().directory, scope);
    for (number, event) in matching {
        if !sight.reaches(&event).await? {
            continue;
        }
        if found.lines.len() == limit {
            found.has_more = true;
            break;
        }
        found.lines.push((number, event));
    }
    Ok(found)
}

/// Lines that the query takes, the latest first, whoever may see them.
async fn lines(desk: &Desk, query: AuditQuery) -> Result<Vec<(u64, Value)>, Refusal> {
    let services = desk.shared_services();
    // Ten thousand lines are parsed, and the trail's writer may have to be waited for.
    let read = move || {
        let lines = services.console.history.above(query.after.unwrap_or(0));
        let parsed = lines.iter().rev().filter_map(|line| query.take(line));
        parsed.collect::<Vec<_>>()
    };
    web::block(read)
        .await
        .map_err(|error| Refusal::caused(Failure::Internal, error))
}

impl AuditQuery {
    fn take(&self, line: &AuditLine) -> Option<(u64, Value)> {
        let event: Value = serde_json::from_str(&line.json).ok()?;
        let is_wanted = self.takes_act(&event)
            && self.takes_user(&event)
            && self.takes_result(&event)
            && self.takes_moment(&event);
        is_wanted.then_some((line.number, event))
    }

    fn takes_act(&self, event: &Value) -> bool {
        let wanted = optional(self.act.clone());
        wanted.is_none_or(|act| event["event"] == act || event["what"] == act)
    }

    fn takes_user(&self, event: &Value) -> bool {
        let Some(wanted) = optional(self.user.clone()) else {
            return true;
        };
        let wanted = NameKey::fold(&wanted);
        ["user", "target", "user_id", "owner_id"]
            .iter()
            .filter_map(|field| event[*field].as_str())
            .any(|text| NameKey::fold(text).contains(&wanted))
    }

    fn takes_result(&self, event: &Value) -> bool {
        let is_refused = event["event"]
            .as_str()
            .is_some_and(|act| act.ends_with("_refused"));
        match self.result.as_deref() {
            None | Some("") => true,
            Some("ok") => !is_refused,
            Some("refused") => is_refused,
            Some(word) => event["why"] == word || event["reason"] == word,
        }
    }

    fn takes_moment(&self, event: &Value) -> bool {
        if self.from.is_none() && self.to.is_none() {
            return true;
        }
        let at = event["ts"]
            .as_str()
            .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
            .and_then(|at| u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok())
            .map(Timestamp::from_millis);
        at.is_some_and(|at| {
            self.from.is_none_or(|from| at.millis() >= from)
                && self.to.is_none_or(|to| at.millis() <= to)
        })
    }
}

/// How one user stands to the Org of whoever looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Stranger,
    Member,
    /// A member who belongs to no other Org and does not administer the server.
    MemberOnly,
}

/// Which events whoever looks may see.
struct Sight<'a> {
    directory: &'a dyn Directory,
    scope: AdminScope,
    known: HashMap<String, Standing>,
}

impl<'a> Sight<'a> {
    fn new(directory: &'a dyn Directory, scope: AdminScope) -> Self {
        Self {
            directory,
            scope,
            known: HashMap::new(),
        }
    }

    async fn reaches(&mut self, event: &Value) -> Result<bool, StoreError> {
        let AdminScope::Org(own) = self.scope else {
            return Ok(true);
        };
        let is_elsewhere = |field: &str| event[field].as_i64().is_some_and(|org| org != own.0);
        let is_switch = event["event"] == "org_switched";
        let elsewhere =
            is_elsewhere("org") || (is_switch && (is_elsewhere("from") || is_elsewhere("to")));
        if elsewhere {
            return Ok(false);
        }
        let about = ["owner_id", "user_id", "user"]
            .iter()
            .find_map(|field| event[*field].as_str());
        let Some(about) = about else {
            return Ok(false);
        };
        Ok(match self.standing(about, own).await? {
            Standing::Stranger => false,
            Standing::Member => event["org"] == own.0,
            Standing::MemberOnly => true,
        })
    }

    async fn standing(&mut self, called: &str, own: OrgId) -> Result<Standing, StoreError> {
        if let Some(known) = self.known.get(called) {
            return Ok(*known);
        }
        let mut standing = Standing::Stranger;
        if let Some(user) = self.find(called).await? {
            let orgs = self.directory.orgs_of(user.id).await?;
            if orgs.iter().any(|org| org.id == own) {
                standing = if orgs.len() == 1 && !user.is_admin {
                    Standing::MemberOnly
                } else {
                    Standing::Member
                };
            }
        }
        self.known.insert(called.to_owned(), standing);
        Ok(standing)
    }

    async fn find(&self, called: &str) -> Result<Option<User>, StoreError> {
        if let Ok(id) = called.parse() {
            return self.directory.find_user_by_id(UserId(id)).await;
        }
        match NameKey::new(called) {
            Ok(key) => self.directory.find_user(&key).await,
            Err(_) => Ok(None),
        }
    }
}
