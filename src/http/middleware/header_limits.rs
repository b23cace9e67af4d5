//! Limits of a request's line and headers.

use actix_web::dev::ServiceRequest;

use crate::http::error::ApiError;

/// Below the parser's own limits of 96 headers and 128 KiB.
#[derive(Clone, Copy, Debug)]
pub struct HeaderLimits {
    pub count: usize,
    /// Total size of path, query, names and values.
    pub bytes: usize,
}

impl HeaderLimits {
    pub fn check(&self, request: &ServiceRequest) -> Result<(), ApiError> {
        let headers = request.headers();
        let header_bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let path_bytes = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
        if headers.len() > self.count || header_bytes + path_bytes > self.bytes {
            return Err(ApiError::HeadersTooLarge);
        }
        Ok(())
    }
}
