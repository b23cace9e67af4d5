//! Identifiers of jobs, principals and nodes.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use ulid::Ulid;

use super::kind::JobKind;

/// The id of a job: `<prefix>_<unique>` or `<prefix>_<unix seconds>_<unique>`, as its kind defines. The unique part is a
/// ULID in lower case; its 80 random bits make it unguessable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId {
    text: String,
    kind: JobKind,
}

/// The text is not a job id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a task id")]
pub struct InvalidJobId;

impl JobId {
    /// `random`: from a cryptographic source; the low 80 bits are used.
    pub fn new(kind: JobKind, now: Timestamp, random: u128) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        let unique = Ulid::from_parts(millis, random).to_string().to_ascii_lowercase();
        let text = match kind.has_timestamped_ids() {
            true => format!("{}_{}_{unique}", kind.prefix(), now.as_second()),
            false => format!("{}_{unique}", kind.prefix()),
        };
        Self { text, kind }
    }

    /// Parses the id of a job of this kind. `JobId::parse` tries every kind.
    pub fn parse_as(kind: JobKind, raw: &str) -> Option<Self> {
        let mut unique = raw.strip_prefix(kind.prefix())?.strip_prefix('_')?;
        if kind.has_timestamped_ids() {
            let (seconds, rest) = unique.split_once('_')?;
            if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            unique = rest;
        }
        let well_formed = unique.len() == 26 && unique.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'));
        (well_formed && Ulid::from_string(unique).is_ok()).then(|| Self { text: raw.to_owned(), kind })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn kind(&self) -> JobKind {
        self.kind
    }

    /// The `webhook-id` of the job's webhook, the same for every attempt and replay.
    pub fn webhook_id(&self) -> String {
        let unique = self.text.rsplit('_').next().unwrap_or_default();
        format!("msg_{unique}")
    }
}

impl Serialize for JobId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The owner of jobs. A principal sees only its own jobs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Principal(String);

impl Principal {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The principal of all requests while authentication is off.
    pub fn anonymous() -> Self {
        Self::new("anonymous")
    }

    /// The holder of the token in the server's configuration.
    pub fn operator() -> Self {
        Self::new("operator")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a running process, new at each start.
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
    use crate::kinds::CRAWL;

    #[test]
    fn webhook_id_depends_on_the_job_only() {
        let id = JobId::new(CRAWL, Timestamp::UNIX_EPOCH, 1);
        assert_eq!(id.webhook_id(), id.webhook_id());
        assert!(id.webhook_id().starts_with("msg_"));
    }
}
