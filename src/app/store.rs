//! Opens the store of the configured backend.

use std::num::NonZeroU64;
use std::path::PathBuf;
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
use crate::stores::embedded::page_cache::EmbeddedPageCache;
use crate::stores::embedded::{self, EmbeddedStore};
use crate::stores::page_cache::{NoPageCache, PageCacheSettings};
use crate::stores::redis::page_cache::RedisPageCache;
use crate::stores::redis::{ConnectionSettings, Notifications, RedisSettings, RedisStore, TlsSettings};

/// The open store of one backend.
pub struct Stores {
    pub store: Arc<dyn Store>,
    pub page_cache: Arc<dyn PageCache>,
    /// Notifications of other nodes, if the backend is shared.
    pub notifications: Option<Notifications>,
}

/// # Errors
/// The store cannot be used. An unavailable Redis is not an error: it is checked again until it is available.
pub async fn open(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Stores> {
    match settings.store.backend {
        StoreBackend::Embedded => open_embedded(settings, clock),
        StoreBackend::Redis => open_redis(settings, clock).await,
    }
}

fn open_embedded(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Stores> {
    let directory = &settings.store.path;
    let store = Arc::new(EmbeddedStore::open(directory, Arc::clone(clock), store_settings(settings))?);
    let page_cache: Arc<dyn PageCache> = match page_cache_settings(settings) {
        Some(cache) => Arc::new(EmbeddedPageCache::open(directory, Arc::clone(clock), cache)?),
        None => Arc::new(NoPageCache),
    };
    Ok(Stores { store, page_cache, notifications: None })
}

/// Moves the write-ahead log into the store file at the end of the process, so that a copy of the file alone is complete.
pub async fn checkpoint(directory: PathBuf) {
    let checkpointed = actix_web::rt::task::spawn_blocking(move || embedded::checkpoint(&directory)).await;
    if let Err(error) = checkpointed.map_err(anyhow::Error::from).and_then(|result| Ok(result?)) {
        warn!(%error, "the write-ahead log could not be moved into the store file; copy both");
    }
}

async fn open_redis(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Stores> {
    let redis = &settings.redis;
    let client = redis_settings(settings)?.client()?;
    let connections = ConnectionSettings::new(redis.connections.get(), redis.pool_size.get());
    let store = Arc::new(RedisStore::new(&client, connections, &redis.prefix, store_settings(settings))?);
    let address = format!("{}:{}", redis.host, redis.port);
    if let Err(error) = check(&store, &address, clock).await? {
        warn!(address, %error, "Redis is unavailable; requests get 503 until it is available");
        actix_web::rt::spawn(check_until_available(Arc::clone(&store), address, Arc::clone(clock)));
    }
    let notifications = Some(store.notifications(&client));
    let page_cache: Arc<dyn PageCache> = match page_cache_settings(settings) {
        Some(cache) => Arc::new(RedisPageCache::new(Arc::clone(&store), cache)),
        None => Arc::new(NoPageCache),
    };
    Ok(Stores { store, page_cache, notifications })
}

fn store_settings(settings: &Settings) -> StoreSettings {
    let retention = Retention {
        settled: limit::duration(settings.redis.task_ttl),
        exhausted: limit::duration(settings.webhooks.keep_exhausted),
    };
    let count = |limit: u64| (limit > 0).then_some(limit);
    let queue = &settings.limits.queue;
    StoreSettings { retention, max_queued: count(queue.maxsize), max_per_principal: count(queue.per_principal) }
}

/// `None`: the cache is disabled.
fn page_cache_settings(settings: &Settings) -> Option<PageCacheSettings> {
    let cache = &settings.crawler.cache;
    let max_bytes = NonZeroU64::new(cache.max_bytes)?.get();
    Some(PageCacheSettings { max_bytes, ttl: cache.ttl })
}

fn redis_settings(settings: &Settings) -> anyhow::Result<RedisSettings> {
    let redis = &settings.redis;
    let client = match (&redis.ssl_certfile, &redis.ssl_keyfile) {
        (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
        (None, None) => None,
        _ => bail!("`redis.ssl_certfile` and `redis.ssl_keyfile` must be set together"),
    };
    let insecure = match redis.ssl_cert_reqs.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("required" | "optional") => false,
        Some("none") => true,
        Some(other) => bail!("`redis.ssl_cert_reqs` is `{other}`; it must be `required` or `none`"),
    };
    let tls = TlsSettings { ca_certificates: redis.ssl_ca_certs.clone(), client, insecure };
    if redis.ssl {
        // Fails only if a provider is installed already.
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

/// Checks Redis and logs each risk. The inner error means that Redis is unavailable.
async fn check(store: &RedisStore, address: &str, clock: &Arc<dyn Clock>) -> anyhow::Result<Result<(), StoreError>> {
    let findings = match store.check(clock.now().as_second()).await {
        Ok(findings) => findings,
        Err(unavailable @ StoreError::Unavailable(_)) => return Ok(Err(unavailable)),
        Err(other) => return Err(other).context("redis"),
    };
    if let Some(reason) = findings.unusable {
        bail!("Redis at {address} cannot be used: {reason}");
    }
    for risk in findings.risks {
        warn!("Redis at {address}: {risk}");
    }
    Ok(Ok(()))
}

async fn check_until_available(store: Arc<RedisStore>, address: String, clock: Arc<dyn Clock>) {
    let backoff = Backoff { initial: Duration::from_millis(500), max: Duration::from_secs(10), jitter: 0.0 };
    let mut attempt = 1;
    loop {
        tokio::time::sleep(backoff.delay_after(attempt, 0.0)).await;
        match check(&store, &address, &clock).await {
            Ok(Ok(())) => return info!(address, "Redis is available"),
            Ok(Err(_)) => attempt += 1,
            Err(unusable) => return tracing::error!("{unusable:#}"),
        }
    }
}
