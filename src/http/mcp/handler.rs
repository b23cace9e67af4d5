//! The server that `rmcp` speaks for.

use std::panic::AssertUnwindSafe;

use actix_web::{ResponseError, web};
use futures_util::FutureExt;
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Extensions, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool as Described,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Value, json};

use super::Asker;
use super::calls::{Call, Refusal};
use super::progress::Progress;
use super::tools::{self, Tool};
use crate::http::Api;
use crate::http::error::ApiError;

const INSTRUCTIONS: &str = "Reads and crawls web pages. `md` reads one page; `crawl` several, in one answer; \
    `submit_crawl_job` takes many and answers at once with a job's id, which `job_status` asks about.";

/// Answers for whoever a request says that it comes from: see [`Asker`].
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

    fn get_tool(&self, name: &str) -> Option<Described> {
        tools::LIST.iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::LIST.clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let unknown = || ErrorData::invalid_params(format!("there is no tool {:?}", request.name), None);
        let tool = Tool::named(&request.name).ok_or_else(unknown)?;
        let asker = asker(&context.extensions).ok_or_else(|| ErrorData::internal_error("nobody asks", None))?;
        let call = Call { api: self.api.clone(), asker, progress: Progress::of(&context) };
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let performed = AssertUnwindSafe(call.perform(tool, arguments)).catch_unwind();
        // What is dropped halfway cancels the job that it waits for.
        let answer = tokio::select! {
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("the call was cancelled", None)),
            answer = performed => answer,
        };
        let answer = answer.unwrap_or_else(|_| Err(ApiError::Internal("a tool panicked".to_owned()).into()));
        Ok(match answer {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(refusal) => CallToolResult::error(vec![ContentBlock::text(told(&refusal))]),
        }
        .into())
    }
}

/// Over streamable HTTP it is among what is known of the request.
fn asker(extensions: &Extensions) -> Option<Asker> {
    let of_http = || extensions.get::<http::request::Parts>()?.extensions.get::<Asker>();
    extensions.get::<Asker>().or_else(of_http).cloned()
}

/// What the route would have answered, with its status; a model reads it and may do better.
fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Api(error) => {
            let mut document = json!({"status": error.status_code().as_u16()});
            if let (Value::Object(told), Value::Object(more)) = (&mut document, error.document()) {
                told.extend(more);
            }
            document.to_string()
        }
        Refusal::TooLong(elsewhere) => {
            json!({"detail": format!("the result is larger than an answer may be; {elsewhere}")}).to_string()
        }
    }
}
