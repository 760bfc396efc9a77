//! What came back.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A whole reply.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// One `Set-Cookie`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCookie {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
    /// What follows, in its order.
    pub attributes: Vec<String>,
}

impl SetCookie {
    /// Whether it has that attribute, written so.
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|own| own == attribute)
    }
}

impl Reply {
    /// Reads a reply to its end.
    pub async fn read(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {:?}", self.status, self.text());
        })
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Every header of that name, joined.
    pub fn header_list(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter();
        let texts: Vec<&str> = values.map(|value| value.to_str().unwrap()).collect();
        texts.join(", ")
    }

    /// The cookies it sets, in order.
    pub fn cookies(&self) -> Vec<SetCookie> {
        let headers = self.headers.get_all("set-cookie").iter();
        let cookie = |text: &str| {
            let mut parts = text.split("; ").map(str::to_owned);
            let pair = parts.next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            SetCookie {
                name: name.to_owned(),
                value: value.to_owned(),
                attributes: parts.collect(),
            }
        };
        headers
            .map(|value| cookie(value.to_str().unwrap()))
            .collect()
    }

    /// `JSESSIONID=…`, as a browser would send it back.
    pub fn session_cookie(&self) -> Option<String> {
        let cookies = self.cookies();
        let cookie = cookies.iter().find(|cookie| cookie.name == "JSESSIONID")?;
        Some(format!("{}={}", cookie.name, cookie.value))
    }

    /// The message that a v1 error carries inside its `debug`.
    pub fn message(&self) -> String {
        let body = self.json();
        let debug = body["debug"].as_str().unwrap();
        let lines: Vec<String> = serde_json::from_str(debug).unwrap();
        let (_, message) = lines[0].split_once("\nError Message: ").unwrap();
        message.to_owned()
    }

    /// The incident that an error names.
    pub fn incident(&self) -> String {
        self.json()["incident_id_guid"].as_str().unwrap().to_owned()
    }

    /// Refuses anything but this v1 error; a word of the message must be told too.
    pub fn expect_error(&self, status: u16, code: i32, word: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.json()["code"], code, "{}", self.text());
        let message = self.message();
        assert!(message.contains(word), "{message:?} lacks {word:?}");
        assert_eq!(self.cookies(), [], "a refusal sets no cookie");
        self
    }

    /// Status, headers in alphabetical order and body, with what differs each time taken out.
    pub fn transcript(&self) -> String {
        let mut lines: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| !["date", "content-length"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        let mut text = format!("{}\n{}\n\n{}", self.status, lines.join("\n"), self.text());
        if let Some(incident) = self.header("x-callosum-incident-id") {
            text = text.replace(incident, "[incident]");
        }
        text
    }
}
