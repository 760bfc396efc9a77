//! "Did you mean …?": the known name closest to one that was misspelt.

/// The closest of `known`, if it is close enough to be what was meant.
pub(in crate::settings) fn closest<'a>(
    written: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .map(|name| (distance(written, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 6)
        .map(|(_, name)| name)
}

/// How many letters to insert, remove or replace to get from one to the other (Levenshtein).
pub fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replace = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_what_was_meant_and_a_stranger_finds_nothing() {
        let known = ["server.http", "server.https", "sessions.idle_timeout"];
        for (written, meant) in [
            ("server.htp", Some("server.http")),
            ("sesions.idle_timeout", Some("sessions.idle_timeout")),
            ("sessions.idletimeout", Some("sessions.idle_timeout")),
            ("colour", None),
        ] {
            assert_eq!(closest(written, known.into_iter()), meant, "{written}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
