//! Which ports URLs in requests may have.

use std::ops::RangeInclusive;

/// Denied ports, and if any are allowed explicitly, only those. A port in both lists is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortPolicy {
    /// Empty: any.
    allow: Vec<RangeInclusive<u16>>,
    deny: Vec<RangeInclusive<u16>>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is not a port or a range of ports, such as 6000-6063")]
pub struct InvalidPort {
    pub entry: String,
}

impl PortPolicy {
    /// Each entry is a port (`443`) or an inclusive range (`8000-8999`).
    pub fn parse<'a>(
        allow: impl IntoIterator<Item = &'a str>,
        deny: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidPort> {
        let allow = allow.into_iter().map(range).collect::<Result<_, _>>()?;
        let deny = deny.into_iter().map(range).collect::<Result<_, _>>()?;
        Ok(Self { allow, deny })
    }

    pub fn allows(&self, port: u16) -> bool {
        let contains = |ranges: &[RangeInclusive<u16>]| ranges.iter().any(|range| range.contains(&port));
        !contains(&self.deny) && (self.allow.is_empty() || contains(&self.allow))
    }
}

fn range(entry: &str) -> Result<RangeInclusive<u16>, InvalidPort> {
    let (first, last) = entry.split_once('-').unwrap_or((entry, entry));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
        _ => Err(InvalidPort { entry: entry.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denied_ports_take_precedence_over_allowed_ones() {
        let ports = PortPolicy::parse([], ["25", "6000-6063"]).unwrap();
        assert!([25, 6000, 6063].iter().all(|port| !ports.allows(*port)));
        assert!([24, 26, 80, 5999, 6064, 65535].iter().all(|port| ports.allows(*port)));
        let ports = PortPolicy::parse(["80", " 440 - 443"], ["441"]).unwrap();
        assert_eq!([80, 440, 441, 443, 8080].map(|port| ports.allows(port)), [true, true, false, true, false]);
        assert!(PortPolicy::default().allows(25));
    }

    #[test]
    fn invalid_entry_is_named() {
        for entry in ["", "http", "65536", "9-8", "-1", "1-2-3"] {
            let error = InvalidPort { entry: entry.to_owned() };
            assert_eq!(PortPolicy::parse([entry], []), Err(error.clone()));
            assert_eq!(PortPolicy::parse([], [entry]), Err(error));
        }
    }
}
