//! The health of a node at the console.

use crate::admin::on_one_node;
use crate::support::TestApp;

#[tokio::test]
async fn a_node_tells_how_its_stores_clock_and_settings_fare() {
    let app = TestApp::shared();
    let page = on_one_node(&app).await;
    let health = page.read("/health").await;
    assert_eq!(health["is_ready"], true, "{health}");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    let node = health["node"].as_str().unwrap();
    let port = node.rsplit_once(':').unwrap().1;
    assert!(port.parse::<u16>().is_ok(), "{node}");
    let findings = health["findings"].as_array().unwrap();
    for what in ["sessions.store", "directory.store", "clock", "settings"] {
        let found = findings.iter().find(|one| one["what"] == what);
        let found = found.unwrap_or_else(|| panic!("{what}: {health}"));
        let lines = found["lines"].as_array().unwrap();
        assert!(!lines.is_empty(), "{found}");
        // The clock of a test is not the one of a real Redis, which has to be noticed.
        let is_off = lines[0]
            .as_str()
            .unwrap()
            .contains("from the session store's");
        assert_eq!(found["is_good"], !is_off, "{found}");
        assert!(!is_off || what == "clock", "{found}");
    }
    for path in ["/trends", "/audit", "/directory"] {
        assert_eq!(page.read(path).await["node"], node, "{path}");
    }
}
