//! Routes of Crawl4AI that this server does not have (`501`, with the alternative), and the responses to unknown paths
//! and methods.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use utoipa::ToSchema;

use super::error::ApiError;
use super::openapi::operation_builder::{Operation, operation, string};
use super::route::{GET, POST, READ, Route, STANDARD, SUBMIT, SYNCHRONOUS, route};
use super::trailing_slash;

const PLAYGROUND: &str = "the playground is not available; /docs shows every route and can call it";
const DASHBOARD: &str = "the dashboard is not available; /metrics, /ready and /jobs show the state of the server";

/// Paths that Crawl4AI's clients do not call by name; they are not part of the OpenAPI document.
const UNSUPPORTED: [(&str, &str); 7] = [
    ("/ask", "questions about Crawl4AI's library are not answered; /docs and /openapi.json describe this server"),
    ("/monitor/{rest:.*}", DASHBOARD),
    ("/dashboard", DASHBOARD),
    ("/dashboard/{rest:.*}", DASHBOARD),
    ("/playground", PLAYGROUND),
    ("/playground/{rest:.*}", PLAYGROUND),
    ("/redoc", "ReDoc is not available; /docs shows every route and can call it"),
];

/// The routes that need a browser.
pub fn routes() -> Vec<Route> {
    let page = |id, what| on_page(id, what);
    vec![
        route(
            POST,
            "/screenshot",
            SUBMIT,
            SYNCHRONOUS,
            needs_browser,
            page("screenshot", "Take a screenshot of a page"),
        ),
        route(POST, "/pdf", SUBMIT, SYNCHRONOUS, needs_browser, page("pdf", "Convert a page to PDF")),
        route(POST, "/execute_js", SUBMIT, SYNCHRONOUS, needs_browser, page("execute_js", "Run scripts in a page")),
        route(
            GET,
            "/artifacts/{artifact_id}",
            READ,
            STANDARD,
            needs_browser,
            unavailable("get_artifact", "Download a file that a browser created")
                .path("artifact_id", string(), "The file's id")
                .build(),
        ),
    ]
}

fn unavailable(id: &str, summary: &str) -> super::openapi::operation_builder::OperationBuilder {
    operation("sync", id, &format!("{summary}. Not available: needs a browser")).errors(&[501])
}

fn on_page(id: &str, summary: &str) -> Operation {
    unavailable(id, summary).request::<PageRequest>(json!({"url": "https://example.com"})).build()
}

#[derive(ToSchema)]
#[allow(dead_code, reason = "only described, never constructed")]
struct PageRequest {
    #[schema(format = "uri")]
    url: String,
}

async fn needs_browser() -> Result<HttpResponse, ApiError> {
    Err(ApiError::NotImplemented("this needs a browser, which this server does not have"))
}

/// Mounts the undocumented paths for all methods.
pub fn mount(config: &mut web::ServiceConfig) {
    for (path, reason) in UNSUPPORTED {
        let respond = move || std::future::ready(Err::<&str, _>(ApiError::NotImplemented(reason)));
        config.service(web::resource(path).default_service(web::to(respond)));
    }
}

/// The response to a path that no route has.
pub async fn not_found(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    trailing_slash::redirect(&request).ok_or(ApiError::RouteNotFound)
}

/// The response to a method that the path does not have. The path may also be that of another route with a trailing slash:
/// `/llm/job/` matches `/llm/{url}`.
pub fn method_not_allowed(request: &HttpRequest, allowed: String) -> Result<HttpResponse, ApiError> {
    trailing_slash::redirect(request).ok_or(ApiError::MethodNotAllowed { allowed })
}
