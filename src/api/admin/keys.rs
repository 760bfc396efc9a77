//! Secret keys at the console: made, told once, retired.

use crate::api::admin::desk::{Acts, Looks, Nothing, Refusal};
use crate::api::admin::view;
use crate::api::form::{optional, required};
use actix_web::{HttpResponse, web};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET keys`: every key, retired ones included, by age.
pub async fn list(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    let keys = desk.manager().list_keys().await?;
    let rows: Vec<Value> = keys.iter().map(view::key).collect();
    Ok(HttpResponse::Ok().json(json!({ "keys": rows })))
}

#[derive(Deserialize)]
pub struct KeyBody {
    label: Option<String>,
    org: Option<String>,
}

/// `POST keys`: a new one, for one Org or the whole server. The only time it is told.
pub async fn create(acts: Acts<KeyBody>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let label = required("label", body.label)?;
    let org = optional(body.org);
    let (key, secret) = desk.manager().create_key(&label, org.as_deref()).await?;
    let mut value = view::key(&key);
    value["secret_key"] = secret.expose_secret().into();
    Ok(HttpResponse::Created().json(value))
}

/// `POST keys/{id}/retire`: ends every token and session behind it.
pub async fn retire(acts: Acts<Nothing>, id: web::Path<String>) -> Result<HttpResponse, Refusal> {
    acts.desk.manager().retire_key(&id).await?;
    Ok(HttpResponse::NoContent().finish())
}
