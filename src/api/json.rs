//! JSON bodies: leniently read, because clients differ, and every refusal says where the body went wrong.

use crate::api::dialect::{ApiError, Dialect};
use crate::api::form::body_failure;
use crate::domain::failure::Failure;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use secrecy::SecretString;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_path_to_error::Path;
use std::marker::PhantomData;

/// The most of a field's path that is told.
const SHOWN_PATH_CHARS: usize = 100;

const FLAG: &str = "true or false";
const TEXT: &str = "a text or a number";
const SECRET: &str = "a text or a whole number";
const TEXTS: &str = "a list of texts";

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
        let body = Unread::<D>::from_request(request, payload);
        Box::pin(async move { Ok(Self(parse(&body.await?.0)?, PhantomData)) })
    }
}

/// A JSON body that is still to be parsed, for who looks at more of it than one type holds.
pub struct Unread<D>(Bytes, PhantomData<fn() -> D>);

impl<D> Unread<D> {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<D: Dialect> FromRequest for Unread<D> {
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
            Ok(Self(body, PhantomData))
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

/// Parses a body, naming the field at fault by its path.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let body = body.trim_ascii();
    let body = if body.is_empty() { b"{}" } else { body };
    // serde would take a list for an object without its names, value by value.
    if body.starts_with(b"[") {
        return Err(Failure::bad("", "a JSON object (see line 1, column 1)"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = shown(error.path());
        refusal(&path, error.inner())
    })?;
    reader.end().map_err(|error| refusal("", &error))?;
    Ok(read)
}

/// Nothing of serde's own sentence is told as it stands: it may quote a value, and that may be a password.
fn refusal(path: &str, error: &serde_json::Error) -> Failure {
    let place = format!("(see line {}, column {})", error.line(), error.column());
    if !error.is_data() {
        return Failure::bad("", format!("well-formed JSON {place}"));
    }
    let sentence = error.to_string();
    let named = |start: &str| sentence.strip_prefix(start)?.split('`').next();
    // The names in these two are our own, those of the fields of a type.
    if let Some(name) = named("missing field `") {
        return Failure::bad(below(path, name), format!("a value; it is missing {place}"));
    }
    if let Some(name) = named("duplicate field `") {
        return Failure::bad(below(path, name), format!("to be given once {place}"));
    }
    let expected = if sentence.starts_with("unknown field `") {
        "to be left out or spelt otherwise; it is no name that is read here"
    } else {
        expectation(&sentence)
    };
    Failure::bad(path, format!("{expected} {place}"))
}

/// What serde expected: one of a few sentences of ours, so that no part of a value can come along.
fn expectation(sentence: &str) -> &'static str {
    let sentence = sentence.split(" at line ").next().unwrap_or_default();
    let expected = sentence.rsplit("expected ").next().unwrap_or_default();
    match expected {
        FLAG => FLAG,
        TEXT => TEXT,
        SECRET => SECRET,
        TEXTS => TEXTS,
        "a string" => "a text",
        "a boolean" => FLAG,
        "a sequence" => "a list",
        _ if expected.starts_with("struct ") => "a JSON object",
        _ => "a value of the documented type",
    }
}

fn shown(path: &Path) -> String {
    if path.iter().next().is_none() {
        return String::new();
    }
    path.to_string().chars().take(SHOWN_PATH_CHARS).collect()
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        return name.to_owned();
    }
    format!("{path}.{name}")
}

/// Reads a yes or no that some clients send as text.
pub fn flag<'de, R: Deserializer<'de>>(reader: R) -> Result<Option<bool>, R::Error> {
    match Option::<Value>::deserialize(reader)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(truth)),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(wanted(FLAG)),
    }
}

/// Reads a text that some clients send as a number; empty counts as absent.
pub fn text<'de, R: Deserializer<'de>>(reader: R) -> Result<Option<String>, R::Error> {
    match Option::<Value>::deserialize(reader)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(wanted(TEXT)),
    }
}

/// The same, where an empty text says something: it clears what was set.
pub fn clearing<'de, R: Deserializer<'de>>(reader: R) -> Result<Option<String>, R::Error> {
    match Option::<Value>::deserialize(reader)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(wanted(TEXT)),
    }
}

/// Reads a secret that some clients send as a number. Only a whole one is certain to read as it was written.
pub fn secret<'de, R: Deserializer<'de>>(reader: R) -> Result<Option<SecretString>, R::Error> {
    match Option::<Value>::deserialize(reader)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(SecretString::from(text))),
        Some(Value::Number(number)) if !number.is_f64() => {
            Ok(Some(SecretString::from(number.to_string())))
        }
        Some(_) => Err(wanted(SECRET)),
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
            _ => Err(wanted(TEXTS)),
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

fn wanted<E: Error>(what: &str) -> E {
    E::custom(format_args!("expected {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

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

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        #[expect(dead_code, reason = "only whether it is there counts")]
        name: String,
    }

    #[derive(Debug, Default, Deserialize)]
    struct Secrets {
        #[serde(default, deserialize_with = "secret")]
        password: Option<SecretString>,
        #[expect(
            dead_code,
            reason = "a plain one, to see what serde makes of a wrong type"
        )]
        plain: Option<SecretString>,
        #[serde(default)]
        rules: Vec<Rule>,
    }

    #[test]
    fn a_refusal_names_the_field_by_its_path_and_what_was_expected() {
        for (body, field, expected) in [
            (r#"{"plain":1}"#, "plain", "a text (see line 1, column 10)"),
            (r#"{"plain":[1]}"#, "plain", "a text ("),
            (
                r#"{"password":{}}"#,
                "password",
                "a text or a whole number (",
            ),
            (
                r#"{"password":1.0}"#,
                "password",
                "a text or a whole number (",
            ),
            (r#"{"rules":7}"#, "rules", "a list ("),
            (
                r#"{"rules":[{}]}"#,
                "rules[0].name",
                "a value; it is missing (",
            ),
            (r#"{"rules":["x"]}"#, "rules[0]", "a JSON object ("),
            (
                r#"{"rules":[{"name":"a"},{"nam":1}]}"#,
                "rules[1].nam",
                "to be left out or spelt",
            ),
            (
                r#"{"plain":"a","plain":"b"}"#,
                "plain",
                "to be given once (",
            ),
            (r#""{\"plain\":\"`x`\"}""#, "", "a JSON object ("),
            ("7", "", "a JSON object ("),
            (
                r#"{"plain":"a",}"#,
                "",
                "well-formed JSON (see line 1, column 1",
            ),
            ("{}\n7", "", "well-formed JSON (see line 2, "),
        ] {
            let Err(Failure::BadRequest {
                field: named,
                expected: sentence,
            }) = parse::<Secrets>(body.as_bytes()).map(|read| read.rules.len())
            else {
                panic!("{body} passed");
            };
            assert_eq!(named, field, "{body}");
            assert!(sentence.starts_with(expected), "{body}: {sentence}");
        }
        for (body, field, expected) in [
            (r#"{"remember_me":"maybe"}"#, "remember_me", "true or false"),
            (r#"{"groups":"a"}"#, "groups", "a list"),
            (r#"{"groups":[{}]}"#, "groups", "a list of texts"),
            (
                r#"{"org_identifier":[]}"#,
                "org_identifier",
                "a text or a number",
            ),
        ] {
            let told = format!("{:?}", parse::<Sample>(body.as_bytes()).unwrap_err());
            assert!(told.contains(&format!("{field:?}")), "{body}: {told}");
            let start = format!("\"{expected} (see line 1, column ");
            assert!(told.contains(&start), "{body}: {told}");
        }
    }

    #[test]
    fn case_56_no_value_of_whatever_type_is_told() {
        for value in [
            "87654321",
            "8765432.1",
            "-87654321",
            "87654321876543218765",
            "[87654321]",
            r#"{"87654321":"`87654321`"}"#,
            r#""a `87654321`, expected 87654321""#,
        ] {
            let body = |name: &str| format!(r#"{{"{name}":{value}}}"#);
            for body in [
                body("password"),
                body("plain"),
                body("rules"),
                body("other").replace('}', ",}"),
                value.to_owned(),
                format!("{value}{value}"),
                serde_json::to_string(&body("password")).unwrap(),
            ] {
                let Err(failure) = parse::<Secrets>(body.as_bytes()) else {
                    continue;
                };
                assert!(
                    !format!("{failure:?}").contains("87654321"),
                    "{body}: {failure:?}"
                );
            }
        }
    }

    #[test]
    fn a_number_is_a_secret_as_it_is_written() {
        for (body, read) in [
            (r#"{"password":87654321}"#, Some("87654321")),
            (r#"{"password":-7}"#, Some("-7")),
            (r#"{"password":"00"}"#, Some("00")),
            (r#"{"password":""}"#, Some("")),
            (r#"{"password":null}"#, None),
            ("{}", None),
        ] {
            let secrets: Secrets = parse(body.as_bytes()).unwrap();
            let password = secrets.password.as_ref().map(ExposeSecret::expose_secret);
            assert_eq!(password, read, "{body}");
        }
        // Too large to be kept as it was written.
        assert!(parse::<Secrets>(br#"{"password":123456789012345678901}"#).is_err());
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
