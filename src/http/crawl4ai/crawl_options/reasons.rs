//! Classes that keys of both configurations have.

use super::key::Class::{self, Rejected, WithoutEffect};

pub const NO_BROWSER: Class = WithoutEffect("pages are fetched over HTTP, without a browser");
pub const NO_IMPERSONATION: Class = WithoutEffect("impersonation is not supported; `user_agent` is sent as given");
pub const LOGGING: Class = WithoutEffect("logging is configured by the operator");
pub const PROXY: Class = Rejected("a request cannot choose a proxy");
pub const SCRIPTS: Class = Rejected("scripts are not run, because pages are fetched without a browser");
pub const STATE: Class = Rejected("no state is kept between jobs; send `cookies` and `headers` instead");
