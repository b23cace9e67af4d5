//! The order in which jobs of several principals are claimed.

use futures_util::{StreamExt, stream};
use opilio_actors::kinds::CRAWL;
use opilio_actors::ports::JobStore;

use crate::app::{gated, one_page, pages, policy};

#[actix::test]
async fn job_waits_for_one_claim_round_of_other_principals() {
    let (mut app, fetches, gate) = gated("claim.before", |_| {});
    let workers = policy().jobs.workers[&CRAWL];
    let many = stream::iter(0..100_000).map(|_| app.store.submit(one_page("many")));
    many.buffer_unordered(1000).for_each(|admitted| async { drop(admitted.expect("the job is admitted")) }).await;
    let one = app.submit(one_page("one")).await;
    gate.send_replace(true);
    let mut webhooks = 0;
    while app.next_webhook().await["task_id"] != one.as_str() {
        webhooks += 1;
    }
    let log = fetches.urls();
    let before = log.iter().position(|url| url.contains("one.example")).expect("it was crawled");
    assert!(before < workers, "{before} pages were fetched before");
    // Jobs that were started beside it may settle before it.
    assert!(webhooks < 2 * workers, "{webhooks} webhooks were sent before");
}

#[actix::test]
async fn long_job_yields_to_another_principal_after_its_time_slice() {
    let (mut app, fetches, gate) = gated("claim.before", |policy| {
        policy.jobs.workers.insert(CRAWL, 1);
    });
    let long = app.submit(pages("a", 40)).await;
    let short = app.submit(one_page("b")).await;
    gate.send_replace(true);
    assert_eq!(app.next_webhook().await["task_id"], short.as_str());
    assert_eq!(app.next_webhook().await["task_id"], long.as_str());
    let log = fetches.urls();
    let before = log.iter().position(|url| url.contains("b.example")).expect("it was crawled");
    // A time slice of 4 pages, and the 4 that may be in flight.
    assert!(before <= 8, "{before} pages were fetched before");
    assert_eq!(log.len(), 41, "no page was crawled twice");
    assert_eq!(app.job(&long).await.attempt(), 1);
}
