//! The little content a session server must know: Liveboards, so that a session limited to one can be tested.

use crate::domain::clock::Timestamp;
use crate::domain::directory::UserId;
use uuid::Uuid;

/// A Liveboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liveboard {
    /// Its GUID.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub owner: UserId,
    /// Its author's name.
    pub author_name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub modified_at: Timestamp,
    /// What it shows, in order.
    pub visualizations: Vec<Visualization>,
}

/// One picture on a Liveboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visualization {
    /// Its GUID.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// `CHART`, `HEADLINE`, `TABLE` …
    pub kind: String,
    /// `xs`, `s`, `m`, `l` …
    pub size: String,
}
