//! A directory that is copied while it is in use: what arrives, what is refused meanwhile, what is only left undone.

use crate::directory::postgres::{PostgresDatabase, options};
use crate::directory::{Database, NOW, draft, fresh_uuid, in_org, just_in_time, key, later, org};
use crate::postgres::Postgres;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use vestibule::domain::authn::{KeyDigest, PasswordHash};
use vestibule::domain::directory::{
    AccountStatus, ApiToken, Directory, DirectoryCopier, DirectoryError, Group, GroupDraft,
    GroupId, KeyId, LastAdministrator, Liveboard, MembershipChange, Operation, OrgId, SecretKey,
    UserChange, UserId, Users,
};
use vestibule::domain::failure::{ReadOnly, StoreError};
use vestibule::stores::sql::{Relocation, SqlDirectory, copied_before};

/// What never writes.
const READS: [&str; 22] = [
    "find_user",
    "find_user_by_id",
    "password_hash",
    "list_users",
    "search_users",
    "members_among",
    "members_of",
    "orgs_of",
    "groups_of",
    "has_administrator",
    "find_org",
    "find_org_by_name",
    "list_orgs",
    "find_group_by_id",
    "find_group",
    "list_groups",
    "find_key",
    "list_keys",
    "sealed_key",
    "find_api_token",
    "find_liveboard",
    "get",
];
/// As above, asked by the others.
const READS_TOO: [&str; 1] = ["api_token_of"];
/// What a login writes on its way and does not need.
const SIDE_WRITES: [&str; 3] = ["upgrade_password", "set_last_org", "touch_key"];
/// Where an operation of the directory's traits is declared.
const TRAITS: [&str; 2] = [
    include_str!("../../../src/domain/directory/mod.rs"),
    include_str!("../../../src/domain/directory/api_tokens.rs"),
];

struct Moving {
    directory: Arc<SqlDirectory>,
    relocation: Arc<Relocation>,
    folder: TempDir,
}

async fn moving(url: &str) -> Moving {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("directory.db");
    let directory = SqlDirectory::open_sqlite(&file)
        .await
        .unwrap()
        .with_memory();
    let directory = Arc::new(directory);
    let source = Arc::clone(&directory);
    let relocation = Relocation::new(source, folder.path(), options(url)).unwrap();
    Moving {
        directory,
        relocation: Arc::new(relocation),
        folder,
    }
}

async fn server() -> Arc<Postgres> {
    Arc::new(tokio::task::spawn_blocking(Postgres::start).await.unwrap())
}

fn hash(n: u8) -> PasswordHash {
    PasswordHash::from_phc(format!("$argon2id$v=19$m=7168,t=5,p=1$c2FsdHNhbHQ${n:043}"))
}

type Written = (&'static str, Result<(), DirectoryError>);

fn noted<T>(
    all: &mut Vec<Written>,
    name: &'static str,
    result: Result<T, impl Into<DirectoryError>>,
) {
    all.push((name, result.map(drop).map_err(Into::into)));
}

/// Every operation that writes and is not left undone in silence, each with something to write.
async fn write_everything(directory: &dyn Directory) -> Vec<Written> {
    let alice = directory.find_user(&key("alice")).await.unwrap().unwrap();
    let group = directory.find_group(OrgId::PRIMARY, &key("there")).await;
    let group = group.unwrap().unwrap();
    let fresh_group = GroupDraft {
        id: GroupId(fresh_uuid()),
        org: OrgId::PRIMARY,
        name: "fresh".into(),
        key: key("fresh"),
        display_name: "fresh".into(),
        privileges: Vec::new(),
    };
    let membership = MembershipChange {
        operation: Operation::Add,
        orgs: None,
        groups: Some(in_org(OrgId::PRIMARY, &["fresh"])),
        create_groups: true,
        at: NOW,
    };
    let renamed = UserChange {
        display_name: Some("other".into()),
        ..UserChange::default()
    };
    let (secret, token) = (secret_key(), api_token(alice.id));
    let digest = KeyDigest([9; 32]);
    let mut provision = just_in_time("alice");
    provision.display_name = Some("another".into());
    let (to, of) = (&mut Vec::new(), directory);
    noted(to, "create_user", of.create_user(&draft("fresh")).await);
    noted(to, "update_user", of.update_user(alice.id, &renamed).await);
    noted(
        to,
        "change_memberships",
        of.change_memberships(alice.id, &membership).await,
    );
    noted(
        to,
        "set_password",
        of.set_password(alice.id, Some(&hash(3))).await,
    );
    noted(
        to,
        "set_status",
        of.set_status(alice.id, AccountStatus::Disabled, LastAdministrator::Stays)
            .await,
    );
    noted(to, "provision", of.provision(&provision).await);
    noted(
        to,
        "provision",
        of.provision(&just_in_time("fresh too")).await,
    );
    noted(to, "delete_user", of.delete_user(alice.id).await);
    noted(to, "create_org", of.create_org(&org(9, "fresh")).await);
    noted(to, "update_org", of.update_org(&org(7, "other")).await);
    noted(to, "delete_org", of.delete_org(OrgId(7)).await);
    noted(to, "create_group", of.create_group(&fresh_group).await);
    let group = Group {
        display_name: "other".into(),
        ..group
    };
    noted(to, "update_group", of.update_group(&group).await);
    noted(to, "delete_group", of.delete_group(group.id).await);
    noted(
        to,
        "create_key",
        of.create_key(&secret, &digest, None).await,
    );
    noted(to, "retire_key", of.retire_key(KEY, later(9)).await);
    noted(
        to,
        "replace_api_token",
        of.replace_api_token(&token, &digest).await,
    );
    noted(to, "delete_api_token", of.delete_api_token(alice.id).await);
    noted(to, "delete_api_tokens", of.delete_api_tokens().await);
    noted(
        to,
        "put_liveboard",
        of.put_liveboard(&liveboard(alice.id)).await,
    );
    noted(
        to,
        "secret_or_insert",
        of.secret_or_insert("fresh", &[1]).await,
    );
    noted(to, "set", of.set("name", "other").await);
    noted(
        to,
        "replace",
        of.replace("name", Some("value"), Some("other")).await,
    );
    noted(to, "replace", of.replace("name", Some("value"), None).await);
    noted(
        to,
        "replace",
        of.replace("fresh", None, Some("value")).await,
    );
    std::mem::take(to)
}

const KEY: KeyId = KeyId(uuid::Uuid::from_u128(7));

fn secret_key() -> SecretKey {
    SecretKey {
        id: KeyId(fresh_uuid()),
        label: "a key".into(),
        org: None,
        created_at: NOW,
        last_used_at: None,
        retired_at: None,
    }
}

fn api_token(user: UserId) -> ApiToken {
    ApiToken {
        id: KeyId(fresh_uuid()),
        user,
        created_at: NOW,
        expires_at: later(60),
    }
}

fn liveboard(owner: UserId) -> Liveboard {
    Liveboard {
        id: fresh_uuid(),
        name: "board".into(),
        owner,
        author_name: "alice".into(),
        created_at: NOW,
        modified_at: NOW,
        visualizations: Vec::new(),
    }
}

/// One of everything.
async fn furnish(directory: &dyn Directory) {
    let mut alice = draft("alice");
    alice.password = Some(hash(1));
    alice.memberships = vec![in_org(OrgId::PRIMARY, &["there"])];
    directory.create_org(&org(7, "there")).await.unwrap();
    let alice = directory.create_user(&alice).await.unwrap();
    let orgs = MembershipChange {
        operation: Operation::Add,
        orgs: Some(vec![OrgId(7)]),
        groups: None,
        create_groups: false,
        at: NOW,
    };
    directory.change_memberships(alice.id, &orgs).await.unwrap();
    let key = SecretKey {
        id: KEY,
        ..secret_key()
    };
    directory
        .create_key(&key, &KeyDigest([1; 32]), None)
        .await
        .unwrap();
    let token = api_token(alice.id);
    directory
        .replace_api_token(&token, &KeyDigest([2; 32]))
        .await
        .unwrap();
    directory.set("name", "value").await.unwrap();
    directory
        .secret_or_insert("secret", &[1, 2, 3])
        .await
        .unwrap();
}

async fn refuses_every_write(directory: &dyn Directory, why: ReadOnly) {
    let before = everything(directory).await;
    let written = write_everything(directory).await;
    for (name, result) in &written {
        match result {
            Err(DirectoryError::Store(StoreError::ReadOnly(told))) => {
                assert_eq!(*told, why, "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    let alice = directory.find_user(&key("alice")).await.unwrap().unwrap();
    // What a login does not need is left undone, and the login goes on.
    let upgraded = directory
        .upgrade_password(alice.id, &hash(1), &hash(2))
        .await;
    assert!(!upgraded.unwrap());
    directory.set_last_org(alice.id, OrgId(7)).await.unwrap();
    directory.touch_key(KEY, later(1)).await.unwrap();
    // Nothing would be written by these.
    directory.provision(&just_in_time("alice")).await.unwrap();
    let nobody = draft("nobody").id;
    assert_eq!(directory.delete_api_token(nobody).await.unwrap(), None);
    assert_eq!(everything(directory).await, before, "something was written");

    let mut known: BTreeSet<&str> = written.iter().map(|(name, _)| *name).collect();
    for list in [&READS[..], &READS_TOO[..], &SIDE_WRITES[..]] {
        known.extend(list);
    }
    let declared = TRAITS
        .iter()
        .flat_map(|text| text.split("async fn ").skip(1));
    let declared = declared.map(|rest| rest.split('(').next().unwrap_or_default());
    // A new operation belongs into one of the lists: whether it writes must not be forgotten.
    assert_eq!(declared.collect::<BTreeSet<_>>(), known);
}

/// What the operations above would have changed.
async fn everything(directory: &dyn Directory) -> String {
    let alice = directory.find_user(&key("alice")).await.unwrap().unwrap();
    let all = (
        directory.list_users(None, 100).await.unwrap(),
        directory.list_orgs().await.unwrap(),
        directory.list_groups(OrgId::PRIMARY).await.unwrap(),
        directory.list_keys().await.unwrap(),
        directory.api_token_of(alice.id).await.unwrap(),
        directory.get("name").await.unwrap(),
        directory.get("fresh").await.unwrap(),
        directory
            .password_hash(alice.id)
            .await
            .unwrap()
            .map(|hash| hash.expose_phc().to_owned()),
    );
    format!("{all:?}")
}

fn copy(moving: &Moving) -> tokio::task::JoinHandle<anyhow::Result<u64>> {
    let relocation = Arc::clone(&moving.relocation);
    tokio::spawn(async move {
        let tables = relocation.copy(NOW, &|_, _| ()).await?;
        let users = tables.iter().find(|one| one.table == "users");
        Ok(users.map(|one| one.rows).unwrap_or_default())
    })
}

async fn until_read_only(moving: &Moving) {
    while moving.relocation.read_only().is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_that_writes_is_refused_while_the_directory_is_copied_and_afterwards() {
    let server = server().await;
    let moving = moving(&server.database("moved")).await;
    let directory = &*moving.directory;
    furnish(directory).await;
    let held = server.hold("moved");
    let copying = copy(&moving);
    until_read_only(&moving).await;
    refuses_every_write(directory, ReadOnly::BeingCopied).await;
    assert!(!moving.relocation.reopen().await, "not under a copy");
    drop(held);
    assert_eq!(copying.await.unwrap().unwrap(), 1);
    refuses_every_write(directory, ReadOnly::Copied).await;
    let note = copied_before(moving.folder.path()).unwrap();
    assert!(note.contains("/moved at 2025-06-15T"), "{note}");
    assert_eq!(moving.relocation.copied_before(), None, "it is this run's");
    let again = moving.relocation.copy(NOW, &|_, _| ()).await.unwrap_err();
    assert!(again.downcast_ref::<ReadOnly>().is_some(), "{again}");

    assert!(moving.relocation.reopen().await);
    assert_eq!(copied_before(moving.folder.path()), None);
    for (name, result) in write_everything(directory).await {
        // Alice is gone after the first few, and what is done to her with her.
        let is_refused = matches!(result, Err(DirectoryError::Store(_)));
        assert!(!is_refused, "{name}: {result:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_told_that_a_write_is_made_finds_it_in_the_copy() {
    let server = server().await;
    let moving = moving(&server.database("moved")).await;
    let (made, begun) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let directory = Arc::clone(&moving.directory);
            let (made, begun) = (Arc::clone(&made), Arc::clone(&begun));
            tokio::spawn(async move {
                for n in 0.. {
                    begun.fetch_add(1, Ordering::SeqCst);
                    match directory
                        .create_user(&draft(&format!("{writer} {n}")))
                        .await
                    {
                        Ok(_) => made.fetch_add(1, Ordering::SeqCst),
                        Err(DirectoryError::Store(StoreError::ReadOnly(_))) => return,
                        Err(error) => panic!("{error}"),
                    };
                }
            })
        })
        .collect();
    while begun.load(Ordering::SeqCst) < 40 {
        tokio::task::yield_now().await;
    }
    let copied = copy(&moving).await.unwrap().unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(copied, made.load(Ordering::SeqCst));
    assert!(copied > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_given_up_leaves_the_directory_writable_and_the_database_empty() {
    let server = server().await;
    let moving = moving(&server.database("moved")).await;
    let held = server.hold("moved");
    let copying = copy(&moving);
    until_read_only(&moving).await;
    copying.abort();
    assert!(copying.await.unwrap_err().is_cancelled());
    assert_eq!(moving.relocation.read_only(), None);
    moving.directory.create_user(&draft("after")).await.unwrap();
    drop(held);
    assert_eq!(copied_before(moving.folder.path()), None);
    assert_eq!(copy(&moving).await.unwrap().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_use_is_refused_and_the_directory_stays_writable() {
    let database = PostgresDatabase::fresh().await;
    let used = database.open().await;
    used.create_user(&draft("theirs")).await.unwrap();
    let moving = moving(&database.url()).await;
    let refused = moving.relocation.copy(NOW, &|_, _| ()).await.unwrap_err();
    let words = format!("{refused:#}");
    assert!(words.contains("the target is not empty"), "{words}");
    moving.directory.create_user(&draft("ours")).await.unwrap();
    assert!(used.find_user(&key("theirs")).await.unwrap().is_some());
    let destination = moving.relocation.destination().to_string();
    assert!(destination.starts_with("127.0.0.1:"), "{destination}");
}
