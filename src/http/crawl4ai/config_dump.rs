//! `GET /schema` and `POST /config/dump`: the configurations a crawl may have.

use actix_web::{HttpRequest, HttpResponse, web};
use opilio_actors::domain::job::Warning;
use serde_json::{Map, Value, json};

use super::crawl_options::{self, Section};
use super::crawl_request::{Fields, field_error};
use super::crawler_configs;
use crate::http::body::{self, Body};
use crate::http::error::ApiError;
use crate::http::field_error::Loc;
use crate::http::{Api, response};

/// The default of every key.
pub async fn schema() -> HttpResponse {
    let defaults = |section: Section| {
        let params: Map<String, Value> = crawl_options::defaults(section).collect();
        json!({"type": section.type_name(), "params": params})
    };
    HttpResponse::Ok().json(json!({"browser": defaults(Section::Browser), "crawler": defaults(Section::Crawler)}))
}

/// What a configuration says that is not for a single job: whether the answer is a stream, and for which addresses.
const BESIDE: [&str; 3] = ["stream", "url_matcher", "match_mode"];

/// A configuration in its plain form, without the keys that nobody knows. `warnings` names all that have no effect.
pub async fn dump(api: web::Data<Api>, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    let given = body::json(&request, body)?;
    let kind = given.get("type").and_then(Value::as_str);
    let section = [Section::Browser, Section::Crawler].into_iter().find(|section| section.type_name() == kind);
    let Some(section) = section.filter(|_| kind.is_some()) else {
        let msg = "must be CrawlerRunConfig or BrowserConfig";
        return Err(ApiError::Invalid(vec![field_error(&["type"], "value_error", msg)]));
    };
    let mut given = crawl_options::plain(&given);
    let mut fields = Fields::default();
    let beside = given.get_mut("params").and_then(Value::as_object_mut).map(|params| taken(params, &mut fields));
    let parsed = match section {
        Section::Browser => crawl_options::parse(Some(&given), None),
        _ => crawl_options::parse(None, Some(&given)),
    };
    fields.errors.extend(parsed.errors.into_iter().map(|mut error| {
        error.loc.splice(1..2, [Loc::from("params")]);
        error
    }));
    if !fields.errors.is_empty() {
        return Err(ApiError::Invalid(fields.errors));
    }
    let mut params = match given.get_mut("params").map(Value::take) {
        Some(Value::Object(params)) => params,
        _ => Map::new(),
    };
    params.retain(|key, value| !value.is_null() && crawl_options::is_known(section, key));
    params.extend(beside.into_iter().flatten());
    let mut answer = json!({"type": kind, "params": params});
    if !parsed.warnings.is_empty() {
        let warnings = parsed
            .warnings
            .into_iter()
            .map(|Warning { key, reason }| Warning { key: key.replacen(section.path(), "params", 1), reason });
        answer["warnings"] = json!(warnings.collect::<Vec<_>>());
    }
    response::json(&api.response_memory, &answer)
}

/// The keys of [`BESIDE`], checked and taken out: the options of a job have no place for them.
fn taken(params: &mut Map<String, Value>, fields: &mut Fields) -> Map<String, Value> {
    let beside = BESIDE.iter().filter_map(|key| Some(((*key).to_owned(), params.get(*key)?.clone())));
    let beside: Map<_, _> = beside.filter(|(_, value)| !value.is_null()).collect();
    crawler_configs::matcher(&["body".into(), "params".into()], params, fields);
    if beside.get("stream").is_some_and(Value::is_boolean) {
        params.shift_remove("stream");
    }
    beside
}
