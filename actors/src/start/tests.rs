//! All actors on a store in memory and a paused clock: hours take no time, and counts are exact.

mod cancellation;
mod crashes;
mod crawl_extraction;
mod drain;
mod fairness;
mod leases;
mod scripted;
mod suspects;
mod system;
mod third_kind;
