//! Metadata: reads the provider's, writes ours.

use super::instant;
use super::keys::{Certificate, OwnKey};
use super::xml::{DSIG, METADATA, Node, PROTOCOL, Source, escape, parse};
use crate::domain::clock::Timestamp;
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::fmt::Write;
use url::Url;

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
pub(super) const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// What the provider's metadata says.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) entity_id: String,
    /// Where sign-ins begin, by redirect.
    pub(super) sign_in: String,
    /// Where sign-outs go, by redirect.
    pub(super) sign_out: Option<String>,
    /// Where answers to sign-outs go, by redirect.
    pub(super) sign_out_reply: Option<String>,
    /// What it may sign with; several while it changes keys.
    pub(super) certificates: Vec<Certificate>,
    /// Certificates that were left out, and why.
    pub(super) left_out: Vec<String>,
    pub(super) valid_until: Option<Timestamp>,
    pub(super) wants_signed_requests: bool,
}

impl Peer {
    /// Reads metadata; refuses it when it has expired.
    pub(super) fn read(text: &str, now: Timestamp) -> Result<Self> {
        let document = parse(text, Source::File).map_err(|why| anyhow!(why))?;
        let root = Node::root(&document).context("no element")?;
        let (entity, role) = find_role(root)?;
        let entity_id = entity
            .attribute("entityID")
            .filter(|id| !id.is_empty())
            .context("no entityID")?
            .to_owned();
        let protocols = role.attribute("protocolSupportEnumeration").unwrap_or("");
        ensure!(
            protocols.split_whitespace().any(|p| p == PROTOCOL),
            "{entity_id} does not speak SAML 2.0"
        );
        let mut valid_until: Option<Timestamp> = None;
        for text in [root, entity, role]
            .into_iter()
            .filter_map(|node| node.attribute("validUntil"))
        {
            let until = instant::read(text).map_err(|why| anyhow!("validUntil: {why}"))?;
            valid_until = Some(valid_until.map_or(until, |other| other.min(until)));
        }
        if let Some(until) = valid_until {
            ensure!(now < until, "it expired at {}", instant::write(until));
        }
        let (certificates, left_out) = signing_certificates(role)?;
        let sign_in = endpoint(role, "SingleSignOnService")?
            .context("no SingleSignOnService with the binding HTTP-Redirect")?
            .0;
        let (sign_out, sign_out_reply) = endpoint(role, "SingleLogoutService")?.unzip();
        Ok(Self {
            entity_id,
            sign_in,
            sign_out,
            sign_out_reply,
            certificates,
            left_out,
            valid_until,
            wants_signed_requests: matches!(
                role.attribute("WantAuthnRequestsSigned"),
                Some("true" | "1")
            ),
        })
    }

    /// Whether the metadata may still be used.
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        self.valid_until.is_none_or(|until| now < until)
    }
}

/// The one identity provider in it.
fn find_role<'d, 'x>(root: Node<'d, 'x>) -> Result<(Node<'d, 'x>, Node<'d, 'x>)> {
    ensure!(
        root.is(METADATA, "EntityDescriptor") || root.is(METADATA, "EntitiesDescriptor"),
        "not an EntityDescriptor"
    );
    let mut roles = root
        .self_and_below()
        .filter(|node| node.is(METADATA, "IDPSSODescriptor"));
    let role = roles.next().context("no IDPSSODescriptor in it")?;
    ensure!(
        roles.next().is_none(),
        "several identity providers in it; one file for each is needed"
    );
    let entity = role
        .parent()
        .filter(|parent| parent.is(METADATA, "EntityDescriptor"))
        .context("an IDPSSODescriptor outside an EntityDescriptor")?;
    Ok((entity, role))
}

/// Keys that can be used, and what is wrong with the others. One weak key does not spoil the rest: nothing it signs
/// is believed.
fn signing_certificates(role: Node<'_, '_>) -> Result<(Vec<Certificate>, Vec<String>)> {
    let mut found: Vec<Certificate> = Vec::new();
    let mut left_out = Vec::new();
    for descriptor in role.named(METADATA, "KeyDescriptor") {
        if !matches!(descriptor.attribute("use"), None | Some("signing")) {
            continue;
        }
        for node in descriptor.self_and_below() {
            if !node.is(DSIG, "X509Certificate") {
                continue;
            }
            match Certificate::from_base64(&node.text()) {
                Ok(key) if found.iter().any(|known| known.has_key_of(&key)) => {}
                Ok(key) => found.push(key),
                Err(why) => left_out.push(format!("{why:#}")),
            }
        }
    }
    if found.is_empty() {
        if left_out.is_empty() {
            bail!("no signing certificate in it");
        }
        bail!(
            "no signing certificate of use in it: {}",
            left_out.join("; ")
        );
    }
    Ok((found, left_out))
}

/// Where a service is reached by redirect, and where its answers go.
fn endpoint(role: Node<'_, '_>, name: &str) -> Result<Option<(String, String)>> {
    let Some(service) = role
        .named(METADATA, name)
        .find(|service| service.attribute("Binding") == Some(REDIRECT))
    else {
        return Ok(None);
    };
    let location = service.attribute("Location").unwrap_or("");
    let reply = service.attribute("ResponseLocation").unwrap_or(location);
    for address in [location, reply] {
        let url = Url::parse(address)
            .with_context(|| format!("{name}: {address:?} is not an address"))?;
        ensure!(
            matches!(url.scheme(), "https" | "http") && url.fragment().is_none(),
            "{name}: {address:?} is not an http address without fragment"
        );
    }
    Ok(Some((location.to_owned(), reply.to_owned())))
}

/// Our own metadata.
pub(super) fn own(
    entity_id: &str,
    callback: &str,
    logout: &str,
    key: Option<&OwnKey>,
    is_signing: bool,
) -> String {
    let mut xml = format!(
        "<md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{}\">\
         <md:SPSSODescriptor AuthnRequestsSigned=\"{is_signing}\" WantAssertionsSigned=\"true\" \
         protocolSupportEnumeration=\"{PROTOCOL}\">",
        escape(entity_id)
    );
    if let Some(key) = key {
        for purpose in ["signing", "encryption"] {
            // Writing to a String cannot fail.
            let _ = write!(
                xml,
                "<md:KeyDescriptor use=\"{purpose}\"><ds:KeyInfo xmlns:ds=\"{DSIG}\"><ds:X509Data>\
                 <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{}</md:KeyDescriptor>",
                key.certificate.to_base64(),
                if purpose == "encryption" {
                    "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/>\
                     <md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes128-gcm\"/>\
                     <md:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>"
                } else {
                    ""
                }
            );
        }
    }
    for binding in [REDIRECT, POST] {
        let _ = write!(
            xml,
            "<md:SingleLogoutService Binding=\"{binding}\" Location=\"{}\"/>",
            escape(logout)
        );
    }
    let _ = write!(
        xml,
        "<md:NameIDFormat>{UNSPECIFIED}</md:NameIDFormat>\
         <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{}\" index=\"0\" isDefault=\"true\"/>\
         </md:SPSSODescriptor></md:EntityDescriptor>",
        escape(callback)
    );
    xml
}
