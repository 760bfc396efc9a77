//! Who may embed us, where redirects go, whether keys mint tokens: as configured, as saved, as in force.

use crate::api::admin::desk::{Acts, Asks, Looks, Refusal};
use crate::api::form::optional;
use crate::domain::administration::{normal_hosts, normal_origins};
use crate::domain::directory::OrgId;
use crate::domain::redirect::RedirectPolicy;
use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `GET security`: what the settings say, what administrators saved on top, and the rules in force.
pub async fn show(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    let manager = desk.manager();
    let saved = manager.security_settings().await?;
    let trusted = manager.trusted_status().await?;
    let services = desk.services();
    let (configured, live) = (&services.configured, services.live.load());
    let of_orgs: BTreeMap<String, &Vec<String>> = saved
        .org_cors_origins
        .iter()
        .map(|(org, origins)| (org.to_string(), origins))
        .collect();
    let orgs_off: Vec<i64> = trusted.orgs_off.iter().map(|org: &OrgId| org.0).collect();
    Ok(HttpResponse::Ok().json(json!({
        "configured": {
            "embed_origins": configured.embed_origins,
            "redirects": rules(&configured.redirects),
            "is_partitioned": configured.is_partitioned,
            "is_trusted_enabled": configured.is_trusted_enabled,
            "own_origins": services.site.own_origins,
        },
        "saved": {
            "embed_origins": saved.cors_origins,
            "org_embed_origins": of_orgs,
            "frame_origins": saved.frame_origins,
            "redirect_hosts": saved.redirect_hosts,
            "is_partitioned": saved.is_partitioned,
        },
        "in_force": {
            "redirects": rules(&live.redirects),
            "is_partitioned": live.is_partitioned,
        },
        "trusted": {
            "is_on": !trusted.is_server_off,
            "is_in_force": live.is_trusted_enabled,
            "orgs_off": orgs_off,
        },
    })))
}

fn rules(policy: &RedirectPolicy) -> Value {
    let rule = |origin: &str, source: &str| json!({ "origin": origin, "source": source });
    let listed = policy.rules().iter();
    let mut all: Vec<Value> = listed
        .map(|one| rule(&one.to_string(), one.source()))
        .collect();
    if policy.allows_loopback() {
        all.push(rule("this machine, any port", "server"));
    }
    Value::Array(all)
}

/// Lists that replace the saved ones; what is absent stays, an empty list clears.
#[derive(Deserialize)]
pub struct SecurityBody {
    embed_origins: Option<Vec<String>>,
    frame_origins: Option<Vec<String>>,
    redirect_hosts: Option<Vec<String>>,
    is_partitioned: Option<bool>,
}

/// `PUT security`: saved, in force on this node at once, on others within seconds.
pub async fn save(acts: Acts<SecurityBody>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let manager = desk.manager();
    let mut settings = manager.security_settings().await?;
    if let Some(entries) = body.embed_origins {
        settings.cors_origins = normal_origins("embed_origins", &entries)?;
    }
    if let Some(entries) = body.frame_origins {
        settings.frame_origins = normal_origins("frame_origins", &entries)?;
    }
    if let Some(entries) = body.redirect_hosts {
        settings.redirect_hosts = normal_hosts("redirect_hosts", &entries)?;
    }
    settings.is_partitioned = body.is_partitioned.or(settings.is_partitioned);
    manager.save_security_settings(&settings).await?;
    desk.services().refresh_live().await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
pub struct TrustedBody {
    org: Option<String>,
    is_on: bool,
}

/// `PUT trusted`: whether secret keys mint tokens, for the whole server or for one Org's own keys.
pub async fn switch_trusted(acts: Acts<TrustedBody>) -> Result<HttpResponse, Refusal> {
    let Acts { desk, body } = acts;
    let org = optional(body.org);
    desk.manager()
        .switch_trusted(org.as_deref(), body.is_on)
        .await?;
    desk.services().refresh_live().await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
pub struct CheckBody {
    target: String,
}

/// `POST redirect/check`: how a browser reads a target, and the rule that allows or refuses it.
pub async fn check(asks: Asks<CheckBody>) -> Result<HttpResponse, Refusal> {
    let Asks { desk, body } = asks;
    desk.require_server()?;
    let explanation = desk.services().live.load().redirects.explain(&body.target);
    let verdict = match &explanation.verdict {
        Ok(rule) => rule.to_string(),
        Err(refusal) => refusal.to_string(),
    };
    Ok(HttpResponse::Ok().json(json!({
        "is_allowed": explanation.verdict.is_ok(),
        "verdict": verdict,
        "scheme": explanation.scheme,
        "host": explanation.host,
        "port": explanation.port,
        "path": explanation.path,
        "query": explanation.query,
        "fragment": explanation.fragment,
    })))
}
