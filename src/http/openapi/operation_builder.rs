//! A short way to write down an operation.

use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr, Required};
use utoipa::{PartialSchema, ToSchema};

use super::schemas::{Broken, Invalid, Problem};

/// What can go wrong with any request.
const ALWAYS: [u16; 5] = [401, 403, 429, 500, 503];

/// What can go wrong with a request that has a body.
const WITH_BODY: [u16; 5] = [400, 408, 413, 415, 422];

pub struct OperationDoc(OperationBuilder);

/// `id`: a name in `snake_case`, from which clients make names of functions.
pub fn operation(tag: &str, id: &str, summary: &str) -> OperationDoc {
    OperationDoc(OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary)))
}

impl OperationDoc {
    pub fn about(self, text: &str) -> Self {
        Self(self.0.description(Some(text)))
    }

    /// A JSON body.
    pub fn takes<T: ToSchema>(self, example: Value) -> Self {
        let content = ContentBuilder::new().schema(Some(reference::<T>())).example(Some(example)).build();
        let body = RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True));
        Self(self.0.request_body(Some(body.build()))).fails(&WITH_BODY)
    }

    /// A part of the path.
    pub fn named(self, name: &str, kind: RefOr<Schema>, about: &str) -> Self {
        self.parameter(ParameterIn::Path, Required::True, name, kind, about)
    }

    /// The job's id in the path; without such a job `404`.
    pub fn of_job(self) -> Self {
        self.named("task_id", text(), "A job's id").fails(&[404])
    }

    pub fn query(self, name: &str, kind: RefOr<Schema>, about: &str) -> Self {
        self.parameter(ParameterIn::Query, Required::False, name, kind, about)
    }

    pub fn header(self, name: &str, kind: RefOr<Schema>, about: &str) -> Self {
        self.parameter(ParameterIn::Header, Required::False, name, kind, about)
    }

    fn parameter(self, at: ParameterIn, required: Required, name: &str, kind: RefOr<Schema>, about: &str) -> Self {
        let parameter = ParameterBuilder::new().name(name).parameter_in(at).required(required).schema(Some(kind));
        Self(self.0.parameter(parameter.description(Some(about)).build()))
    }

    /// A JSON answer.
    pub fn answers<T: ToSchema>(self, status: u16, about: &str, example: Value) -> Self {
        let content = ContentBuilder::new().schema(Some(reference::<T>())).example(Some(example)).build();
        self.answer(status, ResponseBuilder::new().description(about).content("application/json", content).build())
    }

    /// An answer in JSON and in another form.
    pub fn answers_also<T: ToSchema>(self, status: u16, about: &str, other: &str, example: Value) -> Self {
        let json = ContentBuilder::new().schema(Some(reference::<T>())).example(Some(example)).build();
        let other_form = ContentBuilder::new().schema(Some(text())).build();
        let both =
            ResponseBuilder::new().description(about).content("application/json", json).content(other, other_form);
        self.answer(status, both.build())
    }

    /// An answer that is not JSON.
    pub fn answers_in(self, status: u16, about: &str, content_type: &str, example: &str) -> Self {
        let content = ContentBuilder::new().example(Some(example.into()));
        // What an event is made of, OpenAPI 3.1 cannot say.
        let content = if content_type == "text/event-stream" { content } else { content.schema(Some(text())) };
        self.answer(status, ResponseBuilder::new().description(about).content(content_type, content.build()).build())
    }

    /// An answer in JSON of which no more is said than that it is an object.
    pub fn answers_any_object(self, status: u16, about: &str, example: Value) -> Self {
        let object = ObjectBuilder::new().schema_type(Type::Object);
        let content = ContentBuilder::new().schema(Some(object)).example(Some(example)).build();
        self.answer(status, ResponseBuilder::new().description(about).content("application/json", content).build())
    }

    /// An answer without a body.
    pub fn answers_nothing(self, status: u16, about: &str) -> Self {
        self.answer(status, ResponseBuilder::new().description(about).build())
    }

    pub fn fails(self, statuses: &[u16]) -> Self {
        statuses.iter().fold(self, |this, status| this.answer(*status, failure(*status)))
    }

    /// A status of which the reason is told, although it is `500`.
    pub fn fails_with_a_reason(self, status: u16, about: &str) -> Self {
        let content = ContentBuilder::new().schema(Some(reference::<Problem>())).build();
        self.answer(status, ResponseBuilder::new().description(about).content("application/json", content).build())
    }

    fn answer(self, status: u16, response: Response) -> Self {
        Self(self.0.response(status.to_string(), response))
    }

    /// As it is, but for what can go wrong with any request.
    pub fn build_open(self) -> Operation {
        self.0.build()
    }

    pub fn build(self) -> Operation {
        let mut operation = self.0.build();
        for status in ALWAYS {
            operation.responses.responses.entry(status.to_string()).or_insert_with(|| failure(status).into());
        }
        operation
    }
}

fn failure(status: u16) -> Response {
    let about = match status {
        400 => "Not what the endpoint can read",
        401 => "No or a wrong credential",
        403 => "Not allowed",
        404 => "There is no such job, or none of this caller's",
        406 => "`Accept` names nothing that can be sent",
        408 => "The body took too long",
        409 => "Not as things stand",
        413 => "The body is too large",
        415 => "The body is not said to be JSON",
        422 => "Wrong fields, all of them at once",
        429 => "Too much for this caller; `Retry-After` says when to come again",
        501 => "Not there yet; `detail` says what is missing",
        502 => "The page or the model could not be read; `detail` says why",
        503 => "Not now: the store is away, the queue is full, or the server stops",
        _ => "An error of the server's own, to be found in its log",
    };
    let schema = match status {
        422 => reference::<Invalid>(),
        500 => reference::<Broken>(),
        _ => reference::<Problem>(),
    };
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new().description(about).content("application/json", content);
    match status {
        401 => response.header("WWW-Authenticate", HeaderBuilder::new().schema(Some(text())).build()).build(),
        429 | 503 => response.header("Retry-After", HeaderBuilder::new().schema(Some(text())).build()).build(),
        _ => response.build(),
    }
}

pub fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

pub fn text() -> RefOr<Schema> {
    String::schema()
}

/// A whole number, also as the text of a query.
pub fn number(least: u32, most: u32) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most)).build().into()
}

pub fn one_of(values: &[&str]) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values.iter().copied())).build().into()
}

/// A text of this form, and no longer than `most` characters.
pub fn text_like(pattern: &str, most: usize) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).max_length(Some(most)).build().into()
}
