//! `POST /prism/?op=`.

use crate::support::TestApp;

#[tokio::test]
async fn the_session_is_told_and_any_other_operation_is_an_error_in_the_body() {
    let app = TestApp::shared();
    let bob = app.bob().await;
    for path in ["!/prism", "!/prism/"] {
        let known = bob.post(&format!("{path}?op=GetSessionInfo"), &[]).await;
        assert_eq!(known.status, 200);
        assert_eq!(known.json()["data"]["sessionInfo"]["userName"], "bob");
        let other = bob.post(&format!("{path}?op=GetCharts"), &[]).await;
        assert_eq!(other.status, 200);
        let message = other.json()["errors"][0]["message"].to_string();
        assert!(message.contains("GetCharts"), "{message}");
        let nobody = app.anon().post(path, &[]).await;
        nobody.expect_error(401, 10097, "sign in");
    }
}
