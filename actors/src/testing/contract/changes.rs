//! What happened to jobs, for who follows them all.

use super::{Harness, claim, claimed, submit};
use crate::domain::crawl::CrawlSpec;
use crate::domain::id::Principal;
use crate::domain::job::{Progress, Status, Task};
use crate::ports::{Changes, JobFilter, JobSummary, PageLimit, SettleReason};
use crate::testing::jobs::{crawl, good_page};

async fn since(h: &impl Harness, who: Option<&Principal>, after: Option<u64>) -> Changes {
    h.store().changes(who, after, PageLimit::of(100)).await.expect("the store is there")
}

pub async fn a_change_of_a_job_is_told_once_and_as_the_job_stands(h: &impl Harness) {
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
    assert_eq!(since(h, None, Some(submitted.up_to)).await.up_to, submitted.up_to, "nothing is new");

    let lease = claim(h, "n", 1).await.pop().expect("it was waiting").lease;
    h.store().record_pages(&lease, vec![good_page(0)]).await.expect("the lease is good");
    h.store().settle(&lease, SettleReason::WorkDone).await.expect("the lease is good");
    h.store().cancel(&second, None).await.expect("it runs");
    let ended = since(h, None, Some(submitted.up_to)).await;
    let ends: Vec<_> = ended.jobs.iter().map(|(_, job)| (job.id.clone(), job.state.status())).collect();
    assert_eq!(ends, [(first, Status::Completed), (second, Status::Cancelled)]);
    assert!(ended.jobs[0].0 < ended.jobs[1].0 && ended.jobs[1].0 == ended.up_to);
}

pub async fn a_job_claimed_again_is_no_change(h: &impl Harness) {
    let first = claimed(h, crawl(1)).await;
    let up_to = since(h, None, None).await.up_to;
    h.let_time_pass(2 * super::LEASE).await;
    let second = claim(h, "second", 1).await.pop().expect("its lease ran out");
    assert_eq!(second.job.id, first.job.id);
    assert!(since(h, None, Some(up_to)).await.jobs.is_empty());
}

pub async fn changes_are_told_to_their_principal_a_stretch_at_a_time(h: &impl Harness) {
    let begin = since(h, None, None).await.up_to;
    let mut own = Vec::new();
    for name in ["a", "b", "b", "a", "b"] {
        let mut job = crawl(1);
        job.principal = Principal::new(name);
        own.extend((name == "a").then(|| job.id.clone()));
        submit(h, job).await;
    }
    let (who, mut after, mut found) = (Principal::new("a"), begin, Vec::new());
    loop {
        let changes = h.store().changes(Some(&who), Some(after), PageLimit::of(2)).await.expect("the store is there");
        if changes.up_to == after {
            break;
        }
        after = changes.up_to;
        found.extend(changes.jobs.into_iter().map(|(_, job)| job.id));
    }
    assert_eq!(found, own);
    let unheard_of = since(h, None, Some(after + 1000)).await;
    assert!(unheard_of.jobs.is_empty() && unheard_of.up_to == after);
}

pub async fn a_list_and_a_stretch_of_changes_end_before_requests_that_are_too_large_together(h: &impl Harness) {
    let begin = since(h, None, None).await.up_to;
    let mut jobs = Vec::new();
    for length in [100, 1500, 1500, 9000, 100] {
        let mut job = crawl(1);
        job.spec.task = page(&"x".repeat(length));
        jobs.push(job.id.clone());
        submit(h, job).await;
    }
    let most = PageLimit { jobs: 100, bytes: 2500 };
    let (mut after, mut told) = (begin, Vec::new());
    loop {
        let changes = h.store().changes(None, Some(after), most).await.expect("the store is there");
        if changes.up_to == after {
            break;
        }
        after = changes.up_to;
        told.push(changes.jobs.into_iter().map(|(_, job)| job.id).collect::<Vec<_>>());
    }
    let stretches: Vec<_> = told.iter().map(Vec::len).collect();
    assert_eq!((told.concat(), stretches), (jobs.clone(), vec![2, 1, 1, 1]));

    let (mut cursor, mut listed) = (None, Vec::new());
    loop {
        let filter = JobFilter { principal: None, status: None, task: None, webhook: None, cursor, limit: most };
        let page = h.store().jobs(filter).await.expect("the store is there");
        listed.push(page.jobs.into_iter().map(|job| job.id).collect::<Vec<_>>());
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let pages: Vec<_> = listed.iter().map(Vec::len).collect();
    jobs.reverse();
    assert_eq!((listed.concat(), pages), (jobs, vec![1, 1, 1, 2]));
}

pub async fn how_far_a_job_is_is_told_without_its_request(h: &impl Harness) {
    let job = crawl(2);
    let id = job.id.clone();
    assert_eq!(h.store().summary(&id).await, Ok(None));
    submit(h, job).await;
    let queued = Progress { done: 0, failed: 0, total: 2 };
    let summary = |status, started, progress| Ok(Some(JobSummary { status, started, progress }));
    assert_eq!(h.store().summary(&id).await, summary(Status::Processing, false, queued));
    let lease = claim(h, "n", 1).await.pop().expect("it was waiting").lease;
    h.store().record_pages(&lease, vec![good_page(0)]).await.expect("the lease is good");
    assert_eq!(h.store().summary(&id).await, summary(Status::Processing, true, Progress { done: 1, ..queued }));
    h.store().cancel(&id, None).await.expect("it runs");
    assert_eq!(h.store().summary(&id).await, summary(Status::Cancelled, true, Progress { done: 1, ..queued }));
}

/// A crawl of one page that is brought along.
fn page(html: &str) -> Task {
    Task::Crawl(CrawlSpec { urls: vec![format!("raw:{html}")], options: Default::default(), each: vec![] })
}
