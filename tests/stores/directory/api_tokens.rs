//! API tokens: one a user, found by digest, gone with their user.

use crate::directory::{Database, NOW, draft, fresh_uuid, later};
use vestibule::domain::authn::KeyDigest;
use vestibule::domain::directory::{ApiToken, DirectoryError, KeyId, UserId};

fn token(user: UserId) -> ApiToken {
    ApiToken {
        id: KeyId(fresh_uuid()),
        user,
        created_at: NOW,
        expires_at: later(60),
    }
}

pub async fn a_new_token_takes_the_place_of_the_old_one(database: &impl Database) {
    let directory = database.open().await;
    let alice = directory.create_user(&draft("alice")).await.unwrap().id;
    let bob = directory.create_user(&draft("bob")).await.unwrap().id;
    let (first, second, of_bob) = (token(alice), token(alice), token(bob));
    let digests = [1, 2, 3].map(|byte| KeyDigest([byte; 32]));
    let before = directory
        .replace_api_token(&first, &digests[0])
        .await
        .unwrap();
    assert_eq!(before, None);
    directory
        .replace_api_token(&of_bob, &digests[2])
        .await
        .unwrap();
    assert_eq!(
        directory.find_api_token(&digests[0]).await.unwrap(),
        Some(first)
    );
    let before = directory
        .replace_api_token(&second, &digests[1])
        .await
        .unwrap();
    assert_eq!(before, Some(first));
    assert_eq!(directory.find_api_token(&digests[0]).await.unwrap(), None);

    // As another process sees it.
    let other = database.open().await;
    assert_eq!(
        other.find_api_token(&digests[1]).await.unwrap(),
        Some(second)
    );
    assert_eq!(other.api_token_of(alice).await.unwrap(), Some(second));
    assert_eq!(other.delete_api_token(alice).await.unwrap(), Some(second));
    assert_eq!(other.delete_api_token(alice).await.unwrap(), None);
    assert_eq!(directory.find_api_token(&digests[1]).await.unwrap(), None);
    assert_eq!(directory.api_token_of(bob).await.unwrap(), Some(of_bob));
}

pub async fn a_token_goes_with_its_user(database: &impl Database) {
    let directory = database.open().await;
    let alice = directory.create_user(&draft("alice")).await.unwrap().id;
    let digest = KeyDigest([7; 32]);
    directory
        .replace_api_token(&token(alice), &digest)
        .await
        .unwrap();
    assert!(directory.delete_user(alice).await.unwrap());
    assert_eq!(directory.find_api_token(&digest).await.unwrap(), None);
    let refused = directory.replace_api_token(&token(alice), &digest).await;
    assert!(matches!(
        refused,
        Err(DirectoryError::Missing { what: "user", .. })
    ));
}
