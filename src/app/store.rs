//! The store that the operator chose, opened.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use opilio_actors::domain::retention::Retention;
use opilio_actors::domain::retry::Backoff;
use opilio_actors::ports::{Clock, PageCache, Store, StoreError};
use tracing::{info, warn};

use super::limit;
use crate::settings::{Settings, StoreBackend};
use crate::stores::StoreSettings;
use crate::stores::embedded::EmbeddedStore;
use crate::stores::embedded::page_cache::EmbeddedPageCache;
use crate::stores::page_cache::{NoPageCache, PageCacheSettings};
use crate::stores::redis::page_cache::RedisPageCache;
use crate::stores::redis::{Notices, RedisSettings, RedisStore, TlsSettings};

/// What is kept: jobs, and pages that were fetched.
pub struct Kept {
    pub jobs: Arc<dyn Store>,
    pub pages: Arc<dyn PageCache>,
    /// Where other nodes keep theirs in the same place.
    pub notices: Option<Notices>,
}

/// # Errors
/// What keeps it from being used. A Redis that is away for now does not: it is looked at when it is there.
pub async fn open(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Kept> {
    let retention = Retention {
        settled: limit::duration(settings.redis.task_ttl),
        exhausted: limit::duration(settings.webhooks.keep_exhausted),
    };
    let bound = |bound: u64| (bound > 0).then_some(bound);
    let queue = &settings.limits.queue;
    let (max_queued, max_per_principal) = (bound(queue.maxsize), bound(queue.per_principal));
    let choice = StoreSettings { retention, max_queued, max_per_principal };
    let cache = &settings.crawler.cache;
    let room = NonZeroU64::new(cache.max_bytes);
    let pages = room.map(|room| PageCacheSettings { max_bytes: room.get(), ttl: cache.ttl });
    match settings.store.backend {
        StoreBackend::Embedded => {
            let folder = &settings.store.path;
            let jobs = Arc::new(EmbeddedStore::open(folder, Arc::clone(clock), choice)?);
            let pages: Arc<dyn PageCache> = match pages {
                Some(pages) => Arc::new(EmbeddedPageCache::open(folder, Arc::clone(clock), pages)?),
                None => Arc::new(NoPageCache),
            };
            Ok(Kept { jobs, pages, notices: None })
        }
        StoreBackend::Redis => {
            let redis = &settings.redis;
            let client = described(settings)?.client()?;
            let store = Arc::new(RedisStore::new(&client, redis.connections.get(), &redis.prefix, choice)?);
            let place = format!("{}:{}", redis.host, redis.port);
            if let Err(away) = look_at(&store, &place, clock).await? {
                warn!("Redis at {place} is away ({away}); answers are 503 until it is there");
                actix_web::rt::spawn(look_later(Arc::clone(&store), place, Arc::clone(clock)));
            }
            let notices = Some(store.notices(&client));
            let pages: Arc<dyn PageCache> = match pages {
                Some(pages) => Arc::new(RedisPageCache::new(Arc::clone(&store), pages)),
                None => Arc::new(NoPageCache),
            };
            Ok(Kept { jobs: store, pages, notices })
        }
    }
}

fn described(settings: &Settings) -> anyhow::Result<RedisSettings> {
    let redis = &settings.redis;
    let client = match (&redis.ssl_certfile, &redis.ssl_keyfile) {
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        (None, None) => None,
        _ => bail!("redis.ssl_certfile and redis.ssl_keyfile belong together"),
    };
    let unverified = match redis.ssl_cert_reqs.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("required" | "optional") => false,
        Some("none") => true,
        Some(other) => bail!("redis.ssl_cert_reqs is `{other}`; it is required or none"),
    };
    let tls = TlsSettings { authorities: redis.ssl_ca_certs.clone(), client, unverified };
    if redis.ssl {
        // Somebody may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Ok(RedisSettings {
        host: redis.host.clone(),
        port: redis.port,
        db: redis.db,
        username: redis.username.clone(),
        password: redis.password.clone(),
        tls: redis.ssl.then_some(tls),
    })
}

/// Says what is unsafe, a line each. The inner error: it is away.
async fn look_at(store: &RedisStore, place: &str, clock: &Arc<dyn Clock>) -> anyhow::Result<Result<(), StoreError>> {
    let findings = match store.check(clock.now().as_second()).await {
        Ok(findings) => findings,
        Err(away @ StoreError::Unavailable(_)) => return Ok(Err(away)),
        Err(other) => return Err(other).context("redis"),
    };
    if let Some(why) = findings.unusable {
        bail!("Redis at {place} cannot be used: {why}");
    }
    for risk in findings.risks {
        warn!("Redis at {place}: {risk}");
    }
    Ok(Ok(()))
}

async fn look_later(store: Arc<RedisStore>, place: String, clock: Arc<dyn Clock>) {
    let backoff = Backoff { initial: Duration::from_millis(500), max: Duration::from_secs(10), jitter: 0.0 };
    let mut attempt = 1;
    loop {
        tokio::time::sleep(backoff.delay_after(attempt, 0.0)).await;
        match look_at(&store, &place, &clock).await {
            Ok(Ok(())) => return info!("Redis at {place} is there"),
            Ok(Err(_)) => attempt += 1,
            Err(unusable) => return tracing::error!("{unusable:#}"),
        }
    }
}
