//! Orgs and groups: what is unique, what goes with what.

use crate::directory::{Database, NOW, draft, fresh_uuid, in_org, key, org, org_ids};
use vestibule::domain::authn::KeyDigest;
use vestibule::domain::directory::{
    DirectoryError, Group, GroupDraft, GroupId, KeyId, NameKey, OrgId, OrgStatus, SecretKey, UserId,
};

const PRIMARY: OrgId = OrgId::PRIMARY;

fn group(org: OrgId, name: &str) -> GroupDraft {
    GroupDraft {
        id: GroupId(fresh_uuid()),
        org,
        name: name.into(),
        key: key(name),
        display_name: name.into(),
        privileges: Vec::new(),
    }
}

pub async fn the_primary_org_exists_and_stays(database: &impl Database) {
    let directory = database.open().await;
    let primary = directory.find_org(PRIMARY).await.unwrap().unwrap();
    assert_eq!(
        (primary.name.as_str(), primary.status),
        ("Primary", OrgStatus::Active)
    );
    assert!(matches!(
        directory.delete_org(PRIMARY).await,
        Err(DirectoryError::PrimaryOrg)
    ));
    assert_eq!(directory.list_orgs().await.unwrap(), [primary]);
}

pub async fn org_names_and_numbers_are_unique(database: &impl Database) {
    let directory = database.open().await;
    directory.create_org(&org(1, "Acme")).await.unwrap();
    directory.create_org(&org(2, "Büro")).await.unwrap();
    for (wanted, taken) in [(org(3, "ACME"), "ACME"), (org(1, "Other"), "1")] {
        let refused = directory.create_org(&wanted).await.unwrap_err();
        assert!(
            matches!(&refused, DirectoryError::Exists { what: "Org", name } if name == taken),
            "{refused}"
        );
    }
    assert!(matches!(
        directory.update_org(&org(2, "acme")).await,
        Err(DirectoryError::Exists { what: "Org", .. })
    ));
    assert!(matches!(
        directory.update_org(&org(9, "Nine")).await,
        Err(DirectoryError::Missing { what: "Org", .. })
    ));
    assert!(matches!(
        directory.create_org(&org(9, " ")).await,
        Err(DirectoryError::BadName { what: "Org", .. })
    ));
    let mut changed = org(2, "BÜRO");
    changed.status = OrgStatus::Disabled;
    directory.update_org(&changed).await.unwrap();
    let found = directory.find_org_by_name(&key("büro")).await.unwrap();
    assert_eq!(found, Some(changed));
}

pub async fn a_deleted_org_takes_its_groups_memberships_and_keys_along(database: &impl Database) {
    let directory = database.open().await;
    directory.create_org(&org(1, "Acme")).await.unwrap();
    let mut wanted = draft("alice");
    wanted.memberships.push(in_org(OrgId(1), &["staff"]));
    let alice = directory.create_user(&wanted).await.unwrap().id;
    let secret = SecretKey {
        id: KeyId(fresh_uuid()),
        label: "app".into(),
        org: Some(OrgId(1)),
        created_at: NOW,
        last_used_at: None,
        retired_at: None,
    };
    let digest = KeyDigest([7; 32]);
    directory.create_key(&secret, &digest, None).await.unwrap();

    assert!(directory.delete_org(OrgId(1)).await.unwrap());
    assert!(!directory.delete_org(OrgId(1)).await.unwrap());
    directory
        .create_org(&org(1, "Somebody else"))
        .await
        .unwrap();
    assert_eq!(org_ids(&*directory, alice).await, [0]);
    assert_eq!(directory.list_groups(OrgId(1)).await.unwrap(), []);
    assert_eq!(directory.find_key(&digest).await.unwrap(), None);
}

pub async fn group_names_are_unique_within_their_org(database: &impl Database) {
    let directory = database.open().await;
    directory.create_org(&org(1, "Acme")).await.unwrap();
    let staff = directory
        .create_group(&group(PRIMARY, "Staff"))
        .await
        .unwrap();
    directory
        .create_group(&group(OrgId(1), "Staff"))
        .await
        .unwrap();
    assert!(matches!(
        directory.create_group(&group(PRIMARY, "STAFF")).await,
        Err(DirectoryError::Exists { what: "group", .. })
    ));
    assert!(matches!(
        directory.create_group(&group(OrgId(8), "Staff")).await,
        Err(DirectoryError::Missing { what: "Org", .. })
    ));
    let found = directory.find_group(PRIMARY, &key("sTAFF")).await.unwrap();
    assert_eq!(found, Some(staff));
}

pub async fn groups_change_and_go(database: &impl Database) {
    let directory = database.open().await;
    let staff = directory
        .create_group(&group(PRIMARY, "Staff"))
        .await
        .unwrap();
    directory
        .create_group(&group(PRIMARY, "guests"))
        .await
        .unwrap();
    let mut wanted = draft("alice");
    wanted.memberships = vec![in_org(PRIMARY, &["staff"])];
    let alice = directory.create_user(&wanted).await.unwrap();
    let taken = Group {
        name: "GUESTS".into(),
        ..staff.clone()
    };
    assert!(matches!(
        directory.update_group(&taken).await,
        Err(DirectoryError::Exists { what: "group", .. })
    ));
    let renamed = Group {
        name: "Crew \"A\"".into(),
        privileges: vec!["ADMINISTRATION".into(), "DEVELOPER".into()],
        ..staff.clone()
    };
    directory.update_group(&renamed).await.unwrap();
    let found = directory.find_group_by_id(staff.id).await.unwrap();
    assert_eq!(found, Some(renamed.clone()));
    let of_alice = directory.groups_of(alice.id, PRIMARY).await.unwrap();
    assert_eq!(of_alice, std::slice::from_ref(&renamed));
    assert!(directory.delete_group(staff.id).await.unwrap());
    assert!(!directory.delete_group(staff.id).await.unwrap());
    assert_eq!(directory.groups_of(alice.id, PRIMARY).await.unwrap(), []);
    assert!(matches!(
        directory.update_group(&renamed).await,
        Err(DirectoryError::Missing { what: "group", .. })
    ));
}

pub async fn members_of_an_org_are_found_among_many_names_at_once(database: &impl Database) {
    let directory = database.open().await;
    directory.create_org(&org(7, "Seven")).await.unwrap();
    let mut both = draft("Ann");
    both.memberships.push(in_org(OrgId(7), &[]));
    let both = directory.create_user(&both).await.unwrap();
    let elsewhere = directory.create_user(&draft("bob")).await.unwrap();
    let among = async |names: &[&str], ids: &[UserId]| {
        let names: Vec<NameKey> = names.iter().map(|name| key(name)).collect();
        let found = directory.members_among(OrgId(7), &names, ids).await;
        let found = found.unwrap().into_iter();
        found
            .map(|(user, orgs)| (user.name, orgs))
            .collect::<Vec<_>>()
    };
    assert_eq!(among(&[], &[]).await, []);
    assert_eq!(among(&["bob", "nobody"], &[elsewhere.id]).await, []);
    let ann = [("Ann".to_owned(), 2)];
    assert_eq!(among(&["ANN"], &[]).await, ann);
    assert_eq!(among(&[], &[both.id]).await, ann);
    let many: Vec<String> = (0..500)
        .map(|number| format!("stranger-{number}"))
        .collect();
    let mut names: Vec<&str> = many.iter().map(String::as_str).collect();
    names.push("ann");
    assert_eq!(among(&names, &[both.id]).await, ann);
}
