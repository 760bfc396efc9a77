//! The charts' numbers: what happened is told in its minute.

use crate::admin::Page;
use crate::support::{ADMIN_PASSWORD, PASSWORD, TestApp};
use std::time::Duration;

#[tokio::test]
async fn logins_failures_and_look_ups_are_told_by_the_minute() {
    let app = TestApp::spawn();
    // Each node counts for itself.
    let mut admin = app.at_node(0);
    let reply = admin.post_login("tsadmin", ADMIN_PASSWORD).await;
    admin.keep(&reply);
    let page = Page::open(admin).await;
    let node = app.at_node(0);
    assert_eq!(node.post_login("bob", PASSWORD).await.status, 204);
    assert_eq!(node.post_login("bob", "wrong").await.status, 401);
    let first = page.read("/trends").await;
    let minutes = first["minutes"].as_array().unwrap();
    assert_eq!(minutes.len(), 1);
    assert_eq!(
        (&minutes[0]["logins"], &minutes[0]["failures"]),
        (&2.into(), &1.into())
    );
    app.advance(Duration::from_mins(2));
    let later = page.read("/trends").await;
    let minutes = later["minutes"].as_array().unwrap();
    assert_eq!(minutes.len(), 3);
    assert!(minutes[0]["checks"].as_u64().unwrap() >= 2);
    assert!(minutes[0]["median_us"].as_u64() <= minutes[0]["p99_us"].as_u64());
    assert_eq!(minutes[2]["logins"], 0);
}
