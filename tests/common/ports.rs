//! Ports for the servers that tests start.
//!
//! Taken from below those that systems hand out by themselves: between the moment a port is found free and the moment
//! its server listens, or is started again, no connection on its way out may be given it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::TcpListener;

const FIRST: u16 = 11_000;
const COUNT: u16 = 20_000;
const ATTEMPTS: usize = 1_000;

/// A port that nobody listens on just now.
pub fn free_port() -> u16 {
    let [port] = free_ports();
    port
}

/// Several, all different.
pub fn free_ports<const N: usize>() -> [u16; N] {
    // Held together until all are known.
    let sockets = [(); N].map(|()| a_socket());
    sockets.map(|socket| socket.local_addr().unwrap().port())
}

fn a_socket() -> TcpListener {
    // Each state is seeded anew, which is as random as it has to be.
    let any = || RandomState::new().build_hasher().finish() % u64::from(COUNT);
    let mut sockets = (0..ATTEMPTS).filter_map(|_| {
        let port = FIRST + u16::try_from(any()).unwrap();
        TcpListener::bind(("127.0.0.1", port)).ok()
    });
    sockets.next().expect("a free port")
}
