//! A real Redis on a free port.

use crate::ports::free_port;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// How often a start is looked at before it counts as failed; each look takes 10 ms.
const LOOKS: usize = 500;

/// A Redis server that ends with this value, or with this process.
pub struct Redis {
    port: u16,
    keeper: Option<Child>,
}

impl Redis {
    /// The one that all servers of this process share, each under keys of its own.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Redis> = LazyLock::new(Redis::start);
        &SHARED
    }

    /// One of its own.
    pub fn start() -> Self {
        let port = free_port();
        let mut redis = Self { port, keeper: None };
        redis.resume();
        redis
    }

    /// Starts it again, empty, where it was.
    pub fn resume(&mut self) {
        // A shell waits for this process to end, because a value in a static is never dropped.
        let script = "redis-server --bind 127.0.0.1 --port $0 --save '' --appendonly no \
            >/dev/null & read _; kill -9 $!";
        let keeper = Command::new("sh")
            .args(["-c", script])
            .arg(self.port.to_string())
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh");
        self.keeper = Some(keeper);
        let is_up = (0..LOOKS).any(|_| {
            // Waits without a sleep: nobody answers a connection to a socket that does not accept.
            let idle = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut waiting = TcpStream::connect(idle.local_addr().unwrap()).unwrap();
            let pause = std::time::Duration::from_millis(10);
            waiting.set_read_timeout(Some(pause)).unwrap();
            let _ = waiting.read(&mut [0]);
            self.answers()
        });
        assert!(is_up, "redis-server did not start; is it installed?");
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let mut answer = [0; 5];
        stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"+PONG"
    }

    /// Kills it with all it held.
    pub fn kill(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    /// Its address for the settings.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
