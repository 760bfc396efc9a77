//! The operator's commands on a real directory, directly and through the socket.

#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

mod listing;

use async_trait::async_trait;
use secrecy::{SecretSlice, SecretString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vestibule::domain::administration::{AdminError, Administration, AdministrationParts, NewUser};
use vestibule::domain::audit::{Act, AuditEvent, AuditSink};
use vestibule::domain::authn::{KeyHasher, KeySealer, PasswordPool};
use vestibule::domain::clock::{Clock, ManualClock, Timestamp};
use vestibule::domain::directory::{AccountStatus, Directory, NameKey};
use vestibule::domain::failure::StoreError;
use vestibule::domain::random::SystemRandom;
use vestibule::domain::session::{EndReason, Revocations, RevokeScope};
use vestibule::operator::client::Server;
use vestibule::operator::{Event, OperatorCommand, run, socket, socket_path};
use vestibule::stores::embedded::EmbeddedStore;
use vestibule::stores::sql::SqlDirectory;

/// Remembers what was revoked and recorded; can be told to be away.
#[derive(Debug, Default)]
struct Witness {
    is_away: AtomicBool,
    revoked: Mutex<Vec<RevokeScope>>,
    acts: Mutex<Vec<String>>,
}

#[async_trait]
impl Revocations for Witness {
    async fn revoke_for(
        &self,
        scope: RevokeScope,
        _reason: EndReason,
        _at: Timestamp,
    ) -> Result<(), StoreError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable(anyhow::anyhow!("away")));
        }
        self.revoked.lock().unwrap().push(scope);
        Ok(())
    }
}

impl AuditSink for Witness {
    fn record(&self, event: AuditEvent) {
        if let Act::DirectoryChanged { what, target } = event.act {
            self.acts.lock().unwrap().push(format!("{what} {target}"));
        }
    }
}

struct World {
    folder: tempfile::TempDir,
    directory: Arc<dyn Directory>,
    witness: Arc<Witness>,
    sessions: Arc<EmbeddedStore>,
    clock: Arc<dyn Clock>,
    admin: Arc<Administration>,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.sqlite");
        let directory: Arc<dyn Directory> =
            Arc::new(SqlDirectory::open_sqlite(&path).await.unwrap());
        let witness = Arc::new(Witness::default());
        let clock: Arc<dyn Clock> =
            Arc::new(ManualClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let file = folder.path().join("sessions.db");
        let sessions = EmbeddedStore::open(&file, Arc::clone(&clock)).await;
        let sessions = Arc::new(sessions.unwrap());
        let admin = Administration::new(AdministrationParts {
            directory: Arc::clone(&directory),
            sessions: Arc::clone(&sessions) as _,
            tokens: Arc::clone(&sessions) as _,
            revocations: Arc::clone(&witness) as Arc<dyn Revocations>,
            passwords: PasswordPool::new(2).unwrap(),
            keys: Arc::new(KeyHasher::new(SecretSlice::from(vec![1; 32]))),
            sealer: KeySealer::new(SecretSlice::from(vec![2; 32])),
            audit: Arc::clone(&witness) as Arc<dyn AuditSink>,
            clock: Arc::clone(&clock),
            random: Arc::new(SystemRandom::open().unwrap()),
            tag_key: SecretSlice::from(vec![2; 32]),
        });
        Self {
            folder,
            directory,
            witness,
            sessions,
            clock,
            admin: Arc::new(admin),
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn socket(&self) -> PathBuf {
        socket_path(self.folder.path())
    }

    async fn status(&self, name: &str) -> Option<AccountStatus> {
        let key = NameKey::new(name).unwrap();
        let user = self.directory.find_user(&key).await.unwrap();
        user.map(|user| user.status)
    }
}

#[tokio::test]
async fn the_first_start_makes_an_administrator_and_a_key_once() {
    let world = World::new().await;
    let first = world.admin.bootstrap(None, None).await.unwrap().unwrap();
    assert!(first.expose_password().unwrap().len() >= 20);
    assert_eq!(first.expose_key().unwrap().len(), 36);
    assert!(world.admin.bootstrap(None, None).await.unwrap().is_none());
    assert_eq!(world.admin.list_keys().await.unwrap().len(), 1);
    let details = world.admin.user_details("TSADMIN").await.unwrap();
    assert!(details.user.is_admin && details.has_password);
    assert_eq!(details.user.display_name, "Administration");
}

#[tokio::test]
async fn what_the_first_start_was_given_is_used_and_not_told() {
    let world = World::new().await;
    let key = SecretString::from("5e0ac1a2-0000-4000-8000-000000000000");
    let password = SecretString::from("given password");
    let given = world.admin.bootstrap(Some(password), Some(key)).await;
    let given = given.unwrap().unwrap();
    assert_eq!((given.expose_password(), given.expose_key()), (None, None));
}

#[tokio::test]
async fn case_36_what_is_taken_away_is_written_first_and_revoked_after() {
    let world = World::new().await;
    let by = world.admin.operator();
    world
        .admin
        .create_user(NewUser::named("alice"), &by)
        .await
        .unwrap();
    world.witness.is_away.store(true, Ordering::SeqCst);
    let error = world.admin.delete_user("alice", &by).await.unwrap_err();
    assert!(matches!(error, AdminError::NotRevoked(_)), "{error}");
    assert_eq!(world.status("alice").await, Some(AccountStatus::Disabled));

    world.witness.is_away.store(false, Ordering::SeqCst);
    world.admin.delete_user("alice", &by).await.unwrap();
    assert_eq!(world.status("alice").await, None);
    assert_eq!(world.witness.revoked.lock().unwrap().len(), 1);
    let acts = world.witness.acts.lock().unwrap().clone();
    assert_eq!(acts.last().unwrap(), "user_deleted alice");
}

#[tokio::test]
async fn the_last_administrator_who_may_sign_in_is_not_taken_away() {
    let world = World::new().await;
    let by = world.admin.operator();
    assert!(!world.admin.has_administrator().await.unwrap());
    world.admin.bootstrap(None, None).await.unwrap();
    assert!(world.admin.has_administrator().await.unwrap());
    let second = NewUser {
        is_admin: true,
        ..NewUser::named("zoe")
    };
    let second = world.admin.create_user(second, &by).await.unwrap();
    world.admin.disable_user("zoe", &by).await.unwrap();
    // One who may not sign in helps nobody; taking them away harms nobody either.
    let denied = world.admin.disable_user("tsadmin", &by).await.unwrap_err();
    assert!(matches!(denied, AdminError::Denied(_)), "{denied}");
    assert!(world.admin.delete_user("tsadmin", &by).await.is_err());
    assert!(world.admin.set_admin("tsadmin", false, &by).await.is_err());
    assert_eq!(world.status("tsadmin").await, Some(AccountStatus::Active));
    world.admin.set_admin("zoe", false, &by).await.unwrap();
    world.admin.enable_user("zoe", &by).await.unwrap();
    assert!(world.admin.disable_user("tsadmin", &by).await.is_err());
    world.admin.set_admin("zoe", true, &by).await.unwrap();
    world.admin.delete_user("tsadmin", &by).await.unwrap();
    assert!(world.directory.has_administrator(None).await.unwrap());
    let other = world.directory.has_administrator(Some(second.id)).await;
    assert!(!other.unwrap());
}

#[tokio::test]
async fn two_administrators_who_disable_each_other_at_once_leave_one() {
    let world = World::new().await;
    let by = world.admin.operator();
    world.admin.bootstrap(None, None).await.unwrap();
    let second = NewUser {
        is_admin: true,
        ..NewUser::named("zoe")
    };
    world.admin.create_user(second, &by).await.unwrap();
    for _ in 0..10 {
        let (one, other) = tokio::join!(
            world.admin.disable_user("zoe", &by),
            world.admin.disable_user("tsadmin", &by),
        );
        assert_ne!(one.is_ok(), other.is_ok());
        let denied = one.err().or(other.err()).unwrap();
        assert!(matches!(denied, AdminError::Denied(_)), "{denied}");
        for name in ["zoe", "tsadmin"] {
            world.admin.enable_user(name, &by).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = socket_path(folder.path());
    // The system takes connections for a process that hangs; nobody ever reads them.
    let _hung = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = Server::find(&path).await.unwrap().unwrap();
    let process = format!("process {}", std::process::id());
    assert!(server.name().contains(&process), "{}", server.name());
    let hasty = server.silent_for(Duration::from_millis(50));
    let error = hasty.run(&OperatorCommand::ListOrgs, drop).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("does not answer"), "{error}");
    assert!(error.contains(&process), "{error}");
}

#[tokio::test]
async fn case_36_retiring_a_key_again_revokes_again() {
    let world = World::new().await;
    let by = world.admin.operator();
    let (key, _) = world.admin.create_key("app", None, &by).await.unwrap();
    world.witness.is_away.store(true, Ordering::SeqCst);
    assert!(world.admin.retire_key(key.id, &by).await.is_err());
    world.witness.is_away.store(false, Ordering::SeqCst);
    world.admin.retire_key(key.id, &by).await.unwrap();
    let revoked = world.witness.revoked.lock().unwrap().clone();
    assert_eq!(revoked, [RevokeScope::Key(key.id)]);
}

#[tokio::test]
async fn a_command_through_the_socket_comes_to_what_it_comes_to_directly() {
    let world = World::new().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn({
        let (path, admin) = (world.socket(), Arc::clone(&world.admin));
        async move {
            let shutdown = async { drop(stopped.await) };
            socket::serve(&path, admin, shutdown).await
        }
    });
    let client = loop {
        match Server::find(&world.socket()).await.unwrap() {
            Some(client) => break client,
            None => tokio::task::yield_now().await,
        }
    };
    let create = OperatorCommand::CreateOrg {
        name: "Sales".into(),
        description: String::new(),
    };
    client.run(&create, drop).await.unwrap();
    let mut refused = Vec::new();
    client
        .run(&create, |event| refused.push(event))
        .await
        .unwrap();
    assert_eq!(
        refused,
        [Event::Failed("Org \"Sales\" exists already".into())]
    );

    let (mut through, mut direct) = (Vec::new(), Vec::new());
    let list = OperatorCommand::ListOrgs;
    client
        .run(&list, |event| through.push(event))
        .await
        .unwrap();
    run(&world.admin, list, |event| direct.push(event)).await;
    assert_eq!(through, direct);
    assert_eq!(through.len(), 3);

    // Longer than a command may be: refused without being kept, and the server lives on.
    let mut stream = tokio::net::UnixStream::connect(world.socket())
        .await
        .unwrap();
    let chunk = vec![b'x'; 1024 * 1024];
    while stream.write_all(&chunk).await.is_ok() {}
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    let _reset = tokio::time::timeout(Duration::from_secs(5), read)
        .await
        .unwrap();
    assert!(Server::find(&world.socket()).await.unwrap().is_some());

    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    assert!(!world.socket().exists());
}
