//! `health`: asks the running server whether it is ready, where there is no other client, as in its container.

use crate::cli::output::{plain, print};
use crate::server::greeting::reachable;
use crate::settings::Settings;
use anyhow::{Context, anyhow, bail};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Whoever asks, such as Docker, gives up on us later than this.
const TIMEOUT: Duration = Duration::from_secs(3);
/// More than the answer has.
const MAX_BYTES: u64 = 64 * 1024;

/// Prints what `/health/ready` answers; says whether the server is ready.
pub(in crate::cli) fn check(settings: &Settings) -> anyhow::Result<bool> {
    let Some(http) = settings.server.http else {
        bail!("server.http is off, and only plain HTTP is asked");
    };
    let address = reachable(http);
    let reply = ask(address).with_context(|| format!("http://{address}/health/ready"))?;
    let (head, body) = reply
        .split_once("\r\n\r\n")
        .context("what answers there does not speak HTTP")?;
    print(&plain(body))?;
    Ok(head.split(' ').nth(1) == Some("200"))
}

fn ask(address: SocketAddr) -> anyhow::Result<String> {
    let mut connection = TcpStream::connect_timeout(&address, TIMEOUT)?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.set_write_timeout(Some(TIMEOUT))?;
    write!(
        connection,
        "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut reply = String::new();
    let read = connection.take(MAX_BYTES).read_to_string(&mut reply);
    read.map_err(|error| match error.kind() {
        // How the system says that the time is up.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            anyhow!("no answer within {} s", TIMEOUT.as_secs())
        }
        _ => error.into(),
    })?;
    Ok(reply)
}
