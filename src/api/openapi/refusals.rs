//! Refusals in the description: each status once per dialect, and the sets of them that handlers name.

use crate::api::dialect::Dialect;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Components, ContentBuilder, Header, Ref, RefOr};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// A dialect whose refusals can be described.
pub trait Described: Dialect {
    /// What the names of its responses begin with.
    const PREFIX: &'static str;
    /// The body of every refusal.
    type Body: ToSchema;
}

/// Status, name, meaning.
const REFUSALS: [(u16, &str, &str); 12] = [
    (
        400,
        "BadRequest",
        "A parameter is missing or wrong; `debug` says which, and what was expected.",
    ),
    (
        401,
        "Unauthenticated",
        "Nobody is signed in, or what was presented is not good or not good any longer.",
    ),
    (
        403,
        "Forbidden",
        "Signed in, but not allowed; or a page of a foreign site made the request.",
    ),
    (404, "NotFound", "There is no such thing."),
    (
        405,
        "MethodNotAllowed",
        "The path exists, the method does not.",
    ),
    (
        408,
        "TooSlow",
        "The body did not arrive whole within `server.body_timeout`.",
    ),
    (
        409,
        "Conflict",
        "It would break something that exists; `debug` says what stands in the way.",
    ),
    (
        413,
        "TooLarge",
        "The body is larger than `server.max_body_bytes`.",
    ),
    (
        415,
        "UnsupportedMediaType",
        "The body is not of the media type this path reads, or it has a content encoding.",
    ),
    (
        429,
        "TooManyRequests",
        "Too many failed attempts, or as many tokens of this user as are allowed; come back after `Retry-After`.",
    ),
    (
        500,
        "Internal",
        "Our fault; the server's log has the cause under the incident id. In REST API v1 also: trusted \
         authentication is switched off.",
    ),
    (
        503,
        "Unavailable",
        "A store is away, or the directory is read-only while the server moves. Nothing was lost; come back after \
         `Retry-After`.",
    ),
];

fn name<D: Described>(name: &str) -> String {
    format!("{}{name}", D::PREFIX)
}

fn set<D: Described>(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let chosen = REFUSALS
        .iter()
        .filter(|(status, ..)| statuses.contains(status));
    chosen
        .map(|(status, what, _)| {
            let response = Ref::from_response_name(name::<D>(what));
            (status.to_string(), RefOr::Ref(response))
        })
        .collect()
}

/// Adds the dialect's refusals, for the sets to refer to.
pub fn add<D: Described>(components: &mut Components) {
    let body = D::Body::name();
    let mut schemas = vec![(body.to_string(), D::Body::schema())];
    D::Body::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for (status, what, meaning) in REFUSALS {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(body.as_ref())))
            .build();
        let mut response = ResponseBuilder::new()
            .description(meaning)
            .content("application/json", content)
            .header(
                "X-Callosum-Incident-Id",
                header(
                    "The id under which the server's log has this request.",
                    Some(KnownFormat::Uuid),
                ),
            );
        if status == 405 {
            response = response.header("Allow", header("The methods it has.", None));
        }
        if matches!(status, 429 | 503) {
            response = response.header("Retry-After", header("Seconds.", Some(KnownFormat::Int64)));
        }
        components
            .responses
            .insert(name::<D>(what), response.build().into());
    }
}

fn header(meaning: &str, format: Option<KnownFormat>) -> Header {
    let kind = match format {
        Some(KnownFormat::Int64) => Type::Integer,
        _ => Type::String,
    };
    let schema = ObjectBuilder::new()
        .schema_type(kind)
        .format(format.map(SchemaFormat::KnownFormat));
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(meaning))
        .build()
}

macro_rules! sets {
    ($($(#[$doc:meta])* $name:ident: $statuses:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<D>(PhantomData<fn() -> D>);

        impl<D: Described> IntoResponses for $name<D> {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                set::<D>(&$statuses)
            }
        }
    )+};
}

sets! {
    /// What any path can answer.
    Always: [405, 500, 503];
    /// A path that needs somebody signed in; its guards refuse before the handler runs.
    Guarded: [400, 401, 403];
    /// A path that reads parameters from the query.
    WithQuery: [400];
    /// A path that reads a body.
    WithBody: [400, 408, 413, 415];
    /// A path that takes a password.
    WithPassword: [401, 429];
    /// A path that mints a token for whoever is signed in.
    Minting: [429];
    /// A path that takes a token as a parameter.
    WithToken: [401];
    /// A path that takes a secret key.
    WithKey: [401, 403];
    /// A path that another site's page may not make a browser ask for unseen.
    Foreign: [403];
    /// A path that names something that may not be there.
    Missing: [404];
    /// A path that can break something that exists.
    Clashing: [409];
}
