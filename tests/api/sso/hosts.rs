//! Several hosts in front of one server, each with its own provider; and ways that do not lead back in at once.

use super::{HOST, Stage, company, encoded, parameter};
use vestibule::settings::SsoProvider;

/// The provider's name for us says which section was taken.
fn of_host(issuer: &str, name: &str, host: &str) -> SsoProvider {
    SsoProvider {
        name: name.to_owned(),
        client_id: format!("client-of-{name}"),
        hosts: vec![host.to_owned()],
        ..company(issuer)
    }
}

#[tokio::test]
async fn behind_a_public_url_each_host_has_its_provider_and_is_come_back_to() {
    let stage = Stage::with(|settings| {
        let issuer = settings.sso[0].issuer.clone().unwrap();
        let issuer = issuer.as_str().trim_end_matches('/');
        settings.server.public_url = Some("https://one.example".parse().unwrap());
        settings.sso = vec![
            of_host(issuer, "a-of-two", "two.example"),
            of_host(issuer, "b-of-one", "one.example"),
        ];
    });
    for (host, section, base) in [
        ("one.example", "b-of-one", "https://one.example"),
        ("two.example", "a-of-two", "https://two.example"),
        ("TWO.example", "a-of-two", "https://two.example"),
        // Nobody's: taken for the first of ours.
        ("evil.example", "b-of-one", "https://one.example"),
    ] {
        let path = format!("!/callosum/v1/oidc/login?targetURLPath={}", encoded(HOST));
        let reply = stage.app.anon().with("host", host).get(&path).await;
        assert_eq!(reply.status, 302, "{host}: {}", reply.text());
        let location = reply.header("location").unwrap();
        let client = format!("client_id=client-of-{section}");
        assert!(location.contains(&client), "{host}: {location}");
        let callback = format!(
            "redirect_uri={}",
            encoded(&format!("{base}/callosum/v1/oidc/callback"))
        );
        assert!(location.contains(&callback), "{host}: {location}");

        let page = stage.app.anon().with("host", host).get("!/sign-in").await;
        let first = page.text().find(&format!("provider={section}")).unwrap();
        let other = if section == "b-of-one" {
            "provider=a-of-two"
        } else {
            "provider=b-of-one"
        };
        assert!(first < page.text().find(other).unwrap(), "{host}");
    }
}

#[tokio::test]
async fn nobody_is_led_straight_back_to_a_provider_they_could_not_use_or_have_just_left() {
    let stage = Stage::with(|settings| settings.pages.auto_redirect = true);
    // Given up at the provider.
    let (reply, client) = stage.begin(HOST).await;
    let handle = parameter(&reply, "state").unwrap();
    let path = format!("!/callosum/v1/oidc/callback?error=access_denied&state={handle}");
    let refused = client.get(&path).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert!(refused.text().contains("href=\"/sign-in\""));
    let client = stage.signed_in("lena").await;
    let left = client.post("!/callosum/v1/oidc/logout", &[]).await;
    let done = stage
        .app
        .anon()
        .get("!/callosum/v1/oidc/logout/complete")
        .await;
    for reply in [left, done] {
        assert_eq!(reply.status, 302, "{}", reply.text());
        let location = reply.header("location").unwrap();
        assert!(
            location == "/sign-in?left=1" || location.starts_with(&stage.provider.issuer()),
            "{location}"
        );
    }
}
