//! An identity provider made of xmlsec1 and openssl, and our side opened over its metadata.

use crate::sso_section::section;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;
use vestibule::domain::clock::{ManualClock, Timestamp};
use vestibule::domain::random::SystemRandom;
use vestibule::domain::sso::{
    Answer, Assertion, AssertionFault, Begun, IdentityProvider, ProviderError,
};
use vestibule::idp::saml::SamlProvider;
use vestibule::settings::SsoProvider;

pub const IDP: &str = "https://idp.example/metadata";
pub const SP: &str = "urn:thoughtspot:callosum:saml";
pub const CALLBACK: &str = "https://bi.example/callosum/v1/saml/SSO";
pub const LOGOUT: &str = "https://bi.example/callosum/v1/saml/logout";
pub const REQUEST: &str = "_0123456789abcdef";
/// 2026-11-22T12:00:00Z
pub const NOW: u64 = 1_795_348_800_000;
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

pub fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; make setup fetches it"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A key and its certificate, as openssl makes them.
pub struct Pair {
    pub key: PathBuf,
    pub cert: PathBuf,
}

impl Pair {
    pub fn make(folder: &Path, name: &str, kind: &[&str]) -> Self {
        let (key, cert) = (
            folder.join(format!("{name}.key")),
            folder.join(format!("{name}.crt")),
        );
        super::php::make_pair(folder, name, kind);
        Self { key, cert }
    }

    pub fn rsa(folder: &Path, name: &str) -> Self {
        Self::make(folder, name, &["-newkey", "rsa:2048"])
    }

    /// The certificate in Base64 on one line.
    pub fn base64(&self) -> String {
        std::fs::read_to_string(&self.cert)
            .unwrap()
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .collect()
    }
}

/// Everything an answer says, so that a test changes the one thing it is about.
#[derive(Clone)]
pub struct Says {
    pub issuer: String,
    pub response_issuer: String,
    pub destination: String,
    pub in_response_to: String,
    pub confirmed_in_response_to: String,
    pub recipient: String,
    pub method: String,
    pub confirmed_until: String,
    pub not_before: String,
    pub not_on_or_after: String,
    pub session_until: String,
    pub audiences: String,
    pub name: String,
    pub status: String,
    pub attributes: String,
    pub more_conditions: String,
    pub signature: Option<Signature>,
    pub response_signature: Option<Signature>,
}

/// How a signature is made.
#[derive(Clone)]
pub struct Signature {
    pub method: String,
    pub digest: String,
    pub canonical: String,
    pub transforms: String,
    pub reference: String,
    pub key_info: String,
}

impl Default for Signature {
    fn default() -> Self {
        Self {
            method: RSA_SHA256.into(),
            digest: SHA256.into(),
            canonical: EXCLUSIVE.into(),
            transforms: format!(
                r#"<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/>"#
            ),
            reference: String::new(),
            key_info: String::new(),
        }
    }
}

impl Signature {
    fn template(&self, id: &str) -> String {
        let target = if self.reference.is_empty() {
            format!("#{id}")
        } else {
            self.reference.clone()
        };
        format!(
            r#"<ds:Signature xmlns:ds="{DSIG}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{}"/><ds:SignatureMethod Algorithm="{}"/><ds:Reference URI="{target}"><ds:Transforms>{}</ds:Transforms><ds:DigestMethod Algorithm="{}"/><ds:DigestValue></ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue>{}</ds:Signature>"#,
            self.canonical, self.method, self.transforms, self.digest, self.key_info
        )
    }
}

impl Default for Says {
    fn default() -> Self {
        Self {
            issuer: IDP.into(),
            response_issuer: format!("<saml:Issuer>{IDP}</saml:Issuer>"),
            destination: format!(r#" Destination="{CALLBACK}""#),
            in_response_to: format!(r#" InResponseTo="{REQUEST}""#),
            confirmed_in_response_to: format!(r#" InResponseTo="{REQUEST}""#),
            recipient: CALLBACK.into(),
            method: "urn:oasis:names:tc:SAML:2.0:cm:bearer".into(),
            confirmed_until: r#" NotOnOrAfter="2026-11-22T12:05:00Z""#.into(),
            not_before: "2026-11-22T11:59:00Z".into(),
            not_on_or_after: "2026-11-22T12:05:00Z".into(),
            session_until: String::new(),
            audiences: format!("<saml:Audience>{SP}</saml:Audience>"),
            name: "lena".into(),
            status: r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>"#
                .into(),
            attributes: attribute("mail", &["lena@example.org"])
                + &attribute("groups", &["analysts", "staff"]),
            more_conditions: String::new(),
            signature: Some(Signature::default()),
            response_signature: None,
        }
    }
}

pub fn attribute(name: &str, values: &[&str]) -> String {
    let (start, end) = ("<saml:AttributeValue>", "</saml:AttributeValue>");
    let values = values.join(&format!("{end}{start}"));
    format!(r#"<saml:Attribute Name="{name}">{start}{values}{end}</saml:Attribute>"#)
}

impl Says {
    /// The assertion alone, unsigned but with the place for its signature.
    pub fn assertion(&self) -> String {
        let signature = self
            .signature
            .as_ref()
            .map_or(String::new(), |s| s.template("_assertion"));
        format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_assertion" Version="2.0" IssueInstant="2026-11-22T12:00:00Z"><saml:Issuer>{}</saml:Issuer>{signature}<saml:Subject><saml:NameID>{}</saml:NameID><saml:SubjectConfirmation Method="{}"><saml:SubjectConfirmationData Recipient="{}"{}{}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{}" NotOnOrAfter="{}"><saml:AudienceRestriction>{}</saml:AudienceRestriction>{}</saml:Conditions><saml:AuthnStatement AuthnInstant="2026-11-22T12:00:00Z" SessionIndex="_session"{}><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{}</saml:AttributeStatement></saml:Assertion>"#,
            self.issuer,
            self.name,
            self.method,
            self.recipient,
            self.confirmed_in_response_to,
            self.confirmed_until,
            self.not_before,
            self.not_on_or_after,
            self.audiences,
            self.more_conditions,
            self.session_until,
            self.attributes
        )
    }

    /// The answer around an assertion.
    pub fn around(&self, assertion: &str) -> String {
        let signature = self
            .response_signature
            .as_ref()
            .map_or(String::new(), |s| s.template("_response"));
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="2026-11-22T12:00:00Z"{}{}>{}{signature}<samlp:Status>{}</samlp:Status>{assertion}</samlp:Response>"#,
            self.destination, self.in_response_to, self.response_issuer, self.status
        )
    }
}

/// The provider, its keys and our side of it.
pub struct Stage {
    pub folder: TempDir,
    pub idp: Pair,
    pub settings: SsoProvider,
    pub clock: Arc<ManualClock>,
    pub provider: SamlProvider,
}

impl Stage {
    pub fn set() -> Self {
        Self::with(|_, _| {})
    }

    /// The same with other settings.
    pub fn with(change: impl FnOnce(&Path, &mut SsoProvider)) -> Self {
        Self::keyed(&["-newkey", "rsa:2048"], change)
    }

    /// The same with another kind of key at the provider.
    pub fn keyed(kind: &[&str], change: impl FnOnce(&Path, &mut SsoProvider)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let idp = Pair::make(folder.path(), "idp", kind);
        let mut settings = settings(folder.path());
        write_metadata(folder.path(), &[&idp.base64()], "");
        change(folder.path(), &mut settings);
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(NOW)));
        let provider = open(&settings, &clock).unwrap();
        Self {
            folder,
            idp,
            settings,
            clock,
            provider,
        }
    }

    /// Signs the signatures that `xml` has places for, the innermost first.
    pub fn sign(&self, xml: &str) -> String {
        sign(self.folder.path(), xml, &self.idp)
    }

    /// A signed answer.
    pub fn answer(&self, says: &Says) -> String {
        let assertion = match says.signature {
            Some(_) => self.sign(&says.assertion()),
            None => says.assertion(),
        };
        let response = says.around(&assertion);
        match says.response_signature {
            Some(_) => sign_at(self.folder.path(), &response, &self.idp, "Response"),
            None => response,
        }
    }

    pub async fn finish(&self, xml: &str) -> Result<Assertion, ProviderError> {
        self.finish_at(xml, Timestamp::from_millis(NOW)).await
    }

    pub async fn finish_at(&self, xml: &str, now: Timestamp) -> Result<Assertion, ProviderError> {
        let answer = Answer::Saml(STANDARD.encode(xml));
        self.provider
            .finish(&answer, Some(&begun()), CALLBACK, now)
            .await
    }

    /// What is wrong with an answer.
    pub async fn fault(&self, xml: &str) -> AssertionFault {
        fault(self.finish(xml).await)
    }
}

pub fn fault<T: std::fmt::Debug>(outcome: Result<T, ProviderError>) -> AssertionFault {
    match outcome {
        Err(ProviderError::Refused { fault, detail }) => {
            assert!(!detail.is_empty(), "{fault} without particulars");
            fault
        }
        other => panic!("not refused: {other:?}"),
    }
}

pub fn begun() -> Begun {
    Begun {
        request_id: REQUEST.into(),
        verifier: String::new(),
        callback: CALLBACK.into(),
    }
}

pub fn open(settings: &SsoProvider, clock: &Arc<ManualClock>) -> anyhow::Result<SamlProvider> {
    SamlProvider::open(
        settings,
        Arc::clone(clock) as _,
        Arc::new(SystemRandom::open().unwrap()),
    )
}

pub fn settings(folder: &Path) -> SsoProvider {
    // The settings want a file that is there already; the metadata is written later.
    let any_file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut settings = section(
        "corp",
        &[
            ("protocol", "saml"),
            ("metadata_file", any_file),
            ("entity_id", SP),
            ("clock_skew", "2m"),
            ("timeout", "10s"),
            ("create_users", "true"),
        ],
    );
    settings.metadata_file = Some(folder.join("idp.xml"));
    settings
}

/// Settings with a key of our own.
pub fn with_own_key(folder: &Path, settings: &mut SsoProvider) {
    let own = Pair::rsa(folder, "own");
    settings.key_file = Some(own.key);
    settings.cert_file = Some(own.cert);
}

pub fn write_metadata(folder: &Path, certificates: &[&str], attributes: &str) {
    let key = |certificate: &&str| {
        format!(
            r#"<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DSIG}"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#
        )
    };
    let keys = certificates.iter().map(key).collect::<Vec<_>>().concat();
    let xml = format!(
        r#"<?xml version="1.0"?><!-- made by hand --><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}"{attributes}><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/slo" ResponseLocation="https://idp.example/slo-reply"/><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso?tenant=7"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    );
    std::fs::write(folder.join("idp.xml"), xml).unwrap();
}

/// Signs the first place for a signature in `xml`.
pub fn sign(folder: &Path, xml: &str, pair: &Pair) -> String {
    let pair = format!(
        "{},{}",
        pair.key.to_str().unwrap(),
        pair.cert.to_str().unwrap()
    );
    xmlsec(
        folder,
        xml,
        &["--privkey-pem", &pair],
        "//*[local-name()='Signature']",
    )
}

/// Signs the place that is a child of the element of that name.
pub fn sign_at(folder: &Path, xml: &str, pair: &Pair, parent: &str) -> String {
    let pair = format!(
        "{},{}",
        pair.key.to_str().unwrap(),
        pair.cert.to_str().unwrap()
    );
    let place = format!("//*[local-name()='{parent}']/*[local-name()='Signature']");
    xmlsec(folder, xml, &["--privkey-pem", &pair], &place)
}

/// Signs by whatever key the arguments name.
pub fn xmlsec(folder: &Path, xml: &str, key: &[&str], place: &str) -> String {
    let file = tempfile::NamedTempFile::new_in(folder).unwrap();
    std::fs::write(file.path(), xml).unwrap();
    let mut arguments = vec!["--sign"];
    arguments.extend(key);
    for (space, name) in [
        ("urn:oasis:names:tc:SAML:2.0:assertion", "Assertion"),
        ("urn:oasis:names:tc:SAML:2.0:protocol", "Response"),
        ("urn:oasis:names:tc:SAML:2.0:protocol", "LogoutRequest"),
        ("urn:oasis:names:tc:SAML:2.0:protocol", "LogoutResponse"),
    ] {
        arguments.push("--id-attr:ID");
        arguments.push(Box::leak(format!("{space}:{name}").into_boxed_str()));
    }
    arguments.extend(["--node-xpath", place, file.path().to_str().unwrap()]);
    let signed = String::from_utf8(run("xmlsec1", &arguments)).unwrap();
    // As a provider sends it: without the line a tool puts in front.
    signed
        .split_once("?>\n")
        .map_or(signed.clone(), |(_, xml)| xml.trim_end().to_owned())
}
