//! `user/`, `user/list`, `user/activate`, `user/inactivate`.

use crate::support::{PASSWORD, TestApp};
use serde_json::Value;

const FORM: [(&str, &str); 4] = [
    ("name", "erin"),
    ("password", PASSWORD),
    ("displayname", "Erin"),
    ("groups", "[\"Analysts\"]"),
];

#[tokio::test]
async fn a_created_user_is_shown_and_may_sign_in() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    for (prefix, path, name) in [
        ("/callosum/v1/tspublic/v1", "/user/", "erin"),
        ("/callosum/v1", "/user", "frank"),
        ("/tspublic/v1", "/user/", "greta"),
    ] {
        let mut form = FORM.to_vec();
        form[0].1 = name;
        form.extend([
            ("usertype", "LOCAL_USER"),
            ("visibility", "DEFAULT"),
            ("email", "e@example.com"),
        ]);
        let reply = admin.under(prefix).post(path, &form).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let user = reply.json();
        assert_eq!(user["header"]["name"], name);
        assert_eq!(user["header"]["displayName"], "Erin");
        assert_eq!(
            (&user["state"], &user["type"]),
            (&"ACTIVE".into(), &"LOCAL_USER".into())
        );
        assert_eq!(user["assignedGroups"].as_array().unwrap().len(), 1);
        app.signed_in(name, PASSWORD).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_new_user_is_said() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    for (field, value, status, word) in [
        ("name", "", 400, "name"),
        ("displayname", "", 400, "displayname"),
        ("password", "short", 400, "8"),
        ("groups", "Analysts", 400, "groups"),
        ("groups", "[\"nothing\"]", 400, "groups"),
        ("name", "alice", 409, "exists"),
    ] {
        let form = FORM.map(|(name, old)| (name, if name == field { value } else { old }));
        let reply = admin.post("/user/", &form).await;
        reply.expect_error(status, 10002, word);
    }
    let mut form = FORM.to_vec();
    form.push(("usertype", "LDAP_USER"));
    admin
        .post("/user/", &form)
        .await
        .expect_error(400, 10002, "not offered");
    app.anon()
        .post("/user/", &FORM)
        .await
        .expect_error(401, 10097, "sign in");
    let bob = app.bob().await;
    bob.post("/user/", &FORM)
        .await
        .expect_error(403, 10023, "administrator");
    assert!(app.find_user("erin").await.is_none());
}

#[tokio::test]
async fn a_new_user_gets_the_orgs_and_the_address_that_the_vendors_page_has() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let sales = app.sales.0;
    let (administration, by) = app.administration();
    administration.create_org("77", "", &by).await.unwrap();
    let create = async |name: &str, more: &[(&'static str, &str)]| {
        let mut form = vec![("name", name), ("password", PASSWORD), ("displayname", "X")];
        form.extend_from_slice(more);
        admin.post("/user/?orgScope=ALL", &form).await
    };
    let mail = ("properties", r#"{"mail":"a@example.com"}"#);
    let user = create("one", &[("orgids", &format!("[{sales}]")), mail]).await;
    let user = user.json();
    assert_eq!(user["orgIds"], serde_json::json!([sales]));
    assert_eq!(user["userEmail"], "a@example.com");
    let shown = &user["userContent"]["userProperties"]["mail"];
    assert_eq!(shown, "a@example.com");
    let user = create("two", &[("orgids", &format!("[0,{sales}]"))]).await;
    assert_eq!(user.json()["orgIds"], serde_json::json!([0, sales]));
    let user = create("three", &[("orgids", &sales.to_string())]).await;
    assert_eq!(user.json()["orgIds"], serde_json::json!([sales]));
    let sales = sales.to_string();
    for (wrong, word) in [
        (vec![("orgids", "Sales")], "orgids"),
        (vec![("orgids", "[]")], "orgids"),
        (vec![("orgids", "[{}]")], "orgids"),
        (vec![("orgids", "[\"Sales\"]")], "orgids"),
        (vec![("orgid", "Sales")], "orgid"),
        // The number of none, though an Org is called that.
        (vec![("orgids", "[77]")], "orgids"),
        (vec![("orgids", "[0,\"77\"]")], "orgids"),
        (vec![("orgid", "77")], "orgid"),
        (vec![("orgids", "[0]"), ("orgid", sales.as_str())], "orgids"),
        (vec![mail, ("email", "b@example.com")], "properties"),
        (vec![("properties", "mail")], "properties"),
        (vec![("visibility", "NON_SHARABLE")], "visibility"),
    ] {
        let reply = create("four", &wrong).await;
        reply.expect_error(400, 10002, word);
    }
    assert!(app.find_user("four").await.is_none());
}

#[tokio::test]
async fn users_are_shown_one_by_one_or_all_in_sight() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let carol = app.user("carol").await.id.to_string();
    for query in [format!("userid={carol}"), "name=Carol".to_owned()] {
        let reply = admin.get(&format!("/user/?{query}")).await;
        assert_eq!(reply.json()["header"]["id"], carol.as_str());
    }
    admin
        .get("/user/?name=nobody")
        .await
        .expect_error(404, 10002, "nobody");
    let count = |reply: crate::support::Reply| reply.json().as_array().unwrap().len();
    assert_eq!(count(admin.get("/user/").await), 5);
    // To everybody else there are the users of the Org worked in.
    let bob = app.bob().await;
    assert_eq!(count(bob.get("/user").await), 4);
    bob.get("/user/?name=carol")
        .await
        .expect_error(404, 10002, "carol");
    app.anon()
        .get("/user/")
        .await
        .expect_error(401, 10097, "sign in");
}

#[tokio::test]
async fn the_list_has_groups_and_users_as_the_vendors_tools_read_them() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let list = admin.get("/user/list").await.json();
    let of = |kind: &str| -> Vec<Value> {
        let all = list.as_array().unwrap().iter();
        all.filter(|one| one["principalTypeEnum"] == kind)
            .cloned()
            .collect()
    };
    let groups = of("LOCAL_GROUP");
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0]["name"], "Analysts");
    let users = of("LOCAL_USER");
    let names: Vec<&str> = users
        .iter()
        .map(|user| user["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["alice", "bob", "dora", "tsadmin"]);
    assert_eq!(users[1]["mail"], "bob@example.com");
    // Every group a user names is in the list, or those tools refuse it.
    assert_eq!(users[1]["groupNames"], serde_json::json!(["Analysts"]));
}

#[tokio::test]
async fn a_user_switched_off_is_out_at_once_and_may_come_back() {
    let app = TestApp::spawn();
    let admin = app.admin().await;
    let bob = app.bob().await;
    app.tick();
    let with_password = [("username", "bob"), ("password", "another battery")];
    admin
        .post("/user/activate", &with_password)
        .await
        .expect_error(400, 10002, "resetpassword");
    let by_name = [("username", "bob"), ("url", "https://app.example.com/")];
    assert_eq!(admin.post("/user/inactivate", &by_name).await.status, 204);
    assert_eq!(bob.is_active().await, 401);
    assert_eq!(app.anon().post_login("bob", PASSWORD).await.status, 401);
    let id = app.user("bob").await.id.to_string();
    assert_eq!(
        admin
            .post("/user/activate", &[("userid", &id)])
            .await
            .status,
        204
    );
    app.tick();
    let bob = app.bob().await;
    for path in ["/user/activate", "/user/inactivate"] {
        admin
            .post(path, &[])
            .await
            .expect_error(400, 10002, "userid");
        admin
            .post(path, &[("userid", "nobody")])
            .await
            .expect_error(404, 10002, "nobody");
        bob.post(path, &by_name)
            .await
            .expect_error(403, 10023, "administrator");
        app.anon()
            .post(path, &by_name)
            .await
            .expect_error(401, 10097, "sign in");
    }
    admin
        .post("/user/inactivate", &[("name", "tsadmin")])
        .await
        .expect_error(403, 10023, "own");
}
