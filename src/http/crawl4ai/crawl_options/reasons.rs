//! Classes that keys of both configurations have.

use super::key::Class::{self, Rejected, WithoutEffect};

pub const NO_BROWSER: Class = WithoutEffect("pages are fetched over HTTP, without a browser");
pub const NO_IMPERSONATION: Class = WithoutEffect("impersonation is not supported; `user_agent` is sent as given");
pub const LOGGING: Class = WithoutEffect("logging is configured by the operator");
pub const PROXY: Class = Rejected("is not available yet; leave it out to fetch pages from the server's own address");
pub const NEEDS_BROWSER: Class =
    Rejected("needs a browser, which this server does not have; leave it out to fetch the page over HTTP");
pub const STATE: Class = Rejected("is not available yet; send cookies and headers instead");
