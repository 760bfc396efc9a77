//! `user/updatepassword` and `user/resetpassword`.

use crate::support::{PASSWORD, TestApp};

const FRESH: &str = "fresh horse battery";

fn update<'a>(name: &'a str, current: &'a str, new: &'a str) -> [(&'static str, &'a str); 3] {
    [
        ("name", name),
        ("currentpassword", current),
        ("password", new),
    ]
}

#[tokio::test]
async fn whoever_knows_the_current_password_sets_another_and_every_session_ends() {
    let app = TestApp::spawn();
    app.plant(FRESH);
    let bob = app.bob().await;
    app.tick();
    let path = "/user/updatepassword";
    bob.post(path, &update("bob", "wrong password", FRESH))
        .await
        .expect_error(401, 10003, "wrong");
    bob.post(path, &update("bob", PASSWORD, PASSWORD))
        .await
        .expect_error(400, 10002, "password");
    bob.post(path, &update("bob", PASSWORD, "short"))
        .await
        .expect_error(400, 10002, "8");
    bob.post(path, &update("", PASSWORD, FRESH))
        .await
        .expect_error(400, 10002, "name");
    app.anon()
        .post(path, &update("bob", PASSWORD, FRESH))
        .await
        .expect_error(401, 10097, "sign in");
    // As the published Python client spells it.
    let mut form = update("Bob", PASSWORD, FRESH);
    form[2].0 = "newpassword";
    let reply = bob.post(path, &form).await;
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(bob.is_active().await, 401);
    app.tick();
    assert_eq!(app.anon().post_login("bob", PASSWORD).await.status, 401);
    app.signed_in("bob", FRESH).await;
}

#[tokio::test]
async fn an_administrators_token_resets_a_password_and_nobody_elses_does() {
    let app = TestApp::spawn();
    app.plant(FRESH);
    let bob = app.bob().await;
    let own = app.token("bob").await;
    app.tick();
    let id = app.user("bob").await.id.to_string();
    let path = "/user/resetpassword";
    let form = |user: &str, token: &str, new: &str| {
        [
            ("userid", user.to_owned()),
            ("auth_token", token.to_owned()),
            ("password", new.to_owned()),
        ]
    };
    let send = async |form: [(&str, String); 3]| {
        let pairs: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        app.anon().post(path, &pairs).await
    };
    send(form(&id, &own, FRESH))
        .await
        .expect_error(403, 10023, "administrator");
    send(form(&id, "nonsense", FRESH))
        .await
        .expect_error(401, 10003, "token");
    send(form(&id, "", FRESH))
        .await
        .expect_error(400, 10002, "auth_token");
    let token = app.token("tsadmin").await;
    send(form("", &token, FRESH))
        .await
        .expect_error(400, 10002, "userid");
    send(form("nobody", &token, FRESH))
        .await
        .expect_error(404, 10002, "nobody");
    send(form(&id, &token, "short"))
        .await
        .expect_error(400, 10002, "8");
    assert_eq!(bob.is_active().await, 204);
    assert_eq!(send(form(&id, &token, FRESH)).await.status, 204);
    assert_eq!(bob.is_active().await, 401);
    app.tick();
    app.signed_in("bob", FRESH).await;
}
