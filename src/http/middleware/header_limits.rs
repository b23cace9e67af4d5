//! How much a request's head may say.

use actix_web::dev::ServiceRequest;

use crate::http::error::ApiError;

/// Bounds within those of the parser, which takes 96 headers and 128 KiB.
#[derive(Clone, Copy, Debug)]
pub struct HeaderLimits {
    pub headers: usize,
    /// Address, names and values together.
    pub bytes: usize,
}

impl HeaderLimits {
    pub fn check(&self, request: &ServiceRequest) -> Result<(), ApiError> {
        let headers = request.headers();
        let said: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
        if headers.len() > self.headers || said + address > self.bytes {
            return Err(ApiError::HeadersTooLarge);
        }
        Ok(())
    }
}
