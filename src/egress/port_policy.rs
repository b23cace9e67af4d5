//! Which ports the addresses that callers name may have.

use std::ops::RangeInclusive;

/// What may be asked for by its port: what is denied never, and where some are allowed, only those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// Empty: any.
    allow: Vec<RangeInclusive<u16>>,
    deny: Vec<RangeInclusive<u16>>,
}

/// An entry that is neither a port nor a range of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is neither a port nor a range of ports such as 6000-6063")]
pub struct InvalidPort {
    pub entry: String,
}

impl Ports {
    /// Each entry is a port (`443`) or a range with both its ends (`8000-8999`).
    pub fn parse<'a>(
        allow: impl IntoIterator<Item = &'a str>,
        deny: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidPort> {
        let allow = allow.into_iter().map(range).collect::<Result<_, _>>()?;
        let deny = deny.into_iter().map(range).collect::<Result<_, _>>()?;
        Ok(Self { allow, deny })
    }

    pub fn has(&self, port: u16) -> bool {
        let within = |ranges: &[RangeInclusive<u16>]| ranges.iter().any(|range| range.contains(&port));
        !within(&self.deny) && (self.allow.is_empty() || within(&self.allow))
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
    fn what_is_denied_is_never_let_through_and_where_some_are_allowed_only_those() {
        let ports = Ports::parse([], ["25", "6000-6063"]).unwrap();
        let refused = [25, 6000, 6063];
        assert!(refused.iter().all(|port| !ports.has(*port)));
        assert!([24, 26, 80, 5999, 6064, 65535].iter().all(|port| ports.has(*port)));
        let ports = Ports::parse(["80", " 440 - 443"], ["441"]).unwrap();
        assert_eq!([80, 440, 441, 443, 8080].map(|port| ports.has(port)), [true, true, false, true, false]);
        assert!(Ports::default().has(25));
    }

    #[test]
    fn an_entry_that_is_no_port_is_named() {
        for entry in ["", "http", "65536", "9-8", "-1", "1-2-3"] {
            assert_eq!(Ports::parse([entry], []), Err(InvalidPort { entry: entry.to_owned() }));
            assert_eq!(Ports::parse([], [entry]), Err(InvalidPort { entry: entry.to_owned() }));
        }
    }
}
