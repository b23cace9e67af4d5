//! Store decorators: a decorator implements the methods that it changes and inherits the others.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::crawl::PageRecord;
use crate::domain::delivery::{Attempt, AttemptOutcome, DeliveryState, DueDelivery, RetryDecision};
use crate::domain::id::{JobId, NodeId, Principal};
use crate::domain::job::{Job, Progress};
use crate::domain::kind::JobKind;
use crate::domain::lease::Lease;
use crate::domain::queue_key::QueueKey;
use crate::ports::{
    AttemptStart, AttemptTerms, Changes, Claim, DeliveryLog, DeliveryStore, DueQuery, JobFilter, JobPage, JobStore,
    JobSummary, NewJob, PageLimit, QueueCounts, Release, ReplayFilter, SettleReason, Store, StoreError, Submission,
};

/// Generates [`StoreDecorator`], its implementation of both stores, and [`WRITE_POINTS`] from one list of methods.
macro_rules! store_decorator {
    (
        $(impl $store:ident {
            writes { $($write:ident($($write_arg:ident: $write_type:ty),*) -> $write_result:ty;)* }
            reads { $($read:ident($($read_arg:ident: $read_type:ty),*) -> $read_result:ty;)* }
        })*
    ) => {
        /// A store that forwards every method to an inner store unless the method is overridden.
        #[async_trait]
        pub trait StoreDecorator: Send + Sync + 'static {
            fn inner(&self) -> &dyn Store;

            /// Called before and after every method with `<method>.before` or `<method>.after`. The caller receives the
            /// error instead of calling the method, or instead of its result.
            async fn reached(&self, _point: &'static str) -> Result<(), StoreError> {
                Ok(())
            }

            $(
                $(async fn $write(&self, $($write_arg: $write_type),*) -> Result<$write_result, StoreError> {
                    self.inner().$write($($write_arg),*).await
                })*
                $(async fn $read(&self, $($read_arg: $read_type),*) -> Result<$read_result, StoreError> {
                    self.inner().$read($($read_arg),*).await
                })*
            )*
        }

        $(
            #[async_trait]
            impl<D: StoreDecorator> $store for D {
                $(async fn $write(&self, $($write_arg: $write_type),*) -> Result<$write_result, StoreError> {
                    self.reached(concat!(stringify!($write), ".before")).await?;
                    let result = StoreDecorator::$write(self, $($write_arg),*).await;
                    self.reached(concat!(stringify!($write), ".after")).await?;
                    result
                })*
                $(async fn $read(&self, $($read_arg: $read_type),*) -> Result<$read_result, StoreError> {
                    self.reached(concat!(stringify!($read), ".before")).await?;
                    let result = StoreDecorator::$read(self, $($read_arg),*).await;
                    self.reached(concat!(stringify!($read), ".after")).await?;
                    result
                })*
            }
        )*

        /// The points before and after every write.
        pub const WRITE_POINTS: &[&str] = &[
            $($(concat!(stringify!($write), ".before"), concat!(stringify!($write), ".after"),)*)*
        ];
    };
}

store_decorator! {
    impl JobStore {
        writes {
            submit(job: NewJob) -> Submission;
            claim(node: &NodeId, kind: JobKind, limit: usize, lease_duration: Duration) -> Vec<Claim>;
            renew(leases: &[Lease], lease_duration: Duration) -> Vec<Lease>;
            record_pages(lease: &Lease, pages: Vec<PageRecord>) -> Progress;
            checkpoint(lease: &Lease, name: &str, value: Bytes) -> ();
            settle(lease: &Lease, reason: SettleReason) -> Job;
            release(lease: &Lease, release: Release) -> ();
            clear_crashes(lease: &Lease) -> ();
            cancel(job: &JobId, principal: Option<&Principal>) -> Job;
            requeue() -> Option<Duration>;
            expire(max_pages: usize) -> usize;
        }
        reads {
            checkpoints(job: &JobId) -> Vec<(String, Bytes)>;
            job(job: &JobId, principal: Option<&Principal>) -> Option<Job>;
            summary(job: &JobId) -> Option<JobSummary>;
            pages(job: &JobId, from: u32, max_bytes: usize) -> Vec<(u32, Bytes)>;
            jobs(filter: JobFilter) -> JobPage;
            changes(principal: Option<&Principal>, after: Option<u64>, limit: PageLimit) -> Changes;
            counts() -> QueueCounts;
            should_yield(kind: JobKind, queue: &QueueKey) -> bool;
            // A hint, so that a crash at this point has no effect.
            note_waits(waits: &[(Lease, Option<String>)]) -> ();
            ready() -> ();
        }
    }
    impl DeliveryStore {
        writes {
            start_attempt(job: &JobId, version: u64, node: &NodeId, terms: AttemptTerms) -> AttemptStart;
            finish_attempt(attempt: &Attempt, outcome: &AttemptOutcome, decision: RetryDecision) -> (DeliveryState, u64);
            replay(job: &JobId, principal: Option<&Principal>) -> Job;
            replay_all(filter: ReplayFilter) -> u64;
        }
        reads {
            due(query: DueQuery) -> Vec<DueDelivery>;
            deliveries(job: &JobId, principal: Option<&Principal>) -> Option<DeliveryLog>;
        }
    }
}
