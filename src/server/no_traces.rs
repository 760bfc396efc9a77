//! What stands for `traces` in a program built without the feature `otel`: it says so when traces are asked for.

use crate::api::request_log::RequestTracer;
use crate::settings::Telemetry;
use crate::telemetry::SomeLayer;
use std::convert::Infallible;
use std::sync::Arc;
use url::Url;

/// Traces on their way to the collector: there are none.
#[derive(Debug)]
pub struct Traces(Infallible);

impl Traces {
    /// None, unless the settings name a collector, which is an error.
    pub fn start(settings: &Telemetry) -> anyhow::Result<Option<Self>> {
        anyhow::ensure!(
            settings.otlp_endpoint.is_none(),
            "telemetry.otlp_endpoint: this program was built without traces (the feature otel)"
        );
        Ok(None)
    }

    /// What makes traces of spans.
    pub const fn layer(&self) -> SomeLayer {
        match self.0 {}
    }

    /// What makes spans of requests.
    pub const fn tracer(&self) -> Arc<dyn RequestTracer> {
        match self.0 {}
    }

    /// Where they go.
    pub const fn endpoint(&self) -> &Url {
        match self.0 {}
    }

    /// Sends what is left.
    pub async fn stop(self) {
        match self.0 {}
    }
}
