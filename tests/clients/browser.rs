//! The JavaScript clients and our own pages, in a real headless Chromium.

use crate::USER;
use crate::USER_PASSWORD;
use crate::furnished;
use crate::installed;
use crate::oidc::{CLIENT_SECRET, Provider, Wanted};
use crate::ports::free_port;
use crate::postgres::{POSTGRES_PASSWORD, Postgres};
use crate::run_script;
use crate::simplesaml::{Known, SimpleSaml};
use crate::support::{Home, Redis, Server, with_each_store};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

with_each_store!(
    a_session_that_ends_in_a_frame_is_signed_in_again,
    the_rest_sdk_signs_in_every_way,
);

/// Browsers beside each other run into each other's time limits; nextest has a group for the same.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places
        .find(|place| place.is_file())
        .expect("no Chromium: run `make setup`")
}

/// Runs a script: all its cases, or those with these words in their names.
fn run(server: &Server, name: &str, words: &[&str], cases: usize) {
    run_with(server, &[], name, words, cases);
}

/// The same with more in its environment.
fn run_with(server: &Server, variables: &[(&str, &str)], name: &str, words: &[&str], cases: usize) {
    let node_modules = installed("node/node_modules");
    let clients = node_modules.ancestors().nth(2).unwrap();
    assert!(installed("older").is_dir());
    let mut node = Command::new("node");
    node.env("TS_HTTP", server.http())
        .env("TS_HTTPS", server.https())
        .env("TS_CLIENTS", clients)
        .env("TS_CHROMIUM", chromium())
        .envs(variables.iter().copied());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    run_script(node, name, words, cases);
}

#[tokio::test]
async fn the_embed_sdk_signs_in_every_way() {
    let home = Home::new();
    run(&furnished(&home, ""), "embed.mjs", &[], 39);
}

#[tokio::test]
async fn the_embed_sdk_signs_in_across_sites_with_sessions_in_redis() {
    let redis = Redis::start();
    let home = Home::on(&redis);
    // How the two sites are arranged is nothing a store could know.
    let words = ["across sites over https"];
    run(&furnished(&home, ""), "embed.mjs", &words, 19);
}

async fn a_session_that_ends_in_a_frame_is_signed_in_again(home: Home) {
    let server = furnished(&home, "--set sessions.idle_timeout=3s");
    run(&server, "embed_ended.mjs", &[], 3);
}

async fn the_rest_sdk_signs_in_every_way(home: Home) {
    run(&furnished(&home, ""), "rest_sdk.mjs", &[], 9);
}

#[tokio::test]
async fn without_third_party_cookies_the_outcome_is_as_documented() {
    let home = Home::new();
    run(&furnished(&home, ""), "embed_blocked.mjs", &[], 7);
}

#[tokio::test]
async fn the_console_does_what_administrators_need_and_a_newcomer_finds_the_way() {
    let home = Home::new();
    // A provider to try sign-ins at; nothing answers there.
    let line = "--set sso.company.issuer=http://127.0.0.1:9 --set sso.company.client_id=x \
         --set sso.company.create_users=true --set sso.company.group_attribute=groups";
    let rule = "--set sso.company.group_map=analysts=>Region-east";
    let server = furnished(&home, &format!("{line} {rule}"));
    run(&server, "console.mjs", &[], 20);
}

#[tokio::test]
async fn every_button_of_the_console_that_ends_or_changes_something_does_so() {
    let home = Home::new();
    run(&furnished(&home, ""), "console_acts.mjs", &[], 12);
}

#[tokio::test]
async fn the_console_copies_the_directory_and_people_sign_in_at_the_copy() {
    const DATABASE: &str = "moved";
    let postgres = Postgres::start();
    let url = postgres.database(DATABASE);
    let home = Home::new();
    let server = furnished(&home, &format!("--set directory.copy_to={url}"));
    let variables = [("TS_DATABASE", DATABASE)];
    run_with(&server, &variables, "copying.mjs", &[], 3);
    assert!(!server.log().contains(POSTGRES_PASSWORD), "in the log");
    assert_eq!(server.stop().code(), Some(0));
    // The script went on with the old store; so whoever was copied is still there.
    let copy = home.server().env("VESTIBULE__DIRECTORY__STORE", &url);
    let server = copy.start();
    assert!(!server.greeting.contains("First start"));
    server.visitor().sign_in(USER, USER_PASSWORD).await;
    server.visitor().sign_in_as_admin().await;
}

#[tokio::test]
async fn the_pages_work_for_everybody() {
    let redis = Redis::start();
    let home = Home::on(&redis);
    run(&furnished(&home, ""), "pages.mjs", &[], 19);
}

#[tokio::test]
async fn signing_in_and_my_sessions_work_for_everybody() {
    let home = Home::new();
    run(&furnished(&home, ""), "sign_in_pages.mjs", &[], 11);
}

#[tokio::test]
async fn the_microstrategy_dialog_signs_in_in_a_window_of_its_own() {
    let home = Home::new();
    run(&furnished(&home, ""), "login_dialog.mjs", &[], 3);
}

#[tokio::test]
async fn browsers_sign_in_at_an_openid_connect_provider() {
    // Each has to know the other's address, so the provider comes up when the server listens already.
    let mut provider = Provider::at_rest(Wanted::default());
    let home = Home::new();
    let secret = home.write("oidc-secret", CLIENT_SECRET);
    let issuer = provider.issuer();
    let line = format!(
        "--set sso.company.issuer={issuer} --set sso.company.client_id=by-secret \
         --set sso.company.client_secret_file={secret} --set sso.company.create_users=true"
    );
    let server = furnished(&home, &line);
    provider.serve(&[server.http(), server.https()]);
    let variables = [("TS_ISSUER", issuer.as_str())];
    run_with(&server, &variables, "sso.mjs", &[], 19);
    assert!(
        !server.log().contains("p1anted-client"),
        "a secret in the log"
    );
}

#[tokio::test]
async fn the_embed_sdk_signs_in_at_a_provider_inside_its_frame() {
    let issuer = format!("http://127.0.0.1:{}", free_port());
    let home = Home::new();
    let line = format!(
        "--set sso.company.issuer={issuer} --set sso.company.client_id=embedded \
         --set sso.company.client_secret=p1anted-client --set sso.company.create_users=true"
    );
    let server = furnished(&home, &line);
    // The script is the provider.
    let variables = [("TS_ISSUER", issuer.as_str()), ("TS_CLIENT_ID", "embedded")];
    run_with(&server, &variables, "embedded_sso.mjs", &[], 11);
}

const ENTITY: &str = "urn:thoughtspot:callosum:saml";

/// A server whose people come from a SAML provider, and that provider.
fn with_saml(home: &Home, is_encrypted: bool) -> (Server, SimpleSaml) {
    let mut provider = SimpleSaml::at_rest();
    let file = |name: &str| provider.path(name).to_str().unwrap().to_owned();
    let line = format!(
        "--set sso.corp.protocol=saml --set sso.corp.entity_id={ENTITY} --set sso.corp.metadata_file={} \
         --set sso.corp.key_file={} --set sso.corp.cert_file={} --set sso.corp.sign_requests=true \
         --set sso.corp.display_name_attribute=displayName --set sso.corp.create_users=true",
        file("idp.xml"),
        file("own.key"),
        file("own.crt")
    );
    let server = furnished(home, &line);
    let callback = |base: &str| format!("{base}/callosum/v1/saml/SSO");
    provider.serve(&Known {
        entity: ENTITY.into(),
        callbacks: vec![callback(server.http()), callback(server.https())],
        logout: format!("{}/callosum/v1/saml/logout", server.http()),
        is_encrypted,
        is_response_signed: true,
    });
    (server, provider)
}

#[tokio::test]
async fn browsers_sign_in_at_a_saml_provider() {
    let home = Home::new();
    let (server, provider) = with_saml(&home, false);
    let base = provider.base();
    run_with(&server, &[("TS_IDP", base.as_str())], "saml.mjs", &[], 22);
}

/// The answers are sealed by AES-CBC; what a browser does with them is the same, so one way in will do, and both out.
#[tokio::test]
async fn browsers_sign_in_at_a_saml_provider_that_encrypts() {
    let home = Home::new();
    let (server, provider) = with_saml(&home, true);
    let base = provider.base();
    let words = ["SAMLRedirect signs in", "signing out"];
    run_with(&server, &[("TS_IDP", base.as_str())], "saml.mjs", &words, 4);
}
