//! Users: names, pages, searches, changes and memberships.

use crate::directory::{Database, NOW, draft, group_names, in_org, key, later, org, org_ids};
use vestibule::domain::authn::PasswordHash;
use vestibule::domain::directory::{
    AccountStatus, AccountType, DirectoryError, LastAdministrator, MembershipChange, Operation,
    OrgId, UserChange, UserDraft, UserQuery,
};
use vestibule::domain::token::{Attributes, Filter, MetadataRef, NamedValues, Sort};

const PRIMARY: OrgId = OrgId::PRIMARY;

fn query() -> UserQuery {
    UserQuery {
        name_contains: None,
        org: None,
        group: None,
        after: None,
        limit: 100,
    }
}

fn change(operation: Operation) -> MembershipChange {
    MembershipChange {
        operation,
        orgs: None,
        groups: None,
        create_groups: false,
        at: later(5),
    }
}

pub async fn case_42_a_name_in_other_case_or_form_is_taken(database: &impl Database) {
    let directory = database.open().await;
    let made = directory.create_user(&draft("José")).await.unwrap();
    assert_eq!(made.name, "José");
    for twin in ["josé", "JOSÉ", "Jose\u{301}", "\u{FF2A}osé"] {
        let refused = directory.create_user(&draft(twin)).await.unwrap_err();
        assert!(
            matches!(&refused, DirectoryError::Exists { what: "user", name } if name == twin),
            "{twin}: {refused}"
        );
        let found = directory.find_user(&key(twin)).await.unwrap().unwrap();
        assert_eq!(found, made);
    }
    assert!(directory.find_user(&key("jose")).await.unwrap().is_none());
}

pub async fn case_46_names_with_special_characters_are_kept_and_found_literally(
    database: &impl Database,
) {
    let directory = database.open().await;
    let names = [
        "o'brien",
        "\"quoted\"; DROP TABLE users; --",
        "100%",
        "under_score",
        "star*[a-z]?{}",
        "back\\slash",
        "bang!",
        "a@b@example.com",
        "😀 émoji",
        "שלום",
        "$1",
    ];
    for name in names {
        directory.create_user(&draft(name)).await.unwrap();
    }
    directory.create_user(&draft("plain")).await.unwrap();
    for name in names {
        let found = directory.find_user(&key(name)).await.unwrap().unwrap();
        assert_eq!(found.name, name);
        let mut search = query();
        search.name_contains = Some(name.to_uppercase());
        let hits = directory.search_users(&search).await.unwrap();
        assert_eq!(hits, [found], "{name}");
    }
    for (fragment, hits) in [("%", 1), ("_", 1), ("*", 1), ("!", 1), ("😀", 1), ("", 12)] {
        let mut search = query();
        search.name_contains = Some(fragment.into());
        let found = directory.search_users(&search).await.unwrap();
        assert_eq!(found.len(), hits, "{fragment:?}");
    }
    for nothing in ["\0".to_owned(), "x".repeat(1 << 20)] {
        let mut search = query();
        search.name_contains = Some(nothing);
        assert_eq!(directory.search_users(&search).await.unwrap(), []);
    }
}

pub async fn where_a_password_lives_is_kept(database: &impl Database) {
    let directory = database.open().await;
    for (name, account_type) in [("here", AccountType::Local), ("there", AccountType::Ldap)] {
        let draft = UserDraft {
            account_type,
            ..draft(name)
        };
        let made = directory.create_user(&draft).await.unwrap();
        assert_eq!(made.account_type, account_type);
        let found = directory.find_user_by_id(made.id).await.unwrap().unwrap();
        assert_eq!(found, made);
    }
}

pub async fn a_group_that_is_missing_leaves_no_user_behind(database: &impl Database) {
    let directory = database.open().await;
    directory.create_user(&draft("before")).await.unwrap();
    let mut wanted = draft("alice");
    wanted.create_groups = false;
    wanted.memberships = vec![in_org(PRIMARY, &["nobody's"])];
    let refused = directory.create_user(&wanted).await.unwrap_err();
    assert!(
        matches!(&refused, DirectoryError::Missing { what: "group", name } if name == "nobody's")
    );
    wanted.create_groups = true;
    wanted.memberships = vec![in_org(PRIMARY, &["good", "bad\0name"])];
    let refused = directory.create_user(&wanted).await.unwrap_err();
    assert!(matches!(
        refused,
        DirectoryError::BadName { what: "group", .. }
    ));
    assert!(directory.find_user(&key("alice")).await.unwrap().is_none());
    assert_eq!(directory.list_groups(PRIMARY).await.unwrap(), []);
    // The connection that wrote is as good as before.
    directory.create_user(&draft("alice")).await.unwrap();
}

pub async fn an_org_that_is_missing_leaves_no_user_behind(database: &impl Database) {
    let directory = database.open().await;
    let mut wanted = draft("alice");
    wanted.memberships.push(in_org(OrgId(9), &[]));
    let refused = directory.create_user(&wanted).await.unwrap_err();
    assert!(matches!(&refused, DirectoryError::Missing { what: "Org", name } if name == "9"));
    assert!(directory.find_user(&key("alice")).await.unwrap().is_none());
}

pub async fn names_have_one_order_whatever_language_the_database_speaks(database: &impl Database) {
    let directory = database.open().await;
    let mut names = [
        "Zoe", "a-b", "ab", "a_c", "a c", "éa", "e", "ß", "ss", "~x", "10", "9",
    ];
    for name in names {
        directory.create_user(&draft(name)).await.unwrap();
    }
    names.sort_by_key(|name| key(name));
    let mut after = None;
    for expected in names {
        let page = directory.list_users(after.as_ref(), 1).await.unwrap();
        assert_eq!(page[0].name, expected);
        after = Some(key(expected));
    }
}

pub async fn the_longest_name_fits(database: &impl Database) {
    let directory = database.open().await;
    // One character that folds to eighteen, as often as a name may hold it.
    let name = "\u{FDFA}".repeat(85);
    let mut wanted = draft(&name);
    wanted.memberships = vec![in_org(PRIMARY, &[&name])];
    let made = directory.create_user(&wanted).await.unwrap();
    assert_eq!(
        directory.find_user(&key(&name)).await.unwrap(),
        Some(made.clone())
    );
    assert_eq!(group_names(&*directory, made.id, PRIMARY).await, [name]);
}

pub async fn users_and_groups_that_are_deleted_while_others_add_to_them_leave_nothing_behind(
    database: &impl Database,
) {
    let nodes = [database.open().await, database.open().await];
    for round in 0..20 {
        let alice = draft(&format!("alice {round}"));
        let bob = draft(&format!("bob {round}"));
        nodes[0].create_user(&alice).await.unwrap();
        nodes[0].create_user(&bob).await.unwrap();
        let mut join = change(Operation::Add);
        join.groups = Some(in_org(PRIMARY, &["staff"]));
        join.create_groups = true;
        nodes[0].change_memberships(bob.id, &join).await.unwrap();
        let staff = nodes[0].find_group(PRIMARY, &key("staff")).await.unwrap();
        let staff = staff.unwrap().id;
        let adding = tokio::spawn({
            let (node, id) = (nodes[0].clone(), alice.id);
            async move { node.change_memberships(id, &join).await }
        });
        let deleting = tokio::spawn({
            let (node, id) = (nodes[1].clone(), alice.id);
            async move {
                node.delete_group(staff).await.unwrap();
                node.delete_user(id).await.unwrap();
            }
        });
        let added = adding.await.unwrap();
        assert!(
            matches!(
                added,
                Ok(_) | Err(DirectoryError::Missing { what: "user", .. })
            ),
            "{added:?}"
        );
        deleting.await.unwrap();
        assert_eq!(nodes[0].members_of(staff).await.unwrap(), []);
    }
}

pub async fn ten_thousand_users_are_listed_in_pages_without_gaps_or_repeats(
    database: &impl Database,
) {
    let directory = database.open().await;
    for n in 0..10_000 {
        let name = format!("User-{:05}", (n * 7_919) % 10_000);
        directory.create_user(&draft(&name)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = directory.list_users(after.as_ref(), 997).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(key(&last.name));
        seen.extend(page.into_iter().map(|user| user.name));
    }
    let expected: Vec<_> = (0..10_000).map(|n| format!("User-{n:05}")).collect();
    assert_eq!(seen, expected);
    let mut search = query();
    search.name_contains = Some("user-0999".into());
    search.after = Some(key("user-09994"));
    search.limit = 3;
    let hits = directory.search_users(&search).await.unwrap();
    let hits: Vec<_> = hits.into_iter().map(|user| user.name).collect();
    assert_eq!(hits, ["User-09995", "User-09996", "User-09997"]);
}

pub async fn searches_combine_name_org_and_group(database: &impl Database) {
    let directory = database.open().await;
    directory.create_org(&org(7, "Seven")).await.unwrap();
    for (name, in_seven) in [
        ("ann", false),
        ("anna", true),
        ("hannah", true),
        ("bob", true),
    ] {
        let mut wanted = draft(name);
        if in_seven {
            let groups: &[&str] = if name == "bob" { &[] } else { &["readers"] };
            wanted.memberships.push(in_org(OrgId(7), groups));
        }
        directory.create_user(&wanted).await.unwrap();
    }
    let readers = directory
        .find_group(OrgId(7), &key("READERS"))
        .await
        .unwrap()
        .unwrap();
    let mut search = query();
    let names = async |search: &UserQuery| -> Vec<String> {
        let hits = directory.search_users(search).await.unwrap();
        hits.into_iter().map(|user| user.name).collect()
    };
    assert_eq!(names(&search).await, ["ann", "anna", "bob", "hannah"]);
    search.name_contains = Some("ANN".into());
    assert_eq!(names(&search).await, ["ann", "anna", "hannah"]);
    search.org = Some(OrgId(7));
    assert_eq!(names(&search).await, ["anna", "hannah"]);
    search.name_contains = None;
    assert_eq!(names(&search).await, ["anna", "bob", "hannah"]);
    search.group = Some(readers.id);
    assert_eq!(names(&search).await, ["anna", "hannah"]);
    let members = directory.members_of(readers.id).await.unwrap();
    assert_eq!(members, directory.search_users(&search).await.unwrap());
}

pub async fn a_change_leaves_alone_what_it_does_not_name(database: &impl Database) {
    let directory = database.open().await;
    let made = directory.create_user(&draft("alice")).await.unwrap();
    let attributes = Attributes {
        filters: vec![Filter {
            column: "region".into(),
            operator: "IN".into(),
            values: vec!["O'Hare".into(), "\"北\"".into()],
        }],
        sorts: vec![Sort {
            column: "day".into(),
            is_ascending: true,
        }],
        parameters: vec![NamedValues {
            name: "p".into(),
            values: vec![],
        }],
        variables: vec![NamedValues {
            name: "v".into(),
            values: vec!["1".into()],
        }],
        objects: vec![MetadataRef {
            kind: "LIVEBOARD".into(),
            id: made.id.0,
        }],
    };
    let mut expected = made.clone();
    expected.attributes = attributes.clone();
    expected.email = Some("alice@example.com".into());
    expected.is_admin = true;
    expected.modified_at = later(60);
    let change = UserChange {
        email: Some("alice@example.com".into()),
        is_admin: Some(true),
        attributes: Some(attributes),
        at: later(60),
        ..UserChange::default()
    };
    assert_eq!(
        directory.update_user(made.id, &change).await.unwrap(),
        expected
    );
    let change = UserChange {
        display_name: Some("Alice B.".into()),
        email: Some(String::new()),
        at: later(61),
        ..UserChange::default()
    };
    expected.display_name = "Alice B.".into();
    expected.email = None;
    expected.modified_at = later(61);
    assert_eq!(
        directory.update_user(made.id, &change).await.unwrap(),
        expected
    );
    let kept = directory.find_user_by_id(made.id).await.unwrap();
    assert_eq!(kept, Some(expected));
    let unknown = draft("nobody").id;
    assert!(matches!(
        directory.update_user(unknown, &change).await,
        Err(DirectoryError::Missing { what: "user", .. })
    ));
}

pub async fn memberships_are_added_replaced_and_removed(database: &impl Database) {
    let directory = database.open().await;
    for id in [1, 2] {
        directory
            .create_org(&org(id, &format!("Org {id}")))
            .await
            .unwrap();
    }
    let mut wanted = draft("alice");
    wanted.memberships = vec![in_org(PRIMARY, &["zero"])];
    let alice = directory.create_user(&wanted).await.unwrap().id;

    let mut join = change(Operation::Add);
    join.orgs = Some(vec![OrgId(1), OrgId(2)]);
    join.groups = Some(in_org(OrgId(1), &["b", "A", "a"]));
    join.create_groups = true;
    let changed = directory.change_memberships(alice, &join).await.unwrap();
    assert_eq!(changed.modified_at, later(5));
    assert_eq!(org_ids(&*directory, alice).await, [0, 1, 2]);
    assert_eq!(group_names(&*directory, alice, OrgId(1)).await, ["A", "b"]);

    let mut swap = change(Operation::Replace);
    swap.groups = Some(in_org(OrgId(1), &["B"]));
    directory.change_memberships(alice, &swap).await.unwrap();
    assert_eq!(group_names(&*directory, alice, OrgId(1)).await, ["b"]);
    assert_eq!(group_names(&*directory, alice, PRIMARY).await, ["zero"]);

    let mut leave = change(Operation::Remove);
    leave.orgs = Some(vec![OrgId(2)]);
    leave.groups = Some(in_org(PRIMARY, &["ZERO"]));
    directory.change_memberships(alice, &leave).await.unwrap();
    assert_eq!(org_ids(&*directory, alice).await, [0, 1]);
    assert_eq!(group_names(&*directory, alice, PRIMARY).await, [""; 0]);

    let mut only = change(Operation::Replace);
    only.orgs = Some(vec![OrgId(2)]);
    directory.change_memberships(alice, &only).await.unwrap();
    assert_eq!(org_ids(&*directory, alice).await, [2]);
    assert_eq!(group_names(&*directory, alice, OrgId(1)).await, [""; 0]);
}

pub async fn groups_of_an_org_the_user_is_not_in_are_refused_and_nothing_changes(
    database: &impl Database,
) {
    let directory = database.open().await;
    directory.create_org(&org(1, "One")).await.unwrap();
    directory.create_org(&org(2, "Two")).await.unwrap();
    let alice = directory.create_user(&draft("alice")).await.unwrap();
    let mut join = change(Operation::Add);
    join.orgs = Some(vec![OrgId(1)]);
    join.groups = Some(in_org(OrgId(2), &["staff"]));
    join.create_groups = true;
    assert!(matches!(
        directory.change_memberships(alice.id, &join).await,
        Err(DirectoryError::NotInOrg(OrgId(2)))
    ));
    assert_eq!(org_ids(&*directory, alice.id).await, [0]);
    assert_eq!(
        directory.find_user_by_id(alice.id).await.unwrap(),
        Some(alice)
    );
    assert_eq!(directory.list_groups(OrgId(2)).await.unwrap(), []);
}

pub async fn a_last_org_that_was_left_falls_back(database: &impl Database) {
    let directory = database.open().await;
    for id in [3, 5] {
        directory
            .create_org(&org(id, &format!("Org {id}")))
            .await
            .unwrap();
    }
    let mut wanted = draft("alice");
    wanted.memberships = vec![in_org(OrgId(5), &[]), in_org(OrgId(3), &[])];
    let alice = directory.create_user(&wanted).await.unwrap();
    assert_eq!(alice.last_org, OrgId(3));
    let last = async || {
        let found = directory.find_user_by_id(alice.id).await.unwrap();
        found.unwrap().last_org
    };
    directory.set_last_org(alice.id, OrgId(5)).await.unwrap();
    assert_eq!(last().await, OrgId(5));
    directory.set_last_org(alice.id, PRIMARY).await.unwrap();
    assert_eq!(last().await, OrgId(5), "an Org of others is not remembered");
    let mut leave = change(Operation::Remove);
    leave.orgs = Some(vec![OrgId(5)]);
    directory
        .change_memberships(alice.id, &leave)
        .await
        .unwrap();
    assert_eq!(last().await, OrgId(3));
    assert!(directory.delete_org(OrgId(3)).await.unwrap());
    assert_eq!(last().await, PRIMARY);
}

pub async fn passwords_and_status_change_and_a_deleted_user_leaves_no_membership(
    database: &impl Database,
) {
    let directory = database.open().await;
    let mut wanted = draft("alice");
    wanted.memberships = vec![in_org(PRIMARY, &["staff"])];
    wanted.password = Some(PasswordHash::from_phc("$argon2id$first".into()));
    let alice = directory.create_user(&wanted).await.unwrap().id;
    let hash = async || {
        let hash = directory.password_hash(alice).await.unwrap();
        hash.map(|hash| hash.expose_phc().to_owned())
    };
    assert_eq!(hash().await.as_deref(), Some("$argon2id$first"));
    let second = PasswordHash::from_phc("$argon2id$second".into());
    directory.set_password(alice, Some(&second)).await.unwrap();
    assert_eq!(hash().await.as_deref(), Some("$argon2id$second"));
    let (first, third) = ("$argon2id$first", "$argon2id$third");
    let [first, third] = [first, third].map(|text| PasswordHash::from_phc(text.into()));
    let upgrade = async |old, new| directory.upgrade_password(alice, old, new).await.unwrap();
    assert!(!upgrade(&first, &third).await, "it was changed meanwhile");
    assert_eq!(hash().await.as_deref(), Some("$argon2id$second"));
    assert!(upgrade(&second, &third).await);
    assert_eq!(hash().await.as_deref(), Some("$argon2id$third"));
    directory.set_password(alice, None).await.unwrap();
    assert!(!upgrade(&third, &second).await, "it was removed meanwhile");
    assert_eq!(hash().await, None);

    let status = AccountStatus::Disabled;
    let disable = async || {
        let last = LastAdministrator::Stays;
        directory.set_status(alice, status, last).await.unwrap();
    };
    disable().await;
    disable().await;
    let found = directory.find_user_by_id(alice).await.unwrap().unwrap();
    assert_eq!((found.status, found.created_at), (status, NOW));

    let staff = directory.find_group(PRIMARY, &key("staff")).await.unwrap();
    let staff = staff.unwrap().id;
    assert!(directory.delete_user(alice).await.unwrap());
    assert!(!directory.delete_user(alice).await.unwrap());
    directory.set_password(alice, Some(&second)).await.unwrap();
    disable().await;
    assert_eq!(hash().await, None);
    assert_eq!(directory.members_of(staff).await.unwrap(), []);
    assert_eq!(org_ids(&*directory, alice).await, [0_i64; 0]);
}
