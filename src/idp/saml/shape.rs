//! How much there is in a message, counted before anything is built from it.
//!
//! The parser compares every attribute of an element with the others, and gives every name a namespace of its own; the
//! verifier writes namespaces out again for every element that uses them. In an honest message that is nothing. Within
//! the limit of size, a dishonest one could make it minutes and gigabytes, and nobody has to be signed in to post it.

/// Honest messages are some fifteen deep; both the parser and the verifier descend by recursion.
const MAX_DEPTH: usize = 64;
/// More than fit into a message of honest attribute values.
const MAX_ELEMENTS: usize = 6_000;
/// Of one element, namespaces included.
const MAX_ATTRIBUTES: usize = 64;
/// Three for each element, as of values that declare their own type, and some to spare.
const MAX_ATTRIBUTES_IN_ALL: usize = 20_000;
/// Declared around one place. Some tools declare at every level what they need there.
const MAX_NAMESPACES: usize = 64;
/// Of one declaration, from its name to its end. The longest addresses in use are of some eighty bytes.
const MAX_NAMESPACE_BYTES: usize = 256;

/// Refuses what is built of more pieces than any honest message.
///
/// Wants text with neither comments nor CDATA, processing instructions or DOCTYPE. Then `<` begins a tag and nothing else,
/// and up to its first mistake, which ends the reading, a parser sees the same tags and as many attributes or fewer.
pub(super) fn check(body: &str) -> Result<(), String> {
    let (mut elements, mut attributes, mut in_scope) = (0, 0, 0);
    // How many namespaces each open element declares.
    let mut open = Vec::new();
    let mut rest = body.as_bytes();
    while let Some(start) = rest.iter().position(|&b| b == b'<') {
        rest = &rest[start + 1..];
        let tag = Tag::read(rest);
        rest = &rest[tag.length..];
        if tag.is_end {
            in_scope -= open.pop().unwrap_or(0);
            continue;
        }
        elements += 1;
        attributes += tag.attributes;
        at_most(MAX_ELEMENTS, elements, "elements")?;
        at_most(MAX_ATTRIBUTES, tag.attributes, "attributes in an element")?;
        at_most(MAX_ATTRIBUTES_IN_ALL, attributes, "attributes in all")?;
        at_most(
            MAX_NAMESPACES,
            in_scope + tag.namespaces,
            "namespaces in scope",
        )?;
        at_most(
            MAX_NAMESPACE_BYTES,
            tag.longest_namespace,
            "bytes of namespace",
        )?;
        if !tag.is_empty {
            open.push(tag.namespaces);
            in_scope += tag.namespaces;
            at_most(MAX_DEPTH, open.len(), "elements in each other")?;
        }
    }
    Ok(())
}

fn at_most(limit: usize, found: usize, what: &str) -> Result<(), String> {
    if found > limit {
        return Err(format!("more than {limit} {what}"));
    }
    Ok(())
}

/// What is counted of a tag.
#[derive(Default)]
struct Tag {
    /// Up to its `>`, or to the end of everything.
    length: usize,
    is_end: bool,
    is_empty: bool,
    attributes: usize,
    namespaces: usize,
    longest_namespace: usize,
}

impl Tag {
    /// The tag whose `<` is just before `bytes`.
    fn read(bytes: &[u8]) -> Self {
        let mut tag = Self {
            length: bytes.len(),
            is_end: bytes.first() == Some(&b'/'),
            ..Self::default()
        };
        let (mut quote, mut last, mut namespace_at) = (None, b'<', None);
        for (at, &byte) in bytes.iter().enumerate() {
            if let Some(open) = quote {
                if byte == open {
                    quote = None;
                    if let Some(start) = namespace_at.take() {
                        tag.longest_namespace = tag.longest_namespace.max(at - start);
                    }
                }
                continue;
            }
            match byte {
                b'"' | b'\'' => quote = Some(byte),
                b'>' => {
                    tag.length = at;
                    break;
                }
                // Every attribute has one, and outside of its value no other.
                b'=' => tag.attributes += 1,
                b'x' if last.is_ascii_whitespace() && bytes[at..].starts_with(b"xmlns") => {
                    tag.namespaces += 1;
                    namespace_at = Some(at);
                }
                _ => {}
            }
            last = byte;
        }
        tag.is_empty = last == b'/';
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        check(body).unwrap_err()
    }

    #[test]
    fn depth_is_counted_past_quotes_and_empty_elements() {
        let deep = format!("{}{}", "<a b='/>'>".repeat(65), "</a>".repeat(65));
        assert_eq!(refusal(&deep), "more than 64 elements in each other");
        let wide = format!("<a>{}</a>", "<b c='>'/>".repeat(5_000));
        assert!(check(&wide).is_ok());
    }

    #[test]
    fn elements_are_counted_wherever_they_stand() {
        let flat = |count: usize| format!("<a>{}</a>", "<b></b>".repeat(count - 1));
        assert_eq!(check(&flat(6_000)), Ok(()));
        assert_eq!(refusal(&flat(6_001)), "more than 6000 elements");
    }

    #[test]
    fn attributes_are_counted_by_element_and_in_all() {
        let element = |count: usize| {
            let attribute = |i| format!(" a{i} = '=\">='");
            format!("<b{}/>", (0..count).map(attribute).collect::<String>())
        };
        assert_eq!(check(&element(64)), Ok(()));
        assert_eq!(
            refusal(&element(65)),
            "more than 64 attributes in an element"
        );
        let many = |count: usize| format!("<a>{}</a>", element(50).repeat(count));
        assert_eq!(check(&many(400)), Ok(()));
        assert_eq!(refusal(&many(401)), "more than 20000 attributes in all");
    }

    #[test]
    fn namespaces_count_as_long_as_they_are_in_scope() {
        let level = |depth: usize| {
            let start = |i| format!("<a\nxmlns:x{i}='u'\txmlns=\"v\">");
            let open: String = (0..depth).map(start).collect();
            format!("{open}{}", "</a>".repeat(depth))
        };
        assert_eq!(check(&level(32)), Ok(()));
        assert_eq!(refusal(&level(33)), "more than 64 namespaces in scope");
        let beside = format!("<r>{}</r>", "<a xmlns:x='u' xmlns='v'/>".repeat(1_000));
        assert_eq!(check(&beside), Ok(()));
        let again = format!("<r>{}</r>", level(32).repeat(10));
        assert_eq!(check(&again), Ok(()));
    }

    #[test]
    fn a_namespace_has_a_length_that_can_be_written_out_often() {
        let named = |length: usize| format!("<a b='{}' xmlns:c='{0}'/>", "d".repeat(length));
        assert_eq!(check(&named(240)), Ok(()));
        assert_eq!(refusal(&named(260)), "more than 256 bytes of namespace");
        let prefixed = format!("<a xmlns:{}='u'/>", "p".repeat(260));
        assert_eq!(refusal(&prefixed), "more than 256 bytes of namespace");
        assert_eq!(check(&format!("<a b='{}'/>", "d".repeat(9_000))), Ok(()));
    }

    #[test]
    fn what_is_no_tag_at_all_ends_the_count_without_harm() {
        for text in [
            "",
            "<",
            "</",
            "</a></a>",
            "<a b='",
            "<a b=\"'>",
            "a<b<c",
            "<<<<>>>>",
        ] {
            let _ = check(text);
        }
    }
}
