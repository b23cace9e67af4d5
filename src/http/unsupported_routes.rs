//! Routes of the peer's server that lead nowhere here: whoever knows that server is told what is missing, and where there is
//! something like it. They are no part of this API, so the OpenAPI document does not have them; those that clients call
//! by name are in the table of routes.

use actix_web::web;

use super::error::ApiError;

const PLAYGROUND: &str = "there is no playground here; /docs shows every route and tries it";
const DASHBOARD: &str = "there is no dashboard here; /metrics, /ready and /jobs tell how the server does";

/// Path and what is missing.
const MISSING: [(&str, &str); 8] = [
    ("/ask", "questions about Crawl4AI's library are not answered here; /docs and /openapi.json tell of this server"),
    ("/mcp/ws", "the Model Context Protocol is not spoken over WebSocket here; it is at /mcp and at /mcp/sse"),
    ("/monitor/{rest:.*}", DASHBOARD),
    ("/dashboard", DASHBOARD),
    ("/dashboard/{rest:.*}", DASHBOARD),
    ("/playground", PLAYGROUND),
    ("/playground/{rest:.*}", PLAYGROUND),
    ("/redoc", "there is no ReDoc here; /docs shows every route and tries it"),
];

/// Mounts them, for every method.
pub fn mount(config: &mut web::ServiceConfig) {
    for (path, what) in MISSING {
        let missing = move || std::future::ready(Err::<&str, _>(ApiError::NotImplemented(what)));
        config.service(web::resource(path).default_service(web::to(missing)));
    }
}
