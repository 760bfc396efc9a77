//! How what a token inherits is written down, and the handles of sessions in records.

use crate::domain::clock::Timestamp;
use crate::domain::failure::StoreError;
use crate::domain::session::SessionHandle;
use crate::domain::sso::{NameForm, ProviderLink};
use crate::domain::token::{Family, Lineage};
use crate::stores::codec::NameRow;
use anyhow::anyhow;
use serde::{Deserialize, Serialize};

/// Records of programs that do not know it lack it; they pass over it.
#[derive(Serialize, Deserialize)]
pub struct LineageRow {
    /// Created.
    c: u64,
    /// Ends.
    e: u64,
    /// The first session's handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<String>,
    /// The first token, where no session is first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<u64>,
    /// Provider, subject, the provider's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<(String, String, Option<String>)>,
    /// Whether the person had to prove there who they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pp: bool,
    /// In what form the subject is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pn: Option<NameRow>,
    /// Whether a Bearer was presented.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    b: bool,
}

impl LineageRow {
    /// What is written of it.
    pub fn of(lineage: &Lineage) -> Self {
        let link = lineage.provider.as_ref();
        Self {
            c: lineage.created_at.millis(),
            e: lineage.ends_at.millis(),
            s: lineage.origin.as_ref().map(SessionHandle::to_string),
            t: lineage.root.map(Family::number),
            p: link.cloned().map(told),
            pp: link.is_some_and(|link| link.is_proven),
            pn: link.and_then(name_row),
            b: lineage.is_by_bearer,
        }
    }

    /// What [`LineageRow::of`] wrote.
    pub fn read(self) -> Result<Lineage, StoreError> {
        Ok(Lineage {
            created_at: Timestamp::from_millis(self.c),
            ends_at: Timestamp::from_millis(self.e),
            origin: self.s.as_deref().map(read_handle).transpose()?,
            root: self.t.map(Family::from_number),
            provider: self.p.map(|told| link(told, self.pn, self.pp)),
            is_by_bearer: self.b,
        })
    }
}

/// The parts of a link that are one tuple in every record.
pub fn told(link: ProviderLink) -> (String, String, Option<String>) {
    (link.provider, link.subject, link.session_index)
}

/// The form of its subject, where it has one.
pub fn name_row(link: &ProviderLink) -> Option<NameRow> {
    let form = link.form.clone();
    (form != NameForm::default()).then_some((form.format, form.qualifier, form.sp_qualifier))
}

/// The link of which those are the parts.
pub fn link(
    (provider, subject, session_index): (String, String, Option<String>),
    form: Option<NameRow>,
    is_proven: bool,
) -> ProviderLink {
    let (format, qualifier, sp_qualifier) = form.unwrap_or_default();
    ProviderLink {
        provider,
        subject,
        form: NameForm {
            format,
            qualifier,
            sp_qualifier,
        },
        session_index,
        is_proven,
    }
}

/// Reads a handle as it is displayed.
pub fn read_handle(text: &str) -> Result<SessionHandle, StoreError> {
    SessionHandle::parse(text)
        .ok_or_else(|| StoreError::corrupt(anyhow!("damaged handle of a session")))
}
