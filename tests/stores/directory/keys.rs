//! Secret keys, server secrets, saved settings and Liveboards.

use crate::directory::{Database, NOW, fresh_uuid, later};
use std::sync::Arc;
use vestibule::domain::authn::KeyDigest;
use vestibule::domain::directory::{
    DirectoryError, KeyId, Liveboard, OrgId, SecretKey, UserId, Visualization,
};

fn secret_key(label: &str) -> SecretKey {
    SecretKey {
        id: KeyId(fresh_uuid()),
        label: label.into(),
        org: None,
        created_at: NOW,
        last_used_at: None,
        retired_at: None,
    }
}

pub async fn a_key_is_found_by_its_digest_until_it_is_retired(database: &impl Database) {
    let directory = database.open().await;
    let (first, mut second) = (secret_key("first"), secret_key("second"));
    second.org = Some(OrgId::PRIMARY);
    second.created_at = later(1);
    let digest = KeyDigest([1; 32]);
    directory
        .create_key(&second, &KeyDigest([2; 32]), None)
        .await
        .unwrap();
    directory.create_key(&first, &digest, None).await.unwrap();
    let found = directory.find_key(&digest).await.unwrap();
    assert_eq!(found, Some(first.clone()));
    assert_eq!(directory.find_key(&KeyDigest([3; 32])).await.unwrap(), None);

    assert!(directory.retire_key(first.id, later(2)).await.unwrap());
    assert!(!directory.retire_key(first.id, later(3)).await.unwrap());
    assert!(
        !directory
            .retire_key(KeyId(fresh_uuid()), later(3))
            .await
            .unwrap()
    );
    assert_eq!(directory.find_key(&digest).await.unwrap(), None);
    let retired = SecretKey {
        retired_at: Some(later(2)),
        ..first
    };
    assert_eq!(directory.list_keys().await.unwrap(), [retired, second]);
}

pub async fn a_digest_is_never_accepted_twice(database: &impl Database) {
    let directory = database.open().await;
    let first = secret_key("first");
    let digest = KeyDigest([1; 32]);
    directory.create_key(&first, &digest, None).await.unwrap();
    directory.retire_key(first.id, NOW).await.unwrap();
    let refused = directory
        .create_key(&secret_key("again"), &digest, None)
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        DirectoryError::Exists {
            what: "secret key",
            ..
        }
    ));
    let mut of_nowhere = secret_key("nowhere");
    of_nowhere.org = Some(OrgId(77));
    assert!(matches!(
        directory
            .create_key(&of_nowhere, &KeyDigest([9; 32]), None)
            .await,
        Err(DirectoryError::Missing { what: "Org", .. })
    ));
}

pub async fn a_use_is_written_once_a_minute_and_never_moves_back(database: &impl Database) {
    let directory = database.open().await;
    let key = secret_key("app");
    directory
        .create_key(&key, &KeyDigest([1; 32]), None)
        .await
        .unwrap();
    let last_use = async || directory.list_keys().await.unwrap()[0].last_used_at;
    for (used_at, seen) in [(10, 10), (69, 10), (70, 70), (5, 70)] {
        directory.touch_key(key.id, later(used_at)).await.unwrap();
        assert_eq!(last_use().await, Some(later(seen)), "{used_at}");
    }
    let other_node = database.open().await;
    other_node.touch_key(key.id, later(30)).await.unwrap();
    assert_eq!(last_use().await, Some(later(70)));
}

pub async fn twenty_first_starts_agree_on_one_secret(database: &impl Database) {
    let nodes = [database.open().await, database.open().await];
    let tasks: Vec<_> = (0..20_u8)
        .map(|n| {
            let node = Arc::clone(&nodes[usize::from(n % 2)]);
            tokio::spawn(async move { node.secret_or_insert("cookie", &[n; 32]).await.unwrap() })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen.dedup();
    assert_eq!(seen.len(), 1);
    let other = nodes[0].secret_or_insert("token", &[0, 255]).await.unwrap();
    assert_eq!(other, [0, 255]);
}

pub async fn saved_settings_are_replaced_by_name(database: &impl Database) {
    let directory = database.open().await;
    assert_eq!(directory.get("embed.origins").await.unwrap(), None);
    for value in ["[]", "[\"https://a.example\"]", ""] {
        directory.set("embed.origins", value).await.unwrap();
        let kept = directory.get("embed.origins").await.unwrap();
        assert_eq!(kept.as_deref(), Some(value));
    }
    assert_eq!(directory.get("embed").await.unwrap(), None);
}

pub async fn of_many_who_replace_the_same_setting_one_does(database: &impl Database) {
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(database.open().await);
    }
    // First there is none, then the first winner's, at last it goes.
    let mut kept: Option<String> = None;
    for round in 0..3 {
        let tasks: Vec<_> = (0..12)
            .map(|number| {
                let (node, expected) = (Arc::clone(&nodes[number % 4]), kept.clone());
                tokio::spawn(async move {
                    let mine = (round < 2).then(|| format!("{round} {number}"));
                    let done = node.replace("bond", expected.as_deref(), mine.as_deref());
                    done.await.unwrap().then_some(mine)
                })
            })
            .collect();
        let mut winners = Vec::new();
        for task in tasks {
            winners.extend(task.await.unwrap());
        }
        assert_eq!(winners.len(), 1, "{winners:?}");
        kept = winners.remove(0);
        assert_eq!(nodes[0].get("bond").await.unwrap(), kept);
    }
    assert_eq!(kept, None);
    assert!(nodes[1].replace("bond", None, None).await.unwrap());
    assert!(!nodes[1].replace("bond", Some("x"), None).await.unwrap());
}

pub async fn liveboards_come_back_whole_and_are_replaced(database: &impl Database) {
    let directory = database.open().await;
    let mut board = Liveboard {
        id: fresh_uuid(),
        name: "Sales \"2025\" 😀".into(),
        owner: UserId(fresh_uuid()),
        author_name: "o'brien".into(),
        created_at: NOW,
        modified_at: NOW,
        visualizations: ["first", "second"]
            .map(|title| Visualization {
                id: fresh_uuid(),
                title: title.into(),
                kind: "CHART".into(),
                size: "l".into(),
            })
            .to_vec(),
    };
    assert_eq!(directory.find_liveboard(board.id).await.unwrap(), None);
    directory.put_liveboard(&board).await.unwrap();
    assert_eq!(
        directory.find_liveboard(board.id).await.unwrap(),
        Some(board.clone())
    );
    board.visualizations.reverse();
    board.modified_at = later(1);
    directory.put_liveboard(&board).await.unwrap();
    assert_eq!(
        directory.find_liveboard(board.id).await.unwrap(),
        Some(board)
    );
}
