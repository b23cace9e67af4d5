//! Other data formats, and nodes of a neighbouring version on the same Redis.

use super::*;
use crate::stores::blob;

#[actix::test]
async fn unsupported_data_format_is_rejected() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    assert_eq!(store.check(0).await.unwrap().unusable, None);
    for format in ["0", "2"] {
        redis.execute(&["SET", "{test}:format", format]);
        let reason = store.check(0).await.unwrap().unusable.unwrap();
        assert!(
            reason.contains(&format!("format {format}; this version of Opilio supports only format 1")),
            "{reason}"
        );
        assert_eq!(redis.execute(&["GET", "{test}:format"]), format);
    }
}

#[actix::test]
async fn job_of_a_newer_format_is_left_to_newer_nodes() {
    let OnRedis { store: older, redis, clock } = OnRedis::new();
    let newer = RedisStore { job_format: older.job_format + 1, ..open(&redis, &clock, "test", PATIENT) };
    let (new_job, job) = (crawl(1), crawl(1));
    newer.submit(new_job.clone()).await.unwrap();
    older.submit(job.clone()).await.unwrap();
    let claim = async |store: &RedisStore| {
        let claims = store.claim(&node("n"), CRAWL, 9, LEASE).await.unwrap();
        claims.into_iter().map(|claim| claim.job.id).collect::<Vec<_>>()
    };
    assert_eq!(claim(&older).await, [job.id]);
    assert_eq!(claim(&older).await, []);
    assert_eq!(claim(&newer).await, [new_job.id]);
}

#[actix::test]
async fn unknown_fields_of_a_job_are_ignored() {
    let OnRedis { store, redis, .. } = OnRedis::new();
    let job = crawl(1);
    store.submit(job.clone()).await.unwrap();
    let mut spec = serde_json::to_value(&job.spec).unwrap();
    spec.as_object_mut().unwrap().remove("webhook");
    spec["unknown"] = "value".into();
    spec["task"]["crawl"]["options"]["unknown"] = "value".into();
    let mut connection = redis.client().get_connection().unwrap();
    redis::cmd("HSET")
        .arg(store.key("job", job.id.as_str()))
        .arg(&["unknown", "value"])
        .arg("spec")
        .arg(blob::pack(spec.to_string().as_bytes()))
        .exec(&mut connection)
        .unwrap();
    let claims = store.claim(&node("n"), CRAWL, 2, LEASE).await.unwrap();
    assert_eq!(claims.first().map(|claim| &claim.job.spec), Some(&job.spec));
}
