//! The redirect binding: messages in a query, compressed, signed as they were written.

use super::fault::{Judged, bad_signature, malformed, refuse, shown};
use super::keys::{Certificate, OwnKey, RSA_SHA256};
use super::response::MAX_MESSAGE;
use crate::domain::sso::AssertionFault;
use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::io::{Read, Write};

const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a message is called in a query or a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Request,
    Response,
}

impl Field {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// The address that carries a message to `endpoint`.
pub(super) fn write(
    endpoint: &str,
    field: Field,
    xml: &str,
    relay_state: Option<&str>,
    key: Option<&OwnKey>,
) -> Result<String> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate
        .write_all(xml.as_bytes())
        .context("cannot compress")?;
    let packed = STANDARD.encode(deflate.finish().context("cannot compress")?);
    let mut query = format!("{}={}", field.name(), encode(&packed));
    if let Some(state) = relay_state {
        query.push_str("&RelayState=");
        query.push_str(&encode(state));
    }
    if let Some(key) = key {
        query.push_str("&SigAlg=");
        query.push_str(&encode(RSA_SHA256));
        let signature = key.sign(query.as_bytes())?;
        query.push_str("&Signature=");
        query.push_str(&encode(&STANDARD.encode(signature)));
    }
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    Ok(format!("{endpoint}{joint}{query}"))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// A message that came in a query and is signed by the provider.
pub(super) struct Carried {
    pub(super) field: Field,
    pub(super) xml: String,
    pub(super) relay_state: Option<String>,
}

/// Reads a raw query and verifies its signature.
///
/// The signature covers the parameters *as they were written*, so they are cut out of the raw text: decoding and
/// encoding again would not always give the same.
pub(super) fn read(query: &str, keys: &[Certificate]) -> Judged<Carried> {
    if query.len() > MAX_MESSAGE {
        return refuse(AssertionFault::TooLarge, format!("{} bytes", query.len()));
    }
    let query = query.strip_prefix('?').unwrap_or(query);
    let request = parameter(query, Field::Request.name())?;
    let response = parameter(query, Field::Response.name())?;
    let (field, message) = match (request, response) {
        (Some(message), None) => (Field::Request, message),
        (None, Some(message)) => (Field::Response, message),
        (Some(_), Some(_)) => return Err(malformed("a request and a response in one")),
        (None, None) => return Err(malformed("no message")),
    };
    if let Some(encoding) = parameter(query, "SAMLEncoding")?
        && decode(encoding)? != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
    {
        return Err(malformed("another encoding than DEFLATE"));
    }
    let relay_state = parameter(query, "RelayState")?;
    check_signature(query, field, message, relay_state, keys)?;

    let packed = STANDARD
        .decode(decode(message)?)
        .map_err(|_| malformed("not Base64"))?;
    Ok(Carried {
        field,
        xml: inflate(&packed)?,
        relay_state: relay_state.map(decode).transpose()?,
    })
}

fn check_signature(
    query: &str,
    field: Field,
    message: &str,
    relay_state: Option<&str>,
    keys: &[Certificate],
) -> Judged<()> {
    let (Some(method), Some(signature)) =
        (parameter(query, "SigAlg")?, parameter(query, "Signature")?)
    else {
        return refuse(AssertionFault::Unsigned, "no SigAlg and Signature");
    };
    let mut covered = format!("{}={message}", field.name());
    if let Some(state) = relay_state {
        covered.push_str("&RelayState=");
        covered.push_str(state);
    }
    covered.push_str("&SigAlg=");
    covered.push_str(method);
    let signature: String = decode(signature)?.split_ascii_whitespace().collect();
    let signature = STANDARD
        .decode(signature)
        .map_err(|_| malformed("a signature that is not Base64"))?;
    let method = decode(method)?;
    let verdicts: Vec<bool> = keys
        .iter()
        .filter_map(|key| key.verifies(&method, covered.as_bytes(), &signature))
        .collect();
    if verdicts.is_empty() {
        return refuse(
            AssertionFault::WeakAlgorithm,
            format!("signed by {}", shown(&method)),
        );
    }
    if verdicts.contains(&true) {
        Ok(())
    } else {
        Err(bad_signature("by none of the keys in the metadata"))
    }
}

/// The raw value of a parameter. Twice the same name is refused: which one was meant is anybody's guess.
fn parameter<'q>(query: &'q str, name: &str) -> Judged<Option<&'q str>> {
    let mut found = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        // A name may be written with escapes, which nobody honest does.
        .filter(|(key, _)| percent_decode_str(key).collect::<Vec<u8>>() == name.as_bytes());
    let first = found.next();
    if found.next().is_some() {
        return Err(malformed(format!("{name} twice")));
    }
    match first {
        Some((key, _)) if key != name => Err(malformed(format!("{name} in disguise"))),
        first => Ok(first.map(|(_, value)| value)),
    }
}

fn decode(raw: &str) -> Judged<String> {
    percent_decode_str(&raw.replace('+', " "))
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| malformed("a query that is not UTF-8"))
}

fn inflate(packed: &[u8]) -> Judged<String> {
    let mut bytes = Vec::new();
    // One byte more than is allowed, to see whether there is more: never all that a bomb unpacks to.
    let limit = u64::try_from(MAX_MESSAGE).unwrap_or(u64::MAX) + 1;
    DeflateDecoder::new(packed)
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|_| malformed("not DEFLATE"))?;
    if bytes.len() > MAX_MESSAGE {
        return refuse(AssertionFault::TooLarge, "too much when unpacked");
    }
    String::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))
}
