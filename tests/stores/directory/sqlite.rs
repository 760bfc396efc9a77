//! The `SQLite` file itself: its mode, damage, and what is never in it.

use crate::directory::{Database, draft, key};
use async_trait::async_trait;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use vestibule::domain::directory::{Directory, Users};
use vestibule::domain::failure::StoreError;
use vestibule::stores::sql::SqlDirectory;

pub struct SqliteFile(TempDir);

impl SqliteFile {
    fn path(&self) -> PathBuf {
        self.0.path().join("data").join("directory.db")
    }
}

#[async_trait]
impl Database for SqliteFile {
    async fn fresh() -> Self {
        Self(TempDir::new().unwrap())
    }

    async fn open(&self) -> Arc<dyn Directory> {
        Arc::new(SqlDirectory::open_sqlite(&self.path()).await.unwrap())
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// A closed database with enough users to fill many pages.
async fn filled() -> SqliteFile {
    let file = SqliteFile::fresh().await;
    let directory = SqlDirectory::open_sqlite(&file.path()).await.unwrap();
    for n in 0..200 {
        directory
            .create_user(&draft(&format!("user {n}")))
            .await
            .unwrap();
    }
    directory.close().await;
    file
}

#[tokio::test]
async fn only_the_owner_may_read_the_files_and_their_folder() {
    let file = SqliteFile::fresh().await;
    let directory = SqlDirectory::open_sqlite(&file.path()).await.unwrap();
    directory.create_user(&draft("alice")).await.unwrap();
    assert_eq!(mode(file.path().parent().unwrap()), 0o700);
    let files = file.path().parent().unwrap().read_dir().unwrap();
    let modes: Vec<_> = files.map(|entry| mode(&entry.unwrap().path())).collect();
    assert_eq!(
        modes, [0o600; 3],
        "the database, its log and the log's index"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let file = SqliteFile::fresh().await;
    std::fs::create_dir(file.path().parent().unwrap()).unwrap();
    let text = "not a database, and long enough to have a header. ".repeat(100);
    std::fs::write(file.path(), &text).unwrap();
    let refused = SqlDirectory::open_sqlite(&file.path()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
    let words = refused.to_string();
    assert!(
        words.contains("directory.db is damaged or not a directory"),
        "{words}"
    );
    assert_eq!(std::fs::read_to_string(file.path()).unwrap(), text);
}

#[tokio::test]
async fn a_database_damaged_in_the_middle_is_refused_when_opened() {
    let file = filled().await;
    let mut bytes = std::fs::read(file.path()).unwrap();
    let (from, to) = (bytes.len() / 4, bytes.len() / 2);
    bytes[from..to].fill(0xA5);
    std::fs::write(file.path(), &bytes).unwrap();
    let refused = SqlDirectory::open_sqlite(&file.path()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
    assert!(
        refused.to_string().contains("restore it from a backup"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_truncated_database_is_refused_when_opened() {
    let file = filled().await;
    let bytes = std::fs::read(file.path()).unwrap();
    std::fs::write(file.path(), &bytes[..bytes.len() / 2]).unwrap();
    let refused = SqlDirectory::open_sqlite(&file.path()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_damage_rather_than_absence() {
    let file = filled().await;
    let mut bytes = std::fs::read(file.path()).unwrap();
    let mut changed = 0;
    for at in 0..bytes.len() - 5 {
        if bytes[at..].starts_with(b"local") {
            bytes[at..at + 5].copy_from_slice(b"lunar");
            changed += 1;
        }
    }
    assert!(changed >= 200, "account types are kept as words");
    std::fs::write(file.path(), &bytes).unwrap();
    let directory = SqlDirectory::open_sqlite(&file.path()).await.unwrap();
    let refused = directory.find_user(&key("user 7")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt(_)), "{refused}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let file = SqliteFile::fresh().await;
    std::fs::write(file.path().parent().unwrap(), "a file in the way").unwrap();
    let refused = SqlDirectory::open_sqlite(&file.path()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    assert!(refused.to_string().contains("directory.db"), "{refused}");
}

#[tokio::test]
async fn a_closed_directory_is_unavailable_rather_than_empty() {
    let file = SqliteFile::fresh().await;
    let directory = SqlDirectory::open_sqlite(&file.path()).await.unwrap();
    directory.close().await;
    let refused = directory.list_users(None, 1).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
}
