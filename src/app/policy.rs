//! The policies of the actors, from the settings.

use std::num::NonZeroUsize;
use std::time::Duration;

use opilio_actors::CrawlPolicy;
use opilio_actors::Policy;
use opilio_actors::domain::id::NodeId;
use opilio_actors::domain::retry::{Backoff, DeliveryPolicy};
use opilio_actors::job_supervisor::JobPolicy;
use opilio_actors::kinds::{CRAWL, LLM_EXTRACTION};
use opilio_actors::webhook_sender::SenderPolicy;
use ulid::Ulid;

use super::{extraction, limit};
use crate::settings::Settings;

/// Interval of the sweeps for work whose notification was lost.
const SWEEP: Duration = Duration::from_secs(1);

/// Time beyond an attempt's timeout in which its outcome is stored.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

pub fn policy(settings: &Settings) -> Policy {
    Policy {
        node: NodeId::new(Ulid::generate().to_string()),
        jobs: jobs(settings),
        crawl: crawl(settings),
        extraction: extraction::policy(&settings.llm, &settings.jobs),
        webhooks: webhooks(settings),
    }
}

fn jobs(settings: &Settings) -> JobPolicy {
    let Settings { jobs, limits, .. } = settings;
    JobPolicy {
        workers: [(CRAWL, jobs.crawl_workers.get()), (LLM_EXTRACTION, jobs.llm_workers.get())].into(),
        lease: jobs.lease,
        max_attempts: jobs.max_attempts.get(),
        max_crashes: jobs.max_crashes,
        stall_timeout: jobs.stall_timeout,
        wall_clock: limit::duration(limits.wall_clock),
        backoff: Backoff { initial: jobs.retry.initial_delay, max: jobs.retry.max_delay, jitter: jobs.retry.jitter },
        sweep: SWEEP,
    }
}

fn crawl(settings: &Settings) -> CrawlPolicy {
    let Settings { jobs, limits, crawler, .. } = settings;
    let retry = &crawler.retry;
    CrawlPolicy {
        pages_per_job: crawler.pages_per_job,
        max_retries: retry.max_retries,
        backoff: Backoff { initial: retry.initial_delay, max: retry.max_delay, jitter: retry.jitter },
        time_slice: NonZeroUsize::new(jobs.slice),
        max_result_bytes: NonZeroUsize::new(limits.max_result_bytes),
        max_job_bytes: NonZeroUsize::new(limits.max_job_bytes),
        max_previews: limits.max_pages,
    }
}

fn webhooks(settings: &Settings) -> SenderPolicy {
    let webhooks = &settings.webhooks;
    let retry = &webhooks.retry;
    SenderPolicy {
        retry: DeliveryPolicy {
            max_attempts: retry.max_attempts,
            backoff: Backoff { initial: retry.initial_delay, max: retry.max_delay, jitter: retry.jitter },
            retry_statuses: retry.retry_statuses.clone(),
            max_interruptions: retry.max_interruptions,
        },
        // Longer than an attempt, so that no other node repeats it meanwhile.
        lease: webhooks.lease.unwrap_or(retry.timeout.saturating_add(LEASE_MARGIN)),
        max_in_flight: webhooks.max_in_flight.get(),
        max_in_flight_per_receiver: webhooks.max_in_flight_per_receiver.get(),
        horizon: Duration::from_secs(60),
        max_in_memory: 10_000,
        sweep: SWEEP,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Source, load_source};

    #[test]
    fn retries_follow_the_settings() {
        let text = "jobs: {retry: {initial_delay: 2s, max_delay: 3s, jitter: 0.1}}\n\
                    crawler: {retry: {max_retries: 4, initial_delay: 5s, max_delay: 6s, jitter: 0.2}}\n\
                    webhooks: {retry: {initial_delay: 7s, max_delay: 8s, jitter: 0.3}}";
        let source = Source { name: "config.yml".to_owned(), text: text.to_owned() };
        let policy = policy(&load_source(Some(&source), &[], &[]).unwrap().settings);
        let backoff = |initial, max, jitter| Backoff {
            initial: Duration::from_secs(initial),
            max: Duration::from_secs(max),
            jitter,
        };
        assert_eq!(policy.jobs.backoff, backoff(2, 3, 0.1));
        assert_eq!((policy.crawl.max_retries, policy.crawl.backoff), (4, backoff(5, 6, 0.2)));
        assert_eq!(policy.webhooks.retry.backoff, backoff(7, 8, 0.3));
    }
}
