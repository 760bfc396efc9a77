//! XML as it is read here: guarded before it is parsed, and walked by full names, never by local ones alone.

use super::fault::shown;
use super::shape;
use uppsala::{Document, NodeId, NodeKind};

pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(super) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
pub(super) const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// Names by which an element can be pointed at, whatever its kind.
const ID_NAMES: [&str; 4] = ["ID", "Id", "id", "AssertionID"];

/// Where a text comes from, which says what may be in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A browser: nothing but elements, attributes and text.
    Browser,
    /// A file of the operator's: comments too.
    File,
}

/// Refuses what must not even reach the parser.
///
/// Signatures do not cover comments, and a reader that stops at one reads another name than the one that was signed; a
/// DOCTYPE brings entities. A message has no use for either, so `<!` and `<?` are refused as such, wherever they stand.
pub(super) fn guard(text: &str, source: Source) -> Result<(), String> {
    if let Some(odd) = text
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        return Err(format!("a control character (U+{:04X})", u32::from(odd)));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let body = match text.strip_prefix("<?xml") {
        Some(rest) => {
            let (declaration, body) = rest
                .split_once("?>")
                .ok_or("an XML declaration that does not end")?;
            check_declaration(declaration)?;
            body
        }
        None => text,
    };
    match source {
        Source::Browser if body.contains("<!") => {
            Err("a comment, CDATA section or DOCTYPE".to_owned())
        }
        Source::Browser if body.contains("<?") => Err("a processing instruction".to_owned()),
        Source::File if body.contains("<!DOCTYPE") || body.contains("<!ENTITY") => {
            Err("a DOCTYPE".to_owned())
        }
        // Exact, because only tags are left by now.
        Source::Browser => shape::check(body),
        // An operator's file is not an attack.
        Source::File => Ok(()),
    }
}

fn check_declaration(declaration: &str) -> Result<(), String> {
    let Some((_, rest)) = declaration.split_once("encoding") else {
        return Ok(());
    };
    let name = rest.trim_matches(|c: char| c.is_whitespace() || c == '=');
    let quote = name.chars().next().unwrap_or(' ');
    let encoding = name
        .get(1..)
        .and_then(|name| name.split(quote).next())
        .unwrap_or("");
    if encoding.eq_ignore_ascii_case("utf-8") {
        Ok(())
    } else {
        Err("an encoding other than UTF-8".to_owned())
    }
}

/// Guards and parses.
pub(super) fn parse(text: &str, source: Source) -> Result<Document<'_>, String> {
    guard(text, source)?;
    let document =
        uppsala::parse(text).map_err(|error| format!("not XML: {}", shown(&error.to_string())))?;
    let root = Node::root(&document).ok_or("no element")?;
    let mut seen = std::collections::HashSet::new();
    for node in root.self_and_below() {
        for (name, value) in node.attributes() {
            if ID_NAMES.contains(&name) && !seen.insert(value) {
                return Err(format!("two elements called {}", shown(value)));
            }
        }
    }
    Ok(document)
}

/// An element in its document.
#[derive(Clone, Copy)]
pub(super) struct Node<'d, 'x> {
    document: &'d Document<'x>,
    id: NodeId,
}

impl PartialEq for Node<'_, '_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.id == other.id
    }
}

impl<'d, 'x> Node<'d, 'x> {
    pub(super) fn root(document: &'d Document<'x>) -> Option<Self> {
        let id = document.document_element()?;
        Some(Self { document, id })
    }

    pub(super) const fn id(self) -> NodeId {
        self.id
    }

    /// Whether it has this full name.
    pub(super) fn is(self, namespace: &str, name: &str) -> bool {
        self.document
            .element(self.id)
            .is_some_and(|element| element.matches_name_ns(namespace, name))
    }

    /// Its name without the namespace, for people and for counting what only looks alike.
    pub(super) fn local_name(self) -> &'d str {
        self.document
            .element(self.id)
            .map_or("", |element| &*element.name.local_name)
    }

    /// Attributes by local name, whatever their namespace.
    pub(super) fn attributes(self) -> impl Iterator<Item = (&'d str, &'d str)> {
        self.document
            .element(self.id)
            .into_iter()
            .flat_map(|element| &element.attributes)
            .map(|attribute| (&*attribute.name.local_name, &*attribute.value))
    }

    /// An attribute of no namespace, which all of SAML's are.
    pub(super) fn attribute(self, name: &str) -> Option<&'d str> {
        self.document
            .element(self.id)?
            .attributes
            .iter()
            .find(|a| *a.name.local_name == *name && a.name.namespace_uri.is_none())
            .map(|a| &*a.value)
    }

    pub(super) fn parent(self) -> Option<Self> {
        let id = self.document.parent(self.id)?;
        self.document.element(id)?;
        Some(Self { id, ..self })
    }

    pub(super) fn children(self) -> impl Iterator<Item = Self> {
        self.document
            .children_iter(self.id)
            .filter(move |&id| self.document.element(id).is_some())
            .map(move |id| Self { id, ..self })
    }

    pub(super) fn named(self, namespace: &str, name: &str) -> impl Iterator<Item = Self> {
        self.children().filter(move |c| c.is(namespace, name))
    }

    /// The child of that name, which there may be one of at most.
    pub(super) fn one(self, namespace: &str, name: &str) -> Result<Option<Self>, String> {
        let mut found = self.named(namespace, name);
        let first = found.next();
        if found.next().is_some() {
            return Err(format!("several {name} in one {}", self.local_name()));
        }
        Ok(first)
    }

    /// The child of that name, which there must be exactly one of.
    pub(super) fn only(self, namespace: &str, name: &str) -> Result<Self, String> {
        self.one(namespace, name)?
            .ok_or_else(|| format!("no {name} in {}", self.local_name()))
    }

    /// Itself and every element below, in the order of the document.
    pub(super) fn self_and_below(self) -> impl Iterator<Item = Self> {
        std::iter::once(self.id)
            .chain(self.document.descendants(self.id))
            .filter(move |&id| self.document.element(id).is_some())
            .map(move |id| Self { id, ..self })
    }

    /// All of its text, trimmed. Every piece counts: an element or a comment in between must not cut a name short.
    pub(super) fn text(self) -> String {
        self.document
            .text_content_deep(self.id)
            .trim_matches([' ', '\t', '\r', '\n'])
            .to_owned()
    }

    /// The same, refused where there is anything but text.
    pub(super) fn plain_text(self) -> Result<String, String> {
        let is_plain = self
            .document
            .children_iter(self.id)
            .all(|id| matches!(self.document.node_kind(id), Some(NodeKind::Text(_))));
        if is_plain {
            Ok(self.text())
        } else {
            Err(format!("more than text in {}", self.local_name()))
        }
    }
}

/// Text fit for an attribute or an element.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            // XML has no way to write them.
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_has_no_use_for_is_refused_before_it_is_parsed() {
        for text in [
            "<!DOCTYPE a><a/>",
            "<a>b<!-- c --></a>",
            "<a><![CDATA[b]]></a>",
            "<a><?b c?></a>",
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
            "<a>\0</a>",
        ] {
            assert!(guard(text, Source::Browser).is_err(), "{text:?}");
        }
        assert!(
            guard(
                "<?xml version='1.0' encoding='utf-8' ?><a/>",
                Source::Browser
            )
            .is_ok()
        );
        assert!(guard("<?xml version=\"1.0\"?>\n<a/>", Source::Browser).is_ok());
    }

    #[test]
    fn nobody_shares_an_id() {
        assert!(parse("<a ID='x'><b Id='x'/></a>", Source::Browser).is_err());
        assert!(parse("<a ID='x'><b Id='y'/></a>", Source::Browser).is_ok());
    }
}
