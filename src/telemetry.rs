//! The log: its format and its level. What is never logged: passwords, keys, tokens, cookies, session ids, queries, bodies.

use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// What makes lines of events, or traces of spans.
pub type SomeLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging to standard error, and tracing where there is a layer for it; a second call changes nothing, so that
/// tests may start several servers.
///
/// Spans of the target `spans` are the traces' alone: lines look the same with traces and without, and without, nobody
/// wants those spans, so that making one costs a look at a flag.
pub fn start(is_json: bool, level: &str, spans: &str, traces: Option<SomeLayer>) {
    let filter = filter(level, spans);
    let layer = fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let log: SomeLayer = if is_json {
        layer.json().flatten_event(true).with_filter(filter).boxed()
    } else {
        layer.with_target(false).with_filter(filter).boxed()
    };
    let layers: Vec<SomeLayer> = std::iter::once(log).chain(traces).collect();
    let started = tracing_subscriber::registry().with(layers).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// What the log takes: everything of that level but those spans.
fn filter(level: &str, spans: &str) -> EnvFilter {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    match format!("{spans}=off").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_traces_their_spans_are_never_made() {
        for level in [
            "info",
            "trace",
            "trace,vestibule=trace",
            "info,vestibule::spans=trace",
        ] {
            let log = fmt::layer()
                .with_writer(std::io::sink)
                .with_filter(filter(level, "vestibule::spans"))
                .boxed();
            let layers: Vec<SomeLayer> = vec![log];
            let subscriber = tracing_subscriber::registry().with(layers);
            tracing::subscriber::with_default(subscriber, || {
                let span = tracing::info_span!(target: "vestibule::spans", "request");
                assert!(span.is_disabled(), "{level}");
                assert!(tracing::enabled!(tracing::Level::WARN), "{level}");
            });
        }
    }
}
