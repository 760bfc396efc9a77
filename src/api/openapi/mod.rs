//! The description of every public endpoint: `/api/openapi.json`, and the page to browse it at `/api/docs/`.
//!
//! Each dialect describes its own routes beside the code that mounts them; here they come together
//! under their prefixes. A test compares the outcome with what is mounted.

pub mod allow;
mod page;
pub mod refusals;

use crate::api::dialect::resource;
use crate::api::thoughtspot_v1::V1;
use crate::api::thoughtspot_v2::V2;
use crate::api::verb::{self, Takes};
use crate::api::{embed_doctor, health, own_sessions, thoughtspot_v1, thoughtspot_v2};
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::middleware::Compress;
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use utoipa::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{
    Components, Info, License, OpenApi as OpenApiDocument, Paths, RefOr, Required, Schema,
};

/// Where the description is served.
pub const PATH: &str = "/api/openapi.json";

const ABOUT: &str = "A ThoughtSpot-compatible session server: trusted authentication, logins and redirects for \
embedded analytics.\n\nEvery REST API v1 path below `/callosum/v1/tspublic/v1` answers under \
`/callosum/v1` and `/tspublic/v1` as well. A request is authenticated by its Bearer token or, when it \
has none, by its session cookie.";

/// Adds the description and its page.
pub fn mount(config: &mut web::ServiceConfig) {
    config
        .service(
            resource::<V1>(PATH)
                .takes([verb::read(document)])
                .wrap(Compress::default()),
        )
        .configure(page::mount);
}

async fn document() -> HttpResponse {
    // The same for every request and every worker.
    static TEXT: LazyLock<Bytes> =
        LazyLock::new(|| Bytes::from(describe().to_json().unwrap_or_default()));
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(TEXT.clone())
}

/// A dialect's part of the description.
struct Section {
    title: &'static str,
    /// What the ids of its operations begin with.
    id: &'static str,
    prefix: &'static str,
    api: OpenApiDocument,
}

fn sections() -> [Section; 6] {
    let section = |title, id, prefix, api| Section {
        title,
        id,
        prefix,
        api,
    };
    [
        section(
            "REST API v1",
            "v1",
            thoughtspot_v1::PREFIXES[0],
            thoughtspot_v1::Description::openapi(),
        ),
        section(
            "Prism",
            "prism",
            thoughtspot_v1::PRISM,
            thoughtspot_v1::PrismDescription::openapi(),
        ),
        section(
            "REST API v2.0",
            "v2",
            thoughtspot_v2::PREFIX,
            thoughtspot_v2::Description::openapi(),
        ),
        section(
            "My sessions",
            "own_sessions",
            own_sessions::PREFIX,
            own_sessions::Description::openapi(),
        ),
        section("Health", "", "", health::Description::openapi()),
        section("Embed doctor", "", "", embed_doctor::Description::openapi()),
    ]
}

/// The description of every public endpoint.
pub fn describe() -> OpenApiDocument {
    let mut info = Info::new("vestibule", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    info.license = Some(License::new(env!("CARGO_PKG_LICENSE")));
    let mut whole = OpenApiDocument::new(info, Paths::new());
    let mut tags = Vec::new();
    for section in sections() {
        tags.push(Tag::new(section.title));
        let mut api = section.api;
        for (path, item) in &mut api.paths.paths {
            finish(item, section.title, &format!("{} {path}", section.id));
        }
        whole = whole.nest(section.prefix, api);
    }
    whole.tags = Some(tags);
    let components = whole.components.get_or_insert_with(Components::new);
    refusals::add::<V1>(components);
    refusals::add::<V2>(components);
    add_security(components);
    let optional = optional_bodies(components);
    for item in whole.paths.paths.values_mut() {
        relax(item, &optional);
    }
    whole.security = Some(
        ["bearer", "session"]
            .map(|scheme| SecurityRequirement::new(scheme, [""; 0]))
            .to_vec(),
    );
    whole
}

fn add_security(components: &mut Components) {
    let cookie = ApiKeyValue::with_description(
        crate::api::session_layer::COOKIE_NAME,
        "The session cookie that a login sets.",
    );
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token; it wins over a cookie beside it."))
        .build();
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
}

/// What every operation has alike: its section, and an id that no other one has.
fn finish(item: &mut PathItem, title: &str, name: &str) {
    let words: Vec<&str> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let operations = [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    for (method, operation) in operations {
        if let Some(operation) = operation {
            operation.tags = Some(vec![title.to_owned()]);
            operation.summary = operation.summary.as_deref().and_then(without_route);
            operation.operation_id = Some(format!("{}_{method}", words.join("_")));
        }
    }
}

/// The schemas that require no field: a request may leave such a body out.
fn optional_bodies(components: &Components) -> BTreeSet<String> {
    let schemas = components.schemas.iter();
    schemas
        .filter(|(_, schema)| match schema {
            RefOr::T(Schema::Object(object)) => object.required.is_empty(),
            _ => false,
        })
        .map(|(name, _)| format!("#/components/schemas/{name}"))
        .collect()
}

fn relax(item: &mut PathItem, optional: &BTreeSet<String>) {
    let operations = [&mut item.post, &mut item.put, &mut item.patch];
    for operation in operations.into_iter().flatten() {
        let Some(RefOr::T(body)) = &mut operation.request_body else {
            continue;
        };
        let is_optional = body.content.values().all(|content| match content {
            RefOr::T(content) => match &content.schema {
                Some(RefOr::Ref(schema)) => optional.contains(&schema.ref_location),
                _ => false,
            },
            RefOr::Ref(_) => false,
        });
        if is_optional {
            body.required = Some(Required::False);
        }
    }
}

/// A handler's first sentence begins with its route, which the description says anyway.
fn without_route(summary: &str) -> Option<String> {
    let rest = match summary.strip_prefix('`') {
        Some(after) => after.split_once('`')?.1.trim_start_matches([':', '.', ' ']),
        None => summary,
    };
    (!rest.is_empty()).then(|| rest.split_whitespace().collect::<Vec<_>>().join(" "))
}
