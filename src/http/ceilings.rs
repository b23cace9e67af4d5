//! The operator's ceilings for durations and counts in requests. A larger value is clamped, with a warning.

use std::num::NonZeroUsize;
use std::time::Duration;

use opilio_actors::domain::crawl::CrawlSpec;
use opilio_actors::domain::crawl_options::CrawlOptions;
use opilio_actors::domain::job::{JobSpec, Warning};

use crate::egress::format_duration;

#[derive(Clone, Copy, Debug)]
pub struct Ceilings {
    pub page_timeout: Duration,
    pub max_retries: u32,
    /// Concurrent pages of a job.
    pub concurrency: NonZeroUsize,
}

impl Ceilings {
    /// Clamps the options of every page.
    pub fn apply(&self, spec: &mut JobSpec) {
        let Some(crawl) = spec.task.get_mut::<CrawlSpec>() else { return };
        let mut clamped = [false; 3];
        for options in std::iter::once(&mut crawl.options).chain(&mut crawl.variants) {
            for (total, one) in clamped.iter_mut().zip(self.clamp(options)) {
                *total |= one;
            }
        }
        let ceilings = [
            ("page_timeout", format_duration(self.page_timeout), "limits.max_page_timeout"),
            ("max_retries", self.max_retries.to_string(), "limits.max_retries"),
            ("semaphore_count", self.concurrency.to_string(), "crawler.pages_per_job"),
        ];
        for ((key, ceiling, setting), _) in ceilings.into_iter().zip(clamped).filter(|(_, clamped)| *clamped) {
            let reason = format!("reduced to {ceiling}, the server's maximum ({setting})");
            spec.warnings.push(Warning { key: format!("crawler_config.{key}"), reason });
        }
    }

    /// Which of `page_timeout`, `max_retries` and `semaphore_count` were above their ceiling.
    fn clamp(&self, options: &mut CrawlOptions) -> [bool; 3] {
        let mut clamped = [false; 3];
        if let Some(timeout) = &mut options.fetch.page_timeout {
            clamped[0] = *timeout > self.page_timeout;
            // Zero is the longest timeout.
            if clamped[0] || timeout.is_zero() {
                *timeout = self.page_timeout;
            }
        }
        if let Some(retries) = &mut options.fetch.max_retries {
            clamped[1] = *retries > self.max_retries;
            *retries = self.max_retries.min(*retries);
        }
        if let Some(concurrency) = &mut options.concurrency {
            clamped[2] = *concurrency > self.concurrency;
            *concurrency = self.concurrency.min(*concurrency);
        }
        clamped
    }
}

#[cfg(test)]
mod tests {
    use opilio_actors::testing::jobs::crawl;

    use super::*;

    const CEILINGS: Ceilings = Ceilings {
        page_timeout: Duration::from_secs(300),
        max_retries: 10,
        concurrency: NonZeroUsize::new(16).expect("not zero"),
    };

    fn spec(timeout: Duration, max_retries: u32, concurrency: usize) -> JobSpec {
        let mut spec = crawl(1).spec;
        let crawl = spec.task.get_mut::<CrawlSpec>().expect("a crawl");
        crawl.options.fetch.page_timeout = Some(timeout);
        crawl.options.fetch.max_retries = Some(max_retries);
        crawl.options.concurrency = NonZeroUsize::new(concurrency);
        crawl.variants = vec![crawl.options.clone()];
        spec
    }

    #[test]
    fn values_above_their_ceilings_are_reduced_with_a_warning() {
        let mut spec = spec(Duration::from_secs(86_400), 11, 17);
        CEILINGS.apply(&mut spec);
        let crawl = spec.task.get::<CrawlSpec>().expect("a crawl");
        for options in [&crawl.options, &crawl.variants[0]] {
            assert_eq!(options.fetch.page_timeout, Some(CEILINGS.page_timeout));
            assert_eq!((options.fetch.max_retries, options.concurrency), (Some(10), Some(CEILINGS.concurrency)));
        }
        let warnings: Vec<_> =
            spec.warnings.iter().map(|warning| format!("{}: {}", warning.key, warning.reason)).collect();
        assert_eq!(
            warnings,
            [
                "crawler_config.page_timeout: reduced to 300s, the server's maximum (limits.max_page_timeout)",
                "crawler_config.max_retries: reduced to 10, the server's maximum (limits.max_retries)",
                "crawler_config.semaphore_count: reduced to 16, the server's maximum (crawler.pages_per_job)",
            ]
        );
    }

    #[test]
    fn values_within_their_ceilings_are_kept() {
        let mut given = spec(Duration::from_secs(300), 10, 16);
        let expected = given.clone();
        CEILINGS.apply(&mut given);
        assert_eq!(given, expected);
    }

    #[test]
    fn timeout_of_zero_is_the_ceiling() {
        let mut spec = spec(Duration::ZERO, 0, 1);
        CEILINGS.apply(&mut spec);
        let crawl = spec.task.get::<CrawlSpec>().expect("a crawl");
        assert_eq!(crawl.options.fetch.page_timeout, Some(CEILINGS.page_timeout));
        assert!(spec.warnings.is_empty());
    }
}
