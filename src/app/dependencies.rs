//! The implementations of the actors' ports, from the settings.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use anyhow::Context;
use opilio_actors::Dependencies;
use opilio_actors::faults;
use opilio_actors::ports::Clock;
use opilio_page::ContentFilter;

use super::extraction;
use super::store::Stores;
use crate::egress::{Egress, EgressSettings, Guard};
use crate::fetchers::{HttpFetcher, HttpFetcherSettings, own_user_agent};
use crate::models::Models;
use crate::reader::{CpuReader, ReaderSettings};
use crate::settings::Settings;
use crate::webhooks::{HttpTransport, WebhookSettings};

pub fn dependencies(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    stores: Stores,
    guard: Guard,
) -> anyhow::Result<Dependencies> {
    let egress = EgressSettings {
        connect_timeout: settings.crawler.connect_timeout,
        max_ratio: NonZeroU64::new(settings.limits.max_decompression_ratio),
        ..EgressSettings::default()
    };
    let egress = Egress::new(guard, &egress)?;
    let transport = HttpTransport::new(egress.clone(), &transport(settings), Arc::clone(clock)).context("webhooks")?;
    let models = extraction::models(&settings.llm);
    Ok(Dependencies {
        store: faults::with_fault_points(stores.store),
        fetcher: Arc::new(HttpFetcher::new(egress.clone(), fetcher(settings), Arc::clone(clock))),
        cache: stores.page_cache,
        reader: Arc::new(CpuReader::new(reader(settings))),
        transport: Arc::new(transport),
        model: Arc::new(Models::new(egress, Arc::clone(clock), models)),
        clock: Arc::clone(clock),
    })
}

fn fetcher(settings: &Settings) -> HttpFetcherSettings {
    let Settings { crawler, limits, .. } = settings;
    HttpFetcherSettings {
        max_pages: crawler.pool.max_pages,
        max_pages_per_host: crawler.pages_per_host,
        host_gap: crawler.host_gap,
        page_timeout: crawler.page_timeout,
        read_timeout: crawler.read_timeout,
        max_bytes: limits.max_page_bytes.get(),
        max_redirects: limits.max_redirects,
        min_rate: limits.min_page_rate,
        user_agent: crawler.user_agent.clone().unwrap_or_else(|| own_user_agent(crawler.contact_url.as_ref())),
        respect_robots: crawler.respect_robots,
        ..HttpFetcherSettings::default()
    }
}

fn reader(settings: &Settings) -> ReaderSettings {
    ReaderSettings {
        timeout: settings.crawler.parse_timeout,
        content_filter: settings.crawler.content_filter.map(ContentFilter::from),
        max_result_bytes: NonZeroUsize::new(settings.limits.max_result_bytes),
        ..ReaderSettings::default()
    }
}

fn transport(settings: &Settings) -> WebhookSettings {
    let webhooks = &settings.webhooks;
    WebhookSettings {
        timeout: webhooks.retry.timeout,
        headers: webhooks.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        secrets: webhooks.secrets.clone(),
        ..WebhookSettings::default()
    }
}
