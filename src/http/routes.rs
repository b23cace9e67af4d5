//! All routes.

use std::borrow::Cow;
use std::sync::LazyLock;

use actix_web::error::QueryPayloadError;
use actix_web::web;
use bytes::Bytes;

use super::api::Api;
use super::crawl4ai::{config_dump, crawl_sync, hooks, llm_answer, markdown, page_html};
use super::error::ApiError;
use super::field_error::{FieldError, Loc};
use super::openapi::{self, Document};
use super::route::{Policies, Route};
use super::{
    deliveries, docs, events, health, job_list, job_status, jobs, mcp, metrics, monitor, token, unsupported_routes,
    webhook_operation,
};

static DOCUMENT: LazyLock<Bytes> =
    LazyLock::new(|| openapi::describe(all(), webhook_operation::operation()).to_json().unwrap_or_default().into());

fn all() -> Vec<Route> {
    let resources = [
        job_status::routes(),
        jobs::routes(),
        job_list::routes(),
        events::routes(),
        deliveries::routes(),
        crawl_sync::routes(),
        markdown::routes(),
        page_html::routes(),
        llm_answer::routes(),
        config_dump::routes(),
        hooks::routes(),
        unsupported_routes::routes(),
        mcp::routes(),
        token::routes(),
        health::routes(),
        metrics::routes(),
        monitor::routes(),
        openapi::routes(),
        docs::routes(),
    ];
    resources.into_iter().flatten().collect()
}

/// Mounts all routes with the data that handlers and middleware take. Other methods of a path get a `405` that names the
/// path's methods.
pub fn mount(api: Api, config: &mut web::ServiceConfig) {
    let routes = all();
    config
        .app_data(web::Data::new(Policies::of(&routes)))
        .app_data(web::Data::new(Document(&DOCUMENT)))
        .app_data(web::Data::new(api.body.clone()))
        .app_data(web::Data::new(api.proxies.clone()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| invalid_query(&error).into()))
        .app_data(web::PathConfig::default().error_handler(|_, _| ApiError::NotFound.into()));
    let api = web::Data::new(api);
    config.app_data(web::Data::new(mcp::service(api.clone()))).app_data(api);
    for (path, routes) in by_path(routes) {
        let allowed: Vec<_> = routes.iter().map(Route::allowed).collect();
        let allowed = allowed.join(", ");
        let resource =
            routes.into_iter().fold(web::resource(path.as_ref()), |resource, route| resource.route(route.service));
        let reject =
            move |request| std::future::ready(unsupported_routes::method_not_allowed(&request, allowed.clone()));
        config.service(resource.default_service(web::to(reject)));
    }
    unsupported_routes::mount(config);
    config.default_service(web::to(unsupported_routes::not_found));
}

/// The routes of each path in the order in which the router matches them: paths without parameters first, because only paths
/// with parameters need a pattern.
fn by_path(routes: Vec<Route>) -> Vec<(Cow<'static, str>, Vec<Route>)> {
    let mut paths: Vec<(Cow<'static, str>, Vec<Route>)> = Vec::new();
    for route in routes {
        match paths.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, routes)) => routes.push(route),
            None => paths.push((route.path.clone(), vec![route])),
        }
    }
    paths.sort_by_key(|(path, _)| path.contains('{'));
    paths
}

fn invalid_query(error: &QueryPayloadError) -> ApiError {
    ApiError::Invalid(vec![FieldError { loc: vec![Loc::from("query")], msg: error.to_string(), kind: "value_error" }])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::http::Method;

    use super::*;
    use crate::http::route::{GET, OPEN, POST, Policy, READ, STANDARD, SUBMIT, SYNCHRONOUS};

    #[test]
    fn operations_have_unique_ids_summaries_and_responses() {
        let mut ids = BTreeSet::new();
        for route in all() {
            let operation = route.operation.operation;
            assert!(operation.summary.is_some() && !operation.responses.responses.is_empty(), "{}", route.path);
            assert!(ids.insert(operation.operation_id), "{}", route.path);
        }
        assert!(!ids.contains(&None));
    }

    #[test]
    fn references_of_the_document_resolve() {
        let document =
            serde_json::to_value(openapi::describe(all(), webhook_operation::operation())).expect("a document");
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap_or_default();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn requests_without_a_route_require_a_scope_by_method() {
        let policies = Policies::of(&all());
        let policy = |access, rate| Policy { access, rate };
        assert_eq!(policies.find(Some("/jobs"), &GET), policy(READ, STANDARD));
        assert_eq!(policies.find(Some("/jobs"), &Method::HEAD), policy(READ, STANDARD));
        assert_eq!(policies.find(Some("/jobs"), &Method::PUT), policy(SUBMIT, STANDARD));
        assert_eq!(policies.find(Some("/llm/{url:.+}"), &Method::HEAD), policy(READ, SYNCHRONOUS));
        assert_eq!(policies.find(Some("/health"), &Method::PUT), policy(OPEN, STANDARD));
        assert_eq!(policies.find(None, &GET), policy(READ, STANDARD));
        assert_eq!(policies.find(None, &POST), policy(SUBMIT, STANDARD));
    }

    #[test]
    fn routes_that_wait_for_a_job_are_limited_as_synchronous() {
        let limited = all().into_iter().filter(|route| route.policy.rate == SYNCHRONOUS).map(|route| route.path);
        let expected =
            ["/crawl", "/crawl/stream", "/execute_js", "/html", "/llm/{url:.+}", "/md", "/pdf", "/screenshot"];
        assert_eq!(limited.collect::<BTreeSet<_>>(), BTreeSet::from(expected.map(Cow::from)));
    }
}
