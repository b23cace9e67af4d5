//! Internal host names and networks that the operator allows.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

/// Host names, IP addresses and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist {
    /// Lower case, without a trailing dot. A name with a leading dot stands for all of its subdomains.
    names: Vec<String>,
    networks: Vec<IpNet>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is not a host name, an IP address or a network in CIDR notation")]
pub struct InvalidAllowlistEntry {
    pub entry: String,
}

impl Allowlist {
    /// Each entry is a host name (`intranet.example`; `*.intranet.example` for its subdomains), an IP address or a network
    /// (`10.1.0.0/16`, `fd00::/8`). A listed name may resolve to any address.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidAllowlistEntry> {
        let mut list = Self::default();
        for entry in entries {
            list.add(entry).ok_or_else(|| InvalidAllowlistEntry { entry: entry.to_owned() })?;
        }
        Ok(list)
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
            self.names.push(format!("{dot}{}", normalized(&name)));
        }
        Some(())
    }

    pub fn contains_name(&self, name: &str) -> bool {
        let name = normalized(name);
        self.names.iter().any(|allowed| match allowed.strip_prefix('.') {
            Some(_) => name.ends_with(allowed.as_str()),
            None => name == *allowed,
        })
    }

    pub fn contains_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

fn normalized(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_contains_names_subdomains_addresses_and_networks() {
        let list =
            Allowlist::parse(["Intranet.Example", "*.corp.example", "10.1.0.0/16", "[::1]", "192.168.0.7"]).unwrap();
        for name in ["intranet.example", "INTRANET.example.", "a.corp.example", "a.b.corp.example."] {
            assert!(list.contains_name(name), "{name}");
        }
        for name in ["x.intranet.example", "corp.example", "evilcorp.example", "intranet.example.org"] {
            assert!(!list.contains_name(name), "{name}");
        }
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "::1", "192.168.0.7"] {
            assert!(list.contains_address(address.parse().unwrap()), "{address}");
        }
        for address in ["10.2.0.0", "::2", "192.168.0.8"] {
            assert!(!list.contains_address(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn invalid_entry_is_named() {
        for entry in ["", "10.0.0.0/33", "http://x/", "a b", "1.2.3"] {
            let error = InvalidAllowlistEntry { entry: entry.to_owned() };
            assert_eq!(Allowlist::parse(["ok.example", entry]), Err(error));
        }
    }
}
