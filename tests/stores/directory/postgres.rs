//! PostgreSQL itself: its absence, its return, its certificates, and what both databases have in common.

use crate::directory::{Database, draft, key};
use crate::postgres::{POSTGRES_PASSWORD, Postgres};
use async_trait::async_trait;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Mutex;
use vestibule::domain::directory::{Directory, Users};
use vestibule::domain::failure::StoreError;
use vestibule::stores::sql::{self, PostgresOptions, SqlDirectory};

/// An empty database in the server that the tests share.
pub struct PostgresDatabase {
    server: Arc<Postgres>,
    name: String,
}

impl PostgresDatabase {
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

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

/// What is refused, and that it did not take long.
async fn refused_soon<T: std::fmt::Debug>(
    act: impl Future<Output = Result<T, StoreError>>,
) -> StoreError {
    let refused = tokio::time::timeout(Duration::from_secs(8), act).await;
    let refused = refused.expect("an answer within seconds").unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    refused
}

async fn comes_back(directory: &SqlDirectory, name: &str) {
    for _ in 0..100 {
        // The first attempts may meet what is left of the time before.
        if directory.create_user(&draft(name)).await.is_ok() {
            assert!(directory.find_user(&key(name)).await.unwrap().is_some());
            return;
        }
    }
    panic!("the directory did not come back")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_is_unavailable_until_it_is_back() {
    let database = PostgresDatabase::alone().await;
    let directory = SqlDirectory::open_postgres(&database.options()).await;
    let directory = directory.unwrap();
    directory.create_user(&draft("before")).await.unwrap();
    database.server.kill();
    refused_soon(directory.find_user(&key("before"))).await;
    refused_soon(directory.delete_user(draft("nobody").id)).await;
    refused_soon(SqlDirectory::open_postgres(&database.options())).await;
    database.server.start_again();
    comes_back(&directory, "after").await;
    assert!(directory.find_user(&key("before")).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_is_unavailable_until_it_does() {
    let database = PostgresDatabase::alone().await;
    let directory = SqlDirectory::open_postgres(&database.options()).await;
    let directory = directory.unwrap();
    directory.create_user(&draft("before")).await.unwrap();
    database.server.signal("STOP");
    for _ in 0..3 {
        refused_soon(directory.find_user(&key("before"))).await;
        refused_soon(directory.delete_user(draft("nobody").id)).await;
    }
    database.server.signal("CONT");
    comes_back(&directory, "after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hangs_in_a_write_blocks_the_others_for_seconds_only() {
    let database = PostgresDatabase::fresh().await;
    let directory = database.open().await;
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(8531337069452059244); SELECT pg_sleep(6)";
    let holder = tokio::task::spawn_blocking({
        let server = Arc::clone(&database.server);
        let name = database.name.clone();
        move || server.sql(&name, lock)
    });
    let held = || {
        let query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
        database.server.sql(&database.name, query) != "0"
    };
    while !held() {
        tokio::task::yield_now().await;
    }
    let refused = directory.create_user(&draft("alice")).await.unwrap_err();
    assert!(
        refused.to_string().contains("statement timeout"),
        "{refused}"
    );
    assert_eq!(directory.find_user(&key("alice")).await.unwrap(), None);
    holder.await.unwrap();
    directory.create_user(&draft("alice")).await.unwrap();
}

#[tokio::test]
async fn case_56_no_error_and_no_debug_shows_the_password() {
    let database = PostgresDatabase::fresh().await;
    let good = database.server.url(&database.name);
    let directory = SqlDirectory::open_postgres(&options(&good)).await.unwrap();
    assert!(!format!("{directory:?} {:?}", database.options()).contains(POSTGRES_PASSWORD));
    for url in [
        good.replace(POSTGRES_PASSWORD, "pl4nted"),
        good.replace(POSTGRES_PASSWORD, "pl4nted")
            .replace("127.0.0.1:", "127.0.0.1:0"),
        "postgres://u:pl4nted@127.0.0.1:1/d".to_owned(),
        "postgres://u:pl4nted@127.0.0.1:port/d".to_owned(),
        "postgres://u:pl4nted@127.0.0.1/d?sslmode=pl4nted".to_owned(),
        "mysql://u:pl4nted@127.0.0.1/d".to_owned(),
    ] {
        let error = SqlDirectory::open_postgres(&options(&url))
            .await
            .unwrap_err();
        let (shown, debug) = (format!("{error:#}"), format!("{error:?}"));
        assert!(
            !shown.contains("pl4nted") && !debug.contains("pl4nted"),
            "{debug}"
        );
    }
}

#[tokio::test]
async fn only_the_given_authority_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ours = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &ours).unwrap();
    let ca = file("ca.pem", &ours.pem());
    let other = file("other.pem", &authority().pem());
    let server = Postgres::start();
    let url = server.database("tls").replace("127.0.0.1", "localhost");
    let with = |url: &str, ca_file: &Path| PostgresOptions {
        ca_file: Some(ca_file.to_owned()),
        ..options(url)
    };
    let plain = SqlDirectory::open_postgres(&with(&url, &ca)).await;
    assert!(plain.is_err(), "the server has no certificate at all");

    server.encrypt(&certificate.pem(), &key.serialize_pem());
    SqlDirectory::open_postgres(&with(&url, &ca)).await.unwrap();
    SqlDirectory::open_postgres(&options(&url)).await.unwrap();
    let elsewhere = url.replace("localhost", "127.0.0.1");
    let public = format!("{url}?sslmode=verify-full");
    for wrong in [
        with(&url, &other),
        with(&elsewhere, &ca),
        with(&url, &folder.path().join("missing.pem")),
        options(&public),
    ] {
        let refused = SqlDirectory::open_postgres(&wrong).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{wrong:?}: {refused:?}"
        );
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[tokio::test]
async fn a_database_of_a_later_version_or_another_encoding_is_refused() {
    let database = PostgresDatabase::fresh().await;
    drop(database.open().await);
    let later =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'later', true, '', 0)";
    database.server.sql(&database.name, later);
    let refused = SqlDirectory::open_postgres(&database.options())
        .await
        .unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
    assert!(refused.to_string().contains("another version"), "{refused}");

    let latin = "CREATE DATABASE latin ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0";
    database.server.sql("postgres", latin);
    let refused = SqlDirectory::open_postgres(&options(&database.server.url("latin"))).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("a database in UTF8"), "{refused}");
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let database = PostgresDatabase::fresh().await;
    drop(database.open().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("directory.db");
    drop(SqlDirectory::open_sqlite(&file).await.unwrap());
    // The copy reads the source's schema: what it writes without complaint is there on both sides.
    let copied = PostgresDatabase::fresh().await;
    let tables = sql::copy(&file, &copied.options(), &|_, _| ())
        .await
        .unwrap();
    let theirs = "SELECT count(*) FROM information_schema.tables
                  WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'";
    let theirs = database.server.sql(&database.name, theirs);
    assert_eq!(theirs, tables.len().to_string());
}
