//! Who gets a permit, and whose permits are revoked.

use std::time::Duration;

use opilio_actors::domain::id::Principal;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::state::MIN_HOLD;
use super::*;

const BRIEF: Duration = Duration::from_millis(1);

fn queue(name: &str) -> QueueKey {
    QueueKey::batch(Principal::new(name))
}

/// Waits in these queues, in this order, then releases `held`. Returns the order in which they are served.
async fn served(semaphore: &Arc<FairSemaphore>, held: Permit, queues: &[&'static str]) -> Vec<&'static str> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for name in queues.iter().copied() {
        let (semaphore, sender) = (Arc::clone(semaphore), sender.clone());
        tokio::spawn(async move {
            let _permit = semaphore.acquire(&queue(name)).await;
            let _ = sender.send(name);
        });
        tokio::task::yield_now().await;
    }
    drop((held, sender));
    let mut served = Vec::new();
    while let Some(name) = receiver.recv().await {
        served.push(name);
    }
    served
}

#[tokio::test]
async fn queues_are_served_in_rotation_and_waiters_in_order() {
    let semaphore = FairSemaphore::new(1);
    let held = semaphore.acquire(&queue("holder")).await;
    let served = served(&semaphore, held, &["a", "a", "a", "b", "c", "b"]).await;
    assert_eq!(served, ["a", "b", "c", "a", "b", "a"]);
    assert_eq!(semaphore.available(), 1);
}

#[tokio::test]
async fn long_queue_delays_another_by_one_permit() {
    let semaphore = FairSemaphore::new(1);
    let held = semaphore.acquire(&queue("holder")).await;
    let mut queues = vec!["many"; 1000];
    queues.push("one");
    let served = served(&semaphore, held, &queues).await;
    assert_eq!(served.iter().position(|name| *name == "one"), Some(1));
    assert_eq!((served.len(), semaphore.available()), (1001, 1));
}

#[tokio::test(start_paused = true)]
async fn cancelled_waiters_do_not_delay_their_queue() {
    let semaphore = FairSemaphore::new(1);
    let held = semaphore.acquire(&queue("holder")).await;
    for _ in 0..100 {
        assert!(timeout(BRIEF, semaphore.acquire(&queue("cancelled"))).await.is_err());
    }
    let served = served(&semaphore, held, &["other", "other", "other", "cancelled"]).await;
    assert!(served[..2].contains(&"cancelled"), "{served:?}");
}

#[tokio::test(start_paused = true)]
async fn cancelled_waiters_lose_no_permit() {
    let semaphore = FairSemaphore::new(1);
    let held = semaphore.acquire(&queue("a")).await;
    for _ in 0..3 {
        assert!(timeout(BRIEF, semaphore.acquire(&queue("a"))).await.is_err());
    }
    drop(held);
    assert_eq!(semaphore.available(), 1);
    drop(semaphore.acquire(&queue("b")).await);
    assert_eq!(semaphore.available(), 1);
}

const IN_TIME: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3600);

fn interactive(name: &str) -> QueueKey {
    QueueKey { interactive: true, ..queue(name) }
}

/// Holds permits of this queue until they are revoked.
async fn hold(semaphore: &Arc<FairSemaphore>, queue: QueueKey, count: usize) -> Vec<tokio::task::JoinHandle<()>> {
    let mut held = Vec::new();
    for _ in 0..count {
        let permit = semaphore.acquire(&queue).await;
        held.push(tokio::spawn(async move { permit.revoked().await }));
    }
    held
}

fn ended(held: &[tokio::task::JoinHandle<()>]) -> usize {
    held.iter().filter(|holder| holder.is_finished()).count()
}

#[tokio::test(start_paused = true)]
async fn principal_keeps_half_while_another_waits() {
    let semaphore = FairSemaphore::new(8);
    let many = hold(&semaphore, queue("many"), 8).await;
    let others = timeout(HOUR, hold(&semaphore, queue("other"), 4)).await.expect("permits are revoked");
    assert!(timeout(HOUR, semaphore.acquire(&queue("other"))).await.is_err(), "both hold half");
    assert_eq!((ended(&many), ended(&others)), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn share_shrinks_with_each_principal() {
    let semaphore = FairSemaphore::new(6);
    let many = hold(&semaphore, queue("many"), 6).await;
    let second = timeout(HOUR, hold(&semaphore, queue("second"), 3)).await.expect("permits are revoked");
    let third = timeout(HOUR, hold(&semaphore, queue("third"), 2)).await.expect("permits are revoked");
    assert_eq!((ended(&many), ended(&second), ended(&third)), (4, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn oldest_permit_is_revoked_first() {
    let semaphore = FairSemaphore::new(3);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.extend(hold(&semaphore, queue("many"), 1).await);
        tokio::time::sleep(MIN_HOLD).await;
    }
    let _other = semaphore.acquire(&queue("other")).await;
    assert_eq!(held.iter().map(|holder| holder.is_finished()).collect::<Vec<_>>(), [true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn interactive_waiter_revokes_own_batch_permit() {
    let semaphore = FairSemaphore::new(4);
    let batch = hold(&semaphore, queue("one"), 4).await;
    let _permit = timeout(IN_TIME, semaphore.acquire(&interactive("one"))).await.expect("a permit is revoked");
    assert_eq!(ended(&batch), 1);
    assert!(
        timeout(HOUR, semaphore.acquire(&queue("one"))).await.is_err(),
        "batch waiters revoke nothing of their own"
    );
}

#[tokio::test(start_paused = true)]
async fn last_permit_is_revoked_only_from_holders_that_wait() {
    let pages = FairSemaphore::new(1);
    let _page = hold(&pages, queue("a"), 1).await;
    assert!(timeout(HOUR, pages.acquire(&queue("b"))).await.is_err());
    let starts = FairSemaphore::for_waiting(1);
    let _start = hold(&starts, queue("a"), 1).await;
    assert!(timeout(IN_TIME, starts.acquire(&queue("b"))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn short_work_is_not_revoked() {
    let semaphore = FairSemaphore::new(2);
    for _ in 0..100 {
        let (a, b) = (semaphore.acquire(&queue("many")).await, semaphore.acquire(&queue("many")).await);
        let waiting = queue("other");
        let other = semaphore.acquire(&waiting);
        let work = async {
            let is_revoked = timeout(MIN_HOLD - BRIEF, a.revoked()).await.is_ok();
            drop((a, b));
            is_revoked
        };
        assert!(!tokio::join!(other, work).1);
    }
}

#[tokio::test(start_paused = true)]
async fn revoked_threads_continue_beside_at_most_as_many_others() {
    let threads = FairSemaphore::for_threads(2);
    let (a, b) = (threads.acquire(&queue("many")).await, threads.acquire(&queue("many")).await);
    let mut others = Vec::new();
    for name in ["one", "two"] {
        others.push(timeout(IN_TIME, threads.acquire(&queue(name))).await.expect("a permit is revoked"));
    }
    assert!(timeout(HOUR, threads.acquire(&queue("three"))).await.is_err(), "two threads continue without a permit");
    drop((a, b));
    assert_eq!(threads.available(), 0);
    drop(others);
    assert_eq!(threads.available(), 2);
}

#[tokio::test(start_paused = true)]
async fn released_permit_is_kept_for_a_while_after_a_revocation() {
    let semaphore = FairSemaphore::new(8);
    let _many = hold(&semaphore, queue("many"), 8).await;
    let waiting = tokio::spawn({
        let semaphore = Arc::clone(&semaphore);
        async move { hold(&semaphore, queue("many"), 100).await }
    });
    drop(timeout(IN_TIME, semaphore.acquire(&queue("other"))).await.expect("a permit is revoked"));
    for _ in 0..10 {
        let again = timeout(BRIEF, semaphore.acquire(&queue("other"))).await;
        assert!(again.is_ok(), "it is not overdue again");
    }
    assert_eq!(semaphore.available(), 1);
    tokio::time::sleep(IN_TIME).await;
    assert_eq!(semaphore.available(), 0, "the other waiters get it");
    waiting.abort();
}
