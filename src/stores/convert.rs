//! The stored names of states, shared by both backends.

use jiff::Timestamp;
use opilio_actors::domain::delivery::DeliveryState;
use opilio_actors::domain::job::JobState;
use opilio_actors::ports::StoreError;

pub fn job_state_name(state: &JobState) -> &'static str {
    match state {
        JobState::Queued { .. } => "queued",
        JobState::Running { .. } => "running",
        JobState::Completed => "completed",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
    }
}

pub fn delivery_state(name: &str, due: Timestamp) -> Result<DeliveryState, StoreError> {
    Ok(match name {
        "pending" => DeliveryState::Pending { due },
        "delivered" => DeliveryState::Delivered,
        "exhausted" => DeliveryState::Exhausted,
        "refused" => DeliveryState::Refused,
        _ => return Err(invalid("delivery state")),
    })
}

/// A stored value that this version cannot read.
pub fn invalid(what: &str) -> StoreError {
    StoreError::Damaged(format!("invalid {what}"))
}
