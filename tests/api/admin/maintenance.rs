//! Measuring password hashes at the console, and what it says of moving the directory.

use crate::admin::{Page, console, on_one_node};
use crate::support::TestApp;
use reqwest::Method;
use serde_json::{Value, json};
use vestibule::domain::audit::Act;

const PATH: &str = "/passwords/calibration";

/// What came of the run under way.
async fn outcome(page: &Page) -> Value {
    loop {
        let run = page.read(PATH).await["run"].clone();
        if run["is_running"] == false {
            return run;
        }
    }
}

#[tokio::test]
async fn hashing_is_measured_one_at_a_time_and_a_proposal_made() {
    let app = TestApp::spawn();
    let page = on_one_node(&app).await;
    assert_eq!(page.read(PATH).await["run"], Value::Null);
    // On as many slots as this machine has.
    let slots = app.services.login.passwords.slots();
    let body = json!({ "target_ms": 10_000, "memory_mib": 12 * slots });
    let begun = page.send(Method::POST, PATH, &body).await;
    assert_eq!(begun.status, 202, "{}", begun.text());
    assert_eq!(begun.json()["run"]["is_running"], true);
    page.refused(Method::POST, PATH, body.clone(), 409, "conflict")
        .await;
    // Whoever signs in meanwhile is let in.
    app.bob().await;
    let run = outcome(&page).await;
    assert_eq!(run["failure"], Value::Null, "{run}");
    assert_eq!(run["total"], run["measured"].as_array().unwrap().len());
    assert_eq!(
        (&run["by"], &run["slots"]),
        (&json!("tsadmin"), &json!(slots))
    );
    // Of the three that fit, as strong as another and of more memory.
    assert_eq!(run["proposal"]["memory_kib"], 12_288, "{run}");
    assert_eq!(
        (&run["total"], &run["is_within"]),
        (&json!(3), &json!(true))
    );
    let measured = |act: &Act| matches!(act, Act::DirectoryChanged { what, .. } if *what == "hashing_measured");
    let events = app.trail.events();
    assert_eq!(events.iter().filter(|one| measured(&one.act)).count(), 1);
    // Over, so another may begin; nothing is quick enough for it.
    let body = json!({ "target_ms": 1, "memory_mib": 8 * slots });
    assert_eq!(page.send(Method::POST, PATH, &body).await.status, 202);
    let run = outcome(&page).await;
    assert_eq!(
        (&run["total"], &run["is_within"]),
        (&json!(1), &json!(false))
    );
}

#[tokio::test]
async fn what_cannot_be_measured_is_refused() {
    let app = TestApp::shared();
    let page = on_one_node(&app).await;
    for body in [
        json!({ "target_ms": 0 }),
        json!({ "target_ms": 10_001 }),
        json!({ "memory_mib": 1 }),
        json!({ "memory_mib": "much" }),
    ] {
        page.refused(Method::POST, PATH, body, 400, "bad_request")
            .await;
    }
    assert_eq!(page.read(PATH).await["run"], Value::Null);
}

#[tokio::test]
async fn the_commands_that_move_the_directory_name_this_nodes_folder_and_no_secret() {
    let app = TestApp::shared();
    let page = console(&app).await;
    let shown = page.read("/directory").await;
    assert_eq!(
        (&shown["store"], &shown["is_embedded"]),
        (&json!("embedded"), &json!(true))
    );
    let copy = shown["commands"][1].as_str().unwrap();
    let folder = app.services.console.folder.to_str().unwrap();
    assert!(
        copy.starts_with("vestibule directory copy --from ") && copy.contains(folder),
        "{copy}"
    );
    assert!(
        copy.contains("--to-env") && !copy.contains("postgres://"),
        "{copy}"
    );
}
