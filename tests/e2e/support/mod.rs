//! What the cases share: a folder of their own, the binary run in it, a real Redis, a visitor with cookies.

mod binary;
#[cfg(feature = "otel")]
mod collector;
mod redis;
mod server;
mod visitor;

pub use binary::{Home, Ran};
#[cfg(feature = "otel")]
pub use collector::{Collector, text};
pub use redis::Redis;
pub use server::{Server, Start};
pub use visitor::{Cookies, Visitor, reply_of};

use std::time::Duration;

/// The administrator of the first start.
pub const ADMIN: &str = "tsadmin";
/// The administrator's password, planted: it must show up nowhere.
pub const PASSWORD: &str = "p1anted pa ss+w&rd=1";
/// The first secret key, planted as well.
pub const SECRET_KEY: &str = "f0b3c9d2-5a1e-4b7c-8d9e-0123456789ab";
/// The Liveboard of the documentation's test call.
pub const LIVEBOARD: &str = "d084c256-e284-4fc4-b80c-111cb606449a";

/// Asks until the answer is yes; fails after half a minute, saying for what.
///
/// Another process's doings have no clock that a test could advance.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain: {what}");
}

/// Runs each case with sessions in the data folder and with sessions in Redis.
macro_rules! with_each_store {
    ($($case:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() { super::$case(crate::support::Home::new()).await; })+
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let redis = crate::support::Redis::start();
                super::$case(crate::support::Home::on(&redis)).await;
            })+
        }
    };
}
pub(crate) use with_each_store;
