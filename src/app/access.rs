//! The settings of the HTTP server: sections `security`, `limits` and `rate_limiting`.

use std::time::Duration;

use anyhow::Context;

use crate::http::{
    AuthSettings, BodyLimits, HeaderLimits, MemoryBudget, NamedToken, Rate, RateSettings, ServerSettings,
    TrustedProxies, max_open_files,
};
use crate::settings::{self, Limits, Settings};

pub fn settings(settings: &Settings, proxies: &TrustedProxies) -> AuthSettings {
    let Settings { security, limits, rate_limiting, app, .. } = settings;
    let tokens = security.tokens.iter().map(|(name, token)| NamedToken {
        name: name.as_str().to_owned(),
        hashes: token.sha256.clone(),
        scope: token.scope,
        rate: token.rate.map(rate),
        max_jobs: token.max_jobs,
    });
    AuthSettings {
        api_token: security.api_token.clone(),
        tokens: tokens.collect(),
        secret_key: security.secret_key.clone(),
        jwt_enabled: security.jwt_enabled,
        jwt_ttl: security.jwt_ttl,
        open_metrics: security.open_metrics,
        bound: app.host,
        trusted_hosts: security.trusted_hosts.clone(),
        origins: security.origins().map(str::to_owned).collect(),
        header_limits: HeaderLimits { count: limit(limits.max_headers), bytes: limit(limits.max_header_bytes) },
        rates: RateSettings {
            per_address: limits.rate.per_address.map(rate),
            per_principal: limits.rate.per_principal.map(rate),
            synchronous: rate_limiting.default_limit.filter(|_| rate_limiting.enabled).map(rate),
        },
        proxies: proxies.clone(),
    }
}

pub fn proxies(settings: &Settings) -> anyhow::Result<TrustedProxies> {
    let listed = &settings.rate_limiting.trusted_proxies;
    TrustedProxies::parse(listed.iter().map(String::as_str)).context("rate_limiting.trusted_proxies")
}

/// Of the decoder with the largest window, brotli's.
const MAX_DECODER_BYTES: usize = 16 << 20;

pub fn body(Settings { limits, security, .. }: &Settings) -> BodyLimits {
    BodyLimits {
        max_bytes: limit(limits.max_body_bytes),
        memory: MemoryBudget::new(limit(limits.request_memory)),
        decoder_memory: MemoryBudget::new((limit(limits.request_memory) / 4).max(MAX_DECODER_BYTES)),
        timeout: timeout(limits.body_timeout),
        max_depth: limits.max_json_depth.get(),
        allows_untyped: security.requires_token(),
    }
}

/// Bounds the response bytes that clients have not read.
pub fn response_memory(limits: &Limits) -> MemoryBudget {
    MemoryBudget::new(limit(limits.response_memory))
}

pub fn server(limits: &Limits, proxies: &TrustedProxies) -> ServerSettings {
    ServerSettings {
        // The other half of the file descriptors is for pages, receivers, models and the store.
        max_connections: limit(limits.max_connections).min(max_open_files().map_or(usize::MAX, |max| max / 2)),
        max_connections_per_address: limit(limits.max_connections_per_address),
        proxies: proxies.clone(),
        header_timeout: limits.header_timeout,
        keep_alive: limits.keep_alive,
        write_timeout: timeout(limits.write_timeout),
    }
}

fn rate(rate: settings::Rate) -> Rate {
    Rate { requests: rate.requests, per: rate.per }
}

/// Zero means no limit.
fn limit(value: usize) -> usize {
    if value == 0 { usize::MAX } else { value }
}

/// Zero means no timeout: a year.
fn timeout(value: Duration) -> Duration {
    if value.is_zero() { Duration::from_secs(365 * 86_400) } else { value }
}
