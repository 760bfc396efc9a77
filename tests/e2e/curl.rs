//! curl, as the greeting and the documentation of session APIs use it.

use crate::support::{ADMIN, Home, LIVEBOARD, PASSWORD, Ran, SECRET_KEY, Server, with_each_store};
use std::process::Command;

with_each_store!(
    the_greetings_own_lines_work_when_pasted,
    the_greetings_own_lines_work_when_pasted_over_https,
    the_lines_of_a_later_start_work_once_the_secrets_are_filled_in,
    the_documented_calls_work_by_get_and_by_post,
);

/// Runs lines in one bash, each followed by a mark, and gives back what each printed.
fn bash(home: &Home, lines: &[String], setup: &str) -> Vec<String> {
    let script = lines.join("\nprintf '\\n--\\n'\n");
    let mut command = Command::new("bash");
    command
        .args(["-c", &format!("set -euo pipefail\n{setup}\n{script}")])
        .current_dir(home.path())
        .env("CURL_HOME", home.path())
        .env("no_proxy", "*");
    let out = Ran::of(&mut command, "").good();
    out.split("\n--\n").map(str::to_owned).collect()
}

/// The greeting's lines for pasting, word for word.
fn pasted(server: &Server) -> Vec<String> {
    let lines = server.greeting.lines().map(str::trim_start);
    lines
        .filter(|line| line.starts_with("curl ") || line.starts_with("TOKEN="))
        .map(str::to_owned)
        .collect()
}

/// The status line without its protocol.
fn status(reply: &str) -> &str {
    let line = reply.lines().next().unwrap_or_default();
    line.split(' ').nth(1).unwrap_or(line)
}

fn assert_signs_in_and_out(replies: &[String], base: &str) {
    let [login, info, token, redeemed, test_call, logout] = replies else {
        panic!("six lines: {replies:#?}")
    };
    assert_eq!(status(login), "204", "{login}");
    assert!(login.to_lowercase().contains("set-cookie: jsessionid="));
    assert!(info.contains(&format!("\"userName\":\"{ADMIN}\"")));
    assert_eq!(token, "", "the token goes into a variable");
    assert_eq!(status(redeemed), "302", "{redeemed}");
    assert!(
        redeemed.contains(&format!("ocation: {base}/\r\n")),
        "{redeemed}"
    );
    assert!(test_call.contains("\"vizType\":\"CHART\""), "{test_call}");
    assert_eq!(status(logout), "204", "{logout}");
}

async fn the_greetings_own_lines_work_when_pasted(home: Home) {
    let server = home.server().with("--demo").start();
    let replies = bash(&home, &pasted(&server), "");
    assert_signs_in_and_out(&replies, server.http());
}

async fn the_greetings_own_lines_work_when_pasted_over_https(home: Home) {
    let server = home.server().with("--demo --http off").start();
    let lines = pasted(&server);
    assert!(lines[0].contains("--cacert"), "{lines:#?}");
    let replies = bash(&home, &lines, "");
    assert_signs_in_and_out(&replies, server.https());
    assert!(replies[0].contains("; Secure"), "{}", replies[0]);
}

async fn the_lines_of_a_later_start_work_once_the_secrets_are_filled_in(home: Home) {
    drop(home.server().planted().start());
    let server = home.server().with("--demo").start();
    let setup = format!("PASSWORD='{PASSWORD}' SECRET_KEY='{SECRET_KEY}'");
    let replies = bash(&home, &pasted(&server), &setup);
    assert_signs_in_and_out(&replies, server.http());
}

/// The shapes of the vendor's documentation: forms, an encoded `redirect_url`, the test call, logout.
async fn the_documented_calls_work_by_get_and_by_post(home: Home) {
    let server = home.server().planted().with("--demo").start();
    let base = server.http();
    let api = format!("{base}/callosum/v1/tspublic/v1");
    let port = base.rsplit(':').next().unwrap();
    let encoded = format!("http%3A%2F%2F127.0.0.1%3A{port}%2F%3FembedV2%3Dtrue%23%2Fpinboard%2Fx");
    let json = "--header 'Accept: application/json' --header 'X-Requested-By: ThoughtSpot'";
    let form = "--header 'Content-Type: application/x-www-form-urlencoded'";
    let posted = "auth_token='\"$TOKEN\"'&username=alice";
    let lines = [
        format!(
            "curl -sS -i -c jar -X POST {form} {json} -d 'username=alice&password=vestibule-demo&rememberme=true' '{api}/session/login'"
        ),
        format!("curl -sS -b jar -X GET {json} '{api}/metadata/listvizheaders?id={LIVEBOARD}'"),
        format!("curl -sS -i -b jar -X POST {form} {json} '{api}/session/logout'"),
        format!("curl -sS -i -b jar '{api}/session/info'"),
        format!(
            "TOKEN=$(curl -sS -X POST {form} --header 'Accept: text/plain' -d 'secret_key={SECRET_KEY}&username=alice&access_level=FULL' '{api}/session/auth/token')"
        ),
        format!(
            "curl -sS -i -c jar -X POST {form} -d '{posted}&redirect_url={encoded}' '{api}/session/login/token'"
        ),
        format!("curl -sS -b jar '{api}/session/info'"),
        format!(
            "curl -sS -i -c jar2 \"{api}/session/login/token?username=alice&auth_token=$TOKEN&redirect_url={encoded}\""
        ),
        format!("curl -sS -b jar2 '{api}/session/info'"),
        format!(
            "curl -sS -i -X POST -d 'username=alice&password=wrong-password' '{api}/session/login'"
        ),
    ];
    let replies = bash(&home, &lines, "");
    let target = format!("ocation: {base}/?embedV2=true#/pinboard/x\r\n");
    assert_eq!(status(&replies[0]), "204");
    assert!(replies[0].contains("Max-Age=1209600"), "{}", replies[0]);
    assert!(replies[1].contains("Revenue by region"));
    assert_eq!(status(&replies[2]), "204");
    assert_eq!(status(&replies[3]), "401", "after a logout");
    for (redirect, info) in [(5, 6), (7, 8)] {
        assert_eq!(status(&replies[redirect]), "302");
        assert!(replies[redirect].contains(&target), "{}", replies[redirect]);
        assert!(replies[info].contains("\"userName\":\"alice\""));
    }
    assert_eq!(status(&replies[9]), "401");
    assert!(!replies[9].to_lowercase().contains("set-cookie"));
}
