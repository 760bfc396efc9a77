//! A user as v2.0 shows one.

use crate::api::thoughtspot_v2::attributes;
use crate::domain::authn::open_orgs;
use crate::domain::directory::{
    AccountStatus, AccountType, Directory, Group, Org, OrgId, User, privileges_in,
};
use crate::domain::failure::StoreError;
use serde_json::{Value, json};

/// Everything clients read of a user, seen in the Org they work in.
pub async fn show(
    directory: &dyn Directory,
    user: &User,
    current_org: OrgId,
) -> Result<Value, StoreError> {
    let orgs = directory.orgs_of(user.id).await?;
    let groups = directory.groups_of(user.id, current_org).await?;
    let privileges = privileges_in(directory, user, current_org).await?;
    let current = match orgs.iter().find(|org| org.id == current_org) {
        Some(org) => Some(org.clone()),
        None => open_orgs(directory, user)
            .await?
            .into_iter()
            .find(|org| org.id == current_org),
    };
    let groups: Vec<Value> = groups.iter().map(group_ref).collect();
    Ok(json!({
        "id": user.id.0,
        "name": user.name,
        "display_name": user.display_name,
        "visibility": "SHARABLE",
        "author_id": user.id.0,
        "can_change_password": true,
        "complete_detail": true,
        "creation_time_in_millis": user.created_at.millis(),
        "modification_time_in_millis": user.modified_at.millis(),
        "current_org": current.as_ref().map(org_ref),
        "deleted": false,
        "deprecated": false,
        "account_type": match user.account_type {
            AccountType::Local => "LOCAL_USER",
        },
        "account_status": match user.status {
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Disabled => "INACTIVE",
        },
        "email": user.email.as_deref().filter(|email| is_deliverable(email)),
        "external": false,
        "hidden": false,
        "home_liveboard": null,
        "orgs": orgs.iter().map(org_ref).collect::<Vec<_>>(),
        "parent_type": "USER",
        "privileges": privileges,
        "super_user": user.is_admin,
        "system_user": false,
        "tags": [],
        "tenant_id": null,
        "user_groups": groups,
        "user_inherited_groups": groups,
        "welcome_email_sent": false,
        "preferred_locale": null,
        "user_parameters": attributes::show_parameters(&user.attributes),
        "access_control_properties": attributes::show_rules(&user.attributes),
        "variable_values": attributes::show_variables(&user.attributes),
    }))
}

/// An Org in a list.
pub fn org_ref(org: &Org) -> Value {
    json!({ "id": org.id.0, "name": org.name })
}

/// A group in a list.
pub fn group_ref(group: &Group) -> Value {
    json!({ "id": group.id.0, "name": group.name })
}

/// Whether an address looks deliverable. One client refuses the whole reply over any other, so such an
/// address is shown as absent.
fn is_deliverable(email: &str) -> bool {
    const RESERVED: [&str; 5] = ["localhost", "local", "test", "invalid", "internal"];
    let Some((name, host)) = email.split_once('@') else {
        return false;
    };
    let last = host.rsplit('.').next().unwrap_or_default().to_lowercase();
    !name.is_empty()
        && host.contains('.')
        && !host.contains('@')
        && !RESERVED.contains(&last.as_str())
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_look_deliverable_are_shown() {
        for good in ["a@example.com", "a.b+c@sub.example.org"] {
            assert!(is_deliverable(good), "{good}");
        }
        for bad in [
            "",
            "x",
            "x@localhost",
            "x@a.local",
            "x@a.test",
            "x@y.invalid",
            "x@",
            "a@b@c.com",
            "a b@c.com",
        ] {
            assert!(!is_deliverable(bad), "{bad}");
        }
    }
}
