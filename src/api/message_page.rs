//! A page with a title and a few words or a form, for what browsers are shown on their way.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, REFERRER_POLICY,
};

const PAGE: &str = include_str!("../../static/message.html");
/// Browsers hold `form-action` against the redirects behind a form as well, and ours lead to providers and hosts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      form-action 'self' https: http:; base-uri 'none'; frame-ancestors 'self'";

/// The page. `body` is HTML: every text in it has been through [`escaped`].
pub fn page(status: StatusCode, title: &str, body: &str) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(ContentType::html())
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        // Without any referrer a browser posts a form as "Origin: null", which is nobody of ours.
        .insert_header((REFERRER_POLICY, "same-origin"))
        .body(
            PAGE.replace("{{title}}", &escaped(title))
                .replace("{{body}}", body),
        )
}

/// Text as it may stand in HTML, between tags or in a quoted attribute.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
