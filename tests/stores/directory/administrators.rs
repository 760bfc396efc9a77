//! Somebody who administers the server and may sign in is always left, whoever else is taken away at the same time.

use crate::directory::{Database, draft, fresh_uuid, key};
use std::sync::Arc;
use vestibule::domain::directory::{
    AccountStatus, Directory, DirectoryError, LastAdministrator, UserChange, UserDraft, UserId,
};

const STAYS: LastAdministrator = LastAdministrator::Stays;
const DISABLED: AccountStatus = AccountStatus::Disabled;

fn administrator(name: &str) -> UserDraft {
    UserDraft {
        is_admin: true,
        ..draft(name)
    }
}

fn power(is_admin: bool, last_administrator: LastAdministrator) -> UserChange {
    UserChange {
        is_admin: Some(is_admin),
        last_administrator,
        ..UserChange::default()
    }
}

fn is_refused<T: std::fmt::Debug>(result: &Result<T, DirectoryError>) {
    assert!(
        matches!(result, Err(DirectoryError::LastAdministrator)),
        "{result:?}"
    );
}

pub async fn the_last_administrator_stays_unless_they_may_go(database: &impl Database) {
    let directory = database.open().await;
    let [ann, bob, carl] = ["ann", "bob", "carl"].map(administrator);
    for one in [&ann, &bob, &carl] {
        directory.create_user(one).await.unwrap();
    }
    // One who may not sign in helps nobody.
    directory.set_status(bob.id, DISABLED, STAYS).await.unwrap();
    let nothing = power(false, STAYS);
    directory.update_user(carl.id, &nothing).await.unwrap();
    let before = directory.find_user(&key("ann")).await.unwrap();
    is_refused(&directory.set_status(ann.id, DISABLED, STAYS).await);
    is_refused(&directory.update_user(ann.id, &nothing).await);
    assert_eq!(directory.find_user(&key("ann")).await.unwrap(), before);
    // Who is none is none afterwards, and so is who does not exist.
    for other in [bob.id, carl.id] {
        directory.set_status(other, DISABLED, STAYS).await.unwrap();
        directory.update_user(other, &nothing).await.unwrap();
    }
    let nobody = UserId(fresh_uuid());
    directory.set_status(nobody, DISABLED, STAYS).await.unwrap();
    // Other changes are not about it.
    let kept = power(true, STAYS);
    directory.update_user(ann.id, &kept).await.unwrap();
    let active = AccountStatus::Active;
    directory.set_status(ann.id, active, STAYS).await.unwrap();

    let may_go = LastAdministrator::MayGo;
    let gone = power(false, may_go);
    directory.update_user(ann.id, &gone).await.unwrap();
    assert!(!directory.has_administrator(None).await.unwrap());
    directory.update_user(ann.id, &kept).await.unwrap();
    directory
        .set_status(ann.id, DISABLED, may_go)
        .await
        .unwrap();
    assert!(!directory.has_administrator(None).await.unwrap());
}

/// Takes a user's power away, in one way or the other.
async fn take_away(node: Arc<dyn Directory>, id: UserId, way: usize) -> Result<(), DirectoryError> {
    match way {
        0 => node.set_status(id, DISABLED, STAYS).await,
        _ => node.update_user(id, &power(false, STAYS)).await.map(drop),
    }
}

pub async fn of_two_administrators_who_take_each_other_away_one_stays(database: &impl Database) {
    let nodes = [database.open().await, database.open().await];
    let [ann, bob] = ["ann", "bob"].map(administrator);
    for one in [&ann, &bob] {
        nodes[0].create_user(one).await.unwrap();
    }
    for round in 0..20 {
        let (first, second) = (round % 2, round / 2 % 2);
        let acts = [(0, bob.id, first), (1, ann.id, second)]
            .map(|(node, id, way)| tokio::spawn(take_away(Arc::clone(&nodes[node]), id, way)));
        let mut done = 0;
        for act in acts {
            match act.await.unwrap() {
                Ok(()) => done += 1,
                refused => is_refused(&refused),
            }
        }
        assert_eq!(done, 1);
        assert!(nodes[0].has_administrator(None).await.unwrap());
        for id in [ann.id, bob.id] {
            let active = AccountStatus::Active;
            nodes[0].set_status(id, active, STAYS).await.unwrap();
            let again = power(true, STAYS);
            nodes[0].update_user(id, &again).await.unwrap();
        }
    }
}
