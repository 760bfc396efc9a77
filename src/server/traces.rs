//! Traces: which spans a request has, and the collector they are sent to by OTLP over HTTP.
//!
//! Nothing waits for the collector: spans go into a bounded queue, a thread of its own empties it, and what does not
//! fit is lost. Names and values are words of closed lists, numbers and the incident id: no user, no address, no path
//! as it came. A caller's `traceparent` says which trace a request belongs to; whether it is recorded, only a trusted
//! proxy's says, or anybody could stay out of the traces, or fill them.

use crate::api::request_log::{Answered, Arrived, RequestTracer};
use crate::domain::spans::SPANS;
use crate::settings::Telemetry;
use crate::telemetry::SomeLayer;
use anyhow::Context as _;
use async_trait::async_trait;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    Link, SpanContext, SpanKind, TraceContextExt, TraceFlags, TraceId, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    Sampler, SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use url::Url;

/// How long the collector may take over one batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a stopping server waits for the last spans to be taken.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// Traces on their way to the collector.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: Arc<Tracer>,
    endpoint: Url,
}

impl Traces {
    /// Starts what sends traces, if the settings name a collector. To be called inside the runtime that sends.
    pub fn start(settings: &Telemetry) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = settings.otlp_endpoint.clone() else {
            return Ok(None);
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Post::new(&endpoint)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!(
                "{}/v1/traces",
                endpoint.as_str().trim_end_matches('/')
            ))
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .context("telemetry.otlp_endpoint")?;
        let sampler = OfRequests(Sampler::TraceIdRatioBased(as_ratio(
            settings.sample_percent,
        )));
        let resource = Resource::builder()
            .with_service_name("vestibule")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(sampler.clone())))
            .with_resource(resource)
            .build();
        Ok(Some(Self {
            provider,
            tracer: Arc::new(Tracer { sampler }),
            endpoint,
        }))
    }

    /// What makes traces of spans: of ours alone, and of no log line.
    pub fn layer(&self) -> SomeLayer {
        OpenTelemetryLayer::new(self.provider.tracer("vestibule"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter_fn(|data| data.is_span() && data.target() == SPANS))
            .boxed()
    }

    /// What makes spans of requests.
    pub fn tracer(&self) -> Arc<dyn RequestTracer> {
        Arc::clone(&self.tracer) as Arc<dyn RequestTracer>
    }

    /// Where they go.
    pub const fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Sends what is left, for a moment at most.
    pub async fn stop(self) {
        // It blocks until the runtime has sent, so it must not be the runtime that is blocked.
        let stop = move || self.provider.shutdown_with_timeout(LAST_SPANS);
        match tokio::task::spawn_blocking(stop).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces were not sent"),
            Err(error) => tracing::warn!(%error, "the last traces were not sent"),
        }
    }
}

/// A hundred at most, so nothing is rounded.
fn as_ratio(percent: usize) -> f64 {
    f64::from(u8::try_from(percent).unwrap_or(100)) / 100.0
}

/// Begins traces with requests only: what the server does for itself every few seconds would drown them.
#[derive(Clone, Debug)]
struct OfRequests(Sampler);

impl ShouldSample for OfRequests {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampler = match kind {
            SpanKind::Server => &self.0,
            _ => &Sampler::AlwaysOff,
        };
        sampler.should_sample(parent, id, name, kind, attributes, links)
    }
}

/// Makes spans of requests.
#[derive(Debug)]
struct Tracer {
    sampler: OfRequests,
}

impl RequestTracer for Tracer {
    fn arrived(&self, what: &Arrived<'_>) -> Span {
        let span = tracing::info_span!(
            target: SPANS,
            "request",
            otel.name = what.method,
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = what.method,
            http.route = Empty,
            http.response.status_code = Empty,
            vestibule.dialect = Empty,
            vestibule.incident = %what.incident,
        );
        if let Some(parent) = self.parent(what)
            && let Err(error) = span.set_parent(parent)
        {
            tracing::debug!(%error, "a trace was not continued");
        }
        span
    }

    fn answered(&self, span: &Span, what: &Answered<'_>) {
        if span.is_disabled() {
            return;
        }
        span.record("http.response.status_code", what.status);
        span.record("vestibule.dialect", what.dialect);
        if what.route != "-" {
            span.record("http.route", what.route);
            // Not by its field, which is not looked at once the span has a child.
            let context = span.context();
            let name = format!("{} {}", what.method, what.route);
            context.span().update_name(name);
        }
        if what.status >= 500 {
            span.record("otel.status_code", "ERROR");
        }
    }
}

impl Tracer {
    /// The caller's span, of which the request's is to be a child.
    fn parent(&self, what: &Arrived<'_>) -> Option<Context> {
        let carried = TraceContextPropagator::new()
            .extract_with_context(&Context::new(), &Carried(what.parent?, what.state));
        let context = carried.span().span_context().clone();
        if !context.is_valid() {
            return None;
        }
        let flags = if what.is_trusted {
            context.trace_flags()
        } else {
            self.decide(&context)
        };
        Some(Context::new().with_remote_span_context(SpanContext::new(
            context.trace_id(),
            context.span_id(),
            flags,
            true,
            context.trace_state().clone(),
        )))
    }

    /// Whether we record a trace of that id, as we decide for our own.
    fn decide(&self, of: &SpanContext) -> TraceFlags {
        let id = of.trace_id();
        let sampled = self
            .sampler
            .should_sample(None, id, "", &SpanKind::Server, &[], &[]);
        let is_sampled = sampled.decision == SamplingDecision::RecordAndSample;
        TraceFlags::default().with_sampled(is_sampled)
    }
}

/// The two headers of W3C Trace Context, for who reads them.
struct Carried<'a>(&'a str, Option<&'a str>);

impl Extractor for Carried<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.0),
            "tracestate" => self.1,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

/// Sends batches on the server's runtime: the thread that makes them has none.
#[derive(Clone, Debug)]
struct Post {
    http: reqwest::Client,
    runtime: Handle,
    /// Told once when batches begin to get lost, not each time.
    is_away: Arc<AtomicBool>,
}

impl Post {
    fn new(endpoint: &Url) -> anyhow::Result<Self> {
        let mut builder = reqwest::Client::builder()
            .timeout(EXPORT_TIMEOUT)
            // A collector that redirects is not the one that was named.
            .redirect(reqwest::redirect::Policy::none());
        if endpoint.scheme() == "http" {
            // Without this a proxy of the environment would get spans that are meant for a neighbour.
            builder = builder.no_proxy();
        }
        Ok(Self {
            http: builder.build()?,
            runtime: Handle::try_current()?,
            is_away: Arc::new(AtomicBool::new(false)),
        })
    }

    fn note(&self, trouble: Option<&str>) {
        let was_away = self.is_away.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(error) if !was_away => {
                tracing::warn!(error, "traces do not reach the collector and are lost");
            }
            None if was_away => tracing::info!("traces reach the collector again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let exchange = async move {
            let reply = http.execute(request.try_into()?).await?;
            let status = reply.status();
            Ok::<_, reqwest::Error>((status, reply.bytes().await?))
        };
        let sent = self.runtime.spawn(exchange).await?;
        let trouble = match &sent {
            Ok((status, _)) if status.is_success() => None,
            Ok((status, _)) => Some(status.to_string()),
            Err(error) => Some(cause(error)),
        };
        self.note(trouble.as_deref());
        let (status, body) = sent?;
        let mut response = Response::new(body);
        *response.status_mut() = status;
        Ok(response)
    }
}

/// The innermost words of an error: those above them only repeat the address.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
