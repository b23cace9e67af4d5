//! Schemas of the domain values in responses, whose own types do not depend on the OpenAPI crate.
#![allow(dead_code, reason = "only described, never constructed")]

use std::borrow::Cow;

use opilio_actors::domain::delivery::DeliveryStatus;
use opilio_actors::domain::job::Status;
use opilio_actors::domain::kind::JobKind;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A key of the request that had no effect.
#[derive(ToSchema)]
pub struct Warning {
    key: String,
    reason: String,
}

#[derive(ToSchema)]
pub struct Progress {
    done: u32,
    failed: u32,
    total: u32,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Stage {
    Queued,
    Running,
    Retrying,
    Settled,
}

/// The cost of an extraction.
#[derive(ToSchema)]
pub struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    /// Number of responses of the model.
    requests: u64,
    /// How many of them were requested because an earlier response was unusable.
    repairs: u64,
    #[schema(required)]
    provider: Option<String>,
    #[schema(required)]
    model: Option<String>,
    /// The content comes from the cache; no model was called.
    #[schema(nullable = false)]
    cached: Option<bool>,
    duration_s: f64,
}

pub struct JobState;

impl PartialSchema for JobState {
    fn schema() -> RefOr<Schema> {
        enumeration(&Status::ALL.map(Status::as_str))
    }
}

impl ToSchema for JobState {
    fn name() -> Cow<'static, str> {
        "JobState".into()
    }
}

pub struct TaskType;

impl PartialSchema for TaskType {
    fn schema() -> RefOr<Schema> {
        enumeration(&JobKind::all().map(JobKind::as_str).collect::<Vec<_>>())
    }
}

impl ToSchema for TaskType {
    fn name() -> Cow<'static, str> {
        "TaskType".into()
    }
}

pub struct WebhookState;

impl PartialSchema for WebhookState {
    fn schema() -> RefOr<Schema> {
        enumeration(&DeliveryStatus::ALL.map(DeliveryStatus::as_str))
    }
}

impl ToSchema for WebhookState {
    fn name() -> Cow<'static, str> {
        "WebhookState".into()
    }
}

/// A string with one of these values.
pub fn enumeration(values: &[&str]) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values.iter().copied())).build().into()
}
