//! `GET /schema` and `POST /config/dump`: the configurations a crawl may have.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

use super::body::{self, Body};
use super::crawl_options::{self, Section};
use super::errors::ApiError;
use super::submission::field_error;

/// The default of every key.
pub async fn schema() -> HttpResponse {
    let defaults = |section: Section| {
        let params: Map<String, Value> = crawl_options::defaults(section).collect();
        json!({"type": section.type_name(), "params": params})
    };
    HttpResponse::Ok().json(json!({"browser": defaults(Section::Browser), "crawler": defaults(Section::Crawler)}))
}

/// A configuration in its plain form, without what has no effect.
pub async fn dump(request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    let given = body::json(&request, body)?;
    let kind = given.get("type").and_then(Value::as_str);
    let section = [Section::Browser, Section::Crawler].into_iter().find(|section| section.type_name() == kind);
    let Some(section) = section.filter(|_| kind.is_some()) else {
        let msg = "must be CrawlerRunConfig or BrowserConfig";
        return Err(ApiError::Invalid(vec![field_error(&["type"], "value_error", msg)]));
    };
    let parsed = match section {
        Section::Browser => crawl_options::parse(Some(&given), None),
        _ => crawl_options::parse(None, Some(&given)),
    };
    if !parsed.errors.is_empty() {
        let place = |mut error: crawl_options::FieldError| {
            error.loc.splice(1..2, [crawl_options::Loc::from("params")]);
            error
        };
        return Err(ApiError::Invalid(parsed.errors.into_iter().map(place).collect()));
    }
    let mut given = crawl_options::plain(&given);
    if let Some(params) = given.get_mut("params").and_then(Value::as_object_mut) {
        let without_effect = |key: &String| {
            let path = format!("{}.{key}", section.path());
            parsed.warnings.iter().any(|warning| warning.key == path)
        };
        params.retain(|key, value| !value.is_null() && !without_effect(key));
    }
    let params = given.get("params").filter(|params| params.is_object()).cloned().unwrap_or_else(|| json!({}));
    Ok(HttpResponse::Ok().json(json!({"type": kind, "params": params})))
}
