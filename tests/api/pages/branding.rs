//! Title, logo and colour by setting.

use crate::support::TestApp;

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

#[tokio::test]
async fn title_and_colour_are_the_operators_on_every_page() {
    let app = TestApp::with(|settings| {
        settings.pages.title = "Acme <Analytics>".to_owned();
        settings.pages.colour = Some("#ffd400".to_owned());
    });
    for path in [
        "!/",
        "!/v2/",
        "!/sign-in",
        // What people see on their way to and from an identity provider.
        "!/callosum/v1/saml/logout",
        "!/callosum/v1/oidc/callback?state=x",
        "!/callosum/v1/saml/nowhere",
        "!/MicroStrategyLibrary/auth/login-dialog.jsp",
        "!/MicroStrategyLibrary/auth/login-dialog.jsp?loginMode=8",
        "!/embed/doctor",
        // Where nothing is.
        "!/nope",
        "!/static/nope.js",
        "!/console/nope.js",
        "!/console/nope/nope",
    ] {
        let browser = app.anon().with("accept", "text/html,*/*;q=0.8");
        let page = browser.get(path).await.text();
        assert!(page.contains("Acme &#60;Analytics&#62;</span>"), "{page}");
        assert!(!page.contains("Acme <"), "{page}");
        assert!(page.contains("/static/brand.css"), "{page}");
    }
    let sheet = app.anon().get("!/static/brand.css").await;
    assert_eq!(
        sheet.header("content-type"),
        Some("text/css; charset=utf-8")
    );
    let sheet = sheet.text();
    assert!(sheet.contains("--brand: #ffd400;") && sheet.contains("--on-brand: #000000;"));
    let plain = TestApp::shared().anon().get("!/static/brand.css").await;
    assert_eq!((plain.status, plain.text().as_str()), (200, ""));
}

#[tokio::test]
async fn the_logo_is_served_as_what_it_is_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logo.png");
    std::fs::write(&path, SVG).unwrap();
    let app = TestApp::with(|settings| settings.pages.logo_file = Some(path));
    let page = app.anon().get("!/sign-in").await.text();
    assert!(page.contains("src=\"/static/logo\""), "{page}");
    let logo = app.anon().get("!/static/logo").await;
    assert_eq!(logo.text(), SVG);
    assert_eq!(logo.header("content-type"), Some("image/svg+xml"));
    assert_eq!(logo.header("x-content-type-options"), Some("nosniff"));
    let policy = logo.header("content-security-policy");
    assert_eq!(policy, Some("default-src 'none'; sandbox"));
}
