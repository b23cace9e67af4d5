//! Builds the OpenAPI operation of a route, and collects the schemas that it refers to.

use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{self, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Required};
use utoipa::{PartialSchema, ToSchema};

use crate::http::error::{InternalError, Invalid, Problem};

/// Statuses that any request can have.
const COMMON: [u16; 5] = [401, 403, 429, 500, 503];

/// Statuses that any request with a body can have.
const WITH_BODY: [u16; 5] = [400, 408, 413, 415, 422];

/// Named schemas.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// An operation and the schemas that it refers to.
pub struct Operation {
    pub operation: path::Operation,
    pub schemas: Schemas,
}

pub struct OperationBuilder {
    operation: path::OperationBuilder,
    statuses: Vec<u16>,
    schemas: Schemas,
}

/// `id` is in `snake_case`. Generated clients derive function names from it.
pub fn operation(tag: &str, id: &str, summary: &str) -> OperationBuilder {
    let operation = path::OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary));
    OperationBuilder { operation, statuses: Vec::new(), schemas: Schemas::new() }
}

impl OperationBuilder {
    pub fn description(self, text: &str) -> Self {
        Self { operation: self.operation.description(Some(text)), ..self }
    }

    /// A JSON body.
    pub fn request<T: ToSchema>(mut self, example: Value) -> Self {
        let content = ContentBuilder::new().schema(Some(self.reference::<T>())).example(Some(example)).build();
        let body = RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
        Self { operation: self.operation.request_body(Some(body.build())), ..self }.errors(&WITH_BODY)
    }

    /// A path parameter.
    pub fn path(self, name: &str, schema: RefOr<Schema>, description: &str) -> Self {
        self.parameter(ParameterIn::Path, Required::True, name, schema, description)
    }

    /// The path parameter `task_id`. An unknown job is a `404`.
    pub fn job_id(self) -> Self {
        self.path("task_id", string(), "The job's id").errors(&[404])
    }

    /// An optional query parameter.
    pub fn query(self, name: &str, schema: RefOr<Schema>, description: &str) -> Self {
        self.parameter(ParameterIn::Query, Required::False, name, schema, description)
    }

    /// An optional header.
    pub fn header(self, name: &str, schema: RefOr<Schema>, description: &str) -> Self {
        self.parameter(ParameterIn::Header, Required::False, name, schema, description)
    }

    fn parameter(
        self,
        location: ParameterIn,
        required: Required,
        name: &str,
        schema: RefOr<Schema>,
        description: &str,
    ) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(location).required(required);
        let parameter = parameter.schema(Some(schema)).description(Some(description)).build();
        Self { operation: self.operation.parameter(parameter), ..self }
    }

    /// A JSON response.
    pub fn response<T: ToSchema>(mut self, status: u16, description: &str, example: Value) -> Self {
        let content = ContentBuilder::new().schema(Some(self.reference::<T>())).example(Some(example)).build();
        let response = ResponseBuilder::new().description(description).content("application/json", content);
        self.add(status, response.build())
    }

    /// A response in JSON or, on request, in another content type.
    pub fn response_or<T: ToSchema>(
        mut self,
        status: u16,
        description: &str,
        other_type: &str,
        example: Value,
    ) -> Self {
        let json = ContentBuilder::new().schema(Some(self.reference::<T>())).example(Some(example)).build();
        let other = ContentBuilder::new().schema(Some(string())).build();
        let response = ResponseBuilder::new().description(description);
        self.add(status, response.content("application/json", json).content(other_type, other).build())
    }

    /// A response in another content type.
    pub fn response_as(self, status: u16, description: &str, content_type: &str, example: &str) -> Self {
        let content = ContentBuilder::new().example(Some(example.into()));
        // OpenAPI 3.1 has no schema for events.
        let content = if content_type == "text/event-stream" { content } else { content.schema(Some(string())) };
        self.add(status, ResponseBuilder::new().description(description).content(content_type, content.build()).build())
    }

    /// A JSON object with any members.
    pub fn response_object(self, status: u16, description: &str, example: Value) -> Self {
        let object = ObjectBuilder::new().schema_type(Type::Object);
        let content = ContentBuilder::new().schema(Some(object)).example(Some(example)).build();
        self.add(status, ResponseBuilder::new().description(description).content("application/json", content).build())
    }

    /// A response without a body.
    pub fn response_empty(self, status: u16, description: &str) -> Self {
        self.add(status, ResponseBuilder::new().description(description).build())
    }

    pub fn errors(self, statuses: &[u16]) -> Self {
        statuses.iter().fold(self, |this, status| this.error(*status, description(*status)))
    }

    fn error(mut self, status: u16, description: &str) -> Self {
        let schema = match status {
            422 => self.reference::<Invalid>(),
            500 => self.reference::<InternalError>(),
            _ => self.reference::<Problem>(),
        };
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(description).content("application/json", content);
        let header = || HeaderBuilder::new().schema(Some(string())).build();
        let response = match status {
            401 => response.header("WWW-Authenticate", header()),
            429 | 503 => response.header("Retry-After", header()),
            _ => response,
        };
        self.add(status, response.build())
    }

    fn add(mut self, status: u16, response: Response) -> Self {
        self.statuses.push(status);
        Self { operation: self.operation.response(status.to_string(), response), ..self }
    }

    fn reference<T: ToSchema>(&mut self) -> RefOr<Schema> {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(T::name()).into()
    }

    /// The operation without the statuses that any request can have.
    pub fn build_without_common_errors(self) -> Operation {
        Operation { operation: self.operation.build(), schemas: self.schemas }
    }

    pub fn build(self) -> Operation {
        let missing: Vec<_> = COMMON.into_iter().filter(|status| !self.statuses.contains(status)).collect();
        self.errors(&missing).build_without_common_errors()
    }
}

fn description(status: u16) -> &'static str {
    match status {
        400 => "Malformed, or a key that is not supported; then `errors` lists all of them",
        401 => "Missing or invalid credential",
        403 => "The credential lacks the required scope",
        404 => "Unknown or expired job, or a job of another principal",
        406 => "`Accept` names no content type of the response",
        408 => "Timeout while reading the body",
        409 => "Conflicts with the state of the job",
        413 => "The body is too large",
        415 => "The `Content-Type` of the body is not JSON, or its `Content-Encoding` is not gzip, br or zstd",
        422 => "All invalid fields",
        429 => "Rate or quota exceeded; retry after `Retry-After` seconds",
        501 => "Not available; `detail` names what is missing",
        502 => "The page could not be fetched or read, or the model failed; `detail` has the reason",
        503 => "The store is unavailable, the queue is full, or the server is shutting down",
        _ => "Internal error; the log has an entry with the `correlation_id`",
    }
}

pub fn string() -> RefOr<Schema> {
    String::schema()
}

pub fn integer(min: u32, max: u32) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max)).build().into()
}

/// A string of at most `max` characters that matches `pattern`.
pub fn string_like(pattern: &str, max: usize) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(max)).build().into()
}
