//! The charts' numbers: what happened is told in its minute.

use crate::admin::Page;
use crate::support::{ADMIN_PASSWORD, PASSWORD, Redis, TestApp, on_redis};
use serde_json::{Value, json};
use std::time::Duration;
use vestibule::settings::SessionStoreSetting;

/// An administrator's page and two sessions more.
async fn three_sessions(app: &TestApp) -> Page {
    let page = Page::open(app.admin().await).await;
    app.alice().await;
    app.bob().await;
    page
}

/// How many sessions live, by the last minute of the chart.
async fn live(page: &Page) -> Value {
    let trends = page.read("/trends").await;
    trends["minutes"].as_array().unwrap().last().unwrap()["live"].clone()
}

#[tokio::test]
async fn sessions_of_the_data_folder_are_counted_whenever_the_chart_is_drawn() {
    let app = TestApp::alone(|settings| settings.sessions.store = SessionStoreSetting::Embedded);
    let page = three_sessions(&app).await;
    assert_eq!(live(&page).await, json!(3));
    app.bob().await;
    assert_eq!(live(&page).await, json!(4));
}

#[tokio::test]
async fn sessions_in_redis_are_not_known_before_somebody_has_counted_them_and_never_said_to_be_none()
 {
    let redis = Redis::start();
    let app = TestApp::alone(|settings| on_redis(settings, &redis));
    let stores = app.stores_at(0);
    // At the start nobody has counted, and a count of this moment would be of nobody.
    let (_, taken) = stores.take_over_count().await.unwrap();
    taken.unwrap();
    let page = three_sessions(&app).await;
    assert_eq!(live(&page).await, Value::Null);
    let (_, counted) = stores.count_live(app.services.login.now()).await.unwrap();
    counted.unwrap();
    assert_eq!(live(&page).await, json!(3));
}

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
