//! JSON documents around the stored pages of a job. Pages are spliced in without being parsed.

use bytes::Bytes;
use serde::Serialize;

/// Adjacent texts up to this total size are merged, so that a document consists of few parts.
const MERGED: usize = 1 << 16;

/// A document with placeholders for a job's pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageTemplate {
    parts: Vec<TemplatePart>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    Text(Bytes),
    /// The pages, with a separator between two of them.
    Pages,
}

impl PageTemplate {
    /// A value without pages.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        // The values of this program serialize: they have no maps with keys other than strings.
        Self::raw(serde_json::to_vec(value).unwrap_or_default().into())
    }

    /// A value that is JSON already.
    pub fn raw(json: Bytes) -> Self {
        Self { parts: vec![TemplatePart::Text(json)] }
    }

    /// The list of the pages.
    pub fn list() -> Self {
        let text = |text| TemplatePart::Text(Bytes::from_static(text));
        Self { parts: vec![text(b"["), TemplatePart::Pages, text(b"]")] }
    }

    /// One page per line.
    pub fn lines() -> Self {
        Self { parts: vec![TemplatePart::Pages, TemplatePart::Text(Bytes::from_static(b"\n"))] }
    }

    /// Adds a member to this object. `name` is written as it is.
    #[must_use]
    pub fn with(mut self, name: &str, value: Self) -> Self {
        let mut is_empty = false;
        if let Some(TemplatePart::Text(text)) = self.parts.last_mut() {
            debug_assert!(text.ends_with(b"}"), "only an object has members");
            text.truncate(text.len().saturating_sub(1));
            is_empty = text.ends_with(b"{");
        }
        let comma = if is_empty { "" } else { "," };
        self.push(TemplatePart::Text(format!("{comma}\"{name}\":").into()));
        value.parts.into_iter().for_each(|part| self.push(part));
        self.push(TemplatePart::Text(Bytes::from_static(b"}")));
        self
    }

    pub fn parts(&self) -> &[TemplatePart] {
        &self.parts
    }

    pub fn into_parts(self) -> Vec<TemplatePart> {
        self.parts
    }

    fn push(&mut self, part: TemplatePart) {
        if let (Some(TemplatePart::Text(last)), TemplatePart::Text(text)) = (self.parts.last_mut(), &part)
            && last.len() + text.len() <= MERGED
        {
            *last = [&last[..], text].concat().into();
        } else {
            self.parts.push(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(text: &'static str) -> TemplatePart {
        TemplatePart::Text(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn members_are_added_to_an_object_in_order() {
        let template = PageTemplate::json(&json!({}))
            .with("a", PageTemplate::list())
            .with("b", PageTemplate::json(&json!({"c": 1})))
            .with("d", PageTemplate::json("e"));
        assert_eq!(template.into_parts(), [text(r#"{"a":["#), TemplatePart::Pages, text(r#"],"b":{"c":1},"d":"e"}"#)]);
    }

    #[test]
    fn large_texts_are_not_copied() {
        let large = Bytes::from(vec![b'1'; MERGED]);
        let template = PageTemplate::json(&json!({})).with("a", PageTemplate::raw(large.clone()));
        let [_, TemplatePart::Text(kept), _] = template.parts() else { panic!("{} parts", template.parts().len()) };
        assert_eq!(kept.as_ptr(), large.as_ptr());
    }
}
