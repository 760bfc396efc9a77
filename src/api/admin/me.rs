//! Who sits at the console, and proving it again.

use crate::api::admin::Admin;
use crate::api::admin::desk::{Asks, Looks, Refusal};
use crate::api::admin::proof::FRESH_FOR;
use crate::api::caller::Caller;
use crate::api::departure::ProvingAnew;
use crate::domain::administration::{AdminScope, MAX_FOUND};
use crate::domain::directory::AccountType;
use crate::domain::failure::{Failure, Unauthenticated};
use actix_web::HttpResponse;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

/// `GET me`: who, how far they reach, and the token their page sends with every change.
pub async fn me(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    let services = desk.services();
    let (principal, scope) = desk.viewer();
    let user = services.require_user(principal).await?;
    let may_confirm = match user.account_type {
        AccountType::Local => services.directory.password_hash(user.id).await?.is_some(),
        AccountType::Ldap => services.login.has_ldap(),
        AccountType::Saml | AccountType::Oidc => false,
    };
    let prove_at = ProvingAnew::of(services, principal).filter(|_| !may_confirm);
    let org = services.directory.find_org(principal.org).await?;
    let org_name = org.map(|org| org.name).unwrap_or_default();
    Ok(HttpResponse::Ok().json(json!({
        "user": { "id": user.id.to_string(), "name": user.name, "display_name": user.display_name },
        "scope": match scope {
            AdminScope::Server => "server",
            AdminScope::Org(_) => "org",
        },
        "org": { "id": principal.org.0, "name": org_name },
        "csrf": desk.proofs.csrf().ok_or(Failure::Internal)?,
        "session": desk.session.to_string(),
        "now": services.login.now().millis(),
        "fresh_until": desk.fresh_until.millis(),
        "may_confirm": may_confirm,
        "prove_at": prove_at,
        "has_ldap": services.login.has_ldap(),
        "most_found": MAX_FOUND,
        "version": env!("CARGO_PKG_VERSION"),
    })))
}

#[derive(Deserialize)]
pub struct ConfirmBody {
    password: SecretString,
}

/// `POST confirm`: the password once more, judged and throttled as at a login; answers the proof to send along.
pub async fn confirm(
    asks: Asks<ConfirmBody>,
    caller: Caller<Admin>,
) -> Result<HttpResponse, Refusal> {
    let Asks { desk, body } = asks;
    let services = desk.services();
    let (principal, _) = desk.viewer();
    let user = services.require_user(principal).await?;
    let proof = services
        .login
        .confirm_password(&user.name, &body.password, &caller.client)
        .await?;
    // The name may have gone to somebody else since it was looked up.
    if proof.user().id != principal.user_id {
        return Err(Failure::Unauthenticated(Unauthenticated::BadCredentials).into());
    }
    let now = services.login.now();
    let confirmed = desk.proofs.confirmation(now).ok_or(Failure::Internal)?;
    Ok(HttpResponse::Ok().json(json!({
        "confirmed": confirmed,
        "fresh_until": now.plus(FRESH_FOR).millis(),
    })))
}
