//! PostgreSQL itself: its absence, its return, its certificates, and what both databases have in common.

use crate::directory::{Database, draft, key};
use crate::postgres::{POSTGRES_PASSWORD, Postgres};
use async_trait::async_trait;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use vestibule::domain::directory::{Directory, Users};
use vestibule::domain::failure::StoreError;
use vestibule::stores::sql::{PostgresOptions, SqlDirectory};

/// An empty database in the server that the tests share.
pub struct PostgresDatabase {
    server: Arc<Postgres>,
    name: String,
}

impl PostgresDatabase {
    fn options(&self) -> PostgresOptions {
        options(&self.server.url(&self.name))
    }

    async fn alone() -> Self {
        let server = Arc::new(tokio::task::spawn_blocking(Postgres::start).await.unwrap());
        server.database("alone");
        Self {
            server,
            name: "alone".to_owned(),
        }
    }
}

pub fn options(url: &str) -> PostgresOptions {
    PostgresOptions {
        url: url.into(),
        ca_file: None,
    }
}

#[async_trait]
impl Database for PostgresDatabase {
    async fn fresh() -> Self {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::const_new(Weak::new());
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut shared = SHARED.lock().await;
        let server = match shared.upgrade() {
            Some(server) => server,
            None => Arc::new(tokio::task::spawn_blocking(Postgres::start).await.unwrap()),
        };
        *shared = Arc::downgrade(&server);
        drop(shared);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        server.database(&name);
        Self { server, name }
    }

    async fn open(&self) -> Arc<dyn Directory> {
        Arc::new(SqlDirectory::open_postgres(&self.options()).await.unwrap())
    }
}
