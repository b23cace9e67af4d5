//! The check of Redis' version, configuration and data format at start.

use std::collections::HashMap;

use opilio_actors::ports::{JobStore, StoreError};
use redis::{RedisResult, cmd};

use super::RedisStore;
use super::connection::is_denied;

const OLDEST_VERSION: (u32, u32) = (7, 0);
/// The format of keys and values, in the key `<prefix>format`. Raise it with every incompatible change.
const DATA_FORMAT: u32 = 1;
/// A larger difference between the clocks is reported.
const MAX_CLOCK_DIFFERENCE_SECONDS: i64 = 5;

/// The result of a check.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Why this Redis cannot be used.
    pub unusable: Option<String>,
    /// Settings that put accepted jobs at risk, one sentence each.
    pub risks: Vec<String>,
}

impl RedisStore {
    /// Checks permissions, version, eviction, persistence, role, clock and data format. `now`: seconds since 1970 by this machine's
    /// clock.
    ///
    /// # Errors
    /// Redis is unavailable.
    pub async fn check(&self, now: i64) -> Result<Findings, StoreError> {
        if let Some(denied) = self.denied_commands().await? {
            return Ok(Findings { unusable: Some(denied), risks: Vec::new() });
        }
        let (info, time): (String, (i64, i64)) = self
            .connections
            .shared(|mut connection| async move {
                let mut commands = redis::pipe();
                commands.cmd("INFO").arg("everything").cmd("TIME");
                commands.query_async(&mut connection).await
            })
            .await?;
        let may_notify: bool = self.run(&self.scripts.may_notify, |_| {}).await?;
        // CONFIG may be forbidden; then this setting remains unknown.
        let fsync: RedisResult<HashMap<String, String>> = self
            .connections
            .shared(|mut connection| async move {
                Ok(cmd("CONFIG").arg("GET").arg("appendfsync").query_async(&mut connection).await)
            })
            .await?;
        let fsync = fsync.ok().and_then(|found| found.get("appendfsync").cloned());
        let mut findings = evaluate(&info, fsync.as_deref(), now - time.0);
        findings.unusable = findings.unusable.or(self.unsupported_format().await?);
        if !may_notify {
            findings.risks.push(format!(
                "the ACL of the user denies PUBLISH or SUBSCRIBE on the channel {}notifications: other nodes learn of \
                 changes only once a second",
                self.prefix
            ));
        }
        Ok(findings)
    }

    /// An error sentence that names the commands which the user may not run.
    async fn denied_commands(&self) -> Result<Option<String>, StoreError> {
        match self.ready().await {
            // A replica, for example, rejects the write after the check of the permissions.
            Err(StoreError::Unavailable(reason)) if is_denied(&reason) => Ok(Some(reason)),
            _ => Ok(None),
        }
    }

    /// Writes the data format if there is none; returns an error sentence if it is another one.
    async fn unsupported_format(&self) -> Result<Option<String>, StoreError> {
        let key = &format!("{}format", self.prefix);
        let found: Option<u32> = self
            .connections
            .shared(|mut connection| async move {
                // A replica rejects the write; it has the format of its master.
                let _: RedisResult<()> =
                    cmd("SET").arg(key).arg(DATA_FORMAT).arg("NX").query_async(&mut connection).await;
                cmd("GET").arg(key).query_async(&mut connection).await
            })
            .await?;
        Ok(found.filter(|format| *format != DATA_FORMAT).map(|format| {
            format!(
                "its data have format {format}; this version of Opilio supports only format {DATA_FORMAT}. The data were \
                 not changed"
            )
        }))
    }
}

fn evaluate(info: &str, fsync: Option<&str>, clock_difference: i64) -> Findings {
    let field = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let mut findings = Findings::default();
    let version = field("valkey_version").or(field("redis_version")).unwrap_or("0");
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < OLDEST_VERSION {
        findings.unusable = Some(format!("its version is {version}; version 7.0 or newer is required"));
    }
    let mut risk = |sentence: String| findings.risks.push(sentence);
    match field("maxmemory_policy") {
        Some("noeviction") | None => {}
        Some(policy) => risk(format!("maxmemory-policy is {policy}: Redis may evict jobs; set noeviction")),
    }
    if field("aof_enabled") == Some("0") {
        risk("appendonly is no: jobs accepted since the last snapshot are lost when Redis crashes".to_owned());
    } else if let Some(weaker @ ("everysec" | "no")) = fsync {
        risk(format!("appendfsync is {weaker}: recently accepted jobs are lost when its machine crashes; set always"));
    }
    if field("role") == Some("slave") {
        risk("it is a replica: writes fail until it is promoted".to_owned());
    }
    if clock_difference.abs() > MAX_CLOCK_DIFFERENCE_SECONDS {
        risk(format!("its clock differs from this machine's clock by {} s", clock_difference.abs()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAFE: &str = "redis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";

    #[test]
    fn safe_configuration_has_no_findings() {
        assert_eq!(evaluate(SAFE, Some("always"), 0), Findings::default());
    }

    #[test]
    fn each_unsafe_setting_is_reported() {
        let info = SAFE.replace("noeviction", "allkeys-lru").replace("aof_enabled:1", "aof_enabled:0");
        let risks = evaluate(&info, None, -60).risks;
        assert_eq!(risks.len(), 3, "{risks:?}");
        assert!(risks[0].contains("allkeys-lru") && risks[1].contains("appendonly") && risks[2].contains("60 s"));
        assert!(evaluate(SAFE, Some("everysec"), 0).risks[0].contains("appendfsync is everysec"));
    }

    #[test]
    fn old_version_is_unusable() {
        let findings = evaluate(&SAFE.replace("7.0.15", "6.2.9"), None, 0);
        assert_eq!(findings.unusable.as_deref(), Some("its version is 6.2.9; version 7.0 or newer is required"));
    }

    #[test]
    fn valkey_is_checked_by_its_own_version() {
        let valkey = SAFE.replace("redis_version:7.0.15", "redis_version:6.2.4\r\nvalkey_version:8.0.1");
        assert_eq!(evaluate(&valkey, Some("always"), 0), Findings::default());
    }
}
