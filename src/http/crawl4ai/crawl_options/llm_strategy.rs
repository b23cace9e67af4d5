//! `LLMExtractionStrategy` and `LLMContentFilter`: what a language model does with each page.

use opilio_actors::domain::page_extraction::{PageExtraction, PageFilter};
use serde_json::Value;

use super::normalize::typed;
use super::value::map;
use crate::http::crawl4ai::llm_request::{provider, schema, temperature};
use crate::http::crawl4ai::report::Report;
use crate::http::field_error::{FieldPath, InvalidValue};

const WITH_SCHEMA: &str = "Extract the data that the schema describes.";
const WITHOUT_SCHEMA: &str = "Extract the content of the page that a reader is interested in, as a list of texts.";
const MAIN_CONTENT: &str =
    "Keep the main content of the page. Leave out navigation, advertisements, related links and footers.";
const OF_SERVER: &str = "settings of providers come from the server's configuration only";
const NO_EFFECT: &str = "has no effect: the server splits long pages and validates responses itself";

const STRATEGY: [&str; 6] = ["instruction", "schema", "extraction_type", "llm_config", "provider", "extra_args"];
const FILTER: [&str; 4] = ["instruction", "llm_config", "provider", "extra_args"];

/// The parameters of `LLMExtractionStrategy`.
pub fn parse(params: Option<&Value>, path: &FieldPath, report: &mut Report) -> Option<PageExtraction> {
    let Parsed { instruction, schema, provider, temperature } = Parsed::of(params, &STRATEGY, path, report)?;
    let default = if schema.is_some() { WITH_SCHEMA } else { WITHOUT_SCHEMA };
    let instruction = instruction.unwrap_or_else(|| default.to_owned());
    Some(PageExtraction { instruction, schema, provider, temperature })
}

/// The parameters of `LLMContentFilter`.
pub fn parse_filter(params: Option<&Value>, path: &FieldPath, report: &mut Report) -> Option<PageFilter> {
    let Parsed { instruction, provider, temperature, .. } = Parsed::of(params, &FILTER, path, report)?;
    let instruction = instruction.unwrap_or_else(|| MAIN_CONTENT.to_owned());
    Some(PageFilter { instruction, provider, temperature })
}

#[derive(Default)]
struct Parsed {
    instruction: Option<String>,
    schema: Option<Value>,
    provider: Option<String>,
    temperature: Option<f64>,
}

impl Parsed {
    /// The parameters in `names`. Addresses, keys and further settings of providers are dropped, each with a warning.
    fn of(params: Option<&Value>, names: &[&str], path: &FieldPath, report: &mut Report) -> Option<Self> {
        let errors = report.error_count();
        let params = match params {
            Some(params) => Some(report.check(&path.child("params"), map(params))?),
            None => None,
        };
        let mut parsed = Self::default();
        for name in names {
            if let Some(value) = params.and_then(|params| params.get(*name)).filter(|value| !value.is_null()) {
                parsed.read(name, value, &path.child(*name), report);
            }
        }
        let given = params.into_iter().flatten().filter(|(_, value)| !value.is_null());
        for (name, _) in given.filter(|(name, _)| !names.contains(&name.as_str())) {
            report.warn(&path.child(name.as_str()), if is_provider_setting(name) { OF_SERVER } else { NO_EFFECT });
        }
        (report.error_count() == errors).then_some(parsed)
    }

    fn read(&mut self, name: &str, value: &Value, path: &FieldPath, report: &mut Report) {
        match (name, value) {
            ("instruction", Value::String(text)) => {
                self.instruction = Some(text.clone()).filter(|text| !text.trim().is_empty());
            }
            ("instruction", _) => report.fail(path, InvalidValue::new("string_type", "must be a string")),
            ("schema", schema_value) => self.schema = schema(schema_value, path, report),
            // The content follows from whether there is a schema, as in Crawl4AI.
            ("extraction_type", Value::String(text)) if ["schema", "block"].contains(&text.as_str()) => {}
            ("extraction_type", _) => report.fail(path, InvalidValue::value("must be schema or block")),
            ("provider", _) => self.read_provider(value, path, report),
            ("llm_config", _) => self.read_config(value, path, report),
            _ => self.read_extra_arguments(value, path, report),
        }
    }

    fn read_provider(&mut self, value: &Value, path: &FieldPath, report: &mut Report) {
        let name = value.as_str().ok_or_else(|| InvalidValue::new("string_type", "must be a string"));
        if let Some(name) = report.check(path, name.and_then(provider)) {
            self.provider.get_or_insert(name);
        }
    }

    /// `LLMConfig`, as an object or typed.
    fn read_config(&mut self, value: &Value, path: &FieldPath, report: &mut Report) {
        let config = typed(value).map_or(value, |(_, params)| params);
        let Some(config) = report.check(path, map(config)) else { return };
        for (name, value) in config.iter().filter(|(_, value)| !value.is_null()) {
            let path = path.child(name.as_str());
            match name.as_str() {
                "provider" => self.read_provider(value, &path, report),
                "temperature" => self.temperature = report.check(&path, temperature(value)),
                _ => report.warn(&path, OF_SERVER),
            }
        }
    }

    /// Only the temperature has an effect.
    fn read_extra_arguments(&mut self, value: &Value, path: &FieldPath, report: &mut Report) {
        let Some(arguments) = report.check(path, map(value)) else { return };
        if let Some(value) = arguments.get("temperature").filter(|value| !value.is_null()) {
            let value = report.check(&path.child("temperature"), temperature(value));
            self.temperature = self.temperature.or(value);
        }
        if arguments.keys().any(|name| name != "temperature") {
            report.warn(path, OF_SERVER);
        }
    }
}

fn is_provider_setting(name: &str) -> bool {
    ["api_token", "base_url", "api_base", "api_key"].contains(&name)
}
