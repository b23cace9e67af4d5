//! The real binary, a site for it to crawl, and a webhook receiver.
#![allow(dead_code, unused_imports, reason = "no test binary uses all of it")]

pub mod events;
mod server;
mod site;

pub use opilio_actors::testing::until::{DEADLINE, expect, until};
pub use server::TestServer;
pub use site::{ReceivedWebhook, TEXT, TestSite};
