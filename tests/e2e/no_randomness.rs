//! A machine without randomness: nothing starts on it, and what runs issues nothing more (case 39).
//!
//! `strace` stands for that machine: every call for random bytes fails as a broken generator does. Not as a forbidden
//! call does, for then `/dev/urandom` is asked instead, and rightly.

use crate::support::{ADMIN, Home, PASSWORD, Ran, Start, until};
use reqwest::header::SET_COOKIE;
use std::collections::HashSet;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

const SIGABRT: i32 = 6;
/// Where Yama is, a process is traced by its parents alone unless it says that anybody may.
const TRACEABLE: [&str; 3] = [
    "python3",
    "-c",
    "import ctypes, os, sys\n\
     ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1))\n\
     os.execvp(sys.argv[1], sys.argv[1:])",
];

/// `strace`, to be given what it runs or holds.
fn without_randomness() -> Command {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null"])
        .args(["-e", "trace=getrandom", "-e", "signal=none"])
        .args(["-e", "inject=getrandom:error=EIO"]);
    strace
}

/// Takes randomness away from a process that runs, from each of its threads.
async fn take_away(process: u32) -> Child {
    let held = without_randomness()
        .args(["-p", &process.to_string()])
        .stdin(Stdio::null())
        .spawn()
        .expect("strace is missing: make setup");
    until("strace holds every thread", async || {
        let mut threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
        threads.all(|thread| {
            let status = std::fs::read_to_string(thread.unwrap().path().join("status"));
            // A thread that has ended meanwhile needs no holding.
            status.is_ok_and(|status| !status.contains("TracerPid:\t0\n"))
        })
    })
    .await;
    held
}

#[test]
fn case_39_without_randomness_nothing_starts() {
    let home = Home::new();
    let command = home.command();
    for line in ["serve", "user create zoe --no-password"] {
        let mut outer = without_randomness();
        outer
            .arg(command.get_program())
            .args(command.get_args())
            .args(["--http", "127.0.0.1:0", "--https", "off"])
            .args(line.split(' '))
            .current_dir(home.path());
        let ran = Ran::of(&mut outer, "");
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{line}: {ran:?}");
        let said = "vestibule: the operating system's random generator: ";
        assert!(ran.err.starts_with(said), "{line}: {ran:?}");
        assert!(!home.data().exists(), "{line} has begun to work");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_39_a_server_that_loses_randomness_stops_and_issues_no_id_twice() {
    let home = Home::new();
    let server = Start::new(&home).planted().through(&TRACEABLE).start();
    let visitor = server.visitor();
    let before = visitor.sign_in_as_admin().await;
    let mut issued = HashSet::new();

    let mut strace = take_away(server.process()).await;
    while let Some(reply) = visitor.sign_in_if_there(ADMIN, PASSWORD).await {
        assert!(issued.len() < 1_000, "it goes on without randomness");
        if reply.status() == 204 {
            // From bytes that were drawn before.
            let cookie = reply.headers().get(SET_COOKIE).unwrap();
            let cookie = cookie.to_str().unwrap().to_owned();
            assert!(issued.insert(cookie.clone()), "issued twice: {cookie}");
        } else {
            assert!([500, 503].contains(&reply.status().as_u16()), "{reply:?}");
            assert!(!reply.headers().contains_key(SET_COOKIE), "{reply:?}");
        }
    }
    server.logs("random generator failed; stopping").await;
    assert_eq!(server.wait().signal(), Some(SIGABRT));
    strace.wait().unwrap();

    // Nothing that was acknowledged went with it.
    let server = home.server().start();
    assert_eq!(server.visitor().check(&before).await, 204);
}
