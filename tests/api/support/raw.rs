//! HTTP written by hand, for what no client library would send.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a silent server is waited for; a busy machine needs most of it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends those bytes and reads until the server closes; also says whether it did so by itself.
///
/// A server that keeps the connection is given two seconds for each part of what it says.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> (String, bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match timeout(PATIENCE, stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return (lossy(&answer), true),
            Ok(Ok(length)) => answer.extend_from_slice(&buffer[..length]),
            Err(_) => return (lossy(&answer), false),
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The status of an answer, and its head in lower case.
pub fn split(answer: &str) -> (u16, String) {
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    (status.unwrap_or(0), head.to_ascii_lowercase())
}
