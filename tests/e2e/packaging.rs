//! The compose file and the image: what they set is what the binary takes, and no secret has a default.

use crate::support::{Home, Ran, Redis};
use serde_yaml_ng::Value;
use std::path::Path;

const COMPOSE: &str = include_str!("../../docker-compose.yml");
const DOCKERFILE: &str = include_str!("../../Dockerfile");
const DOCKERIGNORE: &str = include_str!("../../.dockerignore");
/// What an operator would put into `.env`; long enough for each of the three.
const SECRET: &str = "pl4ntedpl4ntedpl4nted";

fn compose() -> Value {
    serde_yaml_ng::from_str(COMPOSE).unwrap()
}

/// `NAME:?message` or `NAME:-default` of every `${…}`.
fn variables() -> Vec<&'static str> {
    let starts = COMPOSE.split("${").skip(1);
    starts.map(|rest| rest.split('}').next().unwrap()).collect()
}

/// The text as compose makes it of the planted secret.
fn filled_in(text: &str) -> String {
    let mut filled = text.to_owned();
    for variable in variables() {
        let value = match variable.split_once(":-") {
            Some((_, default)) => default,
            None => SECRET,
        };
        filled = filled.replace(&format!("${{{variable}}}"), value);
    }
    filled
}

/// The settings that the image and the compose file give the server.
fn environment() -> Vec<(String, String)> {
    let words = DOCKERFILE.split_whitespace();
    let mut settings: Vec<(String, String)> = words
        .filter(|word| word.starts_with("VESTIBULE__"))
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(settings.len(), 3, "{settings:?}");
    let compose = compose();
    let given = compose["services"]["vestibule"]["environment"].as_mapping();
    settings.extend(given.unwrap().iter().map(|(name, value)| {
        let text = filled_in(value.as_str().unwrap());
        (name.as_str().unwrap().to_owned(), text)
    }));
    settings
}

#[test]
fn every_service_is_watched_restarted_and_reached_from_this_machine_only() {
    let compose = compose();
    let services = compose["services"].as_mapping().unwrap();
    assert_eq!(services.len(), 2);
    for (name, service) in services {
        let name = name.as_str().unwrap();
        assert!(service["healthcheck"]["test"].is_sequence(), "{name}");
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        for volume in service["volumes"].as_sequence().unwrap() {
            let volume = volume.as_str().unwrap().split(':').next().unwrap();
            assert!(compose["volumes"].get(volume).is_some(), "{volume}");
        }
        let no_ports = Vec::new();
        let ports = service["ports"].as_sequence().unwrap_or(&no_ports);
        for port in ports {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{port:?}");
        }
    }
    let server = &services["vestibule"];
    assert_eq!(
        server["depends_on"]["redis"]["condition"],
        "service_healthy"
    );
    assert!(services["redis"]["ports"].is_null(), "Redis is ours alone");
}

#[test]
fn every_secret_must_be_given() {
    let all = variables();
    for name in [
        "REDIS_PASSWORD",
        "VESTIBULE_ADMIN_PASSWORD",
        "VESTIBULE_SECRET_KEY",
    ] {
        assert!(
            all.iter().any(|variable| variable.starts_with(name)),
            "{name}"
        );
    }
    for variable in all {
        let is_secret = variable.contains("PASSWORD") || variable.contains("SECRET");
        let is_right = if is_secret {
            variable.contains(":?")
        } else {
            variable.contains(":-")
        };
        assert!(is_right, "{variable}");
    }
}

#[test]
fn the_settings_of_image_and_compose_file_are_good() {
    let home = Home::new();
    // Under another name than in the compose file's network.
    let redis = Redis::start();
    let mut check = home.bare();
    check.envs(environment());
    check.env("VESTIBULE__SESSIONS__STORE", redis.url());
    check.args(["config", "check"]);
    Ran::of(&mut check, "").good();
    let mut show = home.bare();
    show.envs(environment()).args(["config", "show"]);
    assert!(!Ran::of(&mut show, "").good().contains(SECRET));
}

#[tokio::test]
async fn the_server_works_with_redis_as_the_compose_file_sets_it_up() {
    let compose = compose();
    let text = compose["configs"]["redis"]["content"].as_str().unwrap();
    let home = Home::new();
    let folder = home.path().join("redis");
    std::fs::create_dir(&folder).unwrap();
    let settings = filled_in(text).replace("dir /data", &format!("dir {}", folder.display()));
    let file = home.write("redis.conf", &settings);
    let redis = Redis::start_with(&[&file]);

    let shut_out = Home::on(&redis);
    let error = shut_out
        .run("serve --http 127.0.0.1:0 --https off")
        .refusal();
    assert!(error.contains("sessions.store"), "{error}");

    let home = Home::on_store(redis.url_with(SECRET));
    let server = home.server().planted().start();
    let cookies = server.visitor().sign_in_as_admin().await;
    assert_eq!(server.visitor().check(&cookies).await, 204);
}

#[test]
fn the_image_gets_what_it_is_built_from_and_runs_as_nobody_special() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copied = DOCKERFILE
        .lines()
        .filter_map(|line| line.strip_prefix("COPY "))
        .filter(|line| !line.starts_with("--from"))
        .flat_map(|line| line.split(' ').rev().skip(1));
    for path in copied {
        assert!(root.join(path).exists(), "{path}");
        let kept = format!("!{path}");
        assert!(DOCKERIGNORE.lines().any(|line| line == kept), "{path}");
    }
    let user = DOCKERFILE.lines().position(|line| line == "USER vestibule");
    let entry = DOCKERFILE
        .lines()
        .position(|line| line.starts_with("ENTRYPOINT"));
    assert!(user.unwrap() < entry.unwrap());
}

#[test]
fn every_yaml_file_of_the_repository_can_be_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["docker-compose.yml", ".pre-commit-config.yaml"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        let read: Result<Value, _> = serde_yaml_ng::from_str(&text);
        assert!(read.is_ok_and(|value| value.is_mapping()), "{name}");
    }
}
