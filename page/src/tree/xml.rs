//! Parses XHTML as XML.

use html5ever::tendril::StrTendril;
use html5ever::tree_builder::{ElementFlags, NodeOrText, TreeSink};
use html5ever::{Attribute, LocalName, Namespace, QualName, ns};
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_html5_entity;
use quick_xml::events::{BytesStart, Event};

use super::node::NodeId;
use super::parse::Parsed;
use super::sink::{ArenaSink, MAX_ATTRIBUTES};
use crate::budget::Budget;
use crate::error::ReadError;
use crate::limits::Limits;

/// Namespace declarations that are in scope together; a document with more is not read as XML.
const MAX_DECLARATIONS: usize = 64;

/// Whether a page is to be parsed as XML: it begins with an XML declaration and its root element is `html`.
pub(crate) fn is_xhtml(html: &str) -> bool {
    const MAX_PROLOG_BYTES: usize = 4096;
    let start = html.strip_prefix('\u{feff}').unwrap_or(html).trim_start();
    let start = &start[..start.floor_char_boundary(MAX_PROLOG_BYTES)];
    start.starts_with("<?xml") && (start.contains("<html") || start.contains(":html"))
}

/// Parses a well-formed document. `None`: it is not well-formed, or exceeds a limit of XML documents.
pub(crate) fn parse_xml(xml: &str, limits: &Limits, budget: &Budget) -> Result<Option<Parsed>, ReadError> {
    let sink = ArenaSink::with_capacity_for(xml.len(), budget.work.clone());
    let mut builder = XmlBuilder { sink, open: vec![NodeId::ROOT], declarations: Vec::new() };
    let mut reader = Reader::from_str(xml);
    let mut truncated = false;
    loop {
        let position = reader.buffer_position();
        let Ok(event) = reader.read_event() else { return Ok(None) };
        budget.work.spend_bytes(usize::try_from(reader.buffer_position() - position).unwrap_or_default());
        budget.step()?;
        if builder.sink.len() >= limits.max_nodes {
            truncated = true;
            break;
        }
        let is_read = match event {
            Event::Eof => break,
            Event::Start(tag) => builder.open.len() <= limits.max_depth && builder.start(&tag).is_some(),
            Event::Empty(tag) => builder.start(&tag).is_some_and(|()| builder.end()),
            Event::End(_) => builder.end(),
            Event::Text(text) => builder.text(&text.xml10_content()),
            Event::CData(text) => builder.text(&text.xml10_content()),
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(c)) => builder.text(c.encode_utf8(&mut [0; 4])),
                Ok(None) => resolve_html5_entity(&name).is_some_and(|text| builder.text(text)),
                Err(_) => false,
            },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => true,
        };
        if !is_read {
            return Ok(None);
        }
    }
    let is_complete = truncated || builder.open.len() == 1;
    let tree = builder.sink.into_tree();
    Ok((is_complete && tree.first_child(NodeId::ROOT).is_some()).then_some(Parsed { tree, truncated }))
}

struct XmlBuilder {
    sink: ArenaSink,
    /// The document and the open elements.
    open: Vec<NodeId>,
    /// Prefix, namespace, and the number of open nodes around the element that declares it.
    declarations: Vec<(String, Namespace, usize)>,
}

impl XmlBuilder {
    fn start(&mut self, tag: &BytesStart<'_>) -> Option<()> {
        let mut attributes = Vec::new();
        for attribute in tag.attributes().with_checks(false).take(MAX_ATTRIBUTES) {
            let attribute = attribute.ok()?;
            let name: &str = attribute.key.as_ref();
            let value = attribute.normalized_value_with(XmlVersion::Implicit1_0, 1, resolve_html5_entity).ok()?;
            match name.strip_prefix("xmlns") {
                Some("") => self.declare("", &value)?,
                Some(prefix) if prefix.starts_with(':') => self.declare(&prefix[1..], &value)?,
                _ => {
                    let name = QualName::new(None, ns!(), LocalName::from(name));
                    attributes.push(Attribute { name, value: StrTendril::from_slice(&value) });
                }
            }
        }
        let name = tag.name();
        let name: &str = name.as_ref();
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let declared = self.declarations.iter().rev().find(|(known, ..)| known == prefix);
        // Elements without a namespace are read as HTML.
        let namespace = declared.map(|(_, namespace, _)| namespace.clone()).filter(|namespace| *namespace != ns!());
        let name = QualName::new(None, namespace.unwrap_or(ns!(html)), LocalName::from(local));
        let element = self.sink.create_element(name, attributes, ElementFlags::default());
        self.sink.append(self.open.last()?, NodeOrText::AppendNode(element));
        self.open.push(element);
        Some(())
    }

    fn declare(&mut self, prefix: &str, namespace: &str) -> Option<()> {
        self.declarations.push((prefix.to_owned(), Namespace::from(namespace), self.open.len()));
        (self.declarations.len() <= MAX_DECLARATIONS).then_some(())
    }

    /// Returns false if no element is open.
    fn end(&mut self) -> bool {
        if self.open.len() == 1 {
            return false;
        }
        self.open.pop();
        let open = self.open.len();
        self.declarations.retain(|(_, _, around)| *around < open);
        true
    }

    /// Returns false for text outside the root element.
    fn text(&mut self, text: &str) -> bool {
        let Some(parent) = self.open.last().filter(|parent| **parent != NodeId::ROOT) else {
            return text.trim().is_empty();
        };
        self.sink.append(parent, NodeOrText::AppendText(StrTendril::from_slice(text)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, read};

    fn markdown(body: &str) -> String {
        let page = format!(
            "<?xml version='1.0'?><!DOCTYPE html><html xmlns='http://www.w3.org/1999/xhtml'><head><title>t</title></head><body>{body}</body></html>"
        );
        let url = url::Url::parse("https://a.example/").unwrap();
        let page = read(&page, &url, &Options::default(), &Limits::default()).unwrap();
        page.markdown.raw_markdown.trim_end().to_owned()
    }

    #[test]
    fn xhtml_is_parsed_as_xml() {
        for (body, expected) in [
            ("<script src='x'/><p>a</p>", "a"),
            ("<iframe src='x'/><textarea/><style/><title/><p>a</p>", "a"),
            ("<a id='x'/><div class='y'/><p>a</p>", "a"),
            ("<p><![CDATA[a & b < c]]></p>", "a & b < c"),
            ("<p>a&#233;&nbsp;b &amp; &eacute;</p>", "aé b & é"),
            ("<h:p xmlns:h='http://www.w3.org/1999/xhtml'>a</h:p><p>b</p>", "a\n\nb"),
            ("<svg xmlns='http://www.w3.org/2000/svg'><text>t</text></svg><p>a</p>", "a"),
            ("<script><![CDATA[if (a < b) {}]]></script><p>a</p>", "a"),
        ] {
            assert_eq!(markdown(body), expected, "{body}");
        }
    }

    #[test]
    fn document_that_is_not_well_formed_is_read_as_html() {
        for body in ["<p>a<br>b", "<p>a</div>", "<p>a & b</p>", "<p title=x>a</p>", "<p>a</p></body></html><p>b"] {
            assert!(markdown(body).contains('a'), "{body}");
        }
        let nested = format!("{}a{}", "<div>".repeat(2000), "</div>".repeat(2000));
        assert_eq!(markdown(&nested), "a");
        let declared: String = (0..100).map(|n| format!("<p xmlns:n{n}='x'>")).collect();
        assert_eq!(markdown(&format!("{declared}a{}", "</p>".repeat(100))), "a");
    }
}
