//! What an operator may ask for, and what comes back, as they travel over the socket.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// A secret on its way over the socket: written in the clear there, and nowhere else.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct WireSecret(pub SecretString);

impl Serialize for WireSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

/// A user to be created.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserFields {
    /// The sign-in name.
    pub name: String,
    /// The name people read.
    pub display_name: Option<String>,
    /// Where mail goes.
    pub email: Option<String>,
    /// Whether the LDAP directory keeps the password.
    #[serde(default)]
    pub is_ldap: bool,
    /// The password.
    pub password: Option<WireSecret>,
    /// Administers the whole server.
    pub is_admin: bool,
    /// Orgs by number or name; the first is where groups belong that name none.
    pub orgs: Vec<String>,
    /// Groups: `GROUP`, or `ORG:GROUP` for one of the Orgs above.
    pub groups: Vec<String>,
}

/// One line of a file of users.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportLine {
    /// Its number, as people count.
    pub line: u64,
    /// The user it describes, or why it could not be read.
    pub user: Result<UserFields, String>,
}

/// Whose sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionsOf {
    /// Everybody's.
    Everybody,
    /// One user's, by name.
    User(String),
    /// Those that work in an Org, by number or name.
    Org(String),
    /// Those behind which a secret key stands, by its id.
    Key(String),
}

/// One act, or one question.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum OperatorCommand {
    /// Creates an Org.
    CreateOrg {
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
    },
    /// Lists Orgs.
    ListOrgs,
    /// Creates a group.
    CreateGroup {
        /// The Org, by number or name.
        org: String,
        /// Its name.
        name: String,
        /// The name people read.
        display_name: Option<String>,
        /// Rights its members have.
        privileges: Vec<String>,
    },
    /// Lists the groups of one Org, or of all.
    ListGroups {
        /// The Org, by number or name.
        org: Option<String>,
    },
    /// Creates a user.
    CreateUser {
        /// The user.
        user: UserFields,
        /// Whether groups that do not exist are made rather than refused.
        create_groups: bool,
    },
    /// Lists users.
    ListUsers,
    /// Shows one user.
    ShowUser {
        /// Their name.
        name: String,
    },
    /// Sets a password and ends the user's sessions.
    SetPassword {
        /// Their name.
        name: String,
        /// The new password.
        password: WireSecret,
    },
    /// Switches a user off.
    DisableUser {
        /// Their name.
        name: String,
    },
    /// Switches a user on.
    EnableUser {
        /// Their name.
        name: String,
    },
    /// Has a user administer the server, or no longer.
    SetAdmin {
        /// Their name.
        name: String,
        /// Whether they do.
        is_admin: bool,
    },
    /// Deletes a user.
    DeleteUser {
        /// Their name.
        name: String,
    },
    /// Forgets which identity provider signed a user in.
    ReleaseUser {
        /// Their name.
        name: String,
    },
    /// Creates many users.
    ImportUsers {
        /// The users, in the order of the file.
        rows: Vec<ImportLine>,
        /// Whether groups that do not exist are made rather than refused.
        create_groups: bool,
    },
    /// Lists secret keys.
    ListKeys,
    /// Makes a secret key.
    CreateKey {
        /// A word for people.
        label: String,
        /// The Org it is good for; none is the whole server.
        org: Option<String>,
    },
    /// Retires a secret key.
    RetireKey {
        /// Its id.
        id: String,
    },
    /// Lists live sessions, all or some.
    ListSessions {
        /// Whose.
        of: SessionsOf,
    },
    /// Ends one session.
    RevokeSession {
        /// Its id, as the list shows it.
        id: String,
    },
    /// Ends a user's sessions but one.
    RevokeOtherSessions {
        /// The user's name.
        user: String,
        /// The id of the session that stays.
        kept: String,
    },
    /// Ends many sessions, and the tokens that go with them.
    RevokeSessions {
        /// Whose.
        of: SessionsOf,
    },
}

impl OperatorCommand {
    /// Whether it makes something, which may be the first thing in a new directory.
    pub const fn makes(&self) -> bool {
        matches!(
            self,
            Self::CreateOrg { .. }
                | Self::CreateGroup { .. }
                | Self::CreateUser { .. }
                | Self::ImportUsers { .. }
                | Self::CreateKey { .. }
        )
    }

    /// Whether it only looks.
    pub const fn looks(&self) -> bool {
        matches!(
            self,
            Self::ListOrgs
                | Self::ListGroups { .. }
                | Self::ListUsers
                | Self::ShowUser { .. }
                | Self::ListKeys
                | Self::ListSessions { .. }
        )
    }

    /// Whether it finds or ends sessions, so that it must be where they are kept.
    pub const fn needs_sessions(&self) -> bool {
        matches!(
            self,
            Self::SetPassword { .. }
                | Self::DisableUser { .. }
                | Self::SetAdmin {
                    is_admin: false,
                    ..
                }
                | Self::DeleteUser { .. }
                | Self::RetireKey { .. }
                | Self::ListSessions { .. }
                | Self::RevokeSession { .. }
                | Self::RevokeOtherSessions { .. }
                | Self::RevokeSessions { .. }
        )
    }
}

/// One line of an answer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// How far a long act has come.
    Progress {
        /// Rows through.
        done: u64,
        /// Rows in all.
        total: u64,
    },
    /// One item of a list, or one row that was skipped.
    Row(Value),
    /// It is done; nothing follows.
    Done(Value),
    /// It is not done, and why; nothing follows.
    Failed(String),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Progress { done, total } => write!(f, "Progress({done}/{total})"),
            // A fresh key travels in here.
            Self::Row(_) => f.write_str("Row(…)"),
            Self::Done(_) => f.write_str("Done(…)"),
            Self::Failed(reason) => f.debug_tuple("Failed").field(reason).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_56_a_secret_travels_but_does_not_print() {
        let command = OperatorCommand::SetPassword {
            name: "alice".into(),
            password: WireSecret("p1anted".into()),
        };
        assert!(!format!("{command:?}").contains("p1anted"));
        let line = serde_json::to_string(&command).unwrap();
        assert!(!line.contains('\n'));
        let OperatorCommand::SetPassword { name, password } = serde_json::from_str(&line).unwrap()
        else {
            panic!("another command came back");
        };
        assert_eq!(name, "alice");
        assert_eq!(password.0.expose_secret(), "p1anted");

        let done = Event::Done(serde_json::json!({"key": "p1anted"}));
        assert!(!format!("{done:?}").contains("p1anted"));
    }

    #[test]
    fn an_event_reads_back() {
        for event in [
            Event::Progress { done: 1, total: 2 },
            Event::Row(serde_json::json!({"line": 3})),
            Event::Done(Value::Null),
            Event::Failed("no".into()),
        ] {
            let line = serde_json::to_string(&event).unwrap();
            assert_eq!(
                serde_json::from_str::<Event>(&line).unwrap(),
                event,
                "{line}"
            );
        }
    }
}
