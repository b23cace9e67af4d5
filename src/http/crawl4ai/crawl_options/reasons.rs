//! Classes that keys of both configurations have.

use super::key::Class::{self, Rejected, WithoutEffect};

pub const NO_BROWSER: Class = WithoutEffect("the server manages its browser; see `engine`");
pub const NO_IMPERSONATION: Class = WithoutEffect("impersonation is not supported; `user_agent` is sent as given");
pub const LOGGING: Class = WithoutEffect("logging is configured by the operator");
pub const PROXY: Class = Rejected("is not available yet; leave it out to fetch pages from the server's own address");
pub const NEEDS_BROWSER: Class = Rejected("is not available yet; leave it out");
pub const STATE: Class = Rejected("is not available yet; send cookies and headers instead");
