//! A user as v2.0 shows one.

use crate::api::deliverable::is_deliverable;
use crate::api::thoughtspot::account_type_word;
use crate::api::thoughtspot_v2::attributes;
use crate::api::thoughtspot_v2::attributes::{NamedView, ParametersView, RulesView};
use crate::domain::authn::open_orgs;
use crate::domain::directory::{
    AccountStatus, AccountType, Directory, Group, Org, OrgId, User, privileges_in,
};
use crate::domain::failure::StoreError;
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// Everything clients read of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the wire has this many; nothing of ours reads them"
)]
pub struct UserView {
    id: Uuid,
    name: String,
    display_name: String,
    visibility: &'static str,
    author_id: Uuid,
    can_change_password: bool,
    complete_detail: bool,
    creation_time_in_millis: u64,
    modification_time_in_millis: u64,
    /// The Org worked in; null when it was deleted meanwhile.
    current_org: Option<OrgRef>,
    deleted: bool,
    deprecated: bool,
    account_type: &'static str,
    /// `ACTIVE` or `INACTIVE`.
    account_status: &'static str,
    /// Null when it does not look deliverable.
    email: Option<String>,
    external: bool,
    hidden: bool,
    home_liveboard: Option<Uuid>,
    /// The Orgs the user belongs to.
    pub orgs: Vec<OrgRef>,
    parent_type: &'static str,
    privileges: BTreeSet<String>,
    super_user: bool,
    system_user: bool,
    tags: Vec<String>,
    tenant_id: Option<String>,
    user_groups: Vec<GroupRef>,
    user_inherited_groups: Vec<GroupRef>,
    welcome_email_sent: bool,
    preferred_locale: Option<String>,
    user_parameters: Option<ParametersView>,
    access_control_properties: Option<RulesView>,
    variable_values: Vec<NamedView>,
}

impl UserView {
    /// Takes out what is no colleague's business: rights, and what decides which rows the user sees.
    pub fn keep_to_a_colleague(&mut self) {
        self.privileges.clear();
        self.user_parameters = None;
        self.access_control_properties = None;
        self.variable_values.clear();
    }
}

/// A user in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserRef {
    /// Their GUID.
    pub id: Uuid,
    /// Their sign-in name.
    pub name: String,
}

/// An Org in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrgRef {
    /// Its number.
    pub id: i64,
    /// Its name; null when it was deleted meanwhile.
    pub name: Option<String>,
}

/// A group in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GroupRef {
    id: Uuid,
    name: String,
}

/// Shows a user, seen in the Org they work in.
pub async fn show(
    directory: &dyn Directory,
    user: &User,
    current_org: OrgId,
) -> Result<UserView, StoreError> {
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
    let groups: Vec<GroupRef> = groups.iter().map(group_ref).collect();
    let email = user.email.clone();
    Ok(UserView {
        id: user.id.0,
        name: user.name.clone(),
        display_name: user.display_name.clone(),
        visibility: "SHARABLE",
        author_id: user.id.0,
        can_change_password: user.account_type == AccountType::Local,
        complete_detail: true,
        creation_time_in_millis: user.created_at.millis(),
        modification_time_in_millis: user.modified_at.millis(),
        current_org: current.as_ref().map(org_ref),
        deleted: false,
        deprecated: false,
        account_type: account_type_word(user.account_type),
        account_status: match user.status {
            AccountStatus::Active => "ACTIVE",
            AccountStatus::Disabled => "INACTIVE",
        },
        email: email.filter(|email| is_deliverable(email)),
        external: false,
        hidden: false,
        home_liveboard: None,
        orgs: orgs.iter().map(org_ref).collect(),
        parent_type: "USER",
        privileges,
        super_user: user.is_admin,
        system_user: false,
        tags: Vec::new(),
        tenant_id: None,
        user_groups: groups.clone(),
        user_inherited_groups: groups,
        welcome_email_sent: false,
        preferred_locale: None,
        user_parameters: attributes::show_parameters(&user.attributes),
        access_control_properties: attributes::show_rules(&user.attributes),
        variable_values: attributes::show_variables(&user.attributes),
    })
}

/// An Org in a list.
pub fn org_ref(org: &Org) -> OrgRef {
    OrgRef {
        id: org.id.0,
        name: Some(org.name.clone()),
    }
}

/// A group in a list.
pub fn group_ref(group: &Group) -> GroupRef {
    GroupRef {
        id: group.id.0,
        name: group.name.clone(),
    }
}
