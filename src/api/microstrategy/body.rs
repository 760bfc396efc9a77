//! Request bodies: JSON or a form, the same names in both; numbers may be written as text.

use crate::api::dialect::ApiError;
use crate::api::form;
use crate::api::microstrategy::MicroStrategy;
use crate::domain::failure::Failure;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use secrecy::SecretString;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::fmt;

/// The fields of a body; an empty body has none, and unknown ones are ignored.
pub struct Fields(Map<String, Value>);

/// What is expected of a body that no parser reads.
pub const WELL_FORMED: &str = "well-formed JSON";

#[derive(Clone, Copy)]
enum Kind {
    Json,
    Form,
    Other,
}

impl FromRequest for Fields {
    type Error = ApiError<MicroStrategy>;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = kind(request);
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|error| form::body_failure(&error))?;
            Ok(read(kind, &body)?)
        })
    }
}

/// A body that is judged only once its sender has passed the guard: a stranger gets the guard's answer, whatever the
/// body is like. Side by side the quicker refusal would win.
pub struct Behind<G> {
    /// Who has passed.
    pub who: G,
    /// What they sent.
    pub fields: Fields,
}

impl<G> FromRequest for Behind<G>
where
    G: FromRequest<Error = ApiError<MicroStrategy>> + 'static,
    G::Future: 'static,
{
    type Error = ApiError<MicroStrategy>;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let who = G::from_request(request, payload);
        let fields = Fields::from_request(request, payload);
        Box::pin(async move {
            Ok(Self {
                who: who.await?,
                fields: fields.await?,
            })
        })
    }
}

/// No content type at all means JSON.
fn kind(request: &HttpRequest) -> Kind {
    let Some(value) = request.headers().get(CONTENT_TYPE) else {
        return Kind::Json;
    };
    let text = value.to_str().unwrap_or_default();
    let name = text.split(';').next().unwrap_or_default().trim();
    if name.eq_ignore_ascii_case("application/json") {
        Kind::Json
    } else if name.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Kind::Form
    } else {
        Kind::Other
    }
}

fn read(kind: Kind, body: &[u8]) -> Result<Fields, Failure> {
    if body.trim_ascii().is_empty() {
        return Ok(Fields(Map::new()));
    }
    match kind {
        // Nothing of the parser's own message is told: it may quote a password.
        Kind::Json => {
            let read: Pairs = serde_json::from_slice(body).map_err(|error| {
                let expected = if error.is_data() {
                    "a JSON object"
                } else {
                    WELL_FORMED
                };
                Failure::bad("", expected)
            })?;
            match read.twice {
                Some(name) => Err(Failure::bad(shown(&name), "to be given once")),
                None => Ok(Fields(read.fields)),
            }
        }
        Kind::Form => {
            let pairs: Vec<(String, String)> = form::parse(body)?;
            let mut fields = Map::new();
            for (name, value) in pairs {
                if fields.contains_key(&name) {
                    return Err(Failure::bad(shown(&name), "to be given once"));
                }
                fields.insert(name, Value::String(value));
            }
            Ok(Fields(fields))
        }
        Kind::Other => Err(Failure::UnsupportedMediaType),
    }
}

fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}

/// An object, and a name that is there twice. Readers differ about which of two values counts: a proxy that looks into
/// a login must not see another than we do.
struct Pairs {
    fields: Map<String, Value>,
    twice: Option<String>,
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<R: Deserializer<'de>>(reader: R) -> Result<Self, R::Error> {
        reader.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Pairs, A::Error> {
        let (mut fields, mut twice) = (Map::new(), None);
        while let Some((name, value)) = pairs.next_entry::<String, Value>()? {
            if fields.contains_key(&name) {
                twice = Some(name);
            } else {
                fields.insert(name, value);
            }
        }
        Ok(Pairs { fields, twice })
    }
}

/// A whole number, also as text.
pub fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

impl Fields {
    /// The value of a field; `null` counts as absent.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text, or a number written out; absent when it is empty.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, Failure> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(Failure::bad(name, "a text")),
        }
    }

    /// A text that must not print.
    pub fn secret(&self, name: &'static str) -> Result<Option<SecretString>, Failure> {
        self.text(name).map(|text| text.map(SecretString::from))
    }

    /// A whole number, also as text; an empty text counts as absent.
    pub fn number(&self, name: &'static str) -> Result<Option<i64>, Failure> {
        let wrong = || Failure::bad(name, "a whole number");
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(value) => whole_number(value).map(Some).ok_or_else(wrong),
        }
    }

    /// A whole number that is not negative.
    pub fn count(&self, name: &'static str) -> Result<Option<u32>, Failure> {
        let number = self.number(name)?.map(u32::try_from);
        number
            .transpose()
            .map_err(|_| Failure::bad(name, "a whole number from 0 to 4294967295"))
    }

    /// A yes or no, also as text; absent is no.
    pub fn flag(&self, name: &'static str) -> Result<bool, Failure> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(truth)) => Ok(*truth),
            Some(Value::String(text)) => form::flag(name, Some(text)),
            Some(_) => Err(Failure::bad(name, "true or false")),
        }
    }
}
