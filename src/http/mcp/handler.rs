//! The protocol's requests, as `rmcp` delivers them.

use std::panic::AssertUnwindSafe;

use actix_web::{ResponseError, web};
use futures_util::FutureExt;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Extensions, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool as ToolDescription,
};
use rmcp::service::{RequestContext as RmcpContext, RoleServer};
use serde_json::{Value, json};

use super::calls::{Call, CallError};
use super::message::RequestContext;
use super::progress::ProgressNotifier;
use super::tools::{self, Tool};
use crate::http::api::Api;
use crate::http::error::ApiError;

const INSTRUCTIONS: &str = "Reads and crawls web pages. `md` converts one page to Markdown; `crawl` returns several pages; \
    `submit_crawl_job` accepts many and returns a job's id immediately, for `job_status`.";

/// Acts for the caller in each message's [`RequestContext`].
#[derive(Clone)]
pub struct Handler {
    pub api: web::Data<Api>,
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("opilio", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn get_tool(&self, name: &str) -> Option<ToolDescription> {
        tools::LIST.iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RmcpContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::LIST.clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RmcpContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let unknown = || ErrorData::invalid_params(format!("unknown tool {:?}", request.name), None);
        let tool = Tool::named(&request.name).ok_or_else(unknown)?;
        let missing = || ErrorData::internal_error("the request has no caller", None);
        let request_context = request_context(&context.extensions).ok_or_else(missing)?;
        let progress = ProgressNotifier::of(&context);
        let call = Call { api: self.api.clone(), context: request_context, progress };
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let performed = AssertUnwindSafe(call.perform(tool, arguments)).catch_unwind();
        // Dropping an unfinished call cancels its job.
        let result = tokio::select! {
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("the call was cancelled", None)),
            result = performed => result,
        };
        let result = result.unwrap_or_else(|_| Err(ApiError::Internal("a tool panicked".to_owned()).into()));
        Ok(match result {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(error) => CallToolResult::error(vec![ContentBlock::text(error_text(&error))]),
        }
        .into())
    }
}

/// Over streamable HTTP the context is an extension of the HTTP request.
fn request_context(extensions: &Extensions) -> Option<RequestContext> {
    let of_http = || extensions.get::<http::request::Parts>()?.extensions.get::<RequestContext>();
    extensions.get::<RequestContext>().or_else(of_http).cloned()
}

/// The body and the status that the corresponding route would respond with, for the model.
fn error_text(error: &CallError) -> String {
    match error {
        CallError::Api(error) => {
            let mut body = json!(error.body());
            if let Value::Object(body) = &mut body {
                body.shift_insert(0, "status".to_owned(), json!(error.status_code().as_u16()));
            }
            body.to_string()
        }
        CallError::TooLarge { alternative } => {
            json!({"detail": format!("the result is too large for a tool; {alternative}")}).to_string()
        }
    }
}
