//! The one table of routes: what answers where, and what the OpenAPI document says of it. Neither can be without the other.

use actix_web::dev::Handler;
use actix_web::http::Method;
use actix_web::{FromRequest, Responder, Route, web};
use utoipa::openapi::path::Operation;

use super::crawl4ai::{config_dump, crawl_sync, llm_answer, markdown, page_html};
use super::openapi::{
    deliveries as deliveries_operations, documents, jobs as described, mcp as protocol, operations, sync,
};
use super::{
    deliveries, docs, error, events, health, job_status, jobs, mcp, metrics, openapi, token, unsupported_routes,
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
        get("/crawl/job/{task_id}", job_status::status, described::status("crawl_job")),
        delete("/crawl/job/{task_id}", jobs::cancel, described::cancel("crawl_job")),
        get("/llm/job/{task_id}", job_status::status, described::status("llm_job")),
        delete("/llm/job/{task_id}", jobs::cancel, described::cancel("llm_job")),
        get("/job/{task_id}", job_status::status, described::status("job")),
        get("/task/{task_id}", job_status::status, described::status("task")),
        get("/crawl/job/{task_id}/pages/{page}", job_status::page, described::page()),
        get("/jobs", jobs::list, described::list()),
        get("/events", events::all::events, described::all_events()),
        get("/jobs/{task_id}/events", events::job::events, described::events()),
        post("/jobs/{task_id}/rerun", jobs::rerun, described::rerun()),
    ]
}

fn for_callers_who_wait() -> Vec<Endpoint> {
    vec![
        post("/crawl", crawl_sync::crawl, sync::crawl()),
        post("/crawl/stream", crawl_sync::crawl_stream, sync::crawl_stream()),
        post("/md", markdown::markdown, sync::markdown()),
        post("/html", page_html::html, sync::html()),
        get("/llm/{url:.+}", llm_answer::ask, sync::ask()),
        get("/schema", config_dump::schema, sync::schema()),
        post("/config/dump", config_dump::dump, sync::dump()),
        post("/screenshot", error::needs_a_browser, sync::missing("screenshot", "A picture of a page")),
        post("/pdf", error::needs_a_browser, sync::missing("pdf", "A page as PDF")),
        post("/execute_js", error::needs_a_browser, sync::missing("execute_js", "Scripts within a page")),
        get("/hooks/info", error::needs_a_browser, sync::missing("hooks_info", "Which hooks there are")),
        get("/artifacts/{artifact_id}", error::needs_a_browser, sync::artifact()),
    ]
}

fn for_deliveries() -> Vec<Endpoint> {
    vec![
        get("/jobs/{task_id}/deliveries", deliveries::log, deliveries_operations::log()),
        post("/jobs/{task_id}/deliveries", deliveries::replay, deliveries_operations::replay()),
        post("/deliveries/replay", deliveries::replay_many, deliveries_operations::replay_many()),
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
        post("/token", token::token, operations::token()),
        get("/health", health::health, operations::health()),
        get("/ready", health::ready, operations::ready()),
        get("/metrics", metrics::metrics, operations::metrics()),
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
        let refuse = move |request| std::future::ready(error::method_not_allowed(&request, allowed.clone()));
        config.service(resource.default_service(web::to(refuse)));
    }
    unsupported_routes::mount(config);
    config.default_service(web::to(error::no_such_route));
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
