//! Lists of jobs and of changes.

use super::harness::{Harness, LEASE, claim, submit, submit_and_claim};
use crate::domain::crawl::CrawlSpec;
use crate::domain::id::{JobId, Principal};
use crate::domain::job::{Progress, Status};
use crate::domain::task::Task;
use crate::ports::{Changes, JobFilter, JobSummary, PageLimit, SettleReason};
use crate::testing::jobs::{crawl, good_page};

async fn since(h: &impl Harness, principal: Option<&Principal>, after: Option<u64>) -> Changes {
    h.store().changes(principal, after, PageLimit::of(100)).await.unwrap()
}

/// All pages of changes after `after`.
async fn pages_since(h: &impl Harness, principal: Option<&Principal>, after: u64, limit: PageLimit) -> Vec<Vec<JobId>> {
    let (mut after, mut pages) = (after, Vec::new());
    loop {
        let changes = h.store().changes(principal, Some(after), limit).await.unwrap();
        if changes.up_to == after {
            return pages;
        }
        after = changes.up_to;
        pages.push(changes.jobs.into_iter().map(|(_, job)| job.id).collect());
    }
}

pub async fn changed_job_appears_once_in_its_present_state(h: &impl Harness) {
    let before = since(h, None, None).await;
    assert!(before.jobs.is_empty());
    let jobs = [crawl(1), crawl(1)];
    let [first, second] = [0, 1].map(|index: usize| jobs[index].id.clone());
    for job in jobs {
        submit(h, job).await;
    }
    let submitted = since(h, None, Some(before.up_to)).await;
    let ids: Vec<_> = submitted.jobs.iter().map(|(_, job)| job.id.clone()).collect();
    assert_eq!(ids, [first.clone(), second.clone()]);
    assert_eq!(since(h, None, Some(submitted.up_to)).await.up_to, submitted.up_to);

    let lease = claim(h, "n", 1).await.pop().unwrap().lease;
    h.store().record_pages(&lease, vec![good_page(0)]).await.unwrap();
    h.store().settle(&lease, SettleReason::WorkDone).await.unwrap();
    h.store().cancel(&second, None).await.unwrap();
    let settled = since(h, None, Some(submitted.up_to)).await;
    let states: Vec<_> = settled.jobs.iter().map(|(_, job)| (job.id.clone(), job.state.status())).collect();
    assert_eq!(states, [(first, Status::Completed), (second, Status::Cancelled)]);
    assert!(settled.jobs[0].0 < settled.jobs[1].0 && settled.jobs[1].0 == settled.up_to);
}

pub async fn second_claim_is_not_a_change(h: &impl Harness) {
    let first = submit_and_claim(h, crawl(1)).await;
    let up_to = since(h, None, None).await.up_to;
    h.advance(2 * LEASE).await;
    let second = claim(h, "second", 1).await.pop().unwrap();
    assert_eq!(second.job.id, first.job.id);
    assert!(since(h, None, Some(up_to)).await.jobs.is_empty());
}

pub async fn changes_are_paged_and_limited_to_the_principal(h: &impl Harness) {
    let begin = since(h, None, None).await.up_to;
    let mut own = Vec::new();
    for name in ["a", "b", "b", "a", "b"] {
        let mut job = crawl(1);
        job.principal = Principal::new(name);
        own.extend((name == "a").then(|| job.id.clone()));
        submit(h, job).await;
    }
    assert_eq!(pages_since(h, Some(&Principal::new("a")), begin, PageLimit::of(2)).await.concat(), own);
    let last = since(h, None, None).await.up_to;
    let future = since(h, None, Some(last + 1000)).await;
    assert!(future.jobs.is_empty() && future.up_to == last);
}

pub async fn pages_of_jobs_and_changes_respect_the_byte_limit(h: &impl Harness) {
    let begin = since(h, None, None).await.up_to;
    let mut ids = Vec::new();
    for length in [100, 1500, 1500, 9000, 100] {
        let mut job = crawl(1);
        let urls = vec![format!("raw:{}", "x".repeat(length))];
        job.spec.task = Task::new(CrawlSpec { urls, ..CrawlSpec::default() });
        ids.push(job.id.clone());
        submit(h, job).await;
    }
    let limit = PageLimit { jobs: 100, bytes: 2500 };
    let pages = pages_since(h, None, begin, limit).await;
    assert_eq!(pages.concat(), ids);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 1]);

    let (mut cursor, mut pages) = (None, Vec::new());
    loop {
        let filter = JobFilter { principal: None, status: None, kind: None, webhook: None, cursor, limit };
        let page = h.store().jobs(filter).await.unwrap();
        pages.push(page.jobs.into_iter().map(|job| job.id).collect::<Vec<_>>());
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    ids.reverse();
    assert_eq!(pages.concat(), ids);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 2]);
}

pub async fn summary_reports_status_and_progress(h: &impl Harness) {
    let job = crawl(2);
    let id = job.id.clone();
    assert_eq!(h.store().summary(&id).await, Ok(None));
    submit(h, job).await;
    let queued = Progress { done: 0, failed: 0, total: 2 };
    let summary = |status, started, progress| Ok(Some(JobSummary { status, started, progress }));
    assert_eq!(h.store().summary(&id).await, summary(Status::Processing, false, queued));
    let lease = claim(h, "n", 1).await.pop().unwrap().lease;
    h.store().record_pages(&lease, vec![good_page(0)]).await.unwrap();
    assert_eq!(h.store().summary(&id).await, summary(Status::Processing, true, Progress { done: 1, ..queued }));
    h.store().cancel(&id, None).await.unwrap();
    assert_eq!(h.store().summary(&id).await, summary(Status::Cancelled, true, Progress { done: 1, ..queued }));
}
