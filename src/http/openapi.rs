//! The OpenAPI 3.1 document: every route of the table with its fields, answers, errors and examples.

mod configuration;
pub mod deliveries;
pub mod documents;
pub mod jobs;
pub mod mcp;
mod operation_builder;
pub mod operations;
mod schemas;
pub mod sync;
pub mod tools;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::Method;
use bytes::Bytes;
use utoipa::openapi::path::{HttpMethod, PathItem, Paths, PathsBuilder};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use super::routes::{self, Endpoint};

const ABOUT: &str = "Jobs that crawl pages or extract from them by a language model, webhooks that tell when they are \
    done, and endpoints whose caller waits. Fields may be added; a key of a request that has no effect is accepted and \
    named in `warnings`. In a request, `null` is absent. Times are RFC 3339 in UTC.";

const TAGS: [(&str, &str); 5] = [
    ("jobs", "Submit, ask, cancel; what happens to a job as it happens"),
    ("deliveries", "Webhooks: what was sent, and sending again"),
    ("waiting", "Answers to callers who wait; each is a job like any other"),
    ("mcp", "The Model Context Protocol, for programs that work for a language model"),
    ("operating", "Health, metrics and this document"),
];

/// As it is sent, written once.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| describe(routes::table()).to_json().unwrap_or_default().into());

/// `GET /openapi.json`.
pub async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT.clone())
}

fn describe(table: Vec<Endpoint>) -> OpenApi {
    let mut paths = Paths::new();
    for Endpoint { method, path, operation, .. } in table {
        paths.add_path_operation(plain(path), vec![http_method(&method)], operation);
    }
    let settled = PathItem::new(HttpMethod::Post, deliveries::webhook());
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Opilio")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .build();
    let tags = TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    let mut components = schemas::components();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))));
    let credential = |name: &str| SecurityRequirement::new::<&str, [&str; 0], &str>(name, []);
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .webhooks(Some(PathsBuilder::new().path("jobSettled", settled)))
        .components(Some(components))
        // The last: a server that was given no token lets everybody in.
        .security(Some([credential("bearer"), credential("key"), SecurityRequirement::default()]))
        .tags(Some(tags))
        .build()
}

/// The path without the router's patterns.
fn plain(path: &str) -> String {
    let segment = |segment: &str| match segment.split_once(':') {
        Some((name, _)) => format!("{name}}}"),
        None => segment.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn http_method(method: &Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_of_its_own_a_summary_and_answers() {
        let document = describe(routes::table());
        let mut names = Vec::new();
        for endpoint in routes::table() {
            let found = document.paths.get_path_operation(plain(endpoint.path), http_method(&endpoint.method));
            let operation = found.unwrap_or_else(|| panic!("{} is not described", endpoint.path));
            assert!(operation.summary.is_some() && !operation.responses.responses.is_empty(), "{}", endpoint.path);
            names.extend(operation.operation_id.clone());
        }
        assert_eq!(names.len(), routes::table().len());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), routes::table().len(), "{names:?}");
    }

    #[test]
    fn patterns_of_the_router_are_no_part_of_a_path() {
        assert_eq!([plain("/llm/{url:.+}"), plain("/jobs/{task_id}/events")], ["/llm/{url}", "/jobs/{task_id}/events"]);
    }
}
