//! A `User-Agent` as people would put it: "Firefox on Windows". A guess by well-known words, never a fact.

/// The most of an unknown program's own name.
const NAME_CHARS: usize = 40;

/// What is said when there is nothing to guess from.
pub const UNKNOWN: &str = "Unknown device";

/// Browsers by a word of theirs; whoever pretends to be another one stands before it.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems in the same way: an iPad says Mac OS X too, Android says Linux.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// Programs by what their own name begins with.
const PROGRAMS: [(&str, &str); 9] = [
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "a Python script"),
    ("Python-urllib/", "a Python script"),
    ("python-httpx/", "a Python script"),
    ("node", "a Node.js program"),
    ("Java/", "a Java program"),
    ("Go-http-client/", "a Go program"),
    ("PostmanRuntime/", "Postman"),
];

/// What a `User-Agent` says about the device behind it. Still somebody's text: escape it.
pub fn device(agent: &str) -> String {
    let agent = agent.trim();
    let find = |words: &[(&str, &'static str)]| {
        let found = words.iter().find(|(word, _)| agent.contains(word));
        found.map(|(_, name)| *name)
    };
    // Programs without a browser in them do not call themselves Mozilla, as all browsers do.
    if !agent.starts_with("Mozilla/") {
        let known = PROGRAMS.iter().find(|(start, _)| agent.starts_with(start));
        return known.map_or_else(|| own_name(agent), |(_, name)| (*name).to_owned());
    }
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => UNKNOWN.to_owned(),
    }
}

/// What a program calls itself, without its version.
fn own_name(agent: &str) -> String {
    let name: String = agent
        .chars()
        .take_while(|c| !c.is_control() && !matches!(c, '/' | '('))
        .take(NAME_CHARS)
        .collect();
    match name.trim() {
        "" => UNKNOWN.to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_agents_are_read_as_people_would_put_them() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, words) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0".to_owned(), "Firefox on Windows"),
            (format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/140.0.0.0 Safari/537.36"), "Chrome on Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/140.0.0.0 Safari/537.36 Edg/140.0"), "Edge on Windows"),
            (format!("Mozilla/5.0 (Linux; Android 15; Pixel 9) {webkit} Chrome/140.0 Mobile Safari/537.36"), "Chrome on Android"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1".to_owned(), "Safari on iPhone"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15".to_owned(), "Safari on macOS"),
            ("Mozilla/5.0 (Plan 9)".to_owned(), UNKNOWN),
            ("curl/8.14.1".to_owned(), "curl"),
            ("python-requests/2.32".to_owned(), "a Python script"),
            ("mstrio-py/11.5 (x)".to_owned(), "mstrio-py"),
            ("/".to_owned(), UNKNOWN),
            (" ".to_owned(), UNKNOWN),
        ] {
            assert_eq!(device(&agent), words, "{agent}");
        }
    }

    #[test]
    fn an_odd_agent_is_short_and_on_one_line() {
        assert_eq!(
            device("<script>alert(1)</script>").len(),
            "<script>alert".len()
        );
        assert_eq!(device(&"x".repeat(200)).len(), NAME_CHARS);
        assert_eq!(device("a\nb"), "a");
    }
}
