//! The peers of the benchmark: a bare actix route, stock actix-session over Redis, a bare password hash.

use actix_session::config::{PersistentSession, SessionLifecycle, TtlExtensionPolicy};
use actix_session::storage::RedisSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::cookie::time::Duration;
use actix_web::{App, HttpResponse, HttpServer, web};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `peers bare PORT`, `peers stock|sliding PORT REDIS_URL`, `peers hash ROUNDS`.
#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    match word(0) {
        "bare" => bare(port(word(1))).await,
        "stock" => session(port(word(1)), word(2), TtlExtensionPolicy::OnStateChanges).await,
        "sliding" => session(port(word(1)), word(2), TtlExtensionPolicy::OnEveryRequest).await,
        "hash" => {
            hash(word(1).parse().unwrap_or(50));
            Ok(())
        }
        other => Err(std::io::Error::other(format!("no peer is called {other:?}"))),
    }
}

fn port(text: &str) -> u16 {
    text.parse().expect("a port")
}

async fn bare(port: u16) -> std::io::Result<()> {
    HttpServer::new(|| {
        App::new().route("/check", web::get().to(async || HttpResponse::NoContent().finish()))
    })
    .workers(1)
    .bind(("127.0.0.1", port))?
    .run()
    .await
}

/// The session as the package's own documentation sets it up, with a timeout that slides or does not.
async fn session(port: u16, redis: &str, policy: TtlExtensionPolicy) -> std::io::Result<()> {
    let store = RedisSessionStore::new(redis).await.map_err(std::io::Error::other)?;
    let key = Key::generate();
    HttpServer::new(move || {
        let lifecycle: SessionLifecycle = PersistentSession::default()
            .session_ttl(Duration::minutes(30))
            .session_ttl_extension_policy(policy.clone())
            .into();
        let layer = SessionMiddleware::builder(store.clone(), key.clone())
            .cookie_secure(false)
            .session_lifecycle(lifecycle)
            .build();
        App::new()
            .wrap(layer)
            .route("/login", web::post().to(log_in))
            .route("/check", web::get().to(check))
    })
    .workers(1)
    .bind(("127.0.0.1", port))?
    .run()
    .await
}

async fn log_in(session: Session) -> HttpResponse {
    match session.insert("user", "6f2f5b3e-6f0f-4b57-9d0a-1f6b2c3d4e5f") {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

async fn check(session: Session) -> HttpResponse {
    match session.get::<String>("user") {
        Ok(Some(_)) => HttpResponse::NoContent().finish(),
        _ => HttpResponse::Unauthorized().finish(),
    }
}

/// Milliseconds of one argon2id hash with the server's default parameters, a line each.
fn hash(rounds: u32) {
    let params = argon2::Params::new(19_456, 2, 1, Some(32)).expect("parameters");
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut out = [0; 32];
    for round in 0..rounds {
        let begun = Instant::now();
        argon
            .hash_password_into(b"pa ss+w&rd=1", format!("sixteen bytes {round:02}").as_bytes(), &mut out)
            .expect("a hash");
        println!("{:.3}", begun.elapsed().as_secs_f64() * 1e3);
    }
}
