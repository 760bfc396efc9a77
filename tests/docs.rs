//! The documents against the code: settings, routes, audit words, security cases and links are compared, not trusted.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A dialect, its source and its documents.
struct Dialect {
    contract: &'static str,
    source: &'static str,
    /// The title of its table in the README.
    readme: &'static str,
    /// What its relative paths stand behind.
    prefixes: &'static [&'static str],
    /// From the body of an error to the object with its code.
    error: &'static str,
}

const DIALECTS: [Dialect; 2] = [
    Dialect {
        contract: "docs/dialects/thoughtspot-v1.md",
        source: "src/api/thoughtspot_v1/mod.rs",
        readme: "endpoint",
        prefixes: &["/callosum/v1/tspublic/v1", "/callosum/v1", "/tspublic/v1"],
        error: "",
    },
    Dialect {
        contract: "docs/dialects/thoughtspot-v2.md",
        source: "src/api/thoughtspot_v2/mod.rs",
        readme: "v2.0 endpoint",
        prefixes: &["/api/rest/2.0"],
        error: "/error/message/debug",
    },
];

/// Its errors have another shape, and some of its calls need nobody signed in.
const MICROSTRATEGY: Dialect = Dialect {
    contract: "docs/dialects/microstrategy.md",
    source: "src/api/microstrategy/mod.rs",
    readme: "MicroStrategy endpoint",
    prefixes: &["/MicroStrategyLibrary"],
    error: "",
};

/// Its page is its only client, so the README does not list it.
const CONSOLE: Dialect = Dialect {
    contract: "docs/console.md",
    source: "src/api/admin/mod.rs",
    readme: "",
    prefixes: &["/callosum/v1/vestibule/admin"],
    error: "",
};

fn all_dialects() -> impl Iterator<Item = &'static Dialect> {
    DIALECTS.iter().chain([&MICROSTRATEGY])
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the table whose first column has this title, each as its cells.
fn table(text: &str, title: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
        inner
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut lines = text.lines();
    lines
        .find(|line| line.starts_with('|') && cells(line)[0] == title)
        .unwrap_or_else(|| panic!("no table of {title}"));
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect()
}

/// What stands between backticks, in order.
fn code_spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn flat(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => flat(&format!("{prefix}{key}."), inner, into),
            toml::Value::String(text) if text.is_empty() => {
                into.insert(format!("{prefix}{key}"), "none".to_owned());
            }
            toml::Value::Array(items) if items.is_empty() => {
                into.insert(format!("{prefix}{key}"), "none".to_owned());
            }
            toml::Value::String(text) => {
                into.insert(format!("{prefix}{key}"), format!("`{text}`"));
            }
            other => {
                into.insert(format!("{prefix}{key}"), format!("`{other}`"));
            }
        }
    }
}

#[test]
fn the_readme_lists_every_setting_with_its_default() {
    let mut settings = BTreeMap::new();
    let defaults: toml::Table = read("src/settings/default.toml").parse().unwrap();
    flat("", &defaults, &mut settings);
    // Those of a section that may be there any number of times.
    let provider: toml::Table = read("src/settings/provider.toml").parse().unwrap();
    flat("", &provider, &mut settings);
    let listed: BTreeMap<String, String> = table(&read("README.md"), "setting")
        .iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].clone()))
        .collect();
    assert_eq!(listed, settings);
}

/// `METHOD path` of every route of the dialect, as its `mod.rs` mounts them: the methods between one path and the next.
fn mounted(dialect: &Dialect) -> BTreeSet<String> {
    let source: String = read(dialect.source)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    // A route that reads takes HEAD as well, which goes without saying in a table.
    let source = source.replace("(read()", "(web::get()");
    let source = source.replace("verb::read(", "web::get(");
    let source = source.replace("verb::", "web::");
    let source = source.replace("(\"\")", "(\"/\")");
    let mut routes = BTreeSet::new();
    for resource in source.split("\"/").skip(1) {
        let (path, rest) = resource.split_once('"').unwrap();
        let path = path.replace("{probe:(?i)isactive}", "isactive");
        let path = match path.trim_end_matches('/') {
            "" => "/prism".to_owned(),
            "preauth/info" => "/prism/preauth/info".to_owned(),
            path => path.to_owned(),
        };
        for method in rest.split("web::").skip(1) {
            let name = method.split('(').next().unwrap();
            if matches!(name, "get" | "post" | "put" | "delete" | "patch") {
                routes.insert(format!("{} {path}", name.to_uppercase()));
            }
        }
    }
    routes
}

fn documented(file: &str, title: &str) -> Vec<Vec<String>> {
    table(&read(file), title)
        .into_iter()
        .map(|mut row| {
            row[0] = row[0].replace('`', "");
            row
        })
        .collect()
}

#[test]
fn the_contracts_and_the_readme_list_exactly_the_routes_that_are_mounted() {
    for dialect in all_dialects() {
        let mounted = mounted(dialect);
        assert!(mounted.len() > 20, "{mounted:?}");
        for (file, title) in [(dialect.contract, "route"), ("README.md", dialect.readme)] {
            let rows = documented(file, title);
            let listed: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
            assert_eq!(listed, mounted, "{file}");
            assert_eq!(listed.len(), rows.len(), "{file} lists a route twice");
        }
    }
}

#[test]
fn the_page_of_the_console_lists_exactly_the_calls_that_are_mounted() {
    let rows = documented(CONSOLE.contract, "route");
    let listed: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
    let bare = |route: String| route.replacen(" /", " ", 1);
    let mounted: BTreeSet<String> = mounted(&CONSOLE).into_iter().map(bare).collect();
    let listed: BTreeSet<String> = listed.into_iter().map(bare).collect();
    assert!(mounted.len() > 20, "{mounted:?}");
    assert_eq!(listed, mounted);
}

#[test]
fn every_route_names_tests_that_exist() {
    for dialect in all_dialects().chain([&CONSOLE]) {
        for row in documented(dialect.contract, "route") {
            let tests = row.last().unwrap();
            let files = code_spans(tests);
            assert!(!files.is_empty(), "{} names no test", row[0]);
            for file in files {
                assert!(root().join(file).is_file(), "{}: no {file}", row[0]);
            }
        }
    }
}

/// The real program on a data folder of its own.
struct Server {
    child: Child,
    base: String,
    /// Kept open: the greeting goes on after the line that is read.
    _greeting: Lines<BufReader<ChildStdout>>,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(["--http", "127.0.0.1:0", "--https", "off", "--data-dir"])
            .arg(folder.path())
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = lines
            .find_map(|line| {
                let line = line.unwrap();
                line.split_whitespace()
                    .find(|word| word.starts_with("http://"))
                    .map(str::to_owned)
            })
            .expect("the greeting says where the server listens");
        Self {
            child,
            base,
            _greeting: lines,
            _folder: folder,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn every_documented_route_answers_under_each_prefix_and_lets_no_stranger_in() {
    let server = Server::start();
    // The client insists on a provider even for plain HTTP.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::new();
    for dialect in &DIALECTS {
        let codes = table(&read(dialect.contract), "status");
        for row in documented(dialect.contract, "route") {
            let (method, path) = row[0].split_once(' ').unwrap();
            let path = path.replace("{id}", "0");
            let paths = if path.starts_with('/') {
                vec![path]
            } else {
                let under = |prefix: &&str| format!("{prefix}/{path}");
                dialect.prefixes.iter().map(under).collect()
            };
            for path in paths {
                let url = format!("{}{path}", server.base);
                let request = client.request(method.parse().unwrap(), &url);
                let reply = request.send().await.unwrap();
                let status = judge(&row, &reply);
                let body: serde_json::Value = reply.json().await.unwrap();
                let error = body.pointer(dialect.error).unwrap();
                let debug: Vec<String> =
                    serde_json::from_str(error["debug"].as_str().unwrap()).unwrap();
                let code = error["code"].to_string();
                let said = format!("Error Code: {code} ");
                assert!(debug[0].starts_with(&said), "{body}");
                assert!(
                    codes
                        .iter()
                        .any(|row| row[0] == status.to_string() && row[1] == code),
                    "{status} {code} is not in the table of errors"
                );
            }
        }
    }
}

#[tokio::test]
async fn microstrategys_routes_answer_strangers_in_its_words() {
    let server = Server::start();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::new();
    let codes = table(&read(MICROSTRATEGY.contract), "status");
    for row in documented(MICROSTRATEGY.contract, "route") {
        let (method, path) = row[0].split_once(' ').unwrap();
        let path = path.replace("{id}", "0");
        let url = format!("{}{}/{path}", server.base, MICROSTRATEGY.prefixes[0]);
        let request = client.request(method.parse().unwrap(), &url);
        let reply = request.send().await.unwrap();
        if row[4] == "none" {
            assert_eq!(reply.status(), 200, "{}", row[0]);
            continue;
        }
        // What browsers open shows people a form.
        if !path.starts_with("api/") {
            let status = if method == "GET" { 200 } else { 400 };
            assert_eq!(reply.status(), status, "{}", row[0]);
            assert!(reply.text().await.unwrap().contains("<form"), "{}", row[0]);
            continue;
        }
        let status = judge(&row, &reply);
        let body: serde_json::Value = reply.json().await.unwrap();
        let code = format!("`{}`", body["code"].as_str().unwrap());
        let announced = |row: &Vec<String>| row[0] == status.to_string() && row[1] == code;
        assert!(codes.iter().any(announced), "{status} {body}");
    }
}

/// Refuses a reply to nobody that the row of the contract does not announce; gives back its status.
fn judge(row: &[String], reply: &reqwest::Response) -> u16 {
    let status = reply.status().as_u16();
    let is_guarded = row[4].split(',').any(|word| word.trim() == "A");
    assert!(matches!(status, 400 | 401), "{}: {status}", row[0]);
    assert!(!is_guarded || status == 401, "{}: {status}", row[0]);
    let is_announced = row[4].contains(&status.to_string());
    assert!(is_announced || is_guarded, "{row:?}: {status}");
    assert!(!reply.headers().contains_key("set-cookie"), "{}", row[0]);
    status
}

/// The names a heading can be linked by, as web views of repositories make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        });
    let marks = text
        .split("<a id=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned());
    headings.chain(marks).collect()
}

fn markdown_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned(), root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && folder != root() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_relative_link_of_the_documents_resolves() {
    let files = markdown_files();
    assert!(files.len() > 10, "{files:?}");
    let mut broken = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let links = text
            .split("](")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap());
        for link in links.filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => file.clone(),
                path => file.parent().unwrap().join(path),
            };
            let is_good = target.exists()
                && (anchor.is_empty()
                    || anchors(&std::fs::read_to_string(&target).unwrap()).contains(anchor));
            if !is_good {
                broken.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

fn rust_sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &rust_sources(&path);
        } else if path.extension().is_some_and(|end| end == "rs") {
            all += &std::fs::read_to_string(path).unwrap();
        }
    }
    all
}

#[test]
fn the_security_page_has_sixty_cases_and_every_test_it_names() {
    let page = read("docs/security.md");
    let numbers: Vec<usize> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    let sources = rust_sources(&root().join("src")) + &rust_sources(&root().join("tests"));
    let named: Vec<&str> = code_spans(&page)
        .into_iter()
        .filter(|span| span.starts_with("case") && span.contains('_'))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        let is_test = ["(", "<"]
            .iter()
            .any(|end| sources.contains(&format!("fn {name}{end}")));
        assert!(is_test, "there is no test {name}");
    }
}

#[test]
fn the_operating_page_explains_every_word_of_the_audit_trail() {
    let page = read("docs/operating.md");
    let explained: BTreeSet<&str> = code_spans(&page).into_iter().collect();
    let source = read("src/domain/audit.rs");
    let words = source
        .split("=> \"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    let acts = rust_sources(&root().join("src/domain/administration"));
    let changes = acts
        .split(".changed(")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    let missing: Vec<&str> = words
        .chain(changes)
        .filter(|word| !explained.contains(word))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The words of a text that are names of metrics.
fn metric_names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("vestibule_") || word.starts_with("process_"))
        .map(|word| {
            let histogram = ["_bucket", "_sum", "_count"].iter();
            let mut plain = histogram.filter_map(|end| word.strip_suffix(end));
            plain.next().unwrap_or(word).to_owned()
        })
        .collect()
}

#[test]
fn the_operating_page_and_the_dashboard_show_every_metric_and_no_other() {
    use vestibule::server::meters::{COUNTERS, GAUGES, TIMES};
    let all = COUNTERS.iter().chain(&GAUGES).chain(&TIMES);
    let all: BTreeSet<String> = all.map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(metric_names(&read("docs/operating.md")), all);
    let dashboard = read("docs/grafana-dashboard.json");
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().unwrap().len() > 10);
    assert_eq!(metric_names(&dashboard), all);
}
