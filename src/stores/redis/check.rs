//! Whether the Redis that was found can be trusted with jobs.

use std::collections::HashMap;

use opilio_actors::ports::StoreError;
use redis::{RedisResult, cmd};

use super::RedisStore;

const OLDEST: (u32, u32) = (7, 0);
/// Which keys there are and what moves them. A version whose neighbour could not work on the same ones raises this.
const LAYOUT: u32 = 1;
/// Clocks may differ by so much before it is worth a word.
const MOST_SECONDS_APART: i64 = 5;

/// What the operator should know.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Why it cannot be used at all.
    pub unusable: Option<String>,
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
        let mut findings = judge(&info, fsync.as_deref(), now - time.0);
        findings.unusable = findings.unusable.or(self.newer_layout().await?);
        Ok(findings)
    }
}

impl RedisStore {
    /// Says which layout its data have, and whether they are a newer version's.
    async fn newer_layout(&self) -> Result<Option<String>, StoreError> {
        let key = format!("{}layout", self.prefix);
        let key = &key;
        let found: Option<u32> = self
            .link
            .run(|mut line| async move {
                // A replica refuses it; it has its master's.
                let _: RedisResult<()> = cmd("SET").arg(key).arg(LAYOUT).arg("NX").query_async(&mut line).await;
                cmd("GET").arg(key).query_async(&mut line).await
            })
            .await?;
        Ok(found.filter(|layout| *layout > LAYOUT).map(|layout| {
            format!("its data are a newer version's (layout {layout}; this version knows {LAYOUT}): update this node")
        }))
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
        findings.unusable = Some(format!("it is version {version}; 7.0 is the oldest that will do"));
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
        assert_eq!(found.unusable.as_deref(), Some("it is version 6.2.9; 7.0 is the oldest that will do"));
    }

    #[test]
    fn valkey_goes_by_its_own_version() {
        let valkey = SAFE.replace("redis_version:7.0.15", "redis_version:7.2.4\r\nvalkey_version:8.0.1");
        assert_eq!(judge(&valkey, Some("always"), 0), Findings::default());
    }
}
