//! Which elements of a message the provider signed.
//!
//! The library verifies; what it may be asked to verify is decided before: one reference, to the element the signature
//! stands in, by two named transforms and methods of the SHA-2 family. Whoever asks gets back *elements of the very
//! document that was verified*, so that nothing else can be read in their place.

use super::fault::{Judged, bad_signature, refuse, shown};
use super::keys::Certificate;
use super::xml::{DSIG, Node};
use crate::domain::sso::AssertionFault;
use bergshamra::dsig::verify::verify_all_document_with_source;
use bergshamra::keys::loader::load_spki_der;
use bergshamra::{DsigContext, KeysManager, VerifyResult};
use uppsala::Document;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Of a `PrefixList`, which honest signers give one or two.
const MAX_PREFIXES: usize = 32;
const MAX_PREFIX_BYTES: usize = 512;
const METHODS: [&str; 6] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
];
const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];

/// The elements of a document whose signatures held.
pub(super) struct Signed<'d, 'x>(Vec<Node<'d, 'x>>);

impl<'d, 'x> Signed<'d, 'x> {
    /// Whether the element itself has a signature of its own.
    pub(super) fn has(&self, element: Node<'d, 'x>) -> bool {
        self.0.contains(&element)
    }

    /// The element as the provider's own word, where a signed one holds it.
    pub(super) fn vouch_for(&self, element: Node<'d, 'x>) -> Option<Authentic<'d, 'x>> {
        let mut around = Some(element);
        while let Some(node) = around {
            // The one part of a signed element that its signature does not cover.
            if node.is(DSIG, "Signature") {
                return None;
            }
            if self.has(node) {
                return Some(Authentic(element));
            }
            around = node.parent();
        }
        None
    }
}

/// An element that the provider wrote, every letter of it: only [`Signed::vouch_for`] makes one.
#[derive(Clone, Copy)]
pub(super) struct Authentic<'d, 'x>(Node<'d, 'x>);

impl<'d, 'x> Authentic<'d, 'x> {
    pub(super) const fn node(self) -> Node<'d, 'x> {
        self.0
    }
}

/// The elements of `places` that are signed, each by its own signature. A signature anywhere else, or one that does
/// not hold, is refused: no honest message has one.
pub(super) fn signed<'d, 'x>(
    document: &'d Document<'x>,
    text: &str,
    places: &[Node<'d, 'x>],
    keys: &[Certificate],
) -> Judged<Signed<'d, 'x>> {
    let Some(root) = Node::root(document) else {
        return Ok(Signed(Vec::new()));
    };
    let signatures: Vec<_> = root
        .self_and_below()
        .filter(|node| node.is(DSIG, "Signature"))
        .collect();
    let mut elements = Vec::new();
    for signature in &signatures {
        let parent = signature
            .parent()
            .filter(|parent| places.contains(parent))
            .ok_or_else(|| bad_signature("a signature where none belongs"))?;
        if elements.contains(&parent) {
            return Err(bad_signature(format!(
                "two signatures in one {}",
                parent.local_name()
            )));
        }
        check_profile(*signature, parent)?;
        check_named_key(*signature, keys)?;
        elements.push(parent);
    }
    if elements.is_empty() {
        return Ok(Signed(elements));
    }
    let mut manager = KeysManager::new();
    for key in keys {
        // By the key and not the certificate: it is pinned, and its dates are judged elsewhere, by our clock.
        manager.add_key(load_spki_der(key.spki()).map_err(bad_signature)?);
    }
    let results = verify_all_document_with_source(&DsigContext::new(manager), document, Some(text))
        .map_err(bad_signature)?;
    for (signature, parent) in signatures.iter().zip(&elements) {
        let is_verified = results.iter().any(|result| match result {
            VerifyResult::Valid {
                signature_node,
                references,
                ..
            } => {
                *signature_node == signature.id()
                    && result.all_reference_digests_verified()
                    && matches!(references.as_slice(), [only] if only.resolved_node == Some(parent.id()))
            }
            VerifyResult::Invalid { .. } => false,
        });
        if !is_verified {
            let reason = results
                .iter()
                .find_map(|result| match result {
                    VerifyResult::Invalid { reason } => Some(reason.as_str()),
                    VerifyResult::Valid { .. } => None,
                })
                .unwrap_or("it covers something else");
            return Err(bad_signature(format!(
                "the signature of the {} by none of the {} keys in the metadata: {}",
                parent.local_name(),
                keys.len(),
                shown(reason)
            )));
        }
    }
    Ok(Signed(elements))
}

/// Everything about a signature that can be judged without a key.
fn check_profile(signature: Node<'_, '_>, parent: Node<'_, '_>) -> Judged<()> {
    expect_children(signature, &["SignedInfo", "SignatureValue"], &["KeyInfo"])?;
    let info = only(signature, "SignedInfo")?;
    expect_children(
        info,
        &["CanonicalizationMethod", "SignatureMethod", "Reference"],
        &[],
    )?;
    let canonical = only(info, "CanonicalizationMethod")?;
    expect_method(canonical, &[EXCLUSIVE])?;
    expect_prefixes_only(canonical)?;
    let method = only(info, "SignatureMethod")?;
    expect_method(method, &METHODS)?;
    expect_children(method, &[], &[])?;

    let reference = only(info, "Reference")?;
    expect_children(
        reference,
        &["Transforms", "DigestMethod", "DigestValue"],
        &[],
    )?;
    let id = parent
        .attribute("ID")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| bad_signature("a signed element without ID"))?;
    let target = reference.attribute("URI").unwrap_or("");
    if target.strip_prefix('#') != Some(id) {
        return Err(bad_signature(format!(
            "a signature of {}, in the element {}",
            shown(target),
            shown(id)
        )));
    }
    let digest = only(reference, "DigestMethod")?;
    expect_method(digest, &DIGESTS)?;
    expect_children(digest, &[], &[])?;

    let transforms: Vec<_> = only(reference, "Transforms")?.children().collect();
    if let Some(odd) = transforms.iter().find(|t| !t.is(DSIG, "Transform")) {
        return Err(bad_signature(format!(
            "{} as a transform",
            odd.local_name()
        )));
    }
    for transform in &transforms {
        expect_method(*transform, &[ENVELOPED, EXCLUSIVE])?;
    }
    let [enveloped, exclusive] = transforms.as_slice() else {
        return Err(bad_signature(format!("{} transforms", transforms.len())));
    };
    expect_method(*enveloped, &[ENVELOPED])?;
    expect_children(*enveloped, &[], &[])?;
    expect_method(*exclusive, &[EXCLUSIVE])?;
    expect_prefixes_only(*exclusive)
}

/// A certificate that comes along proves nothing, but one of another key says that this is not our provider, and which.
fn check_named_key(signature: Node<'_, '_>, keys: &[Certificate]) -> Judged<()> {
    let mut stranger = None;
    for node in signature
        .named(DSIG, "KeyInfo")
        .flat_map(Node::self_and_below)
    {
        if node.is(DSIG, "RetrievalMethod") || node.is(DSIG, "KeyInfoReference") {
            return Err(bad_signature("a key that would have to be fetched"));
        }
        if node.is(DSIG, "X509Certificate") {
            match Certificate::from_base64(&node.text()) {
                Ok(named) if keys.iter().any(|key| key.has_key_of(&named)) => return Ok(()),
                Ok(named) => stranger = Some(shown(&named.subject)),
                Err(_) => stranger = Some("somebody unreadable".to_owned()),
            }
        }
    }
    match stranger {
        Some(name) => Err(bad_signature(format!(
            "signed with a certificate of {name}, whose key is not in the metadata"
        ))),
        None => Ok(()),
    }
}

fn only<'d, 'x>(node: Node<'d, 'x>, name: &str) -> Judged<Node<'d, 'x>> {
    node.only(DSIG, name).map_err(bad_signature)
}

/// Each of `needed` once, each of `possible` at most once, and nothing else.
fn expect_children(node: Node<'_, '_>, needed: &[&str], possible: &[&str]) -> Judged<()> {
    for name in needed {
        only(node, name)?;
    }
    for name in possible {
        node.one(DSIG, name).map_err(bad_signature)?;
    }
    let is_known = |child: &Node<'_, '_>| needed.iter().chain(possible).any(|n| child.is(DSIG, n));
    match node.children().find(|child| !is_known(child)) {
        Some(odd) => Err(bad_signature(format!(
            "{} in {}",
            shown(odd.local_name()),
            node.local_name()
        ))),
        None => Ok(()),
    }
}

/// Exclusive canonical XML may name some prefixes, and nothing more. Each is looked up for each element, before anybody
/// knows who signed, so there must not be many.
fn expect_prefixes_only(node: Node<'_, '_>) -> Judged<()> {
    let children: Vec<_> = node.children().collect();
    if let Some(odd) = children
        .iter()
        .find(|child| !child.is(EXCLUSIVE, "InclusiveNamespaces"))
    {
        return Err(bad_signature(format!(
            "{} in {}",
            shown(odd.local_name()),
            node.local_name()
        )));
    }
    let list = match children.as_slice() {
        [] => return Ok(()),
        [list] => list,
        several => {
            return Err(bad_signature(format!(
                "{} InclusiveNamespaces in one {}",
                several.len(),
                node.local_name()
            )));
        }
    };
    if let Some(odd) = list.children().next() {
        return Err(bad_signature(format!(
            "{} in InclusiveNamespaces",
            shown(odd.local_name())
        )));
    }
    // By local name, as the library reads it.
    let lists = || list.attributes().filter(|(name, _)| *name == "PrefixList");
    let bytes: usize = lists().map(|(_, prefixes)| prefixes.len()).sum();
    let count = lists()
        .flat_map(|(_, prefixes)| prefixes.split_whitespace())
        .count();
    if count > MAX_PREFIXES || bytes > MAX_PREFIX_BYTES {
        return Err(bad_signature(format!(
            "{count} prefixes of {bytes} bytes in a PrefixList, more than {MAX_PREFIXES} or {MAX_PREFIX_BYTES}"
        )));
    }
    Ok(())
}

fn expect_method(node: Node<'_, '_>, allowed: &[&str]) -> Judged<()> {
    let method = node.attribute("Algorithm").unwrap_or("");
    if allowed.contains(&method) {
        return Ok(());
    }
    refuse(
        AssertionFault::WeakAlgorithm,
        format!("{} by {}", node.local_name(), shown(method)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idp::saml::xml::{Source, parse};

    #[test]
    fn what_is_vouched_for_lies_in_a_signed_element_and_not_in_its_signature() {
        let text = format!(
            "<all><other/><response><inside><deep/></inside><s:Signature xmlns:s='{DSIG}'><s:KeyInfo><hidden/></s:KeyInfo></s:Signature></response></all>"
        );
        let document = parse(&text, Source::Browser).unwrap();
        let root = Node::root(&document).unwrap();
        let find = |name: &str| {
            let mut all = root.self_and_below();
            all.find(|node| node.local_name() == name).unwrap()
        };
        let held = Signed(vec![find("response")]);
        for (name, is_covered) in [
            ("response", true),
            ("inside", true),
            ("deep", true),
            ("Signature", false),
            ("hidden", false),
            ("other", false),
            ("all", false),
        ] {
            let vouched = held.vouch_for(find(name));
            assert_eq!(vouched.is_some(), is_covered, "{name}");
            assert!(vouched.is_none_or(|one| one.node() == find(name)));
        }
        assert!(Signed(Vec::new()).vouch_for(find("deep")).is_none());
    }
}
