//! The description tried out on the running server: every reply must be one that it announces.

use crate::installed;
use crate::support::{ADMIN, Home, LIVEBOARD, PASSWORD, Ran, SECRET_KEY};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Refused to everybody, by design; or, below `vestibule`, to whoever shows a token, as the tool does: these are
/// for the session of the cookie (`tests/api/own_sessions.rs`).
const NEVER_GRANTED: [&str; 5] = [
    "GET /callosum/v1/vestibule/sessions",
    "POST /callosum/v1/vestibule/sessions/end-others",
    "POST /callosum/v1/vestibule/sessions/{id}/end",
    "POST /api/rest/2.0/metadata/tml/export",
    "POST /api/rest/2.0/metadata/tml/import",
];

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance,unsupported_method,\
                      ignored_auth";

#[test]
fn every_reply_to_generated_requests_is_one_the_description_announces() {
    let home = Home::new();
    let server = home.server().planted().with("--demo").start();
    let line = "user create zoe --org 0 --password-stdin";
    home.run_with(line, PASSWORD).good();
    let statuses = home.path().join("statuses.json");

    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let mut tool = Command::new(installed("schemathesis/bin/schemathesis"));
    tool.current_dir(home.path())
        .arg("run")
        .arg(format!("{}/api/openapi.json", server.http()))
        .args(["--checks", CHECKS])
        .args(["--phases", "coverage,fuzzing"])
        .args(["--max-examples", "8", "--seed", "7"])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        .args(["--continue-on-failure", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", "description_hooks")
        .env("PYTHONPATH", hooks)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "*")
        .env("VESTIBULE_URL", server.http())
        .env("VESTIBULE_KEY", SECRET_KEY)
        .env("VESTIBULE_PASSWORD", PASSWORD)
        .env("VESTIBULE_LIVEBOARD", LIVEBOARD)
        .env("VESTIBULE_STATUSES", &statuses);
    let ran = Ran::of(&mut tool, "");
    assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);

    let statuses: Value =
        serde_json::from_str(&std::fs::read_to_string(statuses).unwrap()).unwrap();
    let statuses = statuses.as_object().unwrap();
    assert!(statuses.len() > 50, "{statuses:?}");
    let refused: Vec<&String> = statuses
        .iter()
        .filter(|(name, counts)| {
            let granted = |status: &String| status.starts_with('2') || status.starts_with('3');
            !NEVER_GRANTED.contains(&name.as_str())
                && !counts.as_object().unwrap().keys().any(granted)
        })
        .map(|(name, _)| name)
        .collect();
    assert!(refused.is_empty(), "only ever refused: {refused:?}");
    let log = server.log();
    for secret in [PASSWORD, SECRET_KEY] {
        assert!(!log.contains(secret), "a secret of {ADMIN}'s is in the log");
    }
}
