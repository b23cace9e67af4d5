//! The implementations of the actors' ports, from the settings.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use opilio_actors::Dependencies;
use opilio_actors::faults;
use opilio_actors::ports::Clock;
use opilio_page::ContentFilter;

use super::extraction;
use super::store::Stores;
use crate::browser::{BrowserSettings, Browsers, Sandbox};
use crate::egress::{Egress, EgressSettings, Guard};
use crate::fetchers::{EngineFetcher, HttpFetcher, HttpFetcherSettings, own_user_agent};
use crate::models::Models;
use crate::reader::{CpuReader, ReaderSettings};
use crate::settings::{self, Settings};
use crate::webhooks::{HttpTransport, WebhookSettings};

pub fn dependencies(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    stores: Stores,
    guard: Guard,
    executable: Option<PathBuf>,
) -> anyhow::Result<(Dependencies, Option<Arc<Browsers>>)> {
    let egress = EgressSettings {
        connect_timeout: settings.crawler.connect_timeout,
        max_ratio: NonZeroU64::new(settings.limits.max_decompression_ratio),
        ..EgressSettings::default()
    };
    let egress = Egress::new(guard, &egress)?;
    let transport = HttpTransport::new(egress.clone(), &transport(settings), Arc::clone(clock)).context("webhooks")?;
    let models = extraction::models(&settings.llm);
    let browsers = executable.map(|executable| Browsers::start(browser(settings, executable), egress.clone()));
    let browsers = browsers.transpose().context("cannot start the browser's thread")?.map(Arc::new);
    let fetcher = HttpFetcher::new(egress.clone(), fetcher(settings), Arc::clone(clock));
    let dependencies = Dependencies {
        store: faults::with_fault_points(stores.store),
        fetcher: Arc::new(EngineFetcher::new(fetcher, browsers.clone())),
        cache: stores.page_cache,
        reader: Arc::new(CpuReader::new(reader(settings, browsers.is_some()))),
        transport: Arc::new(transport),
        model: Arc::new(Models::new(egress, Arc::clone(clock), models)),
        clock: Arc::clone(clock),
    };
    Ok((dependencies, browsers))
}

fn browser(settings: &Settings, executable: PathBuf) -> BrowserSettings {
    let browser = &settings.browser;
    BrowserSettings {
        executable,
        tabs: browser.tabs,
        idle: browser.idle,
        recycle_after: browser.recycle_after.get(),
        page_memory: browser.page_memory.get(),
        memory: browser.memory.get(),
        max_transfer: browser.max_transfer.get(),
        max_requests: browser.max_requests.get(),
        settle_timeout: browser.settle_timeout,
        sandbox: match browser.sandbox {
            settings::Sandbox::Required => Sandbox::Required,
            settings::Sandbox::Off => Sandbox::Off,
        },
    }
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
        browser_user_agent: crawler.user_agent.clone(),
        user_agent: crawler.user_agent.clone().unwrap_or_else(|| own_user_agent(crawler.contact_url.as_ref())),
        respect_robots: crawler.respect_robots,
        ..HttpFetcherSettings::default()
    }
}

fn reader(settings: &Settings, has_browser: bool) -> ReaderSettings {
    ReaderSettings {
        timeout: settings.crawler.parse_timeout,
        content_filter: settings.crawler.content_filter.map(ContentFilter::from),
        max_result_bytes: NonZeroUsize::new(settings.limits.max_result_bytes),
        has_browser,
        memory: settings.limits.reading_memory.get(),
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
