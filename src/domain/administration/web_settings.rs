//! Settings of the `MicroStrategy` dialect that an administrator saves while the server runs.

use crate::domain::administration::{Actor, AdminError, Administration};
use crate::domain::failure::StoreError;
use serde_json::{Value, json};
use std::time::Duration;

/// Where they are saved.
const SAVED: &str = "microstrategy_settings";

/// What was saved; what is none is as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSettings {
    /// How long a session opened from now on may go unused.
    pub iserver_timeout: Option<Duration>,
    /// Which of the configured login modes are offered.
    pub login_modes: Option<Vec<i64>>,
    /// The login mode clients are told to choose first.
    pub default_mode: Option<i64>,
}

/// What an idle timeout of the dialect has to stay below.
#[derive(Clone, Copy, Debug)]
pub struct WebLimits {
    /// The HTTP session timeout.
    pub http_session: Duration,
    /// The absolute timeout of every session.
    pub absolute: Duration,
}

impl WebLimits {
    /// What is wrong with that timeout, naming both values and their units.
    pub fn refusal(&self, timeout: Duration) -> Option<String> {
        let seconds = timeout.as_secs();
        let (whole, absolute) = (self.http_session.as_secs(), self.absolute.as_secs());
        if timeout >= self.http_session {
            return Some(format!(
                "the HTTP session timeout of {} minutes ({whole} seconds) must be greater than the I-Server session \
                 timeout, here {seconds} seconds",
                whole / 60
            ));
        }
        (timeout >= self.absolute).then(|| {
            format!(
                "the absolute timeout of sessions of {absolute} seconds must be greater than the I-Server session \
                 timeout, here {seconds} seconds"
            )
        })
    }

    /// The longest timeout there may be.
    fn longest(&self) -> u64 {
        self.http_session
            .min(self.absolute)
            .as_secs()
            .saturating_sub(1)
    }
}

impl Administration {
    /// What was saved last.
    pub async fn web_settings(&self) -> Result<WebSettings, AdminError> {
        let Some(text) = self.directory.get(SAVED).await? else {
            return Ok(WebSettings::default());
        };
        let value: Value = serde_json::from_str(&text).map_err(StoreError::corrupt)?;
        let modes = value["login_modes"].as_array();
        Ok(WebSettings {
            iserver_timeout: value["iserver_timeout"].as_u64().map(Duration::from_secs),
            login_modes: modes.map(|modes| modes.iter().filter_map(Value::as_i64).collect()),
            default_mode: value["default_mode"].as_i64(),
        })
    }

    /// Saves an idle timeout; it must be shorter than what sessions live by otherwise.
    pub async fn save_web_timeout(
        &self,
        timeout: Duration,
        limits: WebLimits,
        by: &Actor,
    ) -> Result<(), AdminError> {
        let zero =
            || (timeout.as_secs() == 0).then(|| "0 would end every session at once".to_owned());
        if let Some(refusal) = limits.refusal(timeout).or_else(zero) {
            let expected = format!("1 to {} seconds: {refusal}", limits.longest());
            return Err(AdminError::field("maxWebConnectionIdleTime", expected));
        }
        let settings = WebSettings {
            iserver_timeout: Some(timeout),
            ..self.web_settings().await?
        };
        self.save(&settings, by).await
    }

    /// Saves which login modes are offered, and which first. The caller knows which there can be.
    pub async fn save_web_modes(
        &self,
        modes: Vec<i64>,
        default_mode: i64,
        by: &Actor,
    ) -> Result<(), AdminError> {
        let settings = WebSettings {
            login_modes: Some(modes),
            default_mode: Some(default_mode),
            ..self.web_settings().await?
        };
        self.save(&settings, by).await
    }

    async fn save(&self, settings: &WebSettings, by: &Actor) -> Result<(), AdminError> {
        let text = json!({
            "iserver_timeout": settings.iserver_timeout.map(|timeout| timeout.as_secs()),
            "login_modes": settings.login_modes,
            "default_mode": settings.default_mode,
        });
        self.directory.set(SAVED, &text.to_string()).await?;
        self.changed("microstrategy_settings_saved", "server", by);
        Ok(())
    }
}
