//! A browser without a screen that signs in at identity providers.

use std::fmt::Write;

/// Where a walk ended: at an address of ours, or with a form to post there.
#[derive(Debug)]
pub enum Landed {
    Redirect(String),
    Form(Form),
}

impl Landed {
    pub fn form(self) -> Form {
        match self {
            Self::Form(form) => form,
            Self::Redirect(url) => panic!("a redirect to {url}"),
        }
    }

    pub fn redirect(self) -> String {
        match self {
            Self::Redirect(url) => url,
            Self::Form(form) => panic!("{form:?}"),
        }
    }
}

#[derive(Debug, Default)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
    has_password: bool,
}

impl Form {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Keeps cookies, follows redirects and submits forms until it is sent to our address.
pub struct Walker {
    client: reqwest::Client,
}

impl Walker {
    pub fn new() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { client }
    }

    pub async fn text(&self, url: &str) -> String {
        let reply = self.client.get(url).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{url}");
        reply.text().await.unwrap()
    }

    /// Follows redirects among pages of the provider; answers the addresses on the way and the last page.
    pub async fn follow(&self, url: &str) -> String {
        let mut here = url::Url::parse(url).unwrap();
        let mut way = String::new();
        for _ in 0..12 {
            let reply = self.client.get(here.clone()).send().await.unwrap();
            let _ = writeln!(way, "{} {here}", reply.status());
            if !reply.status().is_redirection() {
                return way + &reply.text().await.unwrap();
            }
            let to = reply.headers()["location"].to_str().unwrap();
            here = here.join(to).unwrap();
        }
        panic!("no end of it:\n{way}");
    }

    /// Goes to `url` and on from there, with the name and password where they are asked for.
    pub async fn walk(&self, url: &str, person: Option<(&str, &str)>) -> Landed {
        let mut request = self.client.get(url).build().unwrap();
        let mut is_signed_in = false;
        for _ in 0..12 {
            let here = request.url().clone();
            let reply = self.client.execute(request).await.unwrap();
            if reply.status().is_redirection() {
                let to = reply.headers()["location"].to_str().unwrap();
                let to = here.join(to).unwrap();
                if to.host_str() == Some("bi.example") {
                    return Landed::Redirect(to.into());
                }
                request = self.client.get(to).build().unwrap();
                continue;
            }
            let status = reply.status();
            let page = reply.text().await.unwrap();
            assert_eq!(status, 200, "{here}: {page}");
            let mut form = read_form(&page).unwrap_or_else(|| panic!("no form at {here}: {page}"));
            let action = here.join(&form.action).unwrap();
            if action.host_str() == Some("bi.example") {
                form.action = action.into();
                return Landed::Form(form);
            }
            if form.has_password {
                let (name, password) = person.unwrap_or_else(|| panic!("asked who: {page}"));
                assert!(!is_signed_in, "asked twice: {page}");
                is_signed_in = true;
                form.fields
                    .retain(|(key, _)| key != "username" && key != "password");
                form.fields.push(("username".into(), name.into()));
                form.fields.push(("password".into(), password.into()));
            }
            request = self.client.post(action).form(&form.fields).build().unwrap();
        }
        panic!("no end of it at {}", request.url());
    }
}

/// The form that takes one further: what a person would fill in, not the choice of a language.
fn read_form(page: &str) -> Option<Form> {
    let forms = page.split("<form").skip(1).filter_map(|text| {
        let body = &text[..text.find("</form>").unwrap_or(text.len())];
        let head = &body[..body.find('>')?];
        let mut form = Form {
            action: attribute(head, "action").unwrap_or_default(),
            ..Form::default()
        };
        for input in body.split("<input").skip(1) {
            let tag = &input[..input.find('>')?];
            let kind = attribute(tag, "type").unwrap_or_default();
            form.has_password |= kind == "password";
            if let Some(name) = attribute(tag, "name")
                && kind != "submit"
            {
                form.fields
                    .push((name, attribute(tag, "value").unwrap_or_default()));
            }
        }
        let is_post = attribute(head, "method").is_some_and(|m| m.eq_ignore_ascii_case("post"));
        let rank = (
            form.field("SAMLResponse").is_some(),
            form.has_password,
            is_post,
            form.fields.len(),
        );
        Some((rank, form))
    });
    forms.max_by_key(|(rank, _)| *rank).map(|(_, form)| form)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}="))?;
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (value, _) = rest[1..].split_once(quote)?;
    Some(
        value
            .replace("&#x3D;", "=")
            .replace("&#x2B;", "+")
            .replace("&#x2F;", "/")
            .replace("&#43;", "+")
            .replace("&quot;", "\"")
            .replace("&#039;", "'")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}
