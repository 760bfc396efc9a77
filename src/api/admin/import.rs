//! Many users at once: the page reads the CSV file and sends its rows in batches, so that it can say how far it is.

use crate::api::admin::desk::{Acts, Refusal};
use crate::api::admin::users::{UserBody, some_password};
use crate::api::form::optional;
use crate::domain::administration::{ImportOptions, ImportRow, MembershipDraft, NewUser};
use crate::domain::failure::Failure;
use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most rows of one batch: hashing their passwords takes seconds, and the page wants to hear something.
const MOST_ROWS: usize = 100;

#[derive(Deserialize)]
pub struct ImportBody {
    rows: Vec<RowBody>,
    #[serde(default)]
    create_groups: bool,
}

#[derive(Deserialize)]
struct RowBody {
    line: u64,
    #[serde(flatten)]
    user: UserBody,
}

/// `POST users/import`: at most 100 rows; each makes a user or says why not, by its line.
pub async fn import(acts: Acts<ImportBody>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    if body.rows.len() > MOST_ROWS {
        return Err(Failure::bad("rows", format!("at most {MOST_ROWS} at a time")).into());
    }
    let (principal, _) = desk.viewer();
    let org = principal.org.to_string();
    let rows = body.rows.into_iter().map(|row| row.read(&org)).collect();
    let options = ImportOptions {
        create_groups: body.create_groups,
    };
    let report = desk.manager().import_users(rows, options).await?;
    let skipped: Vec<Value> = report
        .skipped
        .iter()
        .map(|row| json!({ "line": row.line, "reason": row.reason }))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "created": report.created, "skipped": skipped })))
}

impl RowBody {
    /// A file names neither administrators nor LDAP users, as on the command line.
    fn read(self, org: &str) -> ImportRow {
        let user = self.user;
        let orgs = user.orgs.filter(|orgs| !orgs.is_empty());
        let orgs = orgs.unwrap_or_else(|| vec![org.to_owned()]);
        ImportRow {
            line: self.line,
            user: Ok(NewUser {
                display_name: optional(user.display_name),
                email: optional(user.email),
                password: some_password(user.password),
                memberships: MembershipDraft::listed(orgs, user.groups.unwrap_or_default()),
                ..NewUser::named(user.name.unwrap_or_default())
            }),
        }
    }
}
