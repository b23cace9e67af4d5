//! The operations by which clients of the Model Context Protocol come.

use serde_json::{Value, json};
use utoipa::openapi::path::Operation;

use super::operation_builder::{OperationDoc, operation, text};
use super::schemas::JsonRpcMessage;

const OPENED: &str = "event: endpoint\ndata: /mcp/messages?sessionId=…\n\n";
const ANSWER: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[…]}}\n\n";

fn message() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
}

fn described(id: &str, summary: &str) -> OperationDoc {
    operation("mcp", id, summary)
}

pub fn exchange() -> Operation {
    described("mcp", "Streamable HTTP: one message, and the answer to it")
        .about("`Accept` must name both `application/json` and `text/event-stream`. `docs/mcp.md` tells of the tools.")
        .takes::<JsonRpcMessage>(message())
        .answers_in(200, "Progress, then the answer", "text/event-stream", ANSWER)
        .answers_nothing(202, "It was a notification")
        .fails(&[406])
        .build()
}

pub fn open() -> Operation {
    described("mcp_sse", "Server-sent events, for older clients: where to send messages, then the answers to them")
        .answers_in(200, "The session, until its client leaves", "text/event-stream", OPENED)
        .build()
}

pub fn schema() -> Operation {
    let answer = json!({
        "tools": [{"name": "md", "description": "Read one page as Markdown", "inputSchema": {"type": "object"}}],
        "resources": [], "resource_templates": [],
    });
    described("mcp_schema", "The tools, for who does not speak the protocol")
        .answers_any_object(200, "What `tools/list` lists, and that there is nothing else", answer)
        .build()
}

pub fn message_of_session() -> Operation {
    described("mcp_message", "A message of a session that `GET /mcp/sse` opened")
        .query("sessionId", text(), "As the first event says")
        .takes::<JsonRpcMessage>(message())
        .answers_nothing(202, "The answer comes as an event")
        .fails(&[404])
        .build()
}
