//! The job supervisor: admits jobs, claims them, dispatches them to workers, renews their leases, settles them, and
//! replaces crashed workers.

mod actor;
mod dispatch;
mod drain;
mod events;
mod handover;
mod isolation;
#[cfg(feature = "testing")]
mod kill_workers;
mod messages;
mod notifications;
mod policy;
mod preemption;
mod settle;
mod ticks;
mod worker_pool;
mod worker_shares;

pub use actor::{JobSupervisor, SupervisorContext};
pub use events::{JobListeners, JobSettled, JobStarted};
pub use handover::Handover;
pub use messages::{CancelJob, DrainJobs, SubmitJob};
pub use policy::JobPolicy;
pub use worker_pool::PoolSpec;
