//! What the operator opened and closed, for each thing that goes out.

use std::net::IpAddr;

use super::allow::Allow;
use super::port_policy::Ports;

/// What a connection is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A page, or the robots.txt of its site.
    Page,
    Webhook,
    /// A question to a language model.
    Model,
}

/// The operator's lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlists {
    /// Internal, and open to pages and webhooks alike.
    pub allow: Allow,
    /// Open to webhooks besides.
    pub webhooks: Allow,
    /// Where models may be internally; `None`: wherever the operator's addresses say.
    pub models: Option<Allow>,
    /// What callers' addresses may have.
    pub ports: Ports,
}

impl Allowlists {
    pub(super) fn have_name(&self, purpose: Purpose, name: &str) -> bool {
        self.of(purpose).any(|allow| allow.has_name(name))
    }

    pub(super) fn have_address(&self, purpose: Purpose, address: IpAddr) -> bool {
        self.of(purpose).any(|allow| allow.has_address(address))
    }

    fn of(&self, purpose: Purpose) -> impl Iterator<Item = &Allow> {
        let both = match purpose {
            Purpose::Page => [Some(&self.allow), None],
            Purpose::Webhook => [Some(&self.allow), Some(&self.webhooks)],
            Purpose::Model => [self.models.as_ref(), None],
        };
        both.into_iter().flatten()
    }
}

impl From<Allow> for Allowlists {
    fn from(allow: Allow) -> Self {
        Self { allow, ..Self::default() }
    }
}
