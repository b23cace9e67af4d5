//! What is not done any more once a lease has run out.

use std::sync::atomic::AtomicBool;

use futures_util::future::BoxFuture;
use opilio_actors::domain::delivery::DeliveryState;
use opilio_actors::ports::{DeliveryStore, StoreError};
use opilio_actors::testing::failing_store::FailingStore;

use super::*;

#[actix::test]
async fn a_webhook_whose_lease_ran_out_before_it_was_sent_is_not_sent_under_it() {
    const LEASE: Duration = Duration::from_millis(200);
    let held_up = AtomicBool::new(false);
    let mut app = TestApp::changed(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, policy| {
            policy.webhooks.lease = LEASE;
            let fails = move |point| -> BoxFuture<'static, Result<(), StoreError>> {
                let first = point == "start_attempt.after" && !held_up.swap(true, Ordering::SeqCst);
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
    app.webhook().await;
    loop {
        let log = app.store.deliveries(&id, None).await.expect("the store is available").expect("the job is stored");
        if log.job.delivery.is_some_and(|delivery| delivery.state == DeliveryState::Delivered) {
            let finished: Vec<_> = log.attempts.iter().map(|attempt| attempt.finished_at.is_some()).collect();
            assert!(matches!(finished[..], [false, .., true]), "{finished:?}");
            break;
        }
        tokio::task::yield_now().await;
    }
    let sent = 1 + std::iter::from_fn(|| app.webhooks.try_recv().ok()).count();
    let log = app.store.deliveries(&id, None).await.expect("the store is available").expect("the job is stored");
    assert!(sent < log.attempts.len(), "the attempt that was held up sent nothing");
}
