//! The OpenAPI 3.1 document, built from the declarations of the routes.

pub mod operation_builder;

use std::sync::LazyLock;

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use serde_json::json;
use utoipa::openapi::path::{HttpMethod, PathItem, Paths, PathsBuilder};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use super::route::{GET, OPEN, Route, STANDARD, route};
use operation_builder::{Operation, operation};

const DESCRIPTION: &str = "Crawls pages and extracts data from them with a language model. Jobs run in the background and \
    notify webhooks; synchronous endpoints respond with the result. Later versions may add fields. A request key that has \
    no effect is accepted and listed in `warnings`. In a request, `null` means absent. Times are RFC 3339 in UTC.";

const TAGS: [(&str, &str); 5] = [
    ("jobs", "Submit, query, cancel and watch jobs"),
    ("deliveries", "Webhooks: the log of attempts, and replays"),
    ("sync", "Synchronous requests: each runs as a job and responds with its result"),
    ("mcp", "The Model Context Protocol, for agents"),
    ("operations", "Health, metrics and this document"),
];

/// The serialized document. Part of the application's data.
pub struct Document(pub &'static LazyLock<Bytes>);

pub fn routes() -> Vec<Route> {
    let described = operation("operations", "openapi", "Get this document")
        .response_object(200, "OpenAPI 3.1", json!({"openapi": "3.1.0"}))
        .build();
    vec![route(GET, "/openapi.json", OPEN, STANDARD, document, described)]
}

async fn document(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(Bytes::clone(document.0))
}

/// Describes `routes` and the webhook that is sent when a job is settled.
pub fn describe(routes: Vec<Route>, job_settled: Operation) -> OpenApi {
    let (mut paths, mut schemas) = (Paths::new(), job_settled.schemas);
    for Route { method, path, operation, .. } in routes {
        paths.add_path_operation(template(&path), vec![http_method(&method)], operation.operation);
        schemas.extend(operation.schemas);
    }
    let job_settled = PathItem::new(HttpMethod::Post, job_settled.operation);
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Opilio")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .build();
    let tags = TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build());
    let mut components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("key", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))));
    let credential = |name: &str| SecurityRequirement::new::<&str, [&str; 0], &str>(name, []);
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .webhooks(Some(PathsBuilder::new().path("jobSettled", job_settled)))
        .components(Some(components))
        // The last: a server without tokens requires no credential.
        .security(Some([credential("bearer"), credential("key"), SecurityRequirement::default()]))
        .tags(Some(tags))
        .build()
}

/// The path without the router's patterns.
fn template(path: &str) -> String {
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
    fn path_templates_have_no_patterns() {
        let templates = ["/llm/{url:.+}", "/jobs/{task_id}/events"].map(template);
        assert_eq!(templates, ["/llm/{url}", "/jobs/{task_id}/events"]);
    }
}
