//! What is kept for a while: sign-ins under way, and what must not be seen twice.

use crate::support::{Room, START, over_every_store};
use futures_util::future::join_all;
use std::time::Duration;
use vestibule::domain::sso::FlowDigest;

over_every_store! {
    what_is_kept_can_be_looked_at_and_is_taken_once,
    a_place_is_taken_until_its_time_is_over,
    case_31_two_hundred_at_once_take_it_once_and_keep_it_once,
    case_33_what_was_kept_or_taken_stays_so_after_a_restart,
}

const WHILE: Duration = Duration::from_mins(10);
const TICK: Duration = Duration::from_millis(1);

fn under(what: &str) -> FlowDigest {
    FlowDigest::of("test", &[what])
}

async fn what_is_kept_can_be_looked_at_and_is_taken_once(room: Room) {
    let (until, text) = (START.plus(WHILE), "a text; \"with\" \u{e9}\n");
    let flows = &room.flows;
    assert_eq!(flows.look(&under("a"), START).await.unwrap(), None);
    assert!(
        flows
            .keep_new(&under("a"), text, until, START)
            .await
            .unwrap()
    );
    let held = flows.look(&under("a"), until).await.unwrap();
    assert_eq!(held.as_deref(), Some(text));
    assert_eq!(flows.look(&under("b"), START).await.unwrap(), None);
    let taken = flows.take(&under("a"), until).await.unwrap();
    assert_eq!(taken.as_deref(), Some(text));
    assert_eq!(flows.take(&under("a"), START).await.unwrap(), None);
    assert_eq!(flows.look(&under("a"), START).await.unwrap(), None);
}

async fn a_place_is_taken_until_its_time_is_over(room: Room) {
    let until = START.plus(WHILE);
    let flows = &room.flows;
    assert!(
        flows
            .keep_new(&under("a"), "1", until, START)
            .await
            .unwrap()
    );
    assert!(
        !flows
            .keep_new(&under("a"), "2", until, until)
            .await
            .unwrap()
    );
    let after = until.plus(TICK);
    assert_eq!(flows.look(&under("a"), after).await.unwrap(), None);
    let again = after.plus(WHILE);
    assert!(
        flows
            .keep_new(&under("a"), "3", again, after)
            .await
            .unwrap()
    );
    let held = flows.look(&under("a"), after).await.unwrap();
    assert_eq!(held.as_deref(), Some("3"));
    flows.put(&under("a"), "4", again, after).await.unwrap();
    let held = flows.look(&under("a"), after).await.unwrap();
    assert_eq!(held.as_deref(), Some("4"));
    assert_eq!(
        flows.take(&under("a"), again.plus(TICK)).await.unwrap(),
        None
    );
}

async fn case_31_two_hundred_at_once_take_it_once_and_keep_it_once(room: Room) {
    let until = START.plus(WHILE);
    let place = under("a");
    let keeps = (0..200).map(|_| room.flows.keep_new(&place, "x", until, START));
    let kept = join_all(keeps).await;
    let count = kept.into_iter().filter(|kept| *kept.as_ref().unwrap());
    assert_eq!(count.count(), 1);
    let takes = join_all((0..200).map(|_| room.flows.take(&place, START))).await;
    let count = takes.into_iter().filter_map(Result::unwrap);
    assert_eq!(count.count(), 1);
}

async fn case_33_what_was_kept_or_taken_stays_so_after_a_restart(room: Room) {
    let until = START.plus(WHILE);
    assert!(
        room.flows
            .keep_new(&under("a"), "a", until, START)
            .await
            .unwrap()
    );
    assert!(
        room.flows
            .keep_new(&under("b"), "b", until, START)
            .await
            .unwrap()
    );
    assert!(room.flows.take(&under("b"), START).await.unwrap().is_some());
    let room = room.restart().await;
    assert!(
        !room
            .flows
            .keep_new(&under("a"), "c", until, START)
            .await
            .unwrap()
    );
    assert_eq!(room.flows.take(&under("b"), START).await.unwrap(), None);
    let taken = room.flows.take(&under("a"), START).await.unwrap();
    assert_eq!(taken.as_deref(), Some("a"));
}
