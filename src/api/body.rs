//! Bodies on their way in, whoever reads them: never packed, and whole within `server.body_timeout`.
//!
//! A handler reads a body piece by piece, and its dialect puts what is wrong with one into its words; so what
//! is refused here is an error among the pieces.

use crate::api::services::Services;
use actix_web::HttpMessage;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, TRANSFER_ENCODING,
};
use actix_web::web::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream::{self, Stream, StreamExt};
use std::cell::RefCell;
use std::io::ErrorKind;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a handler finds in place of a packed body. Never unpacked: no client packs one, and a piece of a few
/// kilobytes can hold many megabytes before anybody counts them.
pub const PACKED: ErrorKind = ErrorKind::Unsupported;
/// What it finds where the rest of a body did not come in time.
pub const LATE: ErrorKind = ErrorKind::TimedOut;

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// Bounds the body of a request, in time and in what it may be.
pub async fn bounded(
    services: &Services,
    mut request: ServiceRequest,
    next: impl AsyncFnOnce(ServiceRequest) -> Result<ServiceResponse, actix_web::Error>,
) -> Result<ServiceResponse, actix_web::Error> {
    let payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return next(request).await;
    }
    let payload = Shared(Rc::new(RefCell::new(payload)));
    let is_packed = is_packed(request.headers());
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let pieces: Pieces = if is_packed {
        Box::pin(stream::iter([Err(PayloadError::Io(PACKED.into()))]))
    } else {
        timed(payload.clone(), services.site.body_timeout)
    };
    request.set_payload(Payload::from(pieces));
    let mut response = next(request).await?;
    if is_packed && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        let plain = HeaderValue::from_static("identity");
        response.headers_mut().insert(ACCEPT_ENCODING, plain);
    }
    if !is_chunked {
        return Ok(response);
    }
    Ok(response.map_body(|_, body| BoxBody::new(Answer { body, payload })))
}

fn is_packed(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).any(|value| {
        let Ok(text) = value.to_str() else {
            return true;
        };
        let mut names = text.split(',').map(str::trim);
        names.any(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"))
    })
}

/// The pieces until the time is over: a piece now and then does not prolong it.
fn timed(payload: Shared, limit: Duration) -> Pieces {
    let end = Box::pin(tokio::time::sleep(limit));
    let pieces = stream::unfold(Some((payload, end)), |state| async {
        let (mut payload, mut end) = state?;
        let piece = match select(payload.next(), end.as_mut()).await {
            Either::Left((piece, _)) => Some(piece?),
            Either::Right(_) => None,
        };
        Some(match piece {
            Some(piece) => (piece, Some((payload, end))),
            None => (Err(PayloadError::Io(LATE.into())), None),
        })
    });
    Box::pin(pieces)
}

/// A body that the connection must not take for given up before the reply is out.
#[derive(Clone)]
struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

/// A reply to a request that came in chunks. The connection waits for the end of chunks that nobody reads, without
/// a limit; where somebody still holds them when the reply ends, it is closed.
struct Answer {
    body: BoxBody,
    #[expect(dead_code, reason = "being there is all it does")]
    payload: Shared,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.get_mut().body.as_pin_mut().poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderName;

    #[test]
    fn only_identity_is_not_packed() {
        let with = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let name = HeaderName::from_static("content-encoding");
                headers.append(name, HeaderValue::from_static(value));
            }
            is_packed(&headers)
        };
        for plain in [&[][..], &[""], &["identity"], &["Identity, identity", ""]] {
            assert!(!with(plain), "{plain:?}");
        }
        for packed in [
            &["gzip"][..],
            &["identity, GZIP"],
            &["identity", "br"],
            &["x"],
        ] {
            assert!(with(packed), "{packed:?}");
        }
    }
}
