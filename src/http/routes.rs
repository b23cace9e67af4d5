//! The one table of routes: what answers where, and what the OpenAPI document says of it. Neither can be without the other.

use actix_web::dev::Handler;
use actix_web::http::Method;
use actix_web::{FromRequest, Responder, Route, web};
use utoipa::openapi::path::Operation;

use super::openapi::{delivering, documents, jobs as described, mcp as protocol, operating, waiting};
use super::{
    all_events, asking, configurations, deliveries, docs, errors, events, health, jobs, mcp, metrics, missing, openapi,
    reading, synchronous, token,
};

/// A method at a path.
pub struct Endpoint {
    pub method: Method,
    /// As the router matches it: a segment may carry a pattern, `{url:.+}`.
    pub path: &'static str,
    route: Route,
    /// What the OpenAPI document says of it.
    pub operation: Operation,
}

/// Every one, in the order in which paths are matched.
pub fn table() -> Vec<Endpoint> {
    let mut table = for_jobs();
    table.extend(for_callers_who_wait());
    table.extend(for_deliveries());
    table.extend(for_models());
    table.extend(for_operators());
    table
}

fn for_jobs() -> Vec<Endpoint> {
    vec![
        post("/crawl/job", jobs::submit_crawl, described::submit_crawl()),
        post("/llm/job", jobs::submit_llm, described::submit_llm()),
        get("/crawl/job/{task_id}", asking::status, described::status("crawl_job")),
        delete("/crawl/job/{task_id}", jobs::cancel, described::cancel("crawl_job")),
        get("/llm/job/{task_id}", asking::status, described::status("llm_job")),
        delete("/llm/job/{task_id}", jobs::cancel, described::cancel("llm_job")),
        get("/job/{task_id}", asking::status, described::status("job")),
        get("/task/{task_id}", asking::status, described::status("task")),
        get("/crawl/job/{task_id}/pages/{page}", asking::page, described::page()),
        get("/jobs", jobs::list, described::list()),
        get("/events", all_events::events, described::all_events()),
        get("/jobs/{task_id}/events", events::events, described::events()),
        post("/jobs/{task_id}/rerun", jobs::rerun, described::rerun()),
    ]
}

fn for_callers_who_wait() -> Vec<Endpoint> {
    vec![
        post("/crawl", synchronous::crawl, waiting::crawl()),
        post("/crawl/stream", synchronous::crawl_stream, waiting::crawl_stream()),
        post("/md", reading::markdown, waiting::markdown()),
        post("/html", reading::html, waiting::html()),
        get("/llm/{url:.+}", reading::ask, waiting::ask()),
        get("/schema", configurations::schema, waiting::schema()),
        post("/config/dump", configurations::dump, waiting::dump()),
        post("/screenshot", errors::needs_a_browser, waiting::missing("screenshot", "A picture of a page")),
        post("/pdf", errors::needs_a_browser, waiting::missing("pdf", "A page as PDF")),
        post("/execute_js", errors::needs_a_browser, waiting::missing("execute_js", "Scripts within a page")),
        get("/hooks/info", errors::needs_a_browser, waiting::missing("hooks_info", "Which hooks there are")),
        get("/artifacts/{artifact_id}", errors::needs_a_browser, waiting::artifact()),
    ]
}

fn for_deliveries() -> Vec<Endpoint> {
    vec![
        get("/jobs/{task_id}/deliveries", deliveries::log, delivering::log()),
        post("/jobs/{task_id}/deliveries", deliveries::replay, delivering::replay()),
        post("/deliveries/replay", deliveries::replay_many, delivering::replay_many()),
    ]
}

fn for_models() -> Vec<Endpoint> {
    vec![
        post("/mcp", mcp::exchange, protocol::exchange()),
        get("/mcp/sse", mcp::open, protocol::open()),
        post("/mcp/messages", mcp::message, protocol::message_of_session()),
        get("/mcp/schema", mcp::schema, protocol::schema()),
    ]
}

fn for_operators() -> Vec<Endpoint> {
    vec![
        post("/token", token::token, operating::token()),
        get("/health", health::health, operating::health()),
        get("/ready", health::ready, operating::ready()),
        get("/metrics", metrics::metrics, operating::metrics()),
        get("/openapi.json", openapi::document, documents::openapi()),
        get("/", docs::entrance, documents::entrance()),
        get("/docs", docs::page, documents::docs()),
        get("/docs/{file}", docs::file, documents::docs_file()),
    ]
}

/// Mounts them all. Other methods at a path get a `405` that names those there are.
pub fn mount(config: &mut web::ServiceConfig) {
    let mut paths: Vec<(&'static str, Vec<Endpoint>)> = Vec::new();
    for endpoint in table() {
        match paths.iter_mut().find(|(path, _)| *path == endpoint.path) {
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => paths.push((endpoint.path, vec![endpoint])),
        }
    }
    for (path, endpoints) in paths {
        let allowed: Vec<_> = endpoints.iter().map(|endpoint| endpoint.method.as_str()).collect();
        let allowed = allowed.join(", ");
        let resource = endpoints.into_iter().fold(web::resource(path), |at, endpoint| at.route(endpoint.route));
        let refuse = move |request| std::future::ready(errors::method_not_allowed(&request, allowed.clone()));
        config.service(resource.default_service(web::to(refuse)));
    }
    missing::mount(config);
    config.default_service(web::to(errors::no_such_route));
}

fn get<F, Args>(path: &'static str, handler: F, operation: Operation) -> Endpoint
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    Endpoint { method: Method::GET, path, route: web::get().to(handler), operation }
}

fn post<F, Args>(path: &'static str, handler: F, operation: Operation) -> Endpoint
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    Endpoint { method: Method::POST, path, route: web::post().to(handler), operation }
}

fn delete<F, Args>(path: &'static str, handler: F, operation: Operation) -> Endpoint
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    Endpoint { method: Method::DELETE, path, route: web::delete().to(handler), operation }
}
