//! The MicroStrategy clients, unmodified, in every login mode they have; LDAP against a real `slapd`.

use crate::furnished;
use crate::installed;
use crate::run_script;
use crate::slapd::{LENA_WORD, PEOPLE, Slapd};
use crate::support::{Home, with_each_store};
use std::process::Command;

with_each_store!(the_clients_of_microstrategy_sign_in_every_way);

async fn the_clients_of_microstrategy_sign_in_every_way(home: Home) {
    let slapd = Slapd::start();
    let settings = [
        "microstrategy.login_modes=1,8,16,4096".to_owned(),
        "microstrategy.guest_user=guest".to_owned(),
        format!("ldap.urls={}", slapd.url()),
        format!("ldap.user_dn_pattern=uid={{}},{PEOPLE}"),
        "ldap.create_users=true".to_owned(),
    ];
    let line: Vec<String> = settings.iter().map(|set| format!("--set {set}")).collect();
    let server = furnished(&home, &line.join(" "));
    home.run_with("user create guest --password-stdin", "nobody needs it")
        .good();
    let mut python = Command::new(installed("mstrio/bin/python"));
    python
        .env("LDAP_USER", "lena")
        .env("LDAP_PASSWORD", LENA_WORD);
    let base = format!("{}/MicroStrategyLibrary", server.http());
    run_script(python, "microstrategy.py", &[&base], 19);
}
