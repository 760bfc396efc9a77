//! Why a session is over, and the words for it: in stores, in the audit trail, and for its owner.

use std::fmt;

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Its owner signed out.
    Logout,
    /// Not used for longer than the idle timeout.
    IdleTimeout,
    /// Older than the absolute timeout.
    AbsoluteTimeout,
    /// Its owner signed in again over it.
    Replaced,
    /// Its owner opened more sessions than allowed, and this was the oldest.
    Evicted,
    /// Revoked by an administrator or the operator.
    Revoked,
    /// Its owner was switched off.
    UserDisabled,
    /// Its owner was deleted.
    UserDeleted,
    /// Its owner's password was changed.
    PasswordChanged,
    /// The secret key behind it was retired.
    KeyRetired,
    /// The Org it worked in was switched off.
    OrgDisabled,
    /// Its owner ended it from another session.
    EndedByOwner,
    /// Its owner signed out at the identity provider.
    SignedOutAtProvider,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::Logout,
        Self::IdleTimeout,
        Self::AbsoluteTimeout,
        Self::Replaced,
        Self::Evicted,
        Self::Revoked,
        Self::UserDisabled,
        Self::UserDeleted,
        Self::PasswordChanged,
        Self::KeyRetired,
        Self::OrgDisabled,
        Self::EndedByOwner,
        Self::SignedOutAtProvider,
    ];

    /// The word used in audit lines and stored records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::IdleTimeout => "idle_timeout",
            Self::AbsoluteTimeout => "absolute_timeout",
            Self::Replaced => "replaced",
            Self::Evicted => "evicted",
            Self::Revoked => "revoked",
            Self::UserDisabled => "user_disabled",
            Self::UserDeleted => "user_deleted",
            Self::PasswordChanged => "password_changed",
            Self::KeyRetired => "key_retired",
            Self::OrgDisabled => "org_disabled",
            Self::EndedByOwner => "ended_by_owner",
            Self::SignedOutAtProvider => "signed_out_at_provider",
        }
    }

    /// Reads a word as [`EndReason::as_str`] wrote it; none for anything else.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// What its owner is told: only those who hold the session's own cookie get to read it.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Logout => "signed out",
            Self::IdleTimeout => "not used for too long",
            Self::AbsoluteTimeout => "it reached the longest life a session may have",
            Self::Replaced => "signed in again over it",
            Self::Evicted => "newer sessions of the same user took its place",
            Self::Revoked => "an administrator ended it",
            Self::UserDisabled => "the user was switched off",
            Self::UserDeleted => "the user was deleted",
            Self::PasswordChanged => "the password was changed",
            Self::KeyRetired => "the secret key behind it was retired",
            Self::OrgDisabled => "the Org was switched off",
            Self::EndedByOwner => "its owner ended it from another session",
            Self::SignedOutAtProvider => "signed out at the identity provider",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(EndReason::parse("resurrected"), None);
    }
}
