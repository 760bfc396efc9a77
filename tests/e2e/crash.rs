//! `kill -9`: what was acknowledged before it holds after it (case 33, promises R1 and R2).

use crate::support::{Home, SECRET_KEY, with_each_store};

with_each_store!(
    case_60_a_session_acknowledged_just_before_a_crash_lives_on,
    case_60_a_logout_acknowledged_just_before_a_crash_stays,
    case_33_what_was_revoked_just_before_a_crash_stays_revoked,
);

const CRASHES: usize = 20;

async fn case_60_a_session_acknowledged_just_before_a_crash_lives_on(home: Home) {
    let mut kept = Vec::new();
    let token = {
        let server = home.server().planted().with("--demo").start();
        let token = server.visitor().mint("alice").await;
        server.crash();
        token
    };
    for round in 0..CRASHES {
        let server = home.server().start();
        let visitor = server.visitor();
        for cookies in &kept {
            assert_eq!(visitor.check(cookies).await, 204, "round {round}");
        }
        kept.push(visitor.redeem(&token).await);
        server.crash();
    }
    let server = home.server().start();
    for cookies in &kept {
        assert_eq!(server.visitor().check(cookies).await, 204);
    }
}

async fn case_60_a_logout_acknowledged_just_before_a_crash_stays(home: Home) {
    drop(home.server().planted().start());
    let mut gone = Vec::new();
    for _ in 0..CRASHES / 4 {
        let server = home.server().start();
        let visitor = server.visitor();
        let token = visitor.mint("tsadmin").await;
        let cookies = visitor.redeem(&token).await;
        assert_eq!(visitor.sign_out(&cookies).await, 204);
        server.crash();
        gone.push(cookies);
    }
    let server = home.server().start();
    for cookies in &gone {
        assert_eq!(server.visitor().check(cookies).await, 401);
    }
}

async fn case_33_what_was_revoked_just_before_a_crash_stays_revoked(home: Home) {
    let server = home.server().planted().with("--demo").start();
    let visitor = server.visitor();
    let bob = visitor.sign_in("bob", "vestibule-demo").await;
    let token = visitor.mint("alice").await;
    let alice = visitor.redeem(&token).await;
    home.run("user disable bob").good();
    let keys = home.run("key list --json").json();
    let key = keys[0]["id"].as_str().unwrap().to_owned();
    home.run(&format!("key retire {key}")).good();
    server.crash();

    let server = home.server().start();
    let visitor = server.visitor();
    assert_eq!(visitor.check(&bob).await, 401);
    assert_eq!(visitor.check(&alice).await, 401);
    assert_eq!(visitor.try_redeem(&token).await.status(), 401);
    assert_eq!(visitor.try_mint(SECRET_KEY, "alice").await.status(), 401);
    server.crash();
    // Nor does what the operator does next bring anything back.
    home.run("user enable bob").good();
    let server = home.server().start();
    assert_eq!(server.visitor().check(&bob).await, 401);
}
