//! The Python clients, and those that Python only imitates.

use crate::furnished;
use crate::installed;
use crate::run_script;
use crate::support::{Home, with_each_store};
use std::process::Command;

/// An origin that is never asked for anything: it only stands in headers.
const HOST_ORIGIN: &str = "https://app.example.com";

with_each_store!(
    the_client_of_rest_v1_signs_in_every_way,
    the_client_of_rest_v2_signs_in_every_way,
    clients_without_a_package_get_what_they_need,
);

fn python() -> Command {
    Command::new(installed("python/bin/python"))
}

async fn the_client_of_rest_v1_signs_in_every_way(home: Home) {
    let server = furnished(&home, "");
    run_script(python(), "rest_v1.py", &[server.http()], 12);
}

async fn the_client_of_rest_v2_signs_in_every_way(home: Home) {
    let server = furnished(&home, "");
    run_script(python(), "rest_v2.py", &[server.http()], 15);
}

async fn clients_without_a_package_get_what_they_need(home: Home) {
    let server = furnished(&home, &format!("--set embed.origins={HOST_ORIGIN}"));
    let arguments = [server.http(), HOST_ORIGIN];
    run_script(python(), "raw_clients.py", &arguments, 18);
}
