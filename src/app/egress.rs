//! The egress guard, from the settings.

use anyhow::Context;

use crate::egress::{Allowlist, EgressPolicy, Guard, PortPolicy};
use crate::settings::Settings;

pub fn guard(settings: &Settings) -> anyhow::Result<Guard> {
    let egress = &settings.egress;
    let list = |key: &'static str, entries: &[String]| Allowlist::parse(texts(entries)).context(key);
    let allows_any_model = egress.allow_llm.iter().any(|entry| entry.trim() == "*");
    let lists = EgressPolicy {
        allow: list("egress.allow", &egress.allow)?,
        webhooks: list("egress.allow_webhooks", &egress.allow_webhooks)?,
        models: (!allows_any_model).then(|| list("egress.allow_llm", &egress.allow_llm)).transpose()?,
        ports: PortPolicy::parse(texts(&egress.ports.allow), texts(&egress.ports.deny)).context("egress.ports")?,
    };
    Ok(if settings.internal_allowed() { Guard::open(lists) } else { Guard::closed(lists) })
}

fn texts(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(String::as_str)
}
