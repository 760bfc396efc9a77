//! Replies: never kept by anybody on the way, and with only the fields that were asked for.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, EXPIRES, HeaderValue, PRAGMA};
use actix_web::middleware::Next;
use serde_json::Value;

/// Marks every reply as nobody's to keep, as the product does.
pub async fn never_kept(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    let cache = "no-cache, no-store, max-age=0, must-revalidate";
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(EXPIRES, HeaderValue::from_static("0"));
    Ok(response)
}

/// 200 with that JSON; of an object only the members that `?fields=a,b` names, of a list of objects likewise.
pub fn json(request: &HttpRequest, mut value: Value) -> HttpResponse {
    if let Some(fields) = wanted(request.query_string()) {
        match &mut value {
            Value::Array(items) => items.iter_mut().for_each(|item| keep(item, &fields)),
            other => keep(other, &fields),
        }
    }
    HttpResponse::Ok().json(value)
}

fn wanted(query: &str) -> Option<Vec<String>> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let (_, fields) = pairs.into_iter().find(|(name, _)| name == "fields")?;
    let fields: Vec<String> = fields
        .split(',')
        .map(|field| field.trim().to_owned())
        .filter(|field| !field.is_empty())
        .collect();
    (!fields.is_empty()).then_some(fields)
}

fn keep(value: &mut Value, fields: &[String]) {
    if let Value::Object(members) = value {
        members.retain(|name, _| fields.contains(name));
    }
}
