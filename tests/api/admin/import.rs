//! Many users at once: every row makes a user or says why not.

use crate::admin::{console, org_console};
use crate::support::{PASSWORD, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn each_row_makes_a_user_or_says_why_not_by_its_line() {
    let app = TestApp::spawn();
    let page = console(&app).await;
    let rows = json!({ "create_groups": true, "rows": [
        { "line": 2, "name": "erin", "password": PASSWORD, "orgs": ["0"], "groups": ["Newcomers"] },
        { "line": 3, "name": "bob" },
        { "line": 4, "name": "frank", "orgs": ["Nowhere"] },
        { "line": 5, "name": "", "email": "x@example.com" },
        { "line": 6, "name": "gina", "email": "no address" },
        { "line": 7, "name": "henry" },
    ]});
    let report = page.post("/users/import", rows).await;
    assert_eq!(report["created"], 2);
    let skipped = report["skipped"].as_array().unwrap();
    let lines: Vec<&Value> = skipped.iter().map(|row| &row["line"]).collect();
    assert_eq!(lines, [3, 4, 5, 6]);
    assert!(skipped[0]["reason"].as_str().unwrap().contains("exists"));
    let erin = app.user("erin").await;
    let primary = vestibule::domain::directory::OrgId::PRIMARY;
    assert_eq!(app.groups(erin.id, primary).await, ["Newcomers"]);
    let many: Vec<Value> = (0..101)
        .map(|line| json!({ "line": line, "name": "x" }))
        .collect();
    let many = json!({ "rows": many });
    page.refused(Method::POST, "/users/import", many, 400, "bad_request")
        .await;
}

#[tokio::test]
async fn an_administrator_of_one_org_imports_into_that_org_only() {
    let app = TestApp::spawn();
    let page = org_console(&app).await;
    let rows = json!({ "rows": [
        { "line": 2, "name": "erin", "password": PASSWORD },
        { "line": 3, "name": "frank", "orgs": ["0"] },
        { "line": 4, "name": "gina", "orgs": ["Sales", "0"] },
        { "line": 5, "name": "henry", "groups": ["Sales team"], "is_admin": true },
    ]});
    let report = page.post("/users/import", rows).await;
    assert_eq!(report["created"], 2, "{report}");
    let skipped = report["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 2, "{report}");
    assert!(app.find_user("frank").await.is_none() && app.find_user("gina").await.is_none());
    // A file makes no administrators.
    assert!(!app.user("henry").await.is_admin);
    let orgs = app
        .services
        .directory
        .orgs_of(app.user("erin").await.id)
        .await
        .unwrap();
    assert_eq!(orgs.len(), 1);
    assert_eq!(orgs[0].id, app.sales);
}
