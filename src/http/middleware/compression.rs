//! Answers compressed as their client likes it: gzip, zstd or Brotli, by `Accept-Encoding`.

use actix_http::encoding::Encoder;
use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AcceptEncoding, ContentEncoding, Encoding, Header};
use actix_web::middleware::Next;

/// What is shorter fits a packet as it is.
const WORTH_IT: u64 = 1024;

/// Of equally liked ones, the cheaper goes first.
const OFFERED: [Encoding; 4] = [Encoding::zstd(), Encoding::gzip(), Encoding::brotli(), Encoding::identity()];

/// Streams that say `Content-Encoding: identity` stay as they are, so that each line is on its way at once.
pub async fn compress(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let encoding = liked(&request);
    let response = next.call(request).await?;
    Ok(response.map_body(|head, body| match body.size() {
        BodySize::None | BodySize::Sized(0..WORTH_IT) => body.boxed(),
        _ => Encoder::response(encoding, head, body).boxed(),
    }))
}

/// Who likes none of ours gets plain text all the same (RFC 9110, section 12.5.3).
fn liked(request: &ServiceRequest) -> ContentEncoding {
    let accepted = AcceptEncoding::parse(request).ok().filter(|accepted| !accepted.is_empty());
    match accepted.and_then(|accepted| accepted.negotiate(OFFERED.iter())) {
        Some(Encoding::Known(encoding)) => encoding,
        _ => ContentEncoding::Identity,
    }
}
