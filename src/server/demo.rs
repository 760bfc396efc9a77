//! `--demo`: a few users, groups, Orgs and a Liveboard, so that every documented call has something to answer.

use crate::domain::administration::{Actor, Administration, MembershipDraft, NewUser};
use crate::domain::clock::Timestamp;
use crate::domain::directory::{Directory, Liveboard, NameKey, Visualization};
use anyhow::Context;
use secrecy::SecretString;
use uuid::{Uuid, uuid};

/// The Liveboard of the documentation's test call.
pub const LIVEBOARD: Uuid = uuid!("d084c256-e284-4fc4-b80c-111cb606449a");

/// Every demo user has this password; the greeting says so.
pub const PASSWORD: &str = "vestibule-demo";

/// An Org and a group in it.
type Place = (&'static str, &'static str);

/// Name, display name, e-mail, groups.
const PEOPLE: [(&str, &str, &str, &[Place]); 3] = [
    (
        "alice",
        "Alice Archer",
        "alice@example.com",
        &[("Primary", "Analysts"), ("Sales", "Sales team")],
    ),
    (
        "bob",
        "Bob Baker",
        "bob@example.com",
        &[("Primary", "Analysts")],
    ),
    (
        "carol",
        "Carol Clark",
        "carol@example.com",
        &[("Sales", "Sales team")],
    ),
];

/// The demo's pictures: id, title, kind, size.
const PICTURES: [(Uuid, &str, &str, &str); 4] = [
    (
        uuid!("3f1c2f0a-8f0e-4d3c-9d5e-6f8f5f1d0a01"),
        "Revenue this year",
        "HEADLINE",
        "xs",
    ),
    (
        uuid!("3f1c2f0a-8f0e-4d3c-9d5e-6f8f5f1d0a02"),
        "Revenue by region",
        "CHART",
        "m",
    ),
    (
        uuid!("3f1c2f0a-8f0e-4d3c-9d5e-6f8f5f1d0a03"),
        "Orders by month",
        "CHART",
        "l",
    ),
    (
        uuid!("3f1c2f0a-8f0e-4d3c-9d5e-6f8f5f1d0a04"),
        "Top customers",
        "TABLE",
        "l",
    ),
];

/// Adds what is not there yet; run twice it changes nothing.
pub async fn add(
    administration: &Administration,
    directory: &dyn Directory,
    by: &Actor,
    now: Timestamp,
) -> anyhow::Result<()> {
    if directory
        .find_org_by_name(&NameKey::new("Sales")?)
        .await?
        .is_none()
    {
        administration
            .create_org("Sales", "The demo's second Org", by)
            .await
            .context("demo Org")?;
    }
    for (name, display_name, email, groups) in PEOPLE {
        if directory.find_user(&NameKey::new(name)?).await?.is_some() {
            continue;
        }
        for (org, group) in groups {
            add_group(administration, directory, org, group, by).await?;
        }
        let user = NewUser {
            display_name: Some(display_name.to_owned()),
            email: Some(email.to_owned()),
            password: Some(SecretString::from(PASSWORD)),
            memberships: groups
                .iter()
                .map(|(org, group)| MembershipDraft {
                    org: (*org).to_owned(),
                    groups: vec![(*group).to_owned()],
                })
                .collect(),
            ..NewUser::named(name)
        };
        administration
            .create_user(user, by)
            .await
            .with_context(|| format!("demo user {name}"))?;
    }
    let owner = directory
        .find_user(&NameKey::new("alice")?)
        .await?
        .context("the demo's alice is gone")?;
    directory
        .put_liveboard(&Liveboard {
            id: LIVEBOARD,
            name: "Retail overview".to_owned(),
            owner: owner.id,
            author_name: owner.name,
            created_at: now,
            modified_at: now,
            visualizations: PICTURES
                .iter()
                .map(|(id, title, kind, size)| Visualization {
                    id: *id,
                    title: (*title).to_owned(),
                    kind: (*kind).to_owned(),
                    size: (*size).to_owned(),
                })
                .collect(),
        })
        .await?;
    Ok(())
}

async fn add_group(
    administration: &Administration,
    directory: &dyn Directory,
    org: &str,
    group: &str,
    by: &Actor,
) -> anyhow::Result<()> {
    let found = directory
        .find_org_by_name(&NameKey::new(org)?)
        .await?
        .with_context(|| format!("demo Org {org}"))?;
    if directory
        .find_group(found.id, &NameKey::new(group)?)
        .await?
        .is_none()
    {
        administration
            .create_group(org, group, None, Vec::new(), by)
            .await
            .with_context(|| format!("demo group {group}"))?;
    }
    Ok(())
}
