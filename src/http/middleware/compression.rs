//! Compresses responses with zstd, gzip or Brotli, by `Accept-Encoding`.

use actix_http::encoding::Encoder;
use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AcceptEncoding, ContentEncoding, Encoding, Header};
use actix_web::middleware::Next;

/// Shorter responses fit into one packet without compression.
const MIN_SIZE: u64 = 1024;

/// In ascending order of cost: of equally acceptable encodings the first is used.
const ENCODINGS: [Encoding; 4] = [Encoding::zstd(), Encoding::gzip(), Encoding::brotli(), Encoding::identity()];

/// Streams with `Content-Encoding: identity` are not compressed, so that each line is sent immediately.
pub async fn compress(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let encoding = negotiate(&request);
    let response = next.call(request).await?;
    Ok(response.map_body(|head, body| match body.size() {
        BodySize::None | BodySize::Sized(0..MIN_SIZE) => body.boxed(),
        _ => Encoder::response(encoding, head, body).boxed(),
    }))
}

/// If no encoding is acceptable, the response is not compressed (RFC 9110, section 12.5.3).
fn negotiate(request: &ServiceRequest) -> ContentEncoding {
    let accepted = AcceptEncoding::parse(request).ok().filter(|accepted| !accepted.is_empty());
    match accepted.and_then(|accepted| accepted.negotiate(ENCODINGS.iter())) {
        Some(Encoding::Known(encoding)) => encoding,
        _ => ContentEncoding::Identity,
    }
}
