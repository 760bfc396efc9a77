//! What a user may do: the rights of their groups, and an administrator's own.

use crate::domain::directory::{Directory, OrgId, User};
use crate::domain::failure::StoreError;
use std::collections::BTreeSet;

/// The right that makes a user an administrator of an Org, or of everything.
pub const ADMINISTRATION: &str = "ADMINISTRATION";

/// What the user may do in that Org, in the vendor's words.
pub async fn privileges_in(
    directory: &dyn Directory,
    user: &User,
    org: OrgId,
) -> Result<BTreeSet<String>, StoreError> {
    let groups = directory.groups_of(user.id, org).await?;
    let mut privileges: BTreeSet<String> = groups
        .into_iter()
        .flat_map(|group| group.privileges)
        .collect();
    if user.is_admin {
        privileges.insert(ADMINISTRATION.to_owned());
    }
    Ok(privileges)
}
