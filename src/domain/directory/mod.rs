//! Who exists: users, groups, Orgs, secret keys and the content that sessions may be limited to.
//!
//! Traits are split by use. One object usually implements them all; `stores/sql` is the first.

mod api_tokens;
mod changes;
mod content;
mod copier;
mod ids;
mod name;
mod privileges;
mod records;
mod text;

pub use api_tokens::{ApiToken, ApiTokens};
pub use changes::{LastAdministrator, MembershipChange, Operation, UserChange, UserQuery};
pub use content::{Liveboard, Visualization};
pub use copier::{Census, CopiedTable, Destination, DirectoryCopier};
pub use ids::{GroupId, KeyId, OrgId, UserId};
pub use name::{NameError, NameKey};
pub use privileges::{ADMINISTRATION, privileges_in};
pub use records::{
    AccountStatus, AccountType, Group, GroupDraft, Membership, Org, OrgStatus, Provision,
    SecretKey, User, UserDraft,
};
pub use text::{TextError, check_email, check_text};

use crate::domain::authn::PasswordHash;
use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use async_trait::async_trait;
use uuid::Uuid;

/// A directory change that was not made.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A name that must be unique is taken.
    #[error("{what} \"{name}\" exists already")]
    Exists {
        /// The kind of thing: `user`, `group`, `Org`.
        what: &'static str,
        /// The name that is taken.
        name: String,
    },
    /// Something the change refers to is not there.
    #[error("no such {what}: \"{name}\"")]
    Missing {
        /// The kind of thing.
        what: &'static str,
        /// What was looked for.
        name: String,
    },
    /// A name that cannot be one.
    #[error("{what} \"{name}\": expected {why}")]
    BadName {
        /// The kind of thing.
        what: &'static str,
        /// The name as given.
        name: String,
        /// What was expected of it.
        why: NameError,
    },
    /// The Primary Org always exists.
    #[error("the Primary Org cannot be deleted")]
    PrimaryOrg,
    /// The existing user is not in the Org and may not be added.
    #[error("the user is not a member of Org {0}")]
    NotInOrg(OrgId),
    /// Nobody who may sign in would administer the server any more.
    #[error("the last active administrator of the server is not taken away")]
    LastAdministrator,
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Users and their memberships.
#[async_trait]
pub trait Users: std::fmt::Debug + Send + Sync {
    /// The user of that name, compared by [`NameKey`].
    async fn find_user(&self, name: &NameKey) -> Result<Option<User>, StoreError>;
    /// The user of that id.
    async fn find_user_by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;
    /// The password hash, when the user has a password.
    async fn password_hash(&self, id: UserId) -> Result<Option<PasswordHash>, StoreError>;
    /// Every user, ordered by name; at most `limit` after the name `after`.
    async fn list_users(
        &self,
        after: Option<&NameKey>,
        limit: u32,
    ) -> Result<Vec<User>, StoreError>;
    /// Whether an account that may sign in administers the server, one besides `other`.
    async fn has_administrator(&self, other: Option<UserId>) -> Result<bool, StoreError>;
    /// Users who meet every condition, ordered by name.
    async fn search_users(&self, query: &UserQuery) -> Result<Vec<User>, StoreError>;
    /// Those of the users called by name or id, some hundreds at most, who belong to that Org; of each, to how many
    /// Orgs they belong. In no order.
    async fn members_among(
        &self,
        org: OrgId,
        names: &[NameKey],
        ids: &[UserId],
    ) -> Result<Vec<(User, u64)>, StoreError>;
    /// Every member of the group, ordered by name; none when there is no such group.
    async fn members_of(&self, group: GroupId) -> Result<Vec<User>, StoreError>;
    /// Creates a user with memberships, or nothing at all.
    ///
    /// The last Org becomes the Primary Org, or the lowest one joined when that is not among them.
    async fn create_user(&self, draft: &UserDraft) -> Result<User, DirectoryError>;
    /// Changes what the user is called and may do; the account is otherwise as before.
    ///
    /// Unless the last administrator may go, they are refused with [`DirectoryError::LastAdministrator`], also of
    /// several who take each other's power away at the same time.
    async fn update_user(&self, id: UserId, change: &UserChange) -> Result<User, DirectoryError>;
    /// Changes which Orgs and groups the user belongs to, all of it or nothing.
    ///
    /// Groups of an Org the user is not in are refused with [`DirectoryError::NotInOrg`], unless
    /// they are to be left.
    async fn change_memberships(
        &self,
        id: UserId,
        change: &MembershipChange,
    ) -> Result<User, DirectoryError>;
    /// Sets or removes the password; without such a user nothing happens.
    async fn set_password(&self, id: UserId, hash: Option<&PasswordHash>)
    -> Result<(), StoreError>;
    /// Replaces the hash `old` by `new`, another hash of the same password; false, and nothing happens, when the
    /// user's hash is no longer `old`: a password that was changed meanwhile must not come back.
    async fn upgrade_password(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError>;
    /// Enables or disables the account; without such a user nothing happens.
    ///
    /// The last administrator is refused as by [`Users::update_user`].
    async fn set_status(
        &self,
        id: UserId,
        status: AccountStatus,
        last: LastAdministrator,
    ) -> Result<(), DirectoryError>;
    /// Deletes the user, whoever it is, and every membership; false when there was none.
    async fn delete_user(&self, id: UserId) -> Result<bool, StoreError>;
    /// Remembers the Org the user worked in last; one the user does not belong to is not remembered.
    async fn set_last_org(&self, id: UserId, org: OrgId) -> Result<(), StoreError>;
    /// Just-in-time creation or update by trusted authentication, all of it or nothing.
    ///
    /// Simultaneous calls for one name end with one user. A disabled user is returned unchanged;
    /// nobody gains a password or administers the server by it. Unless they may join, an existing user outside
    /// the Org is refused with [`DirectoryError::NotInOrg`].
    async fn provision(&self, request: &Provision) -> Result<User, DirectoryError>;
    /// The Orgs the user belongs to, ordered by id.
    async fn orgs_of(&self, id: UserId) -> Result<Vec<Org>, StoreError>;
    /// The groups the user belongs to in that Org, ordered by name.
    async fn groups_of(&self, id: UserId, org: OrgId) -> Result<Vec<Group>, StoreError>;
}

/// Orgs and the groups in them.
#[async_trait]
pub trait Orgs: std::fmt::Debug + Send + Sync {
    /// The Org of that id.
    async fn find_org(&self, id: OrgId) -> Result<Option<Org>, StoreError>;
    /// The Org of that name (compared by [`NameKey`]).
    async fn find_org_by_name(&self, name: &NameKey) -> Result<Option<Org>, StoreError>;
    /// Every Org, ordered by id.
    async fn list_orgs(&self) -> Result<Vec<Org>, StoreError>;
    /// Creates an Org; `id` is drawn by the caller.
    async fn create_org(&self, org: &Org) -> Result<(), DirectoryError>;
    /// Replaces name, description and status of the Org with that id.
    async fn update_org(&self, org: &Org) -> Result<(), DirectoryError>;
    /// Deletes an Org with its memberships, groups and secret keys; false when there was none.
    ///
    /// Its keys go too: a key limited to an Org must not outlive it and meet a later one of that
    /// number. The Primary Org is refused with [`DirectoryError::PrimaryOrg`].
    async fn delete_org(&self, id: OrgId) -> Result<bool, DirectoryError>;
    /// The group of that id.
    async fn find_group_by_id(&self, id: GroupId) -> Result<Option<Group>, StoreError>;
    /// The group of that name in that Org.
    async fn find_group(&self, org: OrgId, name: &NameKey) -> Result<Option<Group>, StoreError>;
    /// Every group of the Org, ordered by name.
    async fn list_groups(&self, org: OrgId) -> Result<Vec<Group>, StoreError>;
    /// Creates a group.
    async fn create_group(&self, draft: &GroupDraft) -> Result<Group, DirectoryError>;
    /// Replaces name, display name and privileges of the group with that id; it stays in its Org.
    async fn update_group(&self, group: &Group) -> Result<(), DirectoryError>;
    /// Deletes a group and every membership in it; false when there was none.
    async fn delete_group(&self, id: GroupId) -> Result<bool, StoreError>;
}

/// Secret keys of trusted authentication.
#[async_trait]
pub trait Keys: std::fmt::Debug + Send + Sync {
    /// The live key with that digest. The digest is keyed: see [`crate::domain::authn::KeyDigest`].
    async fn find_key(
        &self,
        digest: &crate::domain::authn::KeyDigest,
    ) -> Result<Option<SecretKey>, StoreError>;
    /// Every key, retired ones included, ordered by creation.
    async fn list_keys(&self) -> Result<Vec<SecretKey>, StoreError>;
    /// Adds a key. A digest that is known already, retired or not, is refused.
    async fn create_key(
        &self,
        key: &SecretKey,
        digest: &crate::domain::authn::KeyDigest,
        sealed: Option<&str>,
    ) -> Result<(), DirectoryError>;
    /// The sealed form of a key, where one was kept.
    async fn sealed_key(&self, id: KeyId) -> Result<Option<String>, StoreError>;
    /// Retires a key; false when it is unknown or already retired.
    async fn retire_key(&self, id: KeyId, at: Timestamp) -> Result<bool, StoreError>;
    /// Remembers that the key was used; may be batched, so it is not exact to the second.
    async fn touch_key(&self, id: KeyId, at: Timestamp) -> Result<(), StoreError>;
}

/// Liveboards and their visualizations.
#[async_trait]
pub trait Content: std::fmt::Debug + Send + Sync {
    /// The Liveboard with its visualizations.
    async fn find_liveboard(&self, id: Uuid) -> Result<Option<Liveboard>, StoreError>;
    /// Adds or replaces a Liveboard.
    async fn put_liveboard(&self, liveboard: &Liveboard) -> Result<(), StoreError>;
}

/// Values the server makes once and every node shares.
#[async_trait]
pub trait ServerSecrets: std::fmt::Debug + Send + Sync {
    /// The secret of that name; `fresh` is stored, atomically, when there is none yet.
    async fn secret_or_insert(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError>;
}

/// Settings that the API changes while the server runs, such as embed origins.
#[async_trait]
pub trait SavedSettings: std::fmt::Debug + Send + Sync {
    /// The saved value of that name.
    async fn get(&self, name: &str) -> Result<Option<String>, StoreError>;
    /// Saves a value under that name, over any before it.
    async fn set(&self, name: &str, value: &str) -> Result<(), StoreError>;
    /// Puts one value in the place of another, in one step; none is no value. False, and nothing done, when what is
    /// there is not what was expected.
    async fn replace(
        &self,
        name: &str,
        expected: Option<&str>,
        value: Option<&str>,
    ) -> Result<bool, StoreError>;
}

/// Everything the directory offers.
pub trait Directory:
    Users + Orgs + Keys + ApiTokens + Content + ServerSecrets + SavedSettings
{
}

impl<T: Users + Orgs + Keys + ApiTokens + Content + ServerSecrets + SavedSettings> Directory for T {}
