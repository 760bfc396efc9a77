//! `projects`: the Orgs a user may work in, and the ids that projects, users and privileges have in this dialect.

use crate::api::dialect::ApiError;
use crate::api::microstrategy::MicroStrategy;
use crate::api::microstrategy::guard::Signed;
use crate::api::microstrategy::reply::json;
use crate::api::services::Services;
use crate::domain::authn::open_orgs;
use crate::domain::directory::{Org, OrgId, User};
use crate::domain::failure::StoreError;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json as value};
use uuid::Uuid;

/// What every project's id begins with: `VESTIBUL` in ASCII. The Org's number follows.
const PREFIX: u64 = 0x5645_5354_4942_554C;

/// `GET projects`.
pub async fn list(
    signed: Signed,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, ApiError<MicroStrategy>> {
    let user = services.require_user(&signed.principal).await?;
    let orgs = projects(&signed, &user, &services).await?;
    let projects: Vec<Value> = orgs.iter().map(project).collect();
    Ok(json(&request, Value::Array(projects)))
}

/// The Orgs the user may work in with this session.
pub async fn projects(
    signed: &Signed,
    user: &User,
    services: &Services,
) -> Result<Vec<Org>, StoreError> {
    let mut orgs = open_orgs(&*services.directory, user).await?;
    // Who was signed in for some Orgs only does not see the others.
    orgs.retain(|org| signed.principal.may_reach(org.id));
    Ok(orgs)
}

fn project(org: &Org) -> Value {
    value!({
        "acg": 255,
        "id": project_id(org.id),
        "name": org.name,
        "alias": "",
        "description": org.description,
        "status": 0,
    })
}

/// The project that an Org is: 16 fixed digits, then the Org's number as 16 hexadecimal digits (two's complement).
pub fn project_id(org: OrgId) -> String {
    let number = u64::from_be_bytes(org.0.to_be_bytes());
    format!("{PREFIX:016X}{number:016X}")
}

/// The Org that a project is; none for what is no project's id.
pub fn project_of(id: &str) -> Option<OrgId> {
    let id = parse_id(id)?.as_u128();
    let (prefix, number) = (id >> 64, id & u128::from(u64::MAX));
    let number = u64::try_from(number).ok()?;
    (prefix == u128::from(PREFIX)).then_some(OrgId(i64::from_be_bytes(number.to_be_bytes())))
}

/// An id as this dialect writes it: 32 upper-case hexadecimal digits.
pub fn hex_id(id: Uuid) -> String {
    format!("{:032X}", id.as_u128())
}

/// Reads an id of 32 hexadecimal digits, of either case.
pub fn parse_id(text: &str) -> Option<Uuid> {
    let is_plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Uuid::try_parse(text).ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_id_reads_back_for_every_org() {
        for org in [0, 1, -1, i64::MAX, i64::MIN, 583_920_114].map(OrgId) {
            let id = project_id(org);
            assert_eq!(id.len(), 32);
            assert_eq!(project_of(&id), Some(org));
            assert_eq!(project_of(&id.to_lowercase()), Some(org));
        }
        assert_eq!(project_id(OrgId(0)), "564553544942554C0000000000000000");
        for bad in [
            "",
            "0",
            "00000000000000000000000000000000",
            "5645-5354-4942-554C0000000000000000",
        ] {
            assert_eq!(project_of(bad), None, "{bad}");
        }
    }
}
