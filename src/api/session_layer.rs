//! The cookie and session layer: actix-session's middleware, with the door's sessions behind it.
//!
//! Three pieces. [`DoorStore`] is the `SessionStore` that actix-session sees: it checks an id at the
//! door and otherwise keeps nothing, because the door has already opened or closed the session
//! when the middleware comes to save or delete. `PRESENTED` carries what the check found to the
//! guards, typed, for the length of one request. [`shape_cookies`] stands around the middleware
//! and does what its fixed configuration cannot: which of several cookies counts, and the attributes
//! of each reply's cookies by scheme, lifetime and setting.

use crate::api::caller::{is_https, is_over_tls};
use crate::api::dialect::{Dialect, answer_in};
use crate::api::services::{SameSiteRule, Services};
use crate::domain::login::{Login, Opened};
use crate::domain::random;
use crate::domain::session::{Check, SessionId};
use actix_session::config::{CookieContentSecurity, PersistentSession};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionMiddleware};
use actix_web::body::MessageBody;
use actix_web::cookie::time::Duration as CookieDuration;
use actix_web::cookie::{Cookie, CookieJar, Key, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// The session cookie's name, as the contract has it.
pub const COOKIE_NAME: &str = "JSESSIONID";
/// A browser's id, set beside the session cookie; nothing reads it.
const CLIENT_COOKIE_NAME: &str = "clientId";
/// A cookie's name and value must stay under 4096 bytes; ours is far under, and nothing longer is looked at.
const MAX_COOKIE_BYTES: usize = 4_096;
/// actix-session saves only a session that holds something.
const MARK: &str = "v";

/// What a request's session cookie turned out to be.
#[derive(Debug, Default)]
pub enum Presented {
    /// There was none.
    #[default]
    Nothing,
    /// There was one, but it is not ours, is damaged, or contradicts another one.
    Bad,
    /// There was one of ours; this is what the store says.
    Checked(SessionId, Check),
    /// There was one of ours, but the store is away.
    StoreAway(crate::domain::failure::StoreError),
}

/// What passes between guards, handlers and the session layer during one request.
#[derive(Debug, Default)]
struct Exchange {
    presented: Presented,
    opened: Option<(SessionId, Option<std::time::Duration>)>,
}

tokio::task_local! {
    static PRESENTED: RefCell<Exchange>;
}

/// Looks at what the request presented.
pub fn with_presented<T>(look: impl Fn(&Presented) -> T) -> T {
    PRESENTED
        .try_with(|exchange| look(&exchange.borrow().presented))
        .unwrap_or_else(|_| look(&Presented::Nothing))
}

/// The id of the live session the request presented: a login over it ends it.
pub fn presented_id() -> Option<SessionId> {
    with_presented(|presented| match presented {
        Presented::Checked(id, Check::Live(_)) => Some(id.clone()),
        _ => None,
    })
}

/// Hands an opened session's cookie to the browser, under a new id whatever it presented before.
pub fn hand_out(cookie_session: &Session, opened: &Opened) {
    let max_age = opened
        .session
        .is_remembered
        .then_some(opened.session.lifetime.absolute);
    let _ = PRESENTED.try_with(|exchange| {
        exchange.borrow_mut().opened = Some((opened.id.clone(), max_age));
    });
    cookie_session.renew();
    if let Err(error) = cookie_session.insert(MARK, true) {
        tracing::error!(%error, "the session cookie could not be marked");
    }
}

/// Takes the cookies back from the browser.
pub fn take_back(cookie_session: &Session) {
    cookie_session.purge();
}

/// actix-session's view of the door.
#[derive(Clone, Debug)]
pub struct DoorStore {
    login: Arc<Login>,
}

impl SessionStore for DoorStore {
    /// Checks the id. Never fails: what the store said, trouble included, waits in `PRESENTED` for a guard to
    /// answer in the dialect's words.
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        let presented = match SessionId::parse(key.as_ref()) {
            None => Presented::Bad,
            Some(id) => match self.login.check(&id).await {
                Ok(check) => Presented::Checked(id, check),
                Err(error) => Presented::StoreAway(error),
            },
        };
        let _ = PRESENTED.try_with(|exchange| exchange.borrow_mut().presented = presented);
        // Nothing is kept there, so nothing is put there either.
        Ok(Some(HashMap::new()))
    }

    /// Answers with the id of the session that the door opened during this request; keeps nothing.
    async fn save(
        &self,
        _: HashMap<String, String>,
        _: &CookieDuration,
    ) -> Result<SessionKey, SaveError> {
        let id = PRESENTED
            .try_with(|exchange| exchange.borrow().opened.as_ref().map(|(id, _)| id.expose()))
            .ok()
            .flatten()
            .ok_or_else(|| SaveError::Other(anyhow::anyhow!("no session was opened")))?;
        SessionKey::try_from(id.to_string()).map_err(|error| SaveError::Other(error.into()))
    }

    /// Sessions do not change through the cookie layer, and a dead one is never written again.
    async fn update(
        &self,
        key: SessionKey,
        _: HashMap<String, String>,
        _: &CookieDuration,
    ) -> Result<SessionKey, UpdateError> {
        Ok(key)
    }

    /// The check itself starts the idle timeout anew.
    async fn update_ttl(&self, _: &SessionKey, _: &CookieDuration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    /// The door has ended the session already, in the step that acknowledged it.
    async fn delete(&self, _: &SessionKey) -> Result<(), anyhow::Error> {
        Ok(())
    }
}

/// actix-session's middleware, set up once for every browser-facing dialect.
pub fn middleware(services: &Services) -> SessionMiddleware<DoorStore> {
    let store = DoorStore {
        login: Arc::clone(&services.login),
    };
    SessionMiddleware::builder(store, services.site.cookie_key.clone())
        .cookie_name(COOKIE_NAME.to_owned())
        .cookie_content_security(CookieContentSecurity::Signed)
        .cookie_path("/".to_owned())
        .cookie_http_only(true)
        // The three below are rewritten for each reply; these are what they fall back to.
        .cookie_secure(true)
        .cookie_same_site(SameSite::Lax)
        .session_lifecycle(PersistentSession::default())
        .build()
}

/// The outer layers of a dialect that browsers speak: its own words, and its cookies.
pub async fn speak<D: Dialect>(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    answer_in::<D>(request, async |request| shape_cookies(request, next).await).await
}

/// Chooses the session cookie that counts on the way in, and shapes the cookies on the way out.
pub async fn shape_cookies(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let Some(services) = request.app_data::<web::Data<Services>>().cloned() else {
        // Only in a misassembled server.
        let reply = HttpResponse::InternalServerError().finish();
        return Ok(request.into_response(reply));
    };
    let mut exchange = Exchange::default();
    match choose_cookie(request.headers(), &services.site.cookie_key) {
        Choice::None => {}
        Choice::Bad => {
            exchange.presented = Presented::Bad;
            let _ = request.headers_mut().remove(COOKIE);
        }
        // Until its signature has been found good and the session loaded.
        Choice::Alone => exchange.presented = Presented::Bad,
        Choice::One(pair) => {
            exchange.presented = Presented::Bad;
            let _ = request.headers_mut().insert(COOKIE, pair);
        }
    }
    PRESENTED
        .scope(RefCell::new(exchange), async move {
            let mut response = next.call(request).await?.map_into_boxed_body();
            if response.headers().contains_key(SET_COOKIE) {
                shape_reply(&services, &mut response);
            }
            Ok(response)
        })
        .await
}

fn shape_reply(services: &Services, response: &mut ServiceResponse) {
    let request = response.request();
    let is_tls = is_over_tls(request);
    let is_https = is_https(request.head(), is_tls, services);
    let max_age = PRESENTED
        .try_with(|exchange| exchange.borrow().opened.as_ref().and_then(|(_, age)| *age))
        .ok()
        .flatten();
    let shape = CookieShape::of(services, is_https);
    shape.apply(response.headers_mut(), max_age, &*services.random);
}

enum Choice {
    None,
    Bad,
    /// The request has this one cookie and no other.
    Alone,
    One(HeaderValue),
}

/// Several session cookies can arrive: an attacker on a sibling host may have planted one (case 27). Those that
/// do not carry our signature are ignored; if two different ones do, none is believed.
fn choose_cookie(headers: &HeaderMap, key: &Key) -> Choice {
    // Byte by byte: another program's cookie in Latin-1 or UTF-8 must not hide ours beside it.
    let mut presented = headers
        .get_all(COOKIE)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .map(str::trim)
        .filter(|pair| {
            pair.split_once('=')
                .is_some_and(|(name, _)| name == COOKIE_NAME)
        });
    let Some(first) = presented.next() else {
        return Choice::None;
    };
    // Alone it need not be judged here: the middleware checks the signature, and does not load what lacks it.
    let mut ours = None;
    let chosen = match presented.next() {
        None => Some(first).filter(|pair| pair.len() <= MAX_COOKIE_BYTES),
        Some(second) => {
            for pair in [first, second].into_iter().chain(presented) {
                if pair.len() > MAX_COOKIE_BYTES || !is_signed(pair, key) {
                    continue;
                }
                match ours {
                    Some(other) if other != pair => return Choice::Bad,
                    _ => ours = Some(pair),
                }
            }
            ours
        }
    };
    if chosen.is_some_and(|pair| is_all_there_is(headers, pair)) {
        return Choice::Alone;
    }
    match chosen.map(HeaderValue::from_str) {
        Some(Ok(pair)) => Choice::One(pair),
        Some(Err(_)) | None => Choice::Bad,
    }
}

fn is_all_there_is(headers: &HeaderMap, pair: &str) -> bool {
    let mut all = headers.get_all(COOKIE);
    let first = all.next().map(HeaderValue::as_bytes);
    first == Some(pair.as_bytes()) && all.next().is_none()
}

fn is_signed(pair: &str, key: &Key) -> bool {
    let Ok(cookie) = Cookie::parse_encoded(pair) else {
        return false;
    };
    let mut jar = CookieJar::new();
    jar.add_original(cookie.into_owned());
    jar.signed(key).get(COOKIE_NAME).is_some()
}

/// The attributes of the cookies of one reply.
struct CookieShape {
    is_secure: bool,
    same_site: SameSite,
    is_partitioned: bool,
}

impl CookieShape {
    fn of(services: &Services, is_https: bool) -> Self {
        Self {
            is_secure: is_https,
            same_site: match services.site.same_site {
                SameSiteRule::Auto if is_https => SameSite::None,
                SameSiteRule::Auto | SameSiteRule::Lax => SameSite::Lax,
                SameSiteRule::Strict => SameSite::Strict,
            },
            is_partitioned: is_https && services.live.load().is_partitioned,
        }
    }

    /// Rewrites the middleware's session cookie and puts the client cookie behind it, set or cleared alike:
    /// a clearing cookie that does not repeat the attributes does not clear (case 54).
    fn apply(
        &self,
        headers: &mut HeaderMap,
        max_age: Option<std::time::Duration>,
        random: &dyn random::Random,
    ) {
        let set: Vec<HeaderValue> = headers.get_all(SET_COOKIE).cloned().collect();
        let Some(at) = set.iter().position(is_session_cookie) else {
            return;
        };
        let Some(value) = set[at].to_str().ok().and_then(cookie_value) else {
            return;
        };
        headers.remove(SET_COOKIE);
        let is_cleared = value.is_empty();
        let age = if is_cleared {
            Some(0)
        } else {
            max_age.map(|age| age.as_secs())
        };
        let client = if is_cleared {
            String::new()
        } else {
            random::uuid(random).to_string()
        };
        let ours = [(COOKIE_NAME, value), (CLIENT_COOKIE_NAME, client.as_str())];
        for (name, value) in ours {
            if let Ok(cookie) = HeaderValue::from_str(&self.text(name, value, age)) {
                headers.append(SET_COOKIE, cookie);
            }
        }
        for (_, other) in set.iter().enumerate().filter(|(index, _)| *index != at) {
            headers.append(SET_COOKIE, other.clone());
        }
    }

    fn text(&self, name: &str, value: &str, max_age: Option<u64>) -> String {
        let mut text = format!(
            "{name}={value}; Path=/; HttpOnly; SameSite={}",
            self.same_site
        );
        if self.is_secure {
            text.push_str("; Secure");
        }
        if self.is_partitioned {
            text.push_str("; Partitioned");
        }
        if let Some(seconds) = max_age {
            text.push_str("; Max-Age=");
            text.push_str(&seconds.to_string());
        }
        if max_age == Some(0) {
            text.push_str("; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        }
        text
    }
}

/// The middleware's own: another dialect's of the same name has a path of its own, and keeps what it says.
fn is_session_cookie(header: &HeaderValue) -> bool {
    header.to_str().is_ok_and(|text| {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().and_then(|pair| pair.split_once('='));
        name.is_some_and(|(name, _)| name == COOKIE_NAME)
            && parts.any(|attribute| attribute.eq_ignore_ascii_case("Path=/"))
    })
}

fn cookie_value(header: &str) -> Option<&str> {
    let (pair, _) = header.split_once(';').unwrap_or((header, ""));
    pair.split_once('=').map(|(_, value)| value)
}
