//! Store operations that fail, and deliveries whose attempts are interrupted.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use opilio_actors::Dependencies;
use opilio_actors::domain::delivery::{AttemptOutcome, DeliveryState};
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::job::{Job, JobState};
use opilio_actors::domain::webhook::Target;
use opilio_actors::ports::{DeliveryStore, StoreError, WebhookRequest, WebhookTransport};
use opilio_actors::testing::failing_store::FailingStore;
use opilio_actors::testing::fakes::page;
use opilio_actors::testing::jobs::{crawl, target};

use crate::app::TestApp;

/// Fails store operations at the points for which `fails` returns an error.
fn fail_at(dependencies: &mut Dependencies, fails: impl Fn(&str) -> Result<(), StoreError> + Send + Sync + 'static) {
    let fails = move |point| std::future::ready(fails(point));
    dependencies.store = Arc::new(FailingStore { store: Arc::clone(&dependencies.store), fails });
}

fn is_in(state: DeliveryState) -> impl Fn(&Job) -> bool {
    move |job| job.delivery.as_ref().is_some_and(|delivery| delivery.state == state)
}

#[actix::test]
async fn settlement_and_delivery_survive_store_outages() {
    let outages = Mutex::new(vec![
        "record_pages.before",
        "settle.before",
        "settle.before",
        "finish_attempt.before",
        "finish_attempt.before",
    ]);
    let mut app = TestApp::customized(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, _| {
            fail_at(dependencies, move |point| {
                let mut outages = outages.lock().expect("no panic");
                let Some(index) = outages.iter().position(|outage| *outage == point) else { return Ok(()) };
                outages.remove(index);
                Err(StoreError::Unavailable("down".to_owned()))
            });
        },
    );
    let id = app.submit(crawl(1)).await;
    app.next_webhook().await;
    let job = app.job_until(&id, is_in(DeliveryState::Delivered)).await;
    assert_eq!((job.state.clone(), job.attempt()), (JobState::Completed, 1));
    assert!(app.webhooks.try_recv().is_err(), "the webhook was sent once");
}

#[actix::test]
async fn webhook_is_sent_without_a_settlement_notification() {
    let first = AtomicBool::new(true);
    let mut app = TestApp::customized(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, _| {
            fail_at(dependencies, move |point| {
                let lost = point == "settle.after" && first.swap(false, Ordering::SeqCst);
                if lost { Err(StoreError::Unavailable("disconnected".to_owned())) } else { Ok(()) }
            });
        },
    );
    let id = app.submit(crawl(1)).await;
    assert_eq!(app.next_webhook().await["task_id"], id.as_str());
}

/// A job whose webhook contains its result, which the store cannot read `times` times.
async fn with_unreadable_result(error: StoreError, times: usize) -> (TestApp, JobId) {
    let left = AtomicUsize::new(times);
    let app = TestApp::customized(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, policy| {
            fail_at(dependencies, move |point| {
                let decrement = |left: usize| left.checked_sub(1);
                let fails =
                    point == "pages.before" && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, decrement).is_ok();
                if fails { Err(error.clone()) } else { Ok(()) }
            });
            policy.webhooks.lease = Duration::from_millis(500);
            policy.webhooks.retry.max_interruptions = 7;
        },
    );
    let mut job = crawl(1);
    job.spec.webhook = Some(Target { data_in_payload: true, ..target("http://receiver.example/hook") });
    let id = app.submit(job).await;
    (app, id)
}

#[actix::test]
async fn temporarily_unreadable_result_delays_the_webhook_without_an_attempt() {
    // More often than the limit of attempts.
    let (mut app, id) = with_unreadable_result(StoreError::Unavailable("down".to_owned()), 6).await;
    assert_eq!(app.next_webhook().await["data"]["results"].as_array().map(Vec::len), Some(1));
    let job = app.job_until(&id, is_in(DeliveryState::Delivered)).await;
    assert_eq!(job.delivery.map(|delivery| delivery.attempts), Some(1));
}

#[actix::test]
async fn unreadable_result_exhausts_the_delivery_after_max_interruptions() {
    let (app, id) = with_unreadable_result(StoreError::Damaged("cut short".to_owned()), usize::MAX).await;
    app.job_until(&id, is_in(DeliveryState::Exhausted)).await;
    let log = app.store.deliveries(&id, None).await.expect("the store is available").expect("the job is stored");
    assert_eq!(log.attempts.len(), 1 + 7, "one attempt per lease");
}

/// Panics when it sends to `panics.example`.
struct PanickingTransport(Arc<dyn WebhookTransport>);

#[async_trait::async_trait]
impl WebhookTransport for PanickingTransport {
    async fn post(&self, request: WebhookRequest) -> Result<AttemptOutcome, StoreError> {
        assert!(request.target.url.host_str() != Some("panics.example"), "this receiver panics");
        self.0.post(request).await
    }
}

#[actix::test]
async fn delivery_whose_attempts_always_panic_is_exhausted() {
    let mut app = TestApp::customized(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, policy| {
            dependencies.transport = Arc::new(PanickingTransport(Arc::clone(&dependencies.transport)));
            policy.webhooks.lease = Duration::from_millis(20);
            policy.webhooks.retry.max_interruptions = 2;
        },
    );
    let mut job = crawl(1);
    job.spec.webhook = Some(target("http://panics.example/hook"));
    let panicking = app.submit(job).await;
    let good = app.submit(crawl(1)).await;
    assert_eq!(app.next_webhook().await["task_id"], good.as_str());
    app.job_until(&panicking, is_in(DeliveryState::Exhausted)).await;
}

#[actix::test]
async fn webhook_is_not_sent_under_an_expired_lease() {
    const LEASE: Duration = Duration::from_secs(1);
    let delayed = AtomicBool::new(false);
    let mut app = TestApp::customized(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, policy| {
            policy.webhooks.lease = LEASE;
            let fails = move |point| -> BoxFuture<'static, Result<(), StoreError>> {
                let first = point == "start_attempt.after" && !delayed.swap(true, Ordering::SeqCst);
                Box::pin(async move {
                    if first {
                        tokio::time::sleep(2 * LEASE).await;
                    }
                    Ok(())
                })
            };
            dependencies.store = Arc::new(FailingStore { store: Arc::clone(&dependencies.store), fails });
        },
    );
    let id = app.submit(crawl(1)).await;
    app.next_webhook().await;
    app.job_until(&id, is_in(DeliveryState::Delivered)).await;
    let sent = 1 + std::iter::from_fn(|| app.webhooks.try_recv().ok()).count();
    let log = app.store.deliveries(&id, None).await.expect("the store is available").expect("the job is stored");
    let finished: Vec<_> = log.attempts.iter().map(|attempt| attempt.finished_at.is_some()).collect();
    assert!(matches!(finished[..], [false, .., true]), "{finished:?}");
    assert!(sent < log.attempts.len(), "the delayed attempt sent nothing");
}
