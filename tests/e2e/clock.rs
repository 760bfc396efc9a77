//! A machine's clock that was set back between two runs (promise R8, case 60).

use crate::support::{Home, Start};
use sqlx::{Connection, SqliteConnection};

/// Has everything in the session file have happened an hour later, as if the clock had been ahead, and everybody's
/// sessions revoked then.
async fn an_hour_ahead(home: &Home) {
    let url = format!("sqlite://{}", home.data().join("sessions.db").display());
    let mut db = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("UPDATE sessions SET seen = seen + 3600000")
        .execute(&mut db)
        .await
        .unwrap();
    sqlx::query("INSERT OR REPLACE INTO epochs SELECT 'all', max(seen) FROM sessions")
        .execute(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_60_a_clock_set_back_between_two_runs_revives_nobody_and_locks_nobody_out() {
    let home = Home::new();
    let server = Start::new(&home).planted().start();
    let before = server.visitor().sign_in_as_admin().await;
    assert!(server.stop().success());
    an_hour_ahead(&home).await;

    let server = Start::new(&home).planted().start();
    let visitor = server.visitor();
    assert_eq!(visitor.check(&before).await, 401, "it was revoked");
    let now = visitor.sign_in_as_admin().await;
    assert_eq!(
        visitor.check(&now).await,
        204,
        "opened after the revocation"
    );
    server.logs("clock is behind").await;
    server.crash();
    // Nor at the next start, with time gone on from there.
    let server = Start::new(&home).planted().start();
    assert_eq!(server.visitor().check(&now).await, 204);
    assert_eq!(server.visitor().check(&before).await, 401);
}
