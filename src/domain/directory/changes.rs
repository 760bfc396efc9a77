//! What can be asked of existing users: changes to them, and searches among them.

use crate::domain::clock::Timestamp;
use crate::domain::directory::{GroupId, Membership, NameKey, OrgId};
use crate::domain::token::Attributes;

/// A change to a user; what is none stays as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// A new name for people to read.
    pub display_name: Option<String>,
    /// A new address; empty text removes it.
    pub email: Option<String>,
    /// Whether the user administers the whole server.
    pub is_admin: Option<bool>,
    /// What may become of the last administrator, should it be this user.
    pub last_administrator: LastAdministrator,
    /// Attributes that replace the ones kept for the user.
    pub attributes: Option<Attributes>,
    /// Now.
    pub at: Timestamp,
}

/// What may become of the last user who administers the server and may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastAdministrator {
    /// They stay what they are: nobody would be left to put it right.
    #[default]
    Stays,
    /// They may go.
    MayGo,
}

/// How a list in a [`MembershipChange`] is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Joins what is listed.
    Add,
    /// Is in what is listed and nothing else.
    Replace,
    /// Leaves what is listed.
    Remove,
}

/// A change of the Orgs and groups a user belongs to.
///
/// Orgs go first, so that one change can join an Org and groups in it. Leaving an Org leaves its
/// groups, and a last Org that was left becomes the Primary Org, or the lowest one still belonged to.
#[derive(Clone, Debug)]
pub struct MembershipChange {
    /// How both lists are meant.
    pub operation: Operation,
    /// Orgs; none leaves them alone.
    pub orgs: Option<Vec<OrgId>>,
    /// Groups of one Org, by name; none leaves them alone. Groups of other Orgs are never touched.
    pub groups: Option<Membership>,
    /// Whether unknown groups are made rather than refused; removing never makes any.
    pub create_groups: bool,
    /// Now.
    pub at: Timestamp,
}

/// A search among users; every condition given must hold.
#[derive(Clone, Debug)]
pub struct UserQuery {
    /// Text that the name contains, in whatever case or Unicode form; no character in it is special.
    pub name_contains: Option<String>,
    /// An Org the user belongs to.
    pub org: Option<OrgId>,
    /// A group the user belongs to.
    pub group: Option<GroupId>,
    /// Where the page before ended.
    pub after: Option<NameKey>,
    /// The most users to return.
    pub limit: u32,
}
