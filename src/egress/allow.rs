//! The names and networks that the operator opened although they are internal.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

/// What may be reached besides the public Internet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Lower case, without a dot at the end; one that begins with a dot stands for all names below it.
    names: Vec<String>,
    networks: Vec<IpNet>,
}

/// An entry that is neither a host name nor an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is neither a host name nor an IP address nor a network in CIDR notation")]
pub struct InvalidAllowEntry {
    pub entry: String,
}

impl Allow {
    /// Each entry is a host name (`intranet.example`, `*.intranet.example` for all below it), an IP address or a
    /// network (`10.1.0.0/16`, `fd00::/8`). A name opens whatever addresses it resolves to.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidAllowEntry> {
        let mut allow = Self::default();
        for entry in entries {
            allow.add(entry).ok_or_else(|| InvalidAllowEntry { entry: entry.to_owned() })?;
        }
        Ok(allow)
    }

    fn add(&mut self, entry: &str) -> Option<()> {
        let entry = entry.trim();
        let bare = entry.trim_start_matches('[').trim_end_matches(']');
        if let Ok(network) = IpNet::from_str(bare) {
            self.networks.push(network);
        } else if let Ok(address) = IpAddr::from_str(bare) {
            self.networks.push(IpNet::from(address));
        } else {
            let (dot, name) = match entry.strip_prefix("*.").or_else(|| entry.strip_prefix('.')) {
                Some(name) => (".", name),
                None => ("", entry),
            };
            let Ok(Host::Domain(name)) = Host::parse(name) else { return None };
            self.names.push(format!("{dot}{}", plain(&name)));
        }
        Some(())
    }

    pub fn has_name(&self, name: &str) -> bool {
        let name = plain(name);
        self.names.iter().any(|allowed| match allowed.strip_prefix('.') {
            Some(_) => name.ends_with(allowed.as_str()),
            None => name == *allowed,
        })
    }

    pub fn has_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_networks_are_told_apart() {
        let allow =
            Allow::parse(["Intranet.Example", "*.corp.example", "10.1.0.0/16", "[::1]", "192.168.0.7"]).unwrap();
        for name in ["intranet.example", "INTRANET.example.", "a.corp.example", "a.b.corp.example."] {
            assert!(allow.has_name(name), "{name}");
        }
        for name in ["x.intranet.example", "corp.example", "evilcorp.example", "intranet.example.org"] {
            assert!(!allow.has_name(name), "{name}");
        }
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "::1", "192.168.0.7"] {
            assert!(allow.has_address(address.parse().unwrap()), "{address}");
        }
        for address in ["10.2.0.0", "::2", "192.168.0.8"] {
            assert!(!allow.has_address(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_entry_that_is_neither_is_named() {
        for entry in ["", "10.0.0.0/33", "http://x/", "a b", "1.2.3"] {
            assert_eq!(Allow::parse(["ok.example", entry]), Err(InvalidAllowEntry { entry: entry.to_owned() }));
        }
    }
}
