//! `GET metadata/listvizheaders`.

use crate::support::{Client, LIVEBOARD, TestApp, VISUALIZATION};

const OTHER: &str = "00000000-0000-4000-8000-000000000001";

async fn list(client: &Client, id: &str) -> crate::support::Reply {
    client
        .get(&format!("/metadata/listvizheaders?id={id}"))
        .await
}

/// A cookie session that may see one object.
async fn limited_to(app: &TestApp, object: &str) -> Client {
    let form = [
        ("username", "alice"),
        ("access_level", "REPORT_BOOK_VIEW"),
        ("id", object),
    ];
    let token = app.anon().mint(&form).await.text();
    let mut client = app.anon();
    let reply = client.redeem(&[("auth_token", &token)]).await;
    client.keep(&reply);
    client
}

#[tokio::test]
async fn a_liveboard_lists_its_visualizations_in_order_whatever_is_accepted() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    for accept in ["application/json", "text/html", "*/*"] {
        let reply = list(&alice.with("accept", accept), LIVEBOARD).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let body = reply.json();
        assert_eq!(body.as_array().unwrap().len(), 4);
        let first = &body[0];
        assert_eq!(first["id"], VISUALIZATION);
        assert_eq!(first["title"]["value"]["text"], "Revenue this year");
        assert_eq!(
            (&first["vizType"], &first["size"]),
            (&"HEADLINE".into(), &"xs".into())
        );
        assert!(first["created"].is_u64() && first["author"].is_string());
    }
    let bearer = app.anon().with_bearer(&app.token("bob").await);
    assert_eq!(list(&bearer, &LIVEBOARD.to_uppercase()).await.status, 200);
}

#[tokio::test]
async fn no_guid_is_400_no_object_404_and_nobody_401() {
    let app = TestApp::shared();
    let alice = app.alice().await;
    for bad in ["", "x", "1234", "..%2f..%2fetc"] {
        list(&alice, bad).await.expect_error(400, 10002, "id");
    }
    let reply = alice.get("/metadata/listvizheaders").await;
    reply.expect_error(400, 10002, "id");
    list(&alice, OTHER).await.expect_error(404, 10002, OTHER);
    // Nobody learns what exists without signing in.
    for id in [LIVEBOARD, OTHER, "x"] {
        list(&app.anon(), id)
            .await
            .expect_error(401, 10097, "sign in");
    }
}

#[tokio::test]
async fn a_session_limited_to_one_object_sees_that_one_and_cannot_tell_what_else_there_is() {
    let app = TestApp::shared();
    let of_board = limited_to(&app, LIVEBOARD).await;
    assert_eq!(
        list(&of_board, LIVEBOARD)
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        4
    );
    let missing = list(&of_board, OTHER).await;
    missing.expect_error(403, 10023, "another object");

    let of_viz = limited_to(&app, VISUALIZATION).await;
    let reply = list(&of_viz, LIVEBOARD).await.json();
    assert_eq!(reply.as_array().unwrap().len(), 1);
    assert_eq!(reply[0]["id"], VISUALIZATION);

    let of_other = limited_to(&app, OTHER).await;
    let there = list(&of_other, LIVEBOARD).await;
    there.expect_error(403, 10023, "another object");
    assert_eq!(there.message(), missing.message());
}
