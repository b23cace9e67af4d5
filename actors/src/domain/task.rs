//! The task of a job: what is specific to its kind, behind one type.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::crawl::PageRecord;
use super::engine::Engine;
use super::kind::JobKind;

/// The specification of one kind of job, and the rules that depend on it.
pub trait TaskSpec: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync + 'static {
    const KIND: JobKind;

    /// The URLs exactly as submitted. Each of them has one record.
    fn urls(&self) -> &[String];

    /// Sets the engine of pages that request none.
    fn fix_engine(&mut self, default: Engine) {
        let _ = default;
    }

    /// Whether a page requests this engine.
    fn requests_engine(&self, engine: Engine) -> bool {
        let _ = engine;
        false
    }

    /// Failed records for the given indexes, for a job that cannot be finished.
    fn failed_records(&self, indexes: &[u32], checkpoints: &[(String, Bytes)], reason: &str) -> Vec<PageRecord>;

    /// Whether work on the job may be aborted for other principals' jobs. Otherwise it is asked to yield.
    fn is_abortable(&self) -> bool {
        true
    }

    /// The parts of a job's only record ([`ResultForm::Single`](super::kind::ResultForm::Single)).
    fn view<'a>(&self, record: &'a [u8]) -> RecordView<'a> {
        let _ = record;
        RecordView::default()
    }
}

/// JSON members, in order. Their values are written without being parsed.
#[derive(Debug, Default)]
pub struct Members<'a>(Vec<(&'static str, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Members whose value is `None` are left out.
    pub fn new<const N: usize>(members: [(&'static str, Option<&'a RawValue>); N]) -> Self {
        Self(members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// Where the parts of a job's only record appear.
#[derive(Debug, Default)]
pub struct RecordView<'a> {
    /// `result` of the status of a completed job.
    pub result: Option<&'a RawValue>,
    /// Further members of the status.
    pub status: Members<'a>,
    /// Further members of the webhook.
    pub webhook: Members<'a>,
    /// Members of the webhook's `data`.
    pub data: Members<'a>,
}

/// A task of any kind. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Task(Arc<dyn ErasedSpec>);

impl Task {
    pub fn new(spec: impl TaskSpec) -> Self {
        Self(Arc::new(spec))
    }

    /// Parses the specification `T`.
    pub fn parse<T: TaskSpec>(json: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<T>(json.get()).map(Self::new)
    }

    pub fn kind(&self) -> JobKind {
        self.0.kind()
    }

    pub fn urls(&self) -> &[String] {
        self.0.urls()
    }

    /// The specification, if it is a `T`.
    pub fn get<T: TaskSpec>(&self) -> Option<&T> {
        let spec: &dyn Any = &*self.0;
        spec.downcast_ref()
    }

    /// The specification for editing, if it is a `T`. Clones it if it is shared.
    pub fn get_mut<T: TaskSpec>(&mut self) -> Option<&mut T> {
        if Arc::get_mut(&mut self.0).is_none() {
            *self = Self::new(self.get::<T>()?.clone());
        }
        let spec: &mut dyn Any = Arc::get_mut(&mut self.0)?;
        spec.downcast_mut()
    }

    /// See [`TaskSpec::fix_engine`].
    pub fn fix_engine(&mut self, default: Engine) {
        match Arc::get_mut(&mut self.0) {
            Some(spec) => spec.fix_engine(default),
            None => self.0 = self.0.with_engine(default),
        }
    }

    /// See [`TaskSpec::requests_engine`].
    pub fn requests_engine(&self, engine: Engine) -> bool {
        self.0.requests_engine(engine)
    }

    /// See [`TaskSpec::failed_records`].
    pub fn failed_records(&self, indexes: &[u32], checkpoints: &[(String, Bytes)], reason: &str) -> Vec<PageRecord> {
        self.0.failed_records(indexes, checkpoints, reason)
    }

    /// See [`TaskSpec::is_abortable`].
    pub fn is_abortable(&self) -> bool {
        self.0.is_abortable()
    }

    /// See [`TaskSpec::view`].
    pub fn view<'a>(&self, record: &'a [u8]) -> RecordView<'a> {
        self.0.view(record)
    }
}

impl PartialEq for Task {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(&*other.0)
    }
}

/// `{"<kind>": <specification>}`
impl Serialize for Task {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.kind().as_str(), &self.0.to_json().map_err(S::Error::custom)?)?;
        map.end()
    }
}

/// [`TaskSpec`] without its type.
trait ErasedSpec: Any + Debug + Send + Sync {
    fn kind(&self) -> JobKind;
    fn urls(&self) -> &[String];
    fn fix_engine(&mut self, default: Engine);
    fn with_engine(&self, default: Engine) -> Arc<dyn ErasedSpec>;
    fn requests_engine(&self, engine: Engine) -> bool;
    fn failed_records(&self, indexes: &[u32], checkpoints: &[(String, Bytes)], reason: &str) -> Vec<PageRecord>;
    fn is_abortable(&self) -> bool;
    fn view<'a>(&self, record: &'a [u8]) -> RecordView<'a>;
    fn to_json(&self) -> serde_json::Result<Box<RawValue>>;
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<T: TaskSpec> ErasedSpec for T {
    fn kind(&self) -> JobKind {
        T::KIND
    }

    fn urls(&self) -> &[String] {
        TaskSpec::urls(self)
    }

    fn fix_engine(&mut self, default: Engine) {
        TaskSpec::fix_engine(self, default);
    }

    fn with_engine(&self, default: Engine) -> Arc<dyn ErasedSpec> {
        let mut spec = self.clone();
        TaskSpec::fix_engine(&mut spec, default);
        Arc::new(spec)
    }

    fn requests_engine(&self, engine: Engine) -> bool {
        TaskSpec::requests_engine(self, engine)
    }

    fn failed_records(&self, indexes: &[u32], checkpoints: &[(String, Bytes)], reason: &str) -> Vec<PageRecord> {
        TaskSpec::failed_records(self, indexes, checkpoints, reason)
    }

    fn is_abortable(&self) -> bool {
        TaskSpec::is_abortable(self)
    }

    fn view<'a>(&self, record: &'a [u8]) -> RecordView<'a> {
        TaskSpec::view(self, record)
    }

    fn to_json(&self) -> serde_json::Result<Box<RawValue>> {
        to_raw_value(self)
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<T>().is_some_and(|other| self == other)
    }
}
