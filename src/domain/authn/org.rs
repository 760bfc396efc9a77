//! Which Org a login or a token is for: one rule for every way in.

use crate::domain::directory::{Directory, Org, OrgId, OrgStatus, User};
use crate::domain::failure::StoreError;

/// Why no Org was chosen.
#[derive(Debug, thiserror::Error)]
pub enum OrgRefused {
    /// The Org asked for does not exist, is disabled, or is not the user's.
    #[error("no active Org of that user")]
    NotAllowed,
    /// A store was away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The Orgs a user may work in: their own, for an administrator of the server every one; active ones only.
pub async fn open_orgs(directory: &dyn Directory, user: &User) -> Result<Vec<Org>, StoreError> {
    let mut orgs = if user.is_admin {
        directory.list_orgs().await?
    } else {
        directory.orgs_of(user.id).await?
    };
    orgs.retain(|org| org.status == OrgStatus::Active);
    Ok(orgs)
}

/// The Org asked for, else the one worked in last, else the first the user may work in.
pub async fn choose_org(
    directory: &dyn Directory,
    user: &User,
    wanted: Option<OrgId>,
) -> Result<OrgId, OrgRefused> {
    let orgs = open_orgs(directory, user).await?;
    let is_open = |id: OrgId| orgs.iter().any(|org| org.id == id);
    match wanted {
        Some(wanted) if is_open(wanted) => Ok(wanted),
        Some(_) => Err(OrgRefused::NotAllowed),
        None if is_open(user.last_org) => Ok(user.last_org),
        None => orgs.first().map(|org| org.id).ok_or(OrgRefused::NotAllowed),
    }
}
