//! The Model Context Protocol, for agents. `rmcp` implements the protocol; the tools do what the other routes do, for the
//! same callers and within the same limits.
//!
//! Over streamable HTTP each message is a request of its own and the server keeps no state between two of them, so any
//! node can handle the next.

mod bridge;
mod calls;
mod handler;
mod message;
mod pending_requests;
mod progress;
mod session_transport;
pub mod sessions;
mod sse_transport;
mod tool_input;
mod tools;
mod ws_transport;

use actix_web::{HttpRequest, HttpResponse, web};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio::time::timeout;
use utoipa::ToSchema;

use super::api::Api;
use super::body::Body;
use super::caller::Caller;
use super::middleware::Auth;
use super::openapi::operation_builder::{Operation, operation, string};
use super::route::{GET, POST, READ, Route, STANDARD, route};
use handler::Handler;
use message::{InvalidMessage, RequestContext};

/// Messages require only [`READ`]; a tool requires the scope and counts against the rate of what it does.
pub fn routes() -> Vec<Route> {
    let message_operation = operation("mcp", "mcp_message", "Send a message to a session of `GET /mcp/sse`")
        .query("sessionId", string(), "As in the first event")
        .request::<JsonRpcMessage>(message_example())
        .response_empty(202, "The response is an event of the session")
        .errors(&[404])
        .build();
    vec![
        route(POST, "/mcp", READ, STANDARD, exchange, exchange_operation()),
        route(GET, "/mcp/sse", READ, STANDARD, sse_transport::open, session_operation()),
        route(POST, "/mcp/messages", READ, STANDARD, sse_transport::message, message_operation),
        route(GET, "/mcp/ws", READ, STANDARD, ws_transport::open, socket_operation()),
        route(GET, "/mcp/schema", READ, STANDARD, schema, schema_operation()),
    ]
}

pub type Service = StreamableHttpService<Handler, NeverSessionManager>;

/// The service behind `POST /mcp`. Part of the application's data.
pub fn service(api: web::Data<Api>) -> Service {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_max_request_body_bytes(usize::MAX)
        .with_sse_keep_alive(Some(api.heartbeat))
        .disable_allowed_hosts();
    Service::new(move || Ok(Handler { api: api.clone() }), NeverSessionManager::default().into(), config)
}

async fn exchange(
    api: web::Data<Api>,
    service: web::Data<Service>,
    auth: web::Data<Auth>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, InvalidMessage> {
    let (message, text, reservation) = message::read(&request, &auth, body)?;
    drop(message);
    let context = RequestContext::new(&request, caller, reservation);
    let forwarded = bridge::request(&request, text, context)?;
    let mut response = Box::pin(async move { service.handle(forwarded).await });
    Ok(match timeout(api.heartbeat, &mut response).await {
        Ok(response) => bridge::response(response).await,
        Err(_) => bridge::delayed(response, api.heartbeat),
    })
}

/// In Crawl4AI's form.
async fn schema() -> HttpResponse {
    HttpResponse::Ok().json(json!({"tools": *tools::LIST, "resources": [], "resource_templates": []}))
}

/// A request or a notification of JSON-RPC 2.0.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only described, never constructed")]
struct JsonRpcMessage {
    #[schema(example = "2.0")]
    jsonrpc: String,
    /// A string or a number. A message without an id has no response.
    id: Option<Value>,
    #[schema(example = "tools/list")]
    method: String,
    params: Option<Value>,
}

fn message_example() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
}

fn exchange_operation() -> Operation {
    let response = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[…]}}\n\n";
    operation("mcp", "mcp", "Send a message and receive its response (streamable HTTP)")
        .description(
            "`Accept` must contain both `application/json` and `text/event-stream`. `docs/mcp.md` describes the tools.",
        )
        .request::<JsonRpcMessage>(message_example())
        .response_as(200, "Progress notifications, then the response", "text/event-stream", response)
        .response_empty(202, "The message was a notification")
        .errors(&[406])
        .build()
}

fn session_operation() -> Operation {
    let endpoint = "event: endpoint\ndata: /mcp/messages?sessionId=…\n\n";
    operation("mcp", "mcp_sse", "Open a session with server-sent events, for older clients")
        .description("The first event contains the path for messages; the other events are responses.")
        .response_as(200, "The session, until the client disconnects", "text/event-stream", endpoint)
        .build()
}

fn socket_operation() -> Operation {
    operation("mcp", "mcp_ws", "Open a session over a WebSocket, for clients that support nothing else")
        .description(
            "A WebSocket handshake, optionally with the subprotocol `mcp`. Each text message is a message of the protocol. A \
             handshake with an `Origin` that is neither this server nor in `security.cors_allow_origins` is a 403.",
        )
        .response_empty(101, "The session, until one side closes it")
        .errors(&[400])
        .build()
}

fn schema_operation() -> Operation {
    let tools = json!({
        "tools": [{"name": "md", "description": "Convert a page to Markdown", "inputSchema": {"type": "object"}}],
        "resources": [], "resource_templates": [],
    });
    operation("mcp", "mcp_schema", "List the tools without the protocol")
        .response_object(200, "The tools of `tools/list`, and empty lists of resources", tools)
        .build()
}
