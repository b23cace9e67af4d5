//! Selects members of a page's JSON without parsing their values.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::error::ApiError;

/// The page with only these members, in the page's order.
pub fn select(page: &[u8], fields: &[String]) -> Result<Vec<u8>, ApiError> {
    let invalid = |error: serde_json::Error| ApiError::Internal(format!("a stored page is not JSON: {error}"));
    let Members(mut members) = serde_json::from_slice(page).map_err(invalid)?;
    members.retain(|(name, _)| fields.iter().any(|field| field == name));
    serde_json::to_vec(&Members(members)).map_err(invalid)
}

/// An object whose values are unparsed.
struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selected_members_keep_their_order_and_text() {
        let page = br#"{"url":"a","html":"\u00e9","links":{"b": [1]},"success":true}"#;
        let fields = ["links".to_owned(), "url".to_owned(), "absent".to_owned()];
        let selected = select(page, &fields).expect("an object");
        assert_eq!(String::from_utf8_lossy(&selected), r#"{"url":"a","links":{"b": [1]}}"#);
    }
}
