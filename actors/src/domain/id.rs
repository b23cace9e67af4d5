//! Names of things: jobs, principals, nodes.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// The two kinds of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskType {
    Crawl,
    LlmExtraction,
}

impl TaskType {
    pub const ALL: [TaskType; 2] = [TaskType::Crawl, TaskType::LlmExtraction];

    /// As clients and receivers read it.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskType::Crawl => "crawl",
            TaskType::LlmExtraction => "llm_extraction",
        }
    }

    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.as_str() == raw)
    }
}

/// `crawl_<unique>` or `llm_<unix seconds>_<unique>`. The unique part carries 80 random bits: it can neither collide nor
/// be guessed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

/// The text is no id that [`JobId::new`] could have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a task id")]
pub struct BadJobId;

impl JobId {
    /// `random`: fresh chance from a good source, of which 80 bits are used.
    pub fn new(task: TaskType, now: Timestamp, random: u128) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let unique = Ulid::from_parts(millis, random).to_string().to_ascii_lowercase();
        match task {
            TaskType::Crawl => Self(format!("crawl_{unique}")),
            TaskType::LlmExtraction => Self(format!("llm_{}_{unique}", now.as_second())),
        }
    }

    /// Accepts only what [`JobId::new`] could have made.
    pub fn parse(raw: &str) -> Result<Self, BadJobId> {
        let unique = match raw.strip_prefix("crawl_") {
            Some(unique) => unique,
            None => {
                let (seconds, unique) = raw.strip_prefix("llm_").and_then(|r| r.split_once('_')).ok_or(BadJobId)?;
                if seconds.is_empty() || !seconds.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(BadJobId);
                }
                unique
            }
        };
        let well_formed = unique.len() == 26 && unique.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        (well_formed && Ulid::from_string(unique).is_ok()).then(|| Self(raw.to_owned())).ok_or(BadJobId)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn task(&self) -> TaskType {
        if self.0.starts_with("crawl_") { TaskType::Crawl } else { TaskType::LlmExtraction }
    }

    /// The `webhook-id` of this job's one webhook: the same at every attempt and every replay.
    pub fn webhook_id(&self) -> String {
        let unique = self.0.rsplit('_').next().unwrap_or_default();
        format!("msg_{unique}")
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// On whose behalf a job runs; jobs of one are invisible to the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Principal(String);

impl Principal {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Everybody, where no credential is asked for.
    pub fn anonymous() -> Self {
        Self::new("anonymous")
    }

    /// Who runs the server, known by the token of the configuration.
    pub fn operator() -> Self {
        Self::new("operator")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One running process; a new one each start.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(String);

impl NodeId {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_parses_back_and_names_its_kind() {
        for task in TaskType::ALL {
            let id = JobId::new(task, Timestamp::from_second(1_698_765_432).expect("in range"), u128::MAX / 3);
            assert_eq!(JobId::parse(id.as_str()), Ok(id.clone()));
            assert_eq!(id.task(), task);
        }
        let llm = JobId::new(TaskType::LlmExtraction, Timestamp::from_second(1_698_765_432).expect("in range"), 7);
        assert!(llm.as_str().starts_with("llm_1698765432_"));
    }

    #[test]
    fn what_no_job_was_ever_called_does_not_parse() {
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
        ] {
            assert_eq!(JobId::parse(raw), Err(BadJobId), "{raw}");
        }
    }

    #[test]
    fn the_webhook_id_depends_on_the_job_alone() {
        let id = JobId::new(TaskType::Crawl, Timestamp::UNIX_EPOCH, 1);
        assert_eq!(id.webhook_id(), id.webhook_id());
        assert!(id.webhook_id().starts_with("msg_"));
    }
}
