//! Hangs, deaths, a store that is away, jobs that must not run side by side.

use std::sync::Mutex;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use opilio_actors::domain::crawl::CrawlSpec;
use opilio_actors::domain::delivery::{AttemptOutcome, DeliveryState};
use opilio_actors::domain::id::Principal;
use opilio_actors::domain::job::Job;
use opilio_actors::domain::webhook::Target;
use opilio_actors::kinds::CRAWL;
use opilio_actors::ports::{DeliveryStore, StoreError, Submission, WebhookTransport};
use opilio_actors::testing::failing_store::FailingStore;
use opilio_actors::testing::jobs::{node, target};
use tokio::sync::watch;

use super::*;

const SHORT: Duration = Duration::from_millis(100);
const NOBODY_COULD_WAIT: Duration = Duration::from_secs(86_400);

impl TestApp {
    async fn job(&self, id: &JobId) -> Job {
        self.store.job(id, None).await.expect("the store is available").expect("the job is stored")
    }

    async fn until(&self, id: &JobId, wanted: impl Fn(&Job) -> bool) -> Job {
        loop {
            let job = self.job(id).await;
            if wanted(&job) {
                return job;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn error_of(&self, id: &JobId, page: u32) -> String {
        let pages = self.store.pages(id, page, 1).await.expect("the store is available");
        let page: Value = serde_json::from_slice(&pages[0].1).expect("a result is JSON");
        page["error_message"].as_str().expect("a text").to_owned()
    }
}

/// Which pages were fetched, in order.
#[derive(Clone, Default)]
struct Fetched(Arc<Mutex<Vec<String>>>);

impl Fetched {
    fn note(&self, url: &str) -> usize {
        let mut urls = self.0.lock().expect("no panic");
        urls.push(url.to_owned());
        urls.iter().filter(|other| *other == url).count()
    }

    fn times(&self, url: &str) -> usize {
        self.0.lock().expect("no panic").iter().filter(|other| *other == url).count()
    }
}

fn page_of(name: &str) -> NewJob {
    pages_of(name, 1)
}

fn pages_of(name: &str, pages: usize) -> NewJob {
    let mut job = crawl(pages);
    let crawl = job.spec.task.get_mut::<CrawlSpec>().expect("a crawl");
    crawl.urls = (0..pages).map(|page| format!("https://{name}.example/{page}")).collect();
    job.principal = Principal::new(name);
    job
}

/// What comes of it, where nothing can be awaited.
fn at_once<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let run = || tokio::runtime::Builder::new_current_thread().build().expect("one thread").block_on(work);
    std::thread::scope(|scope| scope.spawn(run).join().expect("no panic"))
}

/// A gate where every operation of the store passes this point, closed at first.
fn gate_at(at: &'static str, dependencies: &mut Dependencies) -> watch::Sender<bool> {
    let (gate, open) = watch::channel(false);
    let fails = move |point| -> BoxFuture<'static, Result<(), StoreError>> {
        let mut open = open.clone();
        Box::pin(async move {
            if point == at {
                open.wait_for(|open| *open).await.map_err(|_| StoreError::NotFound)?;
            }
            Ok(())
        })
    };
    dependencies.store = Arc::new(FailingStore { store: Arc::clone(&dependencies.store), fails });
    gate
}

/// A house whose store is closed there, where every page but those of `hangs` is there, and what was fetched is noted.
fn gated(at: &'static str, change: impl FnOnce(&mut Policy)) -> (TestApp, Fetched, watch::Sender<bool>) {
    let fetched = Fetched::default();
    let (log, mut gate) = (fetched.clone(), None);
    let app = TestApp::changed(
        &[],
        move |url| {
            log.note(url);
            (!url.contains("hangs")).then(|| Ok(page(200)))
        },
        |dependencies, policy| {
            gate = Some(gate_at(at, dependencies));
            change(policy);
        },
    );
    (app, fetched, gate.expect("it was made"))
}

#[actix::test]
async fn a_page_that_panics_stops_no_other_page_of_its_job() {
    let fetched = Fetched::default();
    let log = fetched.clone();
    let mut app = TestApp::new(&[], move |url| {
        log.note(url);
        assert!(!url.ends_with("/0"), "the first page panics");
        Some(Ok(page(200)))
    });
    let id = app.submit(pages_of("a", 6)).await;
    assert_eq!(app.webhook().await["status"], "completed");
    let times: Vec<_> = (0..6).map(|page| fetched.times(&format!("https://a.example/{page}"))).collect();
    assert_eq!(times, [3, 1, 1, 1, 1, 1]);
    assert_eq!(app.job(&id).await.progress.failed, 1);
}

#[actix::test]
async fn an_attempt_without_progress_is_broken_off_and_its_worker_replaced() {
    let fetched = Fetched::default();
    let mut app = TestApp::changed(
        &[],
        move |url| (fetched.note(url) > 1).then(|| Ok(page(200))),
        |_, policy| policy.jobs.stall_timeout = SHORT,
    );
    let id = app.submit(crawl(1)).await;
    assert_eq!(app.webhook().await["status"], "completed");
    assert_eq!(app.job(&id).await.attempt(), 2);
    assert_eq!(app.died("crawl_worker", "hung"), 1);
}

#[actix::test]
async fn a_page_that_always_hangs_fails_alone_with_the_reason() {
    let mut app = TestApp::changed(
        &[],
        |url| (!url.ends_with("/1")).then(|| Ok(page(200))),
        |_, policy| policy.jobs.stall_timeout = SHORT,
    );
    let id = app.submit(crawl(3)).await;
    assert_eq!(app.webhook().await["status"], "completed");
    assert_eq!(app.error_of(&id, 1).await, "Given up after 3 attempts: no progress within 100ms");
    assert_eq!(app.job(&id).await.progress.failed, 1);
}

#[actix::test]
async fn a_job_whose_time_is_over_fails_the_pages_that_are_not_done_and_no_others() {
    let mut app = TestApp::changed(
        &[],
        |url| (!url.ends_with("/1")).then(|| Ok(page(200))),
        |_, policy| policy.jobs.wall_clock = Some(Duration::from_millis(500)),
    );
    let id = app.submit(crawl(2)).await;
    assert_eq!(app.webhook().await["status"], "completed");
    assert_eq!(app.error_of(&id, 1).await, "Not done within the job's time of 500ms");
    let never = app.submit(pages_of("b", 2)).await;
    assert_eq!(app.webhook().await["status"], "completed");
    assert_eq!(app.job(&never).await.progress.failed, 1);
}

#[actix::test]
async fn a_supervisor_that_dies_leaves_its_jobs_to_its_successor_at_once() {
    let fetched = Fetched::default();
    let log = fetched.clone();
    let mut app = TestApp::changed(
        &[],
        move |url| (log.note(url) > 1).then(|| Ok(page(200))),
        |_, policy| policy.jobs.lease = NOBODY_COULD_WAIT,
    );
    let id = app.submit(page_of("a")).await;
    // It hangs the first time.
    while fetched.times("https://a.example/0") == 0 {
        tokio::task::yield_now().await;
    }
    app.actors.supervisor.tell(Panic);
    assert_eq!(app.webhook().await["task_id"], id.as_str());
    assert_eq!(app.died("job_supervisor", "panicked"), 1);
}

#[actix::test]
async fn a_claim_that_reaches_a_supervisor_too_late_goes_back_at_once() {
    let (mut gate, job) = (None, crawl(1));
    let id = job.id.clone();
    let mut app = TestApp::changed(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, policy| {
            // Already there, so that the first claim, the one that is held, brings it.
            assert_eq!(at_once(dependencies.store.submit(job)), Ok(Submission::Admitted));
            gate = Some(gate_at("claim.after", dependencies));
            policy.jobs.lease = NOBODY_COULD_WAIT;
        },
    );
    app.until(&id, |job| matches!(job.state, JobState::Running { .. })).await;
    // Both at once: it finds the claim in its mailbox, behind what kills it.
    gate.expect("it was made").send_replace(true);
    app.actors.supervisor.tell(Panic);
    assert_eq!(app.webhook().await["task_id"], id.as_str());
    assert_eq!(app.died("job_supervisor", "panicked"), 1);
}

#[actix::test]
async fn work_on_a_job_that_was_ended_elsewhere_is_stopped() {
    let mut app = TestApp::changed(
        &[],
        |url| (!url.contains("hangs")).then(|| Ok(page(200))),
        |_, policy| policy.jobs.lease = Duration::from_millis(300),
    );
    // Both workers hang.
    for _ in 0..2 {
        let id = app.submit(page_of("hangs")).await;
        app.until(&id, |job| matches!(job.state, JobState::Running { .. })).await;
        app.store.cancel(&id, None).await.expect("it is not settled");
        app.webhook().await;
    }
    let id = app.submit(page_of("good")).await;
    assert_eq!(app.webhook().await["task_id"], id.as_str());
}

#[actix::test]
async fn a_job_cancelled_while_it_is_being_claimed_is_not_started() {
    // The response to a claim is on its way for long.
    let (mut app, fetched, gate) = gated("claim.after", |_| {});
    // The first claim, at the start, may have found nothing yet: a second one follows it.
    let id = app.submit(page_of("cancelled")).await;
    let cancel = CancelJob { job: id.clone(), principal: None };
    app.actors.front.send(cancel).await.expect("the front runs").expect("it is not settled");
    assert_eq!(app.webhook().await["status"], "cancelled");
    gate.send_replace(true);
    app.submit(page_of("good")).await;
    assert_eq!(app.webhook().await["status"], "completed");
    assert_eq!(fetched.times("https://cancelled.example/0"), 0);
}

#[actix::test]
async fn an_end_is_written_down_however_often_the_store_is_away() {
    let troubles = Mutex::new(vec![
        "record_pages.before",
        "settle.before",
        "settle.before",
        "finish_attempt.before",
        "finish_attempt.before",
    ]);
    let mut app = TestApp::changed(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, _| {
            let fails = move |point| {
                let mut troubles = troubles.lock().expect("no panic");
                let found = troubles.iter().position(|trouble| *trouble == point);
                let away = found.map(|place| troubles.remove(place));
                std::future::ready(match away {
                    Some(_) => Err(StoreError::Unavailable("away".to_owned())),
                    None => Ok(()),
                })
            };
            dependencies.store = Arc::new(FailingStore { store: Arc::clone(&dependencies.store), fails });
        },
    );
    let id = app.submit(crawl(1)).await;
    app.webhook().await;
    let delivered = |job: &Job| job.delivery.as_ref().is_some_and(|known| known.state == DeliveryState::Delivered);
    let job = app.until(&id, delivered).await;
    assert_eq!((job.state.clone(), job.attempt()), (JobState::Completed, 1));
    assert!(app.webhooks.try_recv().is_err(), "the receiver was asked once");
}

#[actix::test]
async fn a_webhook_due_is_sent_also_when_nobody_heard_of_the_settlement() {
    let lost = Mutex::new(true);
    let mut app = TestApp::changed(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, _| {
            let fails = move |point| {
                let lost = point == "settle.after" && std::mem::take(&mut *lost.lock().expect("no panic"));
                std::future::ready(if lost { Err(StoreError::Unavailable("cut".to_owned())) } else { Ok(()) })
            };
            dependencies.store = Arc::new(FailingStore { store: Arc::clone(&dependencies.store), fails });
        },
    );
    let id = app.submit(crawl(1)).await;
    assert_eq!(app.webhook().await["task_id"], id.as_str());
}

/// A job whose webhook carries its result, in a house whose store cannot read results for so many times.
async fn told_with_data(error: StoreError, times: usize) -> (TestApp, JobId) {
    let left = AtomicUsize::new(times);
    let app = TestApp::changed(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, policy| {
            let fails = move |point| {
                let one_less = |left: usize| left.checked_sub(1);
                let unread =
                    point == "pages.before" && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
                std::future::ready(if unread { Err(error.clone()) } else { Ok(()) })
            };
            dependencies.store = Arc::new(FailingStore { store: Arc::clone(&dependencies.store), fails });
            policy.webhooks.lease = Duration::from_millis(50);
            policy.webhooks.retry.max_interruptions = 7;
        },
    );
    let mut job = crawl(1);
    job.spec.webhook = Some(Target { data_in_payload: true, ..target("http://receiver.example/hook") });
    let id = app.submit(job).await;
    (app, id)
}

#[actix::test]
async fn a_result_that_cannot_be_read_for_a_while_is_told_later_and_costs_no_attempt() {
    // More often than there are attempts.
    let (mut app, id) = told_with_data(StoreError::Unavailable("away".to_owned()), 6).await;
    assert_eq!(app.webhook().await["data"]["results"].as_array().map(Vec::len), Some(1));
    let delivered = |job: &Job| job.delivery.as_ref().is_some_and(|known| known.state == DeliveryState::Delivered);
    let job = app.until(&id, delivered).await;
    assert_eq!(job.delivery.map(|known| known.attempts), Some(1));
}

#[actix::test]
async fn a_result_that_can_never_be_read_is_tried_for_so_many_leases_and_given_up() {
    let (app, id) = told_with_data(StoreError::Damaged("cut short".to_owned()), usize::MAX).await;
    let given_up = |job: &Job| job.delivery.as_ref().is_some_and(|known| known.state == DeliveryState::Exhausted);
    app.until(&id, given_up).await;
    let log = app.store.deliveries(&id, None).await.expect("the store is available").expect("the job is stored");
    assert_eq!(log.attempts.len(), 1 + 7, "one a lease, and not as many as there is time for");
}

/// Panics at what one receiver answers.
struct Poisonous(Arc<dyn WebhookTransport>);

#[async_trait::async_trait]
impl WebhookTransport for Poisonous {
    async fn post(&self, request: WebhookRequest) -> Result<AttemptOutcome, StoreError> {
        assert!(request.target.url.host_str() != Some("poison.example"), "this response is poison");
        self.0.post(request).await
    }
}

#[actix::test]
async fn a_receiver_whose_answer_breaks_every_attempt_is_given_up_by_a_cap_of_its_own() {
    let mut app = TestApp::changed(
        &[],
        |_| Some(Ok(page(200))),
        |dependencies, policy| {
            dependencies.transport = Arc::new(Poisonous(Arc::clone(&dependencies.transport)));
            policy.webhooks.lease = Duration::from_millis(20);
            policy.webhooks.retry.max_interruptions = 2;
        },
    );
    let mut job = crawl(1);
    job.spec.webhook = Some(target("http://poison.example/hook"));
    let poisoned = app.submit(job).await;
    let good = app.submit(crawl(1)).await;
    assert_eq!(app.webhook().await["task_id"], good.as_str());
    let exhausted = |job: &Job| job.delivery.as_ref().is_some_and(|known| known.state == DeliveryState::Exhausted);
    app.until(&poisoned, exhausted).await;
}

#[actix::test]
async fn of_100_000_jobs_of_one_principal_no_more_than_one_round_of_claims_goes_before_anothers() {
    let (mut app, fetched, gate) = gated("claim.before", |_| {});
    let workers = policy().jobs.workers[&CRAWL];
    let many = stream::iter(0..100_000).map(|_| app.store.submit(page_of("many")));
    many.buffer_unordered(1000).for_each(|admitted| async { drop(admitted.expect("there is room")) }).await;
    let one = app.submit(page_of("one")).await;
    gate.send_replace(true);
    let mut webhooks = 0;
    while app.webhook().await["task_id"] != one.as_str() {
        webhooks += 1;
    }
    let log = fetched.0.lock().expect("no panic").clone();
    let pages = log.iter().position(|url| url.contains("one.example")).expect("it was crawled");
    assert!(pages < workers, "{pages} pages went first");
    // What was begun beside it may be over before it is.
    assert!(webhooks < 2 * workers, "{webhooks} webhooks went first");
}

#[actix::test]
async fn a_long_job_lets_another_principals_go_first_after_its_slice() {
    let (mut app, fetched, gate) = gated("claim.before", |policy| {
        policy.jobs.workers.insert(CRAWL, 1);
    });
    let long = app.submit(pages_of("a", 40)).await;
    let short = app.submit(page_of("b")).await;
    gate.send_replace(true);
    assert_eq!(app.webhook().await["task_id"], short.as_str());
    assert_eq!(app.webhook().await["task_id"], long.as_str());
    let log = fetched.0.lock().expect("no panic").clone();
    let before = log.iter().position(|url| url.contains("b.example")).expect("it was crawled");
    // A slice of 4, and the 4 that may be under way side by side.
    assert!(before <= 8, "{before} pages went first");
    assert_eq!(log.len(), 41, "nothing was crawled twice");
    assert_eq!(app.job(&long).await.attempt(), 1);
}

#[actix::test]
async fn jobs_whose_attempts_died_with_their_process_get_their_last_attempt_one_by_one() {
    let (mut app, fetched, gate) = gated("claim.before", |_| {});
    let (first, second) = (app.submit(page_of("hangs")).await, app.submit(page_of("second")).await);
    for _ in 0..2 {
        let claims = app.store.claim(&node("gone"), CRAWL, 2, Duration::ZERO).await;
        assert_eq!(claims.expect("the store is available").len(), 2);
    }
    app.store.requeue().await.expect("the store is available");
    assert_eq!((app.job(&first).await.attempts_spent, app.job(&second).await.attempts_spent), (2, 2));
    gate.send_replace(true);
    app.until(&first, |job| matches!(job.state, JobState::Running { .. })).await;
    let innocent = app.submit(page_of("innocent")).await;
    assert_eq!(app.webhook().await["task_id"], innocent.as_str());
    assert_eq!(fetched.times("https://second.example/0"), 0);
    let cancel = CancelJob { job: first.clone(), principal: None };
    app.actors.front.send(cancel).await.expect("the front runs").expect("it is not settled");
    let told = [app.webhook().await, app.webhook().await];
    let told: Vec<_> = told.iter().map(|told| (told["task_id"].as_str(), told["status"].as_str())).collect();
    assert!(told.contains(&(Some(second.as_str()), Some("completed"))), "{told:?}");
}
