//! `GET /schema` and `POST /config/dump`: the defaults of all configuration keys, and a configuration in its flat form.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::crawl_options::{self, OptionsBuilder, Section, Usage};
use super::report::Report;
use crate::http::body::{self, Body};
use crate::http::error::ApiError;
use crate::http::field_error::{FieldError, FieldPath};
use crate::http::{Api, response};

pub async fn schema() -> HttpResponse {
    let defaults = |section: Section| {
        let params: Map<String, Value> = crawl_options::defaults(section).collect();
        json!({"type": section.type_name(), "params": params})
    };
    HttpResponse::Ok().json(json!({"browser": defaults(Section::Browser), "crawler": defaults(Section::Crawler)}))
}

/// The configuration without unknown keys and `null`. `warnings` lists the keys without effect.
pub async fn dump(api: web::Data<Api>, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    let config = body::json(&request, body)?;
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
        Section::Browser => crawl_options::parse_browser(&config, &path, &mut builder, &mut report),
        _ => crawl_options::parse_crawler(&config, &path, Usage::Dump, &mut builder, &mut report),
    }
    let mut params = match crawl_options::unwrap_dicts(&config).get_mut("params").map(Value::take) {
        Some(Value::Object(params)) => params,
        _ => Map::new(),
    };
    params.retain(|key, value| !value.is_null() && crawl_options::is_known(section, key));
    let (mut dump, warnings) =
        report.finish(Some(json!({"type": name, "params": params}))).map_err(ApiError::Invalid)?;
    if !warnings.is_empty() {
        dump["warnings"] = json!(warnings);
    }
    response::json(&api.response_memory, &dump)
}
