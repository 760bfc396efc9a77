//! A browser at the provider, and the answer it brings back.

#[path = "../../common/oidc_browser.rs"]
mod visitor;

use super::answer;
use vestibule::domain::sso::Answer;
pub use visitor::{Browser, query};

impl Browser {
    /// Signs in and brings back the answer.
    pub async fn sign_in(&self, url: &str, person: &str) -> Answer {
        let (back, _) = self.visit(url, person).await;
        let part = |name| query(&back, name);
        let code = part("code").unwrap_or_else(|| panic!("no code: {back}"));
        assert_eq!(part("state").as_deref(), Some("a-handle-of-ours"));
        answer(&code, part("iss").as_deref())
    }
}
