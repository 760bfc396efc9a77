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
use crate::domain::directory::{Directory, NameKey, OrgId, UserId};
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

/// Lines whose users are looked up at a time.
const AT_A_TIME: usize = 500;

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
    let mut rest = matching.into_iter();
    loop {
        let batch: Vec<_> = rest.by_ref().take(AT_A_TIME).collect();
        if batch.is_empty() {
            return Ok(found);
        }
        sight.learn(&batch).await?;
        for (number, event) in batch {
            if !sight.reaches(&event) {
                continue;
            }
            if found.lines.len() == limit {
                found.has_more = true;
                return Ok(found);
            }
            found.lines.push((number, event));
        }
    }
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

/// Somebody as a line names them.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Called {
    Id(UserId),
    Name(NameKey),
}

impl Called {
    /// Whom a line is about; none when it says nobody who could exist.
    fn by(event: &Value) -> Option<Self> {
        let fields = ["owner_id", "user_id", "user"];
        let text = fields.iter().find_map(|field| event[*field].as_str())?;
        match text.parse() {
            Ok(id) => Some(Self::Id(UserId(id))),
            Err(_) => NameKey::new(text).ok().map(Self::Name),
        }
    }
}

/// Which events whoever looks may see.
struct Sight<'a> {
    directory: &'a dyn Directory,
    scope: AdminScope,
    known: HashMap<Called, Standing>,
}

impl<'a> Sight<'a> {
    fn new(directory: &'a dyn Directory, scope: AdminScope) -> Self {
        Self {
            directory,
            scope,
            known: HashMap::new(),
        }
    }

    /// Looks up whom those lines are about, all at once: anybody can fill the trail with names by signing in under
    /// them, and one look-up for each would be theirs to order.
    async fn learn(&mut self, lines: &[(u64, Value)]) -> Result<(), StoreError> {
        let AdminScope::Org(own) = self.scope else {
            return Ok(());
        };
        let (mut names, mut ids) = (Vec::new(), Vec::new());
        for (_, event) in lines {
            let Some(called) = Called::by(event).filter(|_| !is_elsewhere(event, own)) else {
                continue;
            };
            if self.known.contains_key(&called) {
                continue;
            }
            match &called {
                Called::Id(id) => ids.push(*id),
                Called::Name(name) => names.push(name.clone()),
            }
            self.known.insert(called, Standing::Stranger);
        }
        if names.is_empty() && ids.is_empty() {
            return Ok(());
        }
        for (user, orgs) in self.directory.members_among(own, &names, &ids).await? {
            let standing = if orgs == 1 && !user.is_admin {
                Standing::MemberOnly
            } else {
                Standing::Member
            };
            let by_name = NameKey::new(&user.name).ok().map(Called::Name);
            for called in by_name.into_iter().chain([Called::Id(user.id)]) {
                self.known.insert(called, standing);
            }
        }
        Ok(())
    }

    /// Of lines that were learnt.
    fn reaches(&self, event: &Value) -> bool {
        let AdminScope::Org(own) = self.scope else {
            return true;
        };
        if is_elsewhere(event, own) {
            return false;
        }
        let standing = Called::by(event).and_then(|called| self.known.get(&called));
        match standing {
            None | Some(Standing::Stranger) => false,
            Some(Standing::Member) => event["org"] == own.0,
            Some(Standing::MemberOnly) => true,
        }
    }
}

/// Whether a line names another Org.
fn is_elsewhere(event: &Value, own: OrgId) -> bool {
    let names_other = |field: &str| event[field].as_i64().is_some_and(|org| org != own.0);
    let is_switch = event["event"] == "org_switched";
    names_other("org") || (is_switch && (names_other("from") || names_other("to")))
}
