//! Just-in-time users: races, twins, groups and what they must not gain.

use crate::directory::{
    Database, draft, group_names, in_org, just_in_time, key, later, org, org_ids,
};
use std::sync::Arc;
use vestibule::domain::directory::{
    AccountStatus, DirectoryError, GroupDraft, GroupId, LastAdministrator, OrgId,
};

const PRIMARY: OrgId = OrgId::PRIMARY;

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

pub async fn case_38_twenty_simultaneous_creations_make_one_user(database: &impl Database) {
    let directory = database.open().await;
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move {
                let mut request = just_in_time(if n % 2 == 0 { "Zoë" } else { "ZOË" });
                request.groups = Some(names(&["staff", "Staff", &format!("group {n}")]));
                directory.provision(&request).await.unwrap()
            })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap().id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(directory.list_users(None, 10).await.unwrap().len(), 1);
    let groups = group_names(&*directory, ids[0], PRIMARY).await;
    assert_eq!(groups.len(), 21, "twenty of their own and one shared");
}

pub async fn case_38_another_case_of_the_name_is_the_same_user(database: &impl Database) {
    let directory = database.open().await;
    let made = directory.create_user(&draft("Alice")).await.unwrap();
    let mut request = just_in_time("ALICE");
    request.email = Some("alice@example.com".into());
    request.at = later(9);
    let found = directory.provision(&request).await.unwrap();
    assert_eq!((found.id, found.name.as_str()), (made.id, "Alice"));
    assert_eq!(found.email.as_deref(), Some("alice@example.com"));
    assert_eq!(found.display_name, made.display_name);
    assert_eq!(found.modified_at, later(9));
}

pub async fn case_38_a_provisioned_user_has_no_password_and_no_rights(database: &impl Database) {
    let directory = database.open().await;
    let mut request = just_in_time("mallory");
    request.groups = Some(names(&["Administrator"]));
    let made = directory.provision(&request).await.unwrap();
    assert_eq!(made.id, request.fresh_id);
    assert_eq!(made.display_name, "mallory");
    assert!(!made.is_admin);
    assert!(directory.password_hash(made.id).await.unwrap().is_none());
    let groups = directory.groups_of(made.id, PRIMARY).await.unwrap();
    assert_eq!(groups[0].privileges, [""; 0]);
}

pub async fn case_38_a_group_in_other_case_is_the_same_group(database: &impl Database) {
    let directory = database.open().await;
    let made = GroupDraft {
        id: GroupId(just_in_time("x").fresh_id.0),
        org: PRIMARY,
        name: "Sales EMEA".into(),
        key: key("Sales EMEA"),
        display_name: "Sales".into(),
        privileges: vec!["DATADOWNLOADING".into()],
    };
    let sales = directory.create_group(&made).await.unwrap();
    let mut request = just_in_time("alice");
    request.groups = Some(names(&["SALES emea", "sales EMEA"]));
    let alice = directory.provision(&request).await.unwrap();
    let groups = directory.groups_of(alice.id, PRIMARY).await.unwrap();
    assert_eq!(groups, [sales]);
}

pub async fn case_36_groups_are_added_or_replaced_in_that_org_only(database: &impl Database) {
    let directory = database.open().await;
    directory.create_org(&org(4, "Four")).await.unwrap();
    let mut wanted = draft("alice");
    wanted.memberships = vec![in_org(PRIMARY, &["keep"]), in_org(OrgId(4), &["old"])];
    let alice = directory.create_user(&wanted).await.unwrap().id;
    let mut request = just_in_time("alice");
    request.org = Some(OrgId(4));
    request.groups = Some(names(&["new"]));
    directory.provision(&request).await.unwrap();
    let of_four = group_names(&*directory, alice, OrgId(4)).await;
    assert_eq!(of_four, ["new", "old"]);
    request.replace_groups = true;
    directory.provision(&request).await.unwrap();
    assert_eq!(group_names(&*directory, alice, OrgId(4)).await, ["new"]);
    request.groups = None;
    directory.provision(&request).await.unwrap();
    assert_eq!(group_names(&*directory, alice, OrgId(4)).await, ["new"]);
    request.groups = Some(names(&[]));
    directory.provision(&request).await.unwrap();
    assert_eq!(group_names(&*directory, alice, OrgId(4)).await, [""; 0]);
    assert_eq!(group_names(&*directory, alice, PRIMARY).await, ["keep"]);
}

pub async fn case_37_who_may_not_join_is_refused_and_unchanged(database: &impl Database) {
    let directory = database.open().await;
    directory.create_org(&org(4, "Four")).await.unwrap();
    let alice = directory.create_user(&draft("alice")).await.unwrap();
    let mut request = just_in_time("alice");
    request.may_join = false;
    request.org = Some(OrgId(4));
    request.email = Some("other@example.com".into());
    let refused = directory.provision(&request).await;
    assert!(matches!(refused, Err(DirectoryError::NotInOrg(OrgId(4)))));
    let after = directory.find_user_by_id(alice.id).await.unwrap();
    assert_eq!(after, Some(alice));
    // Who is new, or there already, is no question of joining.
    request.name = "bob".into();
    request.key = key("bob");
    let bob = directory.provision(&request).await.unwrap();
    request.fresh_id = just_in_time("bob").fresh_id;
    request.email = Some("bob@example.com".into());
    let again = directory.provision(&request).await.unwrap();
    assert_eq!((again.id, again.email), (bob.id, request.email));
}

pub async fn a_disabled_user_is_returned_as_is(database: &impl Database) {
    let directory = database.open().await;
    let alice = directory.create_user(&draft("alice")).await.unwrap().id;
    directory
        .set_status(alice, AccountStatus::Disabled, LastAdministrator::Stays)
        .await
        .unwrap();
    let before = directory.find_user_by_id(alice).await.unwrap().unwrap();
    let mut request = just_in_time("alice");
    request.display_name = Some("Mallory".into());
    request.groups = Some(names(&["staff"]));
    request.at = later(9);
    assert_eq!(directory.provision(&request).await.unwrap(), before);
    assert_eq!(
        directory.find_user_by_id(alice).await.unwrap(),
        Some(before)
    );
    assert_eq!(directory.list_groups(PRIMARY).await.unwrap(), []);
}

pub async fn an_unknown_org_is_missing_and_nobody_is_created(database: &impl Database) {
    let directory = database.open().await;
    let mut request = just_in_time("alice");
    request.org = Some(OrgId(404));
    let refused = directory.provision(&request).await.unwrap_err();
    assert!(matches!(&refused, DirectoryError::Missing { what: "Org", name } if name == "404"));
    assert!(directory.find_user(&key("alice")).await.unwrap().is_none());
}

pub async fn naming_no_org_never_adds_one(database: &impl Database) {
    let directory = database.open().await;
    directory.create_org(&org(6, "Six")).await.unwrap();
    let fresh = directory.provision(&just_in_time("new")).await.unwrap();
    assert_eq!(org_ids(&*directory, fresh.id).await, [0]);
    assert_eq!(fresh.last_org, PRIMARY);

    let mut request = just_in_time("guest");
    request.org = Some(OrgId(6));
    let guest = directory.provision(&request).await.unwrap();
    assert_eq!(guest.last_org, OrgId(6));
    request.org = None;
    request.groups = Some(names(&["visitors"]));
    directory.provision(&request).await.unwrap();
    assert_eq!(org_ids(&*directory, guest.id).await, [6]);
    let groups = group_names(&*directory, guest.id, OrgId(6)).await;
    assert_eq!(groups, ["visitors"]);
}

pub async fn asking_for_what_is_so_already_changes_nothing(database: &impl Database) {
    let directory = database.open().await;
    let mut request = just_in_time("alice");
    request.display_name = Some("Alice".into());
    request.email = Some("alice@example.com".into());
    request.groups = Some(names(&["a", "b"]));
    let made = directory.provision(&request).await.unwrap();
    request.at = later(60);
    request.groups = Some(names(&["B"]));
    assert_eq!(directory.provision(&request).await.unwrap(), made);
    request.replace_groups = true;
    let changed = directory.provision(&request).await.unwrap();
    assert_eq!(changed.modified_at, later(60));
    assert_eq!(group_names(&*directory, made.id, PRIMARY).await, ["b"]);
}
