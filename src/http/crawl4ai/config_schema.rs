//! The schemas of `browser_config` and `crawler_config`, generated from the table of keys.

use std::borrow::Cow;

use serde_json::Value;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::crawl4ai::crawl_options::{Class, Key, Kind, Section, keys};

pub struct BrowserConfig;
pub struct CrawlerConfig;

impl PartialSchema for BrowserConfig {
    fn schema() -> RefOr<Schema> {
        flat_or_typed(Section::Browser)
    }
}

impl ToSchema for BrowserConfig {
    fn name() -> Cow<'static, str> {
        "BrowserConfig".into()
    }
}

impl PartialSchema for CrawlerConfig {
    fn schema() -> RefOr<Schema> {
        flat_or_typed(Section::Crawler)
    }
}

impl ToSchema for CrawlerConfig {
    fn name() -> Cow<'static, str> {
        "CrawlerRunConfig".into()
    }
}

/// The keys themselves, or `params` in the form of Crawl4AI's class.
fn flat_or_typed(section: Section) -> RefOr<Schema> {
    let object =
        keys(section).iter().fold(ObjectBuilder::new(), |object, key| object.property(key.name, described(key)));
    let name = section.type_name().unwrap_or_default();
    let typed = object
        .property("type", ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name])))
        .property("params", ObjectBuilder::new().description(Some("The keys, where `type` is given.")))
        .description(Some("Flat, or `{\"type\": …, \"params\": {…}}`. `docs/crawl-options.md` describes every key."));
    typed.into()
}

fn described(key: &Key) -> RefOr<Schema> {
    let default = key.harmless.first().copied().unwrap_or("null");
    let about = |class: &str| format!("{} Default: `{default}`.{class}", key.about);
    match key.class {
        Class::Honoured(_) | Class::Nested(_) => of_kind(key.kind, &about("")),
        Class::WithoutEffect(why) | Class::WithoutEffectUnless(why, _) => {
            let about = about(&format!(" Without effect: {why}."));
            match key.kind {
                Kind::Enum(..) | Kind::Typed(_) => of_kind(key.kind, &about),
                _ => ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(about)).build().into(),
            }
        }
        Class::Rejected(why) => {
            let harmless = key.harmless.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok());
            let about = about(&format!(" Any other value is rejected: the key {why}."));
            let harmless = ObjectBuilder::new().schema_type(SchemaType::AnyValue).enum_values(Some(harmless));
            harmless.description(Some(about)).into()
        }
    }
}

/// A value of this kind, or `null`.
fn of_kind(kind: Kind, about: &str) -> RefOr<Schema> {
    let or_null = |kind: Type| SchemaType::from_iter([kind, Type::Null]);
    let plain = |kind: Type| ObjectBuilder::new().schema_type(or_null(kind)).description(Some(about)).build().into();
    match kind {
        Kind::Bool => plain(Type::Boolean),
        Kind::Integer => plain(Type::Integer),
        Kind::Number => plain(Type::Number),
        Kind::Text => plain(Type::String),
        Kind::Object => plain(Type::Object),
        Kind::List => list(about),
        Kind::TextOrList => {
            let text = ObjectBuilder::new().schema_type(or_null(Type::String));
            AnyOfBuilder::new().item(text).item(list(about)).description(Some(about)).into()
        }
        Kind::Enum(name, values) => {
            let text = || ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values.iter().copied()));
            let typed = typed(&[name]).property("params", text());
            AnyOfBuilder::new().item(text()).item(typed).item(null()).description(Some(about)).into()
        }
        Kind::Typed(names) => {
            let typed = typed(names).property("params", ObjectBuilder::new());
            AnyOfBuilder::new().item(typed).item(null()).description(Some(about)).into()
        }
    }
}

fn list(about: &str) -> RefOr<Schema> {
    let items = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let list = ArrayBuilder::new().items(items).schema_type(SchemaType::from_iter([Type::Array, Type::Null]));
    list.description(Some(about)).into()
}

fn null() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Null)
}

fn typed(names: &[&str]) -> ObjectBuilder {
    let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.iter().copied()));
    ObjectBuilder::new().property("type", name).required("type").required("params")
}
