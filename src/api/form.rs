//! Form bodies and queries: strictly decoded, each parameter at most once, every refusal naming its parameter.

use crate::api::body::{LATE, PACKED};
use crate::api::dialect::{ApiError, Dialect};
use crate::domain::failure::Failure;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;
use std::future::{Ready, ready};
use std::marker::PhantomData;

const FORM: &str = "application/x-www-form-urlencoded";
/// The most parameters of one request.
const MAX_PARAMETERS: usize = 1_000;

/// A form body.
#[derive(Debug)]
pub struct Form<D, T>(T, PhantomData<fn() -> D>);

impl<D, T> Form<D, T> {
    /// What the body held.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<D: Dialect, T: DeserializeOwned + 'static> FromRequest for Form<D, T> {
    type Error = ApiError<D>;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError<D>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = is_form(request);
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_form {
                return Err(Failure::UnsupportedMediaType.into());
            }
            let body = body.await.map_err(|error| body_failure(&error))?;
            Ok(Self(parse(&body)?, PhantomData))
        })
    }
}

/// The query of a GET.
#[derive(Debug)]
pub struct Query<D, T>(T, PhantomData<fn() -> D>);

impl<D, T> Query<D, T> {
    /// What the query held.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<D: Dialect, T: DeserializeOwned + 'static> FromRequest for Query<D, T> {
    type Error = ApiError<D>;
    type Future = Ready<Result<Self, ApiError<D>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = parse(request.query_string().as_bytes());
        ready(match parsed {
            Ok(value) => Ok(Self(value, PhantomData)),
            Err(failure) => Err(failure.into()),
        })
    }
}

/// No content type at all passes: some scripts send none with an empty body.
fn is_form(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(CONTENT_TYPE) else {
        return true;
    };
    let Ok(text) = value.to_str() else {
        return false;
    };
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let charset = parameters
        .split(';')
        .filter_map(|parameter| parameter.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    kind.trim().eq_ignore_ascii_case(FORM)
        && charset.is_none_or(|(_, name)| name.trim_matches('"').eq_ignore_ascii_case("utf-8"))
}

/// Which failure an unreadable body is.
pub fn body_failure(error: &actix_web::Error) -> Failure {
    use actix_web::error::PayloadError;
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Failure::TooLarge,
        Some(PayloadError::Io(error)) if error.kind() == LATE => Failure::TooSlow,
        Some(PayloadError::Io(error)) if error.kind() == PACKED => Failure::UnsupportedMediaType,
        _ if error.as_response_error().status_code()
            == actix_web::http::StatusCode::PAYLOAD_TOO_LARGE =>
        {
            Failure::TooLarge
        }
        _ => Failure::bad("", "a body that arrives whole"),
    }
}

/// Decodes a form. Bytes that are not UTF-8 are refused rather than replaced: two different passwords must
/// not become one.
pub fn parse<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, Failure> {
    let is_utf8 = |part: &[u8]| percent_decode(part).decode_utf8().is_ok();
    let mut count = 0;
    for pair in encoded.split(|byte| *byte == b'&') {
        count += 1;
        if count > MAX_PARAMETERS {
            return Err(Failure::bad(
                "",
                format!("at most {MAX_PARAMETERS} parameters"),
            ));
        }
        if !is_utf8(pair) {
            let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
            let name: String = String::from_utf8_lossy(name).chars().take(60).collect();
            return Err(Failure::bad(name, "percent-encoded UTF-8"));
        }
    }
    serde_urlencoded::from_bytes(encoded).map_err(|error| {
        let sentence = error.to_string();
        let named = |start: &str| sentence.strip_prefix(start)?.split('`').next();
        // Nothing else is taken out of the sentence: elsewhere it may quote a value.
        if let Some(name) = named("duplicate field `") {
            Failure::bad(name, "to be given once")
        } else if let Some(name) = named("missing field `") {
            Failure::bad(name, "a value; it is missing or empty")
        } else {
            Failure::bad("", "a well-formed form")
        }
    })
}

/// A required, non-empty parameter.
pub fn required(field: &'static str, value: Option<String>) -> Result<String, Failure> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Failure::bad(field, "a value; it is missing or empty"))
}

/// An optional parameter; an empty one counts as absent.
pub fn optional(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

/// A yes or no: `true`, `false`, `1` or `0` in any case; absent or empty is no.
pub fn flag(field: &'static str, value: Option<&str>) -> Result<bool, Failure> {
    match value.map(str::trim).unwrap_or_default() {
        "" | "0" => Ok(false),
        "1" => Ok(true),
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Failure::bad(field, "true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use std::collections::HashMap;

    #[derive(Debug, Deserialize)]
    struct Sample {
        username: Option<String>,
    }

    #[test]
    fn case_21_a_parameter_given_twice_is_refused_by_name() {
        let failure = parse::<Sample>(b"username=a&username=b").unwrap_err();
        assert_eq!(failure, Failure::bad("username", "to be given once"));
    }

    #[test]
    fn case_44_bytes_that_are_not_utf8_are_refused_not_replaced() {
        assert!(parse::<Sample>(b"username=%ff").is_err());
        assert!(parse::<Sample>(b"username=%c0%af").is_err());
        let sample = parse::<Sample>("username=%C3%A9+%2B".as_bytes()).unwrap();
        assert_eq!(sample.username.unwrap(), "é +");
    }

    #[test]
    fn case_23_a_flag_is_read_in_any_case_and_nothing_else_passes() {
        for (text, expected) in [
            ("TRUE", true),
            ("True", true),
            ("1", true),
            ("", false),
            ("False", false),
        ] {
            assert_eq!(flag("f", Some(text)), Ok(expected), "{text}");
        }
        for bad in ["yes", "true,false", "tru"] {
            assert!(flag("f", Some(bad)).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_parser(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse::<HashMap<String, String>>(&bytes);
        }

        #[test]
        fn what_a_client_encodes_reads_back(pairs in proptest::collection::hash_map("[a-z]{1,8}", ".{0,40}", 0..8)) {
            let encoded = serde_urlencoded::to_string(&pairs).unwrap();
            prop_assert_eq!(parse::<HashMap<String, String>>(encoded.as_bytes()).unwrap(), pairs);
        }
    }
}
