//! Where one model is asked: its rates, its health and the form it takes, shared by all workers of the process.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opilio_actors::domain::extraction::chunk::tokens;
use opilio_actors::ports::{ModelError, Question};
use tokio::time::{Instant, sleep, timeout};

use super::health::Health;
use super::pace::Pace;
use super::settings::{ModelSettings, RateLimits};
use super::wire::Form;
use crate::fair_semaphore::{FairSemaphore, Permit};

pub struct Endpoint {
    places: Option<Arc<FairSemaphore>>,
    patience: Duration,
    state: Mutex<State>,
}

struct State {
    requests: Option<Pace>,
    tokens: Option<Pace>,
    health: Health,
    /// Of schemas that the model does not take in the strongest form, the form that is left.
    forms: HashMap<u64, Form>,
}

/// So many of them are remembered.
const MOST_FORMS: usize = 256;

impl Endpoint {
    pub fn new(settings: &ModelSettings, limits: RateLimits) -> Self {
        let now = Instant::now();
        let state = State {
            requests: limits.requests_per_minute.map(|rate| Pace::new(rate, now)),
            tokens: limits.tokens_per_minute.map(|rate| Pace::new(rate, now)),
            health: Health::new(settings.failures_before_pause, settings.pause),
            forms: HashMap::new(),
        };
        let places = limits.concurrency.map(|places| FairSemaphore::new(places.get()));
        Self { places, patience: settings.patience, state: Mutex::new(state) }
    }

    /// Waits for a place, and then for a turn by the rates, if each is near; they last as long as what is returned. Where
    /// somebody waits for the answer, either may take the time of both: of the turns that come next, some are too far away
    /// for all other jobs, and so are left for his.
    pub async fn turn(&self, question: &Question, who: &str) -> Result<Option<Permit>, ModelError> {
        self.with(|state| state.health.admit(Instant::now()))?;
        let both = Instant::now() + 2 * self.patience;
        let patience = || match question.queue.interactive {
            true => both.saturating_duration_since(Instant::now()),
            false => self.patience,
        };
        let place = match &self.places {
            None => None,
            Some(places) => match timeout(patience(), places.acquire(&question.queue)).await {
                Ok(place) => Some(place),
                Err(_) => return Err(used_up(who, Duration::from_secs(1))),
            },
        };
        let patience = patience();
        let wait = self.with(|state| state.reserve(question, patience)).map_err(|wait| used_up(who, wait))?;
        if !wait.is_zero() {
            sleep(wait).await;
        }
        Ok(place)
    }

    /// The form that is left for the question's schema, where its model did not take every one.
    pub fn form(&self, question: &Question) -> Option<Form> {
        self.with(|state| state.forms.get(&digest(question)).copied())
    }

    /// The model does not take the schema in `form`; whether there is a weaker one to go on with.
    pub fn weaken(&self, question: &Question, form: Form) -> bool {
        let Some(weaker) = form.weaker() else { return false };
        self.with(|state| {
            if state.forms.len() >= MOST_FORMS {
                state.forms.clear();
            }
            state.forms.insert(digest(question), weaker);
        });
        true
    }

    /// What came of a turn.
    pub fn ended<T>(&self, outcome: &Result<T, ModelError>) {
        self.with(|state| match outcome {
            Err(error) if error.passes() => state.health.unwell(error, Instant::now()),
            _ => state.health.well(),
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Takes a turn that is at most `patience` away and says when it is; else says how far away it is.
    fn reserve(&mut self, question: &Question, patience: Duration) -> Result<Duration, Duration> {
        let now = Instant::now();
        let texts = question.turns.iter().map(|turn| tokens(&turn.text)).sum::<usize>() + tokens(&question.system);
        let texts = f64::from(u32::try_from(texts).unwrap_or(u32::MAX));
        let requests = self.requests.as_mut().map_or(Duration::ZERO, |pace| pace.wait(1.0, now));
        let wait = requests.max(self.tokens.as_mut().map_or(Duration::ZERO, |pace| pace.wait(texts, now)));
        if wait > patience {
            return Err(wait);
        }
        if let Some(pace) = &mut self.requests {
            pace.take(1.0, now);
        }
        if let Some(pace) = &mut self.tokens {
            pace.take(texts, now);
        }
        Ok(wait)
    }
}

fn digest(question: &Question) -> u64 {
    let mut hasher = DefaultHasher::new();
    question.schema.as_deref().map(ToString::to_string).hash(&mut hasher);
    hasher.finish()
}

fn used_up(who: &str, wait: Duration) -> ModelError {
    // Those who are sent away do not all come back at the same moment.
    let wait = wait.mul_f64(1.0 + fastrand::f64());
    ModelError::OverRate { who: who.to_owned(), wait }
}

#[cfg(test)]
mod tests {
    use opilio_actors::domain::id::Principal;
    use opilio_actors::domain::queue_key::QueueKey;
    use opilio_actors::ports::ModelName;

    use super::*;

    fn question(interactive: bool) -> Question {
        Question {
            model: ModelName { family: "openai".to_owned(), model: "m".to_owned() },
            system: String::new(),
            turns: vec![],
            schema: None,
            temperature: None,
            answer_tokens: 1,
            queue: QueueKey { principal: Principal::anonymous(), interactive },
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_others_find_too_far_is_left_for_who_waits() {
        let settings = ModelSettings { patience: Duration::from_secs(10), ..ModelSettings::default() };
        let limits = RateLimits { requests_per_minute: Some(6), ..RateLimits::default() };
        let endpoint = Endpoint::new(&settings, limits);
        for _ in 0..6 {
            assert!(endpoint.turn(&question(false), "m").await.is_ok());
        }
        // One every ten seconds from now on.
        let began = Instant::now();
        let [others, waits] = [question(false), question(true)];
        let turns = tokio::join!(endpoint.turn(&others, "m"), endpoint.turn(&others, "m"), endpoint.turn(&waits, "m"));
        assert!(matches!(turns, (Ok(_), Err(ModelError::OverRate { .. }), Ok(_))), "{turns:?}");
        assert_eq!(began.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_at_a_model_goes_to_the_lines_in_turn() {
        let limits = RateLimits { concurrency: std::num::NonZeroUsize::new(1), ..RateLimits::default() };
        let endpoint = Endpoint::new(&ModelSettings::default(), limits);
        let held = endpoint.turn(&question(false), "m").await;
        let order = Mutex::new(vec![]);
        let turn = async |interactive: bool| {
            let turn = endpoint.turn(&question(interactive), "m").await;
            order.lock().expect("no panic").push((interactive, turn.is_ok()));
        };
        let release = async { drop(held) };
        tokio::join!(biased; turn(false), turn(false), turn(false), turn(true), release);
        let order = order.into_inner().expect("no panic");
        assert_eq!(order, [(false, true), (true, true), (false, true), (false, true)]);
    }
}
