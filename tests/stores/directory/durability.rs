//! What survives a restart, and several processes at one database.

use crate::directory::{
    Database, NOW, draft, fresh_uuid, group_names, in_org, just_in_time, key, org,
};
use std::sync::Arc;
use vestibule::domain::authn::{KeyDigest, PasswordHash};
use vestibule::domain::directory::{KeyId, OrgId, SecretKey};

pub async fn everything_is_there_after_opening_again(database: &impl Database) {
    let before = database.open().await;
    before.create_org(&org(1, "Acme")).await.unwrap();
    let mut wanted = draft("alice");
    wanted.memberships.push(in_org(OrgId(1), &["staff"]));
    wanted.password = Some(PasswordHash::from_phc("$argon2id$kept".into()));
    let alice = before.create_user(&wanted).await.unwrap();
    let secret = SecretKey {
        id: KeyId(fresh_uuid()),
        label: "app".into(),
        org: Some(OrgId(1)),
        created_at: NOW,
        last_used_at: None,
        retired_at: None,
    };
    let digest = KeyDigest([7; 32]);
    before.create_key(&secret, &digest, None).await.unwrap();
    before.set("name", "value").await.unwrap();
    before.secret_or_insert("cookie", b"kept").await.unwrap();
    drop(before);

    let after = database.open().await;
    let found = after.find_user(&key("ALICE")).await.unwrap();
    assert_eq!(found.as_ref(), Some(&alice));
    let hash = after.password_hash(alice.id).await.unwrap().unwrap();
    assert_eq!(hash.expose_phc(), "$argon2id$kept");
    assert_eq!(
        after.find_org(OrgId(1)).await.unwrap(),
        Some(org(1, "Acme"))
    );
    assert_eq!(group_names(&*after, alice.id, OrgId(1)).await, ["staff"]);
    assert_eq!(after.find_key(&digest).await.unwrap(), Some(secret));
    assert_eq!(after.get("name").await.unwrap().as_deref(), Some("value"));
    let kept = after.secret_or_insert("cookie", b"other").await.unwrap();
    assert_eq!(kept, b"kept");
}

pub async fn two_processes_write_at_once_and_nothing_is_lost(database: &impl Database) {
    let nodes = [database.open().await, database.open().await];
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let node = Arc::clone(&nodes[n % 2]);
            tokio::spawn(async move {
                let mut wanted = draft(&format!("user {n:03}"));
                // Both make the group that is not there yet.
                wanted.memberships = vec![in_org(OrgId::PRIMARY, &[&format!("g{}", n / 2)])];
                node.create_user(&wanted).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for node in &nodes {
        assert_eq!(node.list_users(None, 1_000).await.unwrap().len(), 200);
        let groups = node.list_groups(OrgId::PRIMARY).await.unwrap();
        assert_eq!(groups.len(), 100);
        for group in groups {
            assert_eq!(node.members_of(group.id).await.unwrap().len(), 2);
        }
    }
}

pub async fn two_processes_provision_the_same_user_at_once(database: &impl Database) {
    let nodes = [database.open().await, database.open().await];
    for round in 0..20 {
        let tasks = nodes.clone().map(|node| {
            let request = just_in_time(&format!("user {round}"));
            tokio::spawn(async move { node.provision(&request).await.unwrap() })
        });
        let [one, other] = tasks;
        assert_eq!(one.await.unwrap(), other.await.unwrap());
    }
}

pub async fn many_processes_may_start_at_once(database: &impl Database) {
    let nodes = futures_util::future::join_all((0..8).map(|_| database.open())).await;
    for (n, node) in nodes.iter().enumerate() {
        node.create_user(&draft(&format!("user {n}")))
            .await
            .unwrap();
    }
    assert_eq!(nodes[0].list_users(None, 100).await.unwrap().len(), 8);
}
