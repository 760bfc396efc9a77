//! A provider that says what the test wants: nothing real would lie like this.

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What it answers, by path, and what it was asked.
pub struct Script {
    answers: BTreeMap<String, (u16, Vec<u8>)>,
    asked: Vec<(String, String)>,
}

/// A hostile provider.
pub struct Evil {
    /// Its address, which is its issuer as long as it does not lie about that.
    pub base: String,
    /// The authority of its certificate, where it has one.
    pub authority: String,
    script: Arc<Mutex<Script>>,
}

impl Evil {
    /// Starts one on plain HTTP, with an honest discovery document and no keys.
    pub fn start() -> Self {
        Self::with(false)
    }

    /// The same on HTTPS, under a certificate of its own.
    pub fn over_tls() -> Self {
        Self::with(true)
    }

    fn with(is_tls: bool) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let script = Arc::new(Mutex::new(Script {
            answers: BTreeMap::new(),
            asked: Vec::new(),
        }));
        let data = Data::from(Arc::clone(&script));
        let server = HttpServer::new(move || {
            let app = App::new().app_data(data.clone());
            app.default_service(web::to(reply))
        });
        let server = server.workers(1).disable_signals();
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let server = if is_tls {
            let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
            let tls = ServerConfig::builder()
                .with_no_client_auth()
                .with_single_cert(vec![cert.der().clone()], key)
                .unwrap();
            server.bind_rustls_0_23("127.0.0.1:0", tls)
        } else {
            server.bind("127.0.0.1:0")
        };
        let server = server.unwrap();
        let scheme = if is_tls { "https" } else { "http" };
        let base = format!("{scheme}://{}", server.addrs()[0]);
        tokio::spawn(server.run());
        let evil = Self {
            base,
            authority: cert.pem(),
            script,
        };
        evil.describe(|_| ());
        evil.keys(&[]);
        evil
    }

    /// Publishes a discovery document, changed.
    pub fn describe(&self, change: impl FnOnce(&mut Value)) {
        let base = &self.base;
        let mut document = json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/auth"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
        });
        change(&mut document);
        self.answer("/.well-known/openid-configuration", 200, &document);
    }

    /// Publishes keys.
    pub fn keys(&self, keys: &[Value]) {
        self.answer("/jwks", 200, &json!({"keys": keys}));
    }

    /// Hands out that ID token for any code.
    pub fn gives(&self, token: &str) {
        let tokens = json!({
            "access_token": "p1anted-access-token", "token_type": "Bearer", "id_token": token,
        });
        self.answer("/token", 200, &tokens);
    }

    /// Answers a path so.
    pub fn answer(&self, path: &str, status: u16, body: &Value) {
        self.answer_bytes(path, status, body.to_string().into_bytes());
    }

    /// The same with anything.
    pub fn answer_bytes(&self, path: &str, status: u16, body: Vec<u8>) {
        let mut script = self.script.lock().unwrap();
        script.answers.insert(path.to_owned(), (status, body));
    }

    /// How often a path was asked for.
    pub fn times(&self, path: &str) -> usize {
        let script = self.script.lock().unwrap();
        script
            .asked
            .iter()
            .filter(|(asked, _)| asked == path)
            .count()
    }

    /// What was posted to a path last.
    pub fn last_body(&self, path: &str) -> String {
        let script = self.script.lock().unwrap();
        let mut posted = script.asked.iter().rev();
        let (_, body) = posted.find(|(asked, _)| asked == path).unwrap();
        body.clone()
    }
}

async fn reply(request: HttpRequest, body: Bytes, script: Data<Mutex<Script>>) -> HttpResponse {
    let path = request.path().to_owned();
    let mut script = script.lock().unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    script.asked.push((path.clone(), body));
    let (status, body) = script
        .answers
        .get(&path)
        .cloned()
        .unwrap_or((404, Vec::new()));
    let mut reply = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    if status == 302 {
        reply.insert_header(("location", String::from_utf8(body.clone()).unwrap()));
    }
    reply.content_type("application/json").body(body)
}
