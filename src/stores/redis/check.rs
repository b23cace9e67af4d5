//! Whether the Redis that was found can be trusted with jobs.

use std::collections::HashMap;

use opilio_actors::ports::StoreError;
use redis::{RedisResult, cmd};

use super::RedisStore;

const OLDEST: (u32, u32) = (7, 0);
/// Clocks may differ by so much before it is worth a word.
const MOST_SECONDS_APART: i64 = 5;

/// What the operator should know.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Its version, where this is too old to be used.
    pub too_old: Option<String>,
    /// What puts accepted jobs at risk, a sentence each.
    pub risks: Vec<String>,
}

impl RedisStore {
    /// Looks at version, memory policy, persistence and clock. `now`: seconds since 1970 by this machine's clock.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn check(&self, now: i64) -> Result<Findings, StoreError> {
        let (info, time): (String, (i64, i64)) = self
            .link
            .run(|mut line| async move {
                let mut ask = redis::pipe();
                ask.cmd("INFO").arg("everything").cmd("TIME");
                ask.query_async(&mut line).await
            })
            .await?;
        // May be forbidden to us; then what it would say stays unknown.
        let fsync: RedisResult<HashMap<String, String>> = self
            .link
            .run(|mut line| async move { Ok(cmd("CONFIG").arg("GET").arg("appendfsync").query_async(&mut line).await) })
            .await?;
        let fsync = fsync.ok().and_then(|found| found.get("appendfsync").cloned());
        Ok(judge(&info, fsync.as_deref(), now - time.0))
    }
}

fn judge(info: &str, fsync: Option<&str>, apart: i64) -> Findings {
    let said = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let mut findings = Findings::default();
    let version = said("valkey_version").or(said("redis_version")).unwrap_or("0");
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < OLDEST {
        findings.too_old = Some(version.to_owned());
    }
    let mut risk = |sentence: String| findings.risks.push(sentence);
    match said("maxmemory_policy") {
        Some("noeviction") | None => {}
        Some(policy) => risk(format!("maxmemory-policy is {policy}: Redis may throw jobs away; noeviction keeps them")),
    }
    if said("aof_enabled") == Some("0") {
        risk("appendonly is no: what was accepted since the last snapshot is lost when Redis dies".to_owned());
    } else if let Some(weaker @ ("everysec" | "no")) = fsync {
        risk(format!("appendfsync is {weaker}: the last moments are lost when Redis' machine dies; always keeps them"));
    }
    if said("role") == Some("slave") {
        risk("it is a replica: nothing can be written until it is promoted".to_owned());
    }
    if apart.abs() > MOST_SECONDS_APART {
        risk(format!("its clock and this machine's are {} s apart", apart.abs()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAFE: &str = "redis_version:7.0.15\r\nrole:master\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";

    #[test]
    fn a_redis_as_it_should_be_is_passed_without_a_word() {
        assert_eq!(judge(SAFE, Some("always"), 0), Findings::default());
    }

    #[test]
    fn each_thing_that_is_unsafe_has_its_sentence() {
        let info = SAFE.replace("noeviction", "allkeys-lru").replace("aof_enabled:1", "aof_enabled:0");
        let found = judge(&info, None, -60).risks;
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("allkeys-lru") && found[1].contains("appendonly") && found[2].contains("60 s"));
        assert!(judge(SAFE, Some("everysec"), 0).risks[0].contains("appendfsync is everysec"));
    }

    #[test]
    fn a_redis_that_is_too_old_is_named_with_its_version() {
        let found = judge(&SAFE.replace("7.0.15", "6.2.9"), None, 0);
        assert_eq!(found.too_old.as_deref(), Some("6.2.9"));
    }

    #[test]
    fn valkey_goes_by_its_own_version() {
        let valkey = SAFE.replace("redis_version:7.0.15", "redis_version:7.2.4\r\nvalkey_version:8.0.1");
        assert_eq!(judge(&valkey, Some("always"), 0), Findings::default());
    }
}
