//! What the operator allows, by the purpose of a connection.

use std::net::IpAddr;

use super::allowlist::Allowlist;
use super::port_policy::PortPolicy;

/// What a connection is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A page, or the robots.txt of its site.
    Page,
    Webhook,
    /// A request to a language model.
    Model,
}

/// Internal destinations that may be reached, and the ports of URLs in requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    /// For pages and webhooks.
    pub allow: Allowlist,
    /// For webhooks, in addition to `allow`.
    pub webhooks: Allowlist,
    /// For models. `None`: any address that the operator configures.
    pub models: Option<Allowlist>,
    pub ports: PortPolicy,
}

impl EgressPolicy {
    pub(super) fn allows_name(&self, purpose: Purpose, name: &str) -> bool {
        self.lists(purpose).any(|list| list.contains_name(name))
    }

    pub(super) fn allows_address(&self, purpose: Purpose, address: IpAddr) -> bool {
        self.lists(purpose).any(|list| list.contains_address(address))
    }

    fn lists(&self, purpose: Purpose) -> impl Iterator<Item = &Allowlist> {
        let lists = match purpose {
            Purpose::Page => [Some(&self.allow), None],
            Purpose::Webhook => [Some(&self.allow), Some(&self.webhooks)],
            Purpose::Model => [self.models.as_ref(), None],
        };
        lists.into_iter().flatten()
    }
}

impl From<Allowlist> for EgressPolicy {
    fn from(allow: Allowlist) -> Self {
        Self { allow, ..Self::default() }
    }
}
