//! JSON bodies: leniently read, because clients differ, and every refusal says where the body went wrong.

use crate::api::dialect::{ApiError, Dialect};
use crate::api::form::body_failure;
use crate::domain::failure::Failure;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::marker::PhantomData;

/// A JSON body. An empty one is `{}`; unknown fields are ignored; `null` counts as absent.
#[derive(Debug)]
pub struct Json<D, T>(T, PhantomData<fn() -> D>);

impl<D, T> Json<D, T> {
    /// What the body held.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<D: Dialect, T: DeserializeOwned + 'static> FromRequest for Json<D, T> {
    type Error = ApiError<D>;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError<D>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let body = body.await.map_err(|error| body_failure(&error))?;
            if !is_json && !body.is_empty() {
                return Err(Failure::UnsupportedMediaType.into());
            }
            Ok(Self(parse(&body)?, PhantomData))
        })
    }
}

/// Other types are refused: a cross-site page can send a form or plain text without asking first, JSON it cannot.
fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(CONTENT_TYPE) else {
        return true;
    };
    value.to_str().is_ok_and(|text| {
        let kind = text.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    })
}

/// Parses a body, naming the field at fault.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let body = body.trim_ascii();
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        if error.is_data() {
            let field = text.split('`').nth(1).unwrap_or_default().to_owned();
            // serde's sentence may quote a value; its position never does.
            let place = format!(
                "a JSON object of the documented shape (see line {}, column {})",
                error.line(),
                error.column()
            );
            Failure::bad(field, place)
        } else {
            Failure::bad("", "well-formed JSON")
        }
    })
}

/// Reads a yes or no that some clients send as text.
pub fn flag<'de, R: Deserializer<'de>>(reader: R) -> Result<Option<bool>, R::Error> {
    match Option::<Value>::deserialize(reader)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(truth)),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(R::Error::custom("expected true or false")),
    }
}

/// Reads a text that some clients send as a number; empty counts as absent.
pub fn text<'de, R: Deserializer<'de>>(reader: R) -> Result<Option<String>, R::Error> {
    match Option::<Value>::deserialize(reader)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(R::Error::custom("expected a text or a number")),
    }
}

/// Reads a list of texts or numbers; `null` counts as absent, an empty list does not.
pub fn texts<'de, R: Deserializer<'de>>(reader: R) -> Result<Option<Vec<String>>, R::Error> {
    let Some(values) = Option::<Vec<Value>>::deserialize(reader)? else {
        return Ok(None);
    };
    values
        .into_iter()
        .map(|value| match value {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(truth) => Ok(truth.to_string()),
            _ => Err(R::Error::custom("expected a list of texts")),
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default)]
    struct Sample {
        #[serde(deserialize_with = "flag")]
        remember_me: Option<bool>,
        #[serde(deserialize_with = "text")]
        org_identifier: Option<String>,
        #[serde(deserialize_with = "texts")]
        groups: Option<Vec<String>>,
    }

    #[test]
    fn what_clients_really_send_is_read() {
        let sample: Sample =
            parse(br#"{"remember_me":"True","org_identifier":7,"other":[],"groups":[]}"#).unwrap();
        assert_eq!(sample.remember_me, Some(true));
        assert_eq!(sample.org_identifier.as_deref(), Some("7"));
        assert_eq!(sample.groups, Some(Vec::new()));
        assert_eq!(parse::<Sample>(b" ").unwrap(), Sample::default());
        assert_eq!(
            parse::<Sample>(br#"{"groups":null}"#).unwrap(),
            Sample::default()
        );
    }

    #[test]
    fn a_refusal_never_quotes_the_body() {
        let failure = parse::<Sample>(br#"{"remember_me":"hunter2-hunter2"}"#).unwrap_err();
        assert!(!format!("{failure:?}").contains("hunter2"));
        assert!(parse::<Sample>(b"[[[[").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Sample>(&bytes);
        }
    }
}
