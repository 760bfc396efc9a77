//! Whether an address looks deliverable: some clients refuse a whole reply over one that does not.

/// Top-level domains under which nobody gets mail, as Python's email-validator lists them (the check behind pydantic's
/// `EmailStr`, which is what those clients use).
const RESERVED: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];
/// What may stand in the name beside letters and digits (RFC 5322, dot-atom).
const ATOM: &str = "_!#$%&'*+-/=?^`{|}~.";

/// Whether it looks deliverable; any other is shown as absent.
pub fn is_deliverable(email: &str) -> bool {
    let Some((name, host)) = email.rsplit_once('@') else {
        return false;
    };
    is_name(name) && is_host(host) && email.len() <= 254
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.split('.').all(|part| !part.is_empty())
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || ATOM.contains(c))
}

fn is_host(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let last = labels.last().map_or("", |last| *last);
    labels.len() > 1
        && labels.into_iter().all(is_label)
        && last.ends_with(|c: char| c.is_ascii_alphabetic())
        && !RESERVED.contains(&last.to_ascii_lowercase().as_str())
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_look_deliverable_are() {
        for good in [
            "a@example.com",
            "a.b+c@sub.example.org",
            "x@example.internal",
            "o'hara@xn--bcher-kva.example.net",
            "jürgen@example.com",
        ] {
            assert!(is_deliverable(good), "{good}");
        }
        for bad in [
            "",
            "x",
            "x@localhost",
            "x@a.local",
            "x@a.test",
            "x@y.invalid",
            "x@",
            "a@b@c.com",
            "a b@c.com",
            "x@home.arpa",
            "x@host.onion",
            "x@10.0.0.1",
            "x@[10.0.0.1]",
            ".a@example.com",
            "a..b@example.com",
            "a.@example.com",
            "a@-b.com",
            "a@ex_ample.com",
            "a@example.com.",
            "a@example..com",
            "x@.com",
            "<x>@example.com",
            "a(b)@example.com",
            "a,b@example.com",
            "a@b.c1",
        ] {
            assert!(!is_deliverable(bad), "{bad}");
        }
    }
}
