//! The kinds of job. A kind is one file here and one line in [`REGISTRATIONS`].

mod crawl;
#[cfg(test)]
pub mod echo;
mod llm_extraction;
pub mod registration;

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

pub use self::crawl::CRAWL;
pub use self::llm_extraction::LLM_EXTRACTION;
use self::registration::Registration;
use crate::domain::id::{InvalidJobId, JobId};
use crate::domain::kind::JobKind;
use crate::domain::task::Task;

/// Every kind of job.
pub const REGISTRATIONS: &[Registration] = &[
    crawl::REGISTRATION,
    llm_extraction::REGISTRATION,
    #[cfg(test)]
    echo::REGISTRATION,
];

impl JobKind {
    pub fn all() -> impl Iterator<Item = Self> {
        REGISTRATIONS.iter().map(|registration| registration.kind)
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.as_str() == name)
    }
}

impl JobId {
    /// Accepts only what [`JobId::new`] produces for a registered kind.
    pub fn parse(raw: &str) -> Result<Self, InvalidJobId> {
        JobKind::all().find_map(|kind| Self::parse_as(kind, raw)).ok_or(InvalidJobId)
    }
}

impl<'de> Deserialize<'de> for Task {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TaskVisitor)
    }
}

struct TaskVisitor;

impl<'de> Visitor<'de> for TaskVisitor {
    type Value = Task;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the name of a job kind as its only key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Task, A::Error> {
        let (name, json) = map.next_entry::<&str, &RawValue>()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let registration = REGISTRATIONS.iter().find(|registration| registration.kind.as_str() == name);
        let registration = registration.ok_or_else(|| A::Error::custom(format_args!("unknown job kind `{name}`")))?;
        (registration.parse_task)(json).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn job_id_round_trips_and_knows_its_kind() {
        for kind in JobKind::all() {
            let id = JobId::new(kind, Timestamp::from_second(1_698_765_432).expect("in range"), u128::MAX / 3);
            assert_eq!(JobId::parse(id.as_str()), Ok(id.clone()));
            assert_eq!(id.kind(), kind);
            assert_eq!(JobKind::parse(kind.as_str()), Some(kind));
        }
        let llm = JobId::new(LLM_EXTRACTION, Timestamp::from_second(1_698_765_432).expect("in range"), 7);
        assert!(llm.as_str().starts_with("llm_1698765432_"));
    }

    #[test]
    fn malformed_job_id_is_an_error() {
        for raw in [
            "",
            "crawl_",
            "crawl_nope",
            "llm_12_x",
            "llm__01arz3ndektsv4rrffq69g5fav",
            "CRAWL_01arz3ndektsv4rrffq69g5fav",
            "crawl_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "crawl_01arz3ndektsv4rrffq69g5fa\n",
            "crawl_../../etc/passwd......",
            "other_01arz3ndektsv4rrffq69g5fav",
            "other_12_01arz3ndektsv4rrffq69g5fav",
            "01arz3ndektsv4rrffq69g5fav",
        ] {
            assert_eq!(JobId::parse(raw), Err(InvalidJobId), "{raw}");
        }
    }

    #[test]
    fn kinds_share_no_name_prefix_or_worker() {
        let kinds: Vec<_> = JobKind::all().collect();
        for (at, one) in kinds.iter().enumerate() {
            for other in &kinds[at + 1..] {
                assert_ne!(one, other);
                assert_ne!(one.prefix(), other.prefix());
                assert_ne!(one.worker_name(), other.worker_name());
            }
        }
    }

    #[test]
    fn task_of_unknown_kind_is_an_error() {
        let error = serde_json::from_str::<Task>(r#"{"other":{}}"#).expect_err("there is no such kind");
        assert!(error.to_string().contains("unknown job kind `other`"), "{error}");
        assert!(serde_json::from_str::<Task>("{}").is_err());
    }
}
