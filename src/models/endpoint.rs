//! One model's permits, rates, circuit breaker and supported output modes, shared by all workers of the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opilio_actors::domain::extraction::chunk::tokens;
use opilio_actors::ports::{ModelError, ModelRequest};
use ring::digest;
use tokio::time::{Instant, sleep, timeout};

use super::circuit_breaker::CircuitBreaker;
use super::protocol::OutputMode;
use super::settings::{ModelLimits, ModelSettings};
use super::token_bucket::TokenBucket;
use crate::fair_semaphore::{FairSemaphore, Permit};

pub struct Endpoint {
    permits: Option<Arc<FairSemaphore>>,
    max_inline_wait: Duration,
    state: Mutex<State>,
}

struct State {
    requests: Option<TokenBucket>,
    tokens: Option<TokenBucket>,
    breaker: CircuitBreaker,
    /// By the digest of the schema: the mode to use, for schemas that the model does not support in the strictest mode.
    modes: HashMap<[u8; digest::SHA256_OUTPUT_LEN], OutputMode>,
}

/// The limit on remembered modes.
const MAX_MODES: usize = 256;

impl Endpoint {
    pub fn new(settings: &ModelSettings, limits: ModelLimits) -> Self {
        let now = Instant::now();
        let state = State {
            requests: limits.requests_per_minute.map(|rate| TokenBucket::new(rate, now)),
            tokens: limits.tokens_per_minute.map(|rate| TokenBucket::new(rate, now)),
            breaker: CircuitBreaker::new(settings.failures_before_cooldown, settings.cooldown),
            modes: HashMap::new(),
        };
        let permits = limits.concurrency.map(|permits| FairSemaphore::new(permits.get()));
        Self { permits, max_inline_wait: settings.max_inline_wait, state: Mutex::new(state) }
    }

    /// Waits for a permit and then for the rates, each up to `max_inline_wait`. The permit is held until it is dropped.
    ///
    /// For an interactive request, the limit applies to the sum of both waits. It can thus wait longer for the rates than
    /// batch requests, so part of the rate remains for interactive requests.
    pub async fn admit(&self, request: &ModelRequest) -> Result<Option<Permit>, ModelError> {
        self.with(|state| state.breaker.admit(Instant::now()))?;
        let deadline = Instant::now() + 2 * self.max_inline_wait;
        let max_wait = || match request.queue.interactive {
            true => deadline.saturating_duration_since(Instant::now()),
            false => self.max_inline_wait,
        };
        let permit = match &self.permits {
            None => None,
            Some(permits) => match timeout(max_wait(), permits.acquire(&request.queue)).await {
                Ok(permit) => Some(permit),
                Err(_) => return Err(rate_limited(request, Duration::from_secs(1))),
            },
        };
        let max_wait = max_wait();
        let delay =
            self.with(|state| state.reserve(request, max_wait)).map_err(|delay| rate_limited(request, delay))?;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        Ok(permit)
    }

    /// The mode to use for the request's schema, if the model does not support the strictest one.
    pub fn mode(&self, request: &ModelRequest) -> Option<OutputMode> {
        self.with(|state| state.modes.get(&schema_digest(request)).copied())
    }

    /// Notes that the model does not support the request's schema in `mode`. Returns whether there is a weaker mode.
    pub fn downgrade(&self, request: &ModelRequest, mode: OutputMode) -> bool {
        let Some(weaker) = mode.weaker() else { return false };
        self.with(|state| {
            if state.modes.len() >= MAX_MODES {
                state.modes.clear();
            }
            state.modes.insert(schema_digest(request), weaker);
        });
        true
    }

    /// Reports the outcome of a request to the circuit breaker.
    pub fn record<T>(&self, outcome: &Result<T, ModelError>) {
        self.with(|state| match outcome {
            Err(error) if error.is_unavailable() => state.breaker.record_failure(error, Instant::now()),
            _ => state.breaker.record_success(),
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Takes the request's share of the rates and returns the delay until it can be sent. If that is longer than
    /// `max_wait`, nothing is taken and the delay is the error.
    fn reserve(&mut self, request: &ModelRequest, max_wait: Duration) -> Result<Duration, Duration> {
        let now = Instant::now();
        let texts = request.messages.iter().map(|message| &message.text).chain([&request.system]);
        let amount = f64::from(u32::try_from(texts.map(|text| tokens(text)).sum::<usize>()).unwrap_or(u32::MAX));
        let requests = self.requests.as_mut().map_or(Duration::ZERO, |bucket| bucket.delay(1.0, now));
        let delay = requests.max(self.tokens.as_mut().map_or(Duration::ZERO, |bucket| bucket.delay(amount, now)));
        if delay > max_wait {
            return Err(delay);
        }
        if let Some(bucket) = &mut self.requests {
            bucket.take(1.0, now);
        }
        if let Some(bucket) = &mut self.tokens {
            bucket.take(amount, now);
        }
        Ok(delay)
    }
}

fn schema_digest(request: &ModelRequest) -> [u8; digest::SHA256_OUTPUT_LEN] {
    let schema = request.schema.as_deref().map(ToString::to_string).unwrap_or_default();
    let mut result = [0; digest::SHA256_OUTPUT_LEN];
    result.copy_from_slice(digest::digest(&digest::SHA256, schema.as_bytes()).as_ref());
    result
}

/// The delay is randomised, so that deferred jobs do not all return at the same time.
fn rate_limited(request: &ModelRequest, delay: Duration) -> ModelError {
    let retry_after = delay.mul_f64(1.0 + fastrand::f64());
    ModelError::LocalRateLimit { model: request.model.to_string(), retry_after }
}

#[cfg(test)]
mod tests {
    use opilio_actors::domain::id::Principal;
    use opilio_actors::domain::queue_key::QueueKey;
    use opilio_actors::ports::ModelName;

    use super::*;

    fn request(interactive: bool) -> ModelRequest {
        ModelRequest {
            model: ModelName { family: "openai".to_owned(), model: "m".to_owned() },
            system: String::new(),
            messages: vec![],
            schema: None,
            temperature: None,
            max_output_tokens: 1,
            queue: QueueKey { principal: Principal::anonymous(), interactive },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn interactive_request_waits_for_a_rate_longer_than_batch() {
        let settings = ModelSettings { max_inline_wait: Duration::from_secs(10), ..ModelSettings::default() };
        let limits = ModelLimits { requests_per_minute: Some(6), ..ModelLimits::default() };
        let endpoint = Endpoint::new(&settings, limits);
        for _ in 0..6 {
            assert!(endpoint.admit(&request(false)).await.is_ok());
        }
        // From now on one request every ten seconds.
        let started = Instant::now();
        let [batch, interactive] = [request(false), request(true)];
        let admitted = tokio::join!(endpoint.admit(&batch), endpoint.admit(&batch), endpoint.admit(&interactive));
        assert!(matches!(admitted, (Ok(_), Err(ModelError::LocalRateLimit { .. }), Ok(_))), "{admitted:?}");
        assert_eq!(started.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn principal_gets_at_most_half_of_the_permits_while_another_waits() {
        let limits = ModelLimits { concurrency: std::num::NonZeroUsize::new(4), ..ModelLimits::default() };
        let endpoint = Endpoint::new(&ModelSettings::default(), limits);
        let of = |name: &str| ModelRequest { queue: QueueKey::batch(Principal::new(name)), ..request(false) };
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(endpoint.admit(&of("many")).await);
        }
        let granted = Mutex::new(vec![]);
        let admit = async |name: &'static str| {
            let permit = endpoint.admit(&of(name)).await;
            granted.lock().expect("no panic").push((name, permit));
        };
        // Two requests of `many` end while both principals wait.
        let release = async { held.truncate(2) };
        tokio::join!(biased; admit("many"), admit("many"), admit("one"), admit("one"), release);
        let names: Vec<_> =
            granted.into_inner().expect("no panic").into_iter().filter(|(_, permit)| permit.is_ok()).collect();
        assert_eq!(names.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["one", "one"]);
    }

    #[tokio::test(start_paused = true)]
    async fn permits_alternate_between_queues() {
        let limits = ModelLimits { concurrency: std::num::NonZeroUsize::new(1), ..ModelLimits::default() };
        let endpoint = Endpoint::new(&ModelSettings::default(), limits);
        let held = endpoint.admit(&request(false)).await;
        let order = Mutex::new(vec![]);
        let admit = async |interactive: bool| {
            let permit = endpoint.admit(&request(interactive)).await;
            order.lock().expect("no panic").push((interactive, permit.is_ok()));
        };
        let release = async { drop(held) };
        tokio::join!(biased; admit(false), admit(false), admit(false), admit(true), release);
        let order = order.into_inner().expect("no panic");
        assert_eq!(order, [(false, true), (true, true), (false, true), (false, true)]);
    }
}
