//! Every payload of the data file and random hostile texts against the policy, judged by the browsers' parser.

use super::*;
use crate::domain::failure::Failure;
use proptest::prelude::*;
use serde_json::Value;
use url::Url;

const DATA: &str = include_str!("../../../tests/data/redirects.json");
const PAGE: &str = "https://vestibule.example/callosum/";

fn data() -> Value {
    serde_json::from_str(DATA).unwrap()
}

fn policy(allow_loopback: bool) -> RedirectPolicy {
    let listed = &data()["policy"];
    let rules = ["server", "embed.origins", "redirects.allow"]
        .into_iter()
        .flat_map(|source| {
            let origins = listed[source].as_array().unwrap().clone();
            origins
                .into_iter()
                .map(move |text| OriginRule::parse(text.as_str().unwrap(), source).unwrap())
        })
        .collect();
    RedirectPolicy::new(rules, allow_loopback)
}

/// Written apart from the policy on purpose: what the data file's header means, in the parser's terms.
fn is_listed(url: &Url, allow_loopback: bool) -> bool {
    let host = url.host_str().unwrap_or_default();
    let listed = match (url.scheme(), host, url.port_or_known_default()) {
        ("https", "good.example", Some(443)) | ("https", "app.good.example", Some(8443)) => true,
        ("https", host, Some(443)) => {
            let labels: Vec<&str> = host.split('.').collect();
            matches!(labels[..], [label, "wild", "example"] if !label.is_empty())
        }
        _ => false,
    };
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    listed || (allow_loopback && loopback && matches!(url.scheme(), "http" | "https"))
}

/// What must hold of every location that is ever sent, whatever the payload was.
fn oracle(location: &str, allow_loopback: bool) -> Result<(), String> {
    if let Some(byte) = location.bytes().find(|b| !b.is_ascii_graphic()) {
        return Err(format!("byte {byte:#x} in {location:?}"));
    }
    if location.contains('\\') {
        return Err(format!("backslash in {location:?}"));
    }
    let url = Url::parse(location).map_err(|e| format!("{location:?}: {e}"))?;
    let resolved = Url::parse(PAGE).unwrap().join(location).unwrap();
    if resolved != url {
        return Err(format!("{location:?} is {resolved} to a browser on {PAGE}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("user name in {location:?}"));
    }
    if !is_listed(&url, allow_loopback) {
        return Err(format!("{location:?} goes off the list"));
    }
    Ok(())
}

fn padding(case: &Value) -> String {
    let times = case["pad"]["times"].as_u64().unwrap_or(0);
    let text = case["pad"]["text"].as_str().unwrap_or_default();
    text.repeat(usize::try_from(times).unwrap())
}

fn run(cases: &Value, allow_loopback: bool) -> usize {
    let policy = policy(allow_loopback);
    let cases = cases.as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let padding = padding(case);
        let payload = format!("{}{padding}", case["payload"].as_str().unwrap());
        let expected = case["expect"]["location"]
            .as_str()
            .map(|location| format!("{location}{padding}"));
        if expected.is_none() {
            assert_eq!(case["expect"], "refuse", "{case}");
        }
        let got = policy.check(&payload);
        if let Ok(safe) = &got
            && let Err(why) = oracle(safe.location(), allow_loopback)
        {
            wrong.push(why);
        }
        if got.as_ref().ok().map(SafeRedirect::location) != expected.as_deref() {
            wrong.push(format!("{case}: {:?}", got.map(|safe| safe.location)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    cases.len()
}

#[test]
fn cases_01_to_25_every_payload_of_the_data_file_is_answered_as_written_there() {
    let data = data();
    assert!(run(&data["cases"], false) >= 200);
    for number in 1..=25 {
        let cases = data["cases"].as_array().unwrap();
        assert!(
            cases.iter().any(|case| case["case"] == number),
            "case {number} has no payload"
        );
    }
}

#[test]
fn case_16_loopback_is_allowed_in_canonical_form_only_and_only_when_the_policy_says_so() {
    let loopback = &data()["loopback"]["cases"];
    assert!(run(loopback, true) > 20);
    for target in [
        "http://localhost:8080/",
        "http://127.0.0.1/",
        "http://[::1]/",
    ] {
        assert!(policy(false).check(target).is_err(), "{target}");
        assert_eq!(
            policy(true).check(target).unwrap().rule(),
            &AllowedBy::Loopback
        );
    }
}

#[test]
fn loopback_opens_nothing_that_was_closed_without_it() {
    let (open, closed) = (policy(true), policy(false));
    for case in data()["cases"].as_array().unwrap() {
        let payload = format!("{}{}", case["payload"].as_str().unwrap(), padding(case));
        if let (Ok(safe), Err(_)) = (open.check(&payload), closed.check(&payload)) {
            assert_eq!(safe.rule(), &AllowedBy::Loopback, "{payload:?}");
        }
    }
}

#[test]
fn a_refusal_says_what_is_wrong_without_repeating_a_secret_or_a_control_character() {
    let policy = policy(false);
    for (target, words) in [
        ("", "empty"),
        ("evil.example/?t=SECRET", "not absolute"),
        ("//evil.example/?t=SECRET", "names no scheme"),
        ("https:/evil.example/?t=SECRET", "://"),
        ("javascript:SECRET", "javascript"),
        ("https://u:SECRET@good.example/", "user name"),
        (
            "https://evil.example/?t=SECRET#SECRET",
            "https://evil.example is not",
        ),
        ("https://good.example:0443/?SECRET", "port"),
        ("https://b\u{fc}cher.wild.example/?SECRET", "xn--bcher-kva"),
        ("https://good.example/SECRET/../", "segment"),
        ("https://evil\u{202e}.example/SECRET", ""),
        ("\u{202e}SECRET:x", "not absolute"),
    ] {
        let refusal = policy.check(target).unwrap_err();
        let text = refusal.to_string();
        assert!(text.contains(words), "{target:?}: {text}");
        assert!(!format!("{text}{refusal:?}").contains("SECRET"), "{text}");
        assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'));
        let Failure::BadRequest { field, expected } = Failure::from(&refusal) else {
            panic!("not a bad request");
        };
        assert_eq!(field, "redirect_url");
        assert!(expected.ends_with(&text), "{expected}");
    }
    let long = format!("https://{}.example/", "evil".repeat(500));
    let text = policy.check(&long).unwrap_err().to_string();
    assert!(text.len() < 250 && text.contains('…'), "{text}");
}

#[test]
fn a_target_never_shows_its_query_in_debug_output() {
    let safe = policy(false)
        .check("https://good.example/?authtoken=SECRET")
        .unwrap();
    assert_eq!(format!("{safe:?}"), "SafeRedirect(https://good.example/…)");
    assert_eq!(safe.host(), "good.example");
    let explanation = policy(false).explain("https://good.example/?authtoken=SECRET");
    assert!(!format!("{explanation:?}").contains("SECRET"));
}

#[test]
fn an_explanation_shows_what_a_browser_reads_and_the_rule_that_decides() {
    let policy = policy(false);
    assert_eq!(
        policy
            .explain("https://A.wild.example?embedV2=true#/pinboard/a%2Fb")
            .to_string(),
        "scheme    https\nhost      a.wild.example\nport      443\npath      /\nquery     embedV2=true\n\
         fragment  /pinboard/a%2Fb\nallowed   by redirects.allow: https://*.wild.example"
    );
    // The repaired reading is shown, so the operator sees where a browser would have gone.
    let tricky = policy.explain("https:\\\\good.example\\@evil.example");
    assert_eq!(tricky.host.as_deref(), Some("good.example"));
    assert!(
        tricky
            .to_string()
            .ends_with("refused   the URL contains a backslash")
    );
    let relative = policy.explain("/app").to_string();
    assert!(
        relative.starts_with("refused   the URL is not absolute"),
        "{relative}"
    );
}

#[test]
fn a_rule_reads_origins_and_one_label_wildcards_and_prints_them_in_plain_form() {
    for (text, plain) in [
        ("https://good.example", "https://good.example"),
        ("HTTPS://Good.Example:443/", "https://good.example"),
        ("good.example", "https://good.example"),
        ("good.example:8443", "https://good.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("localhost:3000", "https://localhost:3000"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("*.Wild.example", "https://*.wild.example"),
        ("http://*.wild.example:8080/", "http://*.wild.example:8080"),
        (
            "https://xn--bcher-kva.example",
            "https://xn--bcher-kva.example",
        ),
    ] {
        let rule = OriginRule::parse(text, "redirects.allow").unwrap();
        assert_eq!(rule.to_string(), plain);
        assert_eq!(OriginRule::parse(plain, "redirects.allow"), Ok(rule));
    }
}

#[test]
fn case_17_a_rule_that_would_mean_too_much_or_nothing_is_refused() {
    let wide = "* https://* https://*. *.example *.localhost https://*.*.wild.example https://a*.wild.example \
        https://a.*.example https://*.0.0.1 https://*wild.example https://*.[::1] https://wild.example.*";
    let malformed = "//good.example https:// https:good.example ftp://good.example https://good.example/app \
        https://good.example? https://good.example/# https://u@good.example https://good.example:0443 \
        https://good.example: https://b\u{fc}cher.example https://0x7f.1 /";
    let texts = wide.split(' ').chain(malformed.split(' '));
    for text in texts.chain(["", " ", "a b", "https://good.example\n"]) {
        let rule = OriginRule::parse(text, "redirects.allow");
        assert!(rule.is_err(), "{text:?}: {rule:?}");
    }
    let refused = OriginRule::parse("https://b\u{fc}cher.example", "redirects.allow").unwrap_err();
    assert!(
        refused.to_string().contains("xn--bcher-kva.example"),
        "{refused}"
    );
}

/// What hostile targets are built from, apart from the characters in [`BLANKS`].
const FRAGMENTS: &str = "\
    // / \\ \\\\ @ : :: good.example evil.example app.good.example:8443 a.wild.example \
    wild.example https: http: https:// HTTPS:// http:// javascript: https://good.example \
    https://a.wild.example https://app.good.example:8443 localhost 127.0.0.1 0x7f.1 [::1] [ ] \
    %2f %5c %2e %40 %00 %0d%0a % \u{3002} \u{ff0e} \u{ad} \u{200b} \u{ff0f} \u{ff20} \u{17f} \
    \u{212a} \u{df} . .. ; ? # & = * :443 :80 :0443 :8443 xn-- a - _ \u{560a}";
const BLANKS: [&str; 6] = ["\t", "\r\n", "\0", " ", "\u{a0}", "\u{2028}"];

fn hostile() -> impl Strategy<Value = String> {
    let fragments: Vec<&str> = FRAGMENTS.split(' ').chain(BLANKS).collect();
    let piece =
        prop_oneof![8 => prop::sample::select(fragments).prop_map(str::to_owned), 1 => ".{0,3}"];
    let start = prop::sample::select(vec![
        "",
        "https://",
        "https://good.example",
        "http://",
        "//",
    ]);
    (start, prop::collection::vec(piece, 0..8))
        .prop_map(|(start, rest)| start.to_owned() + &rest.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_hostile_text_yields_a_location_off_the_list(target in hostile(), loopback in any::<bool>()) {
        let policy = policy_once(loopback);
        if let Ok(safe) = policy.check(&target) {
            prop_assert_eq!(oracle(safe.location(), loopback), Ok(()), "{:?}", target);
        }
        // Neither explaining nor reading as a rule may panic.
        let _ = (policy.explain(&target).to_string(), OriginRule::parse(&target, "directory"));
    }

    #[test]
    fn case_20_an_allowed_target_comes_back_byte_for_byte(
        origin in prop::sample::select(vec!["https://good.example", "https://GOOD.example:443", "https://a.wild.example"]),
        path in "(/[a-zA-Z0-9_~!$&'()*+,=:@%-]{1,9}){0,4}/?",
        query in prop::option::of("[!\"$-\\[\\]-~]{0,40}"),
        fragment in prop::option::of("[!-\\[\\]-~]{0,40}"),
    ) {
        let mut target = format!("{origin}{path}");
        for (mark, part) in [('?', query), ('#', fragment)] {
            if let Some(part) = part {
                target.push(mark);
                target.push_str(&part);
            }
        }
        // `%2e` can be drawn, and is the one thing in this alphabet that is rightly refused.
        prop_assume!(!path.to_ascii_lowercase().contains("%2"));
        let safe = policy_once(false).check(&target);
        prop_assert_eq!(safe.as_ref().map(SafeRedirect::location), Ok(target.as_str()));
        prop_assert_eq!(oracle(&target, false), Ok(()));
    }

    #[test]
    fn any_text_behind_a_listed_host_keeps_its_meaning(tail in "\\PC{0,40}") {
        let target = format!("https://good.example/#{tail}");
        if let Ok(safe) = policy_once(false).check(&target) {
            prop_assert_eq!(Url::parse(safe.location()).unwrap(), Url::parse(&target).unwrap());
            let sent = percent_encoding::percent_decode_str(safe.location()).collect::<Vec<u8>>();
            prop_assert_eq!(sent, percent_encoding::percent_decode_str(&target).collect::<Vec<u8>>());
        } else {
            prop_assert!(tail.contains('\\') || tail.trim_end() != tail, "{:?}", tail);
        }
    }
}

/// Reading the data file for each of thousands of texts would be most of the test's time.
fn policy_once(allow_loopback: bool) -> RedirectPolicy {
    static POLICY: std::sync::LazyLock<RedirectPolicy> = std::sync::LazyLock::new(|| policy(false));
    RedirectPolicy {
        allow_loopback,
        ..POLICY.clone()
    }
}
