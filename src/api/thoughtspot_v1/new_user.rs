//! The form of `POST user/`, and what of it may come in two parameters.

use crate::api::form::optional;
use crate::api::thoughtspot_v1::login::org_id;
use crate::domain::directory::OrgId;
use crate::domain::failure::Failure;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The form of `POST user/`.
#[derive(Deserialize, ToSchema)]
#[schema(as = V1NewUserForm)]
pub struct NewUserForm {
    #[schema(min_length = 1, value_type = String)]
    pub name: Option<String>,
    #[schema(value_type = String, format = Password, required = false)]
    pub password: Option<SecretString>,
    #[schema(min_length = 1, value_type = String)]
    pub displayname: Option<String>,
    #[schema(value_type = String, required = false)]
    email: Option<String>,
    /// A JSON object, as a string; its `mail` is the address.
    #[schema(value_type = String, required = false)]
    properties: Option<String>,
    /// `DEFAULT`; users who cannot be shared with are not offered.
    #[schema(pattern = "^(DEFAULT)?$", value_type = String, required = false)]
    pub visibility: Option<String>,
    /// A JSON array of names or GUIDs, as a string.
    #[schema(value_type = String, required = false)]
    pub groups: Option<String>,
    /// `LOCAL_USER`, `SAML_USER`, `OIDC_USER`, or `LDAP_USER` where LDAP is on.
    #[schema(pattern = "^(LOCAL_USER|LDAP_USER|SAML_USER|OIDC_USER)?$", value_type = String, required = false)]
    pub usertype: Option<String>,
    /// A JSON array of the numbers of Orgs, as a string; without it the one worked in.
    #[schema(value_type = String, required = false)]
    orgids: Option<String>,
    /// One of them, as other calls have it.
    #[schema(value_type = i64, required = false)]
    orgid: Option<String>,
}

/// A value, and the parameter it came in.
pub struct Sent<T> {
    /// The parameter.
    pub name: &'static str,
    /// What it says.
    pub value: T,
}

impl NewUserForm {
    /// The Orgs to join, by their numbers alone: an Org may be named like another's number.
    pub fn orgs(&mut self) -> Result<Option<Sent<Vec<OrgId>>>, Failure> {
        let one = org_id(self.orgid.take())?;
        let Some(text) = optional(self.orgids.take()) else {
            return Ok(one.map(|org| Sent {
                name: "orgid",
                value: vec![org],
            }));
        };
        let wrong = || Failure::bad("orgids", "a JSON array of the numbers of Orgs");
        let listed: Value = serde_json::from_str(&text).map_err(|_| wrong())?;
        let listed = match listed {
            Value::Array(listed) => listed,
            single => vec![single],
        };
        let number = |value: &Value| match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let numbers: Option<Vec<i64>> = listed.iter().map(number).collect();
        let value: Vec<OrgId> = numbers.ok_or_else(wrong)?.into_iter().map(OrgId).collect();
        if value.is_empty() {
            return Err(wrong());
        }
        match one {
            Some(one) if value != [one] => Err(Failure::bad("orgids", "the Org that orgid names")),
            _ => Ok(Some(Sent {
                name: "orgids",
                value,
            })),
        }
    }

    /// The address, which has two places.
    pub fn email(&mut self) -> Result<Sent<Option<String>>, Failure> {
        let email = optional(self.email.take());
        let Some(text) = optional(self.properties.take()) else {
            return Ok(Sent {
                name: "email",
                value: email,
            });
        };
        let properties: Properties = serde_json::from_str(&text)
            .map_err(|_| Failure::bad("properties", "a JSON object, its mail a string"))?;
        match (email, optional(properties.mail)) {
            (Some(email), Some(mail)) if email != mail => {
                Err(Failure::bad("properties", "the mail that email names"))
            }
            (Some(email), _) => Ok(Sent {
                name: "email",
                value: Some(email),
            }),
            (None, mail) => Ok(Sent {
                name: "properties",
                value: mail,
            }),
        }
    }
}

/// What is read of a new user's `properties`.
#[derive(Deserialize)]
struct Properties {
    mail: Option<String>,
}
