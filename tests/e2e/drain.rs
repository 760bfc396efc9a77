//! SIGTERM while many sign in, look and sign out (promise R6, case 60).

use crate::support::{Cookies, Home, Visitor, until, with_each_store};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

with_each_store!(case_60_sigterm_under_load_answers_right_or_not_at_all_and_loses_nothing);

const PEOPLE: usize = 8;

/// What one of them was told.
#[derive(Default)]
struct Told {
    open: Vec<Cookies>,
    over: Vec<Cookies>,
}

/// Signs in and out until nobody answers any more. A connection may end, but no answer be wrong.
async fn come_and_go(visitor: Visitor, token: String, answers: Arc<AtomicUsize>) -> Told {
    let mut told = Told::default();
    loop {
        let Some(cookies) = visitor.redeem_if_there(&token).await else {
            return told;
        };
        answers.fetch_add(1, Ordering::Relaxed);
        let Some(status) = visitor.check_if_there(&cookies).await else {
            told.open.push(cookies);
            return told;
        };
        assert_eq!(status, 204);
        if told.open.len() <= told.over.len() {
            told.open.push(cookies);
            continue;
        }
        // Without an answer nobody knows whether it was done.
        let Some(status) = visitor.sign_out_if_there(&cookies).await else {
            return told;
        };
        assert_eq!(status, 204);
        told.over.push(cookies);
    }
}

async fn case_60_sigterm_under_load_answers_right_or_not_at_all_and_loses_nothing(home: Home) {
    let server = home.server().planted().with("--demo").start();
    let token = server.visitor().mint("alice").await;
    let answers = Arc::new(AtomicUsize::new(0));
    let people: Vec<_> = (0..PEOPLE)
        .map(|_| {
            let (visitor, token) = (server.visitor(), token.clone());
            tokio::spawn(come_and_go(visitor, token, Arc::clone(&answers)))
        })
        .collect();
    until("all are busy", async || {
        answers.load(Ordering::Relaxed) > PEOPLE * 5
    })
    .await;
    server.signal("TERM");
    let mut told = Vec::new();
    for one in people {
        told.push(one.await.unwrap());
    }
    assert!(server.wait().success());

    let server = home.server().start();
    let visitor = server.visitor();
    for cookies in told.iter().flat_map(|one| &one.open) {
        assert_eq!(visitor.check(cookies).await, 204, "an open session");
    }
    for cookies in told.iter().flat_map(|one| &one.over) {
        assert_eq!(visitor.check(cookies).await, 401, "an ended one");
    }
    assert!(told.iter().any(|one| !one.over.is_empty()));
}
