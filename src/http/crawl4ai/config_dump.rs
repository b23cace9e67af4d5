//! `GET /schema` and `POST /config/dump`: the defaults of all configuration keys, and a configuration in its flat form.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::job::Warning;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::crawl_options::{self, OptionsBuilder, Section, Usage};
use super::report::Report;
use super::schemas::ConfigDump;
use super::url_policy::UrlPolicy;
use crate::egress::Guard;
use crate::http::api::Api;
use crate::http::body::{self, Body};
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::field_error::{FieldError, FieldPath};
use crate::http::openapi::operation_builder::{Operation, operation};
use crate::http::parsing;
use crate::http::response;
use crate::http::route::{GET, POST, READ, Route, STANDARD, route};
use crate::http::schemas::Warning as WarningSchema;

/// `POST /config/dump` changes nothing.
pub fn routes() -> Vec<Route> {
    vec![
        route(GET, "/schema", READ, STANDARD, schema, schema_operation()),
        route(POST, "/config/dump", READ, STANDARD, dump, dump_operation()),
    ]
}

/// A configuration in its typed form.
#[derive(Serialize, ToSchema)]
struct Configuration {
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: Option<&'static str>,
    #[schema(value_type = HashMap<String, Value>)]
    params: Map<String, Value>,
    /// Keys that have no effect.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<WarningSchema>)]
    warnings: Vec<Warning>,
}

/// The defaults of all keys.
#[derive(Serialize, ToSchema)]
struct Defaults {
    browser: Configuration,
    crawler: Configuration,
}

async fn schema() -> HttpResponse {
    let defaults = |section: Section| {
        let params = crawl_options::defaults(section).collect();
        Configuration { kind: section.type_name(), params, warnings: vec![] }
    };
    HttpResponse::Ok().json(Defaults { browser: defaults(Section::Browser), crawler: defaults(Section::Crawler) })
}

/// The configuration without unknown keys and `null`. `warnings` lists the keys without effect.
async fn dump(api: web::Data<Api>, caller: Caller, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    let (config, _reservation) = body::json(&request, body)?.into_parts();
    let (configuration, _) =
        parsing::parse(&api, &caller, config, |api, config| configuration(config, &api.guard)).await?;
    response::json(&api.response_memory, &configuration?)
}

fn configuration(config: &Value, guard: &Guard) -> Result<Configuration, ApiError> {
    let name = config.get("type").and_then(Value::as_str);
    let section = match name {
        Some("BrowserConfig") => Section::Browser,
        Some("CrawlerRunConfig") => Section::Crawler,
        _ => {
            let msg = "must be CrawlerRunConfig or BrowserConfig";
            return Err(ApiError::Invalid(vec![FieldError::in_body(&["type"], "value_error", msg)]));
        }
    };
    let (mut report, mut builder) = (Report::default(), OptionsBuilder::default());
    let path = FieldPath::body().child("params");
    match section {
        Section::Browser => crawl_options::parse_browser(config, &path, &mut builder, &mut report),
        _ => crawl_options::parse_crawler(config, &path, Usage::Dump, &mut builder, &mut report),
    }
    let mut params = match crawl_options::unwrap_dicts(config).get_mut("params").map(Value::take) {
        Some(Value::Object(params)) => params,
        _ => Map::new(),
    };
    params.retain(|key, value| !value.is_null() && crawl_options::is_known(section, key));
    if let Some(Value::String(url)) = params.get("url").filter(|_| section == Section::Crawler)
        && let Err(invalid) = UrlPolicy::with_default_scheme(guard).page(url)
    {
        report.reject(&path.child("url"), invalid);
    }
    let (params, warnings) = report.finish(Some(params))?;
    Ok(Configuration { kind: section.type_name(), params, warnings })
}

fn schema_operation() -> Operation {
    let defaults = json!({
        "browser": {"type": "BrowserConfig", "params": {"headless": true}},
        "crawler": {"type": "CrawlerRunConfig", "params": {"page_timeout": 60000}},
    });
    operation("sync", "get_schema", "Get the defaults of all configuration keys")
        .response::<Defaults>(200, "Both configurations", defaults)
        .build()
}

fn dump_operation() -> Operation {
    let config = json!({"type": "CrawlerRunConfig", "params": {"page_timeout": 5000}});
    operation("sync", "dump_config", "Normalize a configuration")
        .description("Removes wrappers and unknown keys.")
        .request::<ConfigDump>(config.clone())
        .response::<Configuration>(200, "The configuration", config)
        .build()
}
