//! Waiting for a condition with a deadline.

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// Ample for a heavily loaded machine. A test that reaches it has failed.
pub const DEADLINE: Duration = Duration::from_secs(120);

const INTERVAL: Duration = Duration::from_millis(5);

/// Evaluates `condition` until it returns `Ok`, and returns that value.
///
/// Panics after `deadline` with the last `Err` value, also if one evaluation does not return by then.
pub async fn until<T, E: Debug>(mut condition: impl AsyncFnMut() -> Result<T, E>, deadline: Duration) -> T {
    let end = Instant::now() + deadline;
    let mut last = None;
    while Instant::now() < end {
        match timeout_at(end, condition()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(value)) => last = Some(value),
            Err(_) => break,
        }
        sleep(INTERVAL).await;
    }
    match last {
        Some(value) => panic!("condition not met within {deadline:?}; last value: {value:?}"),
        None => panic!("condition not evaluated within {deadline:?}"),
    }
}

/// `Ok` if `met`, else `Err(value)`: the result of one evaluation for [`until`].
pub fn expect<E>(met: bool, value: E) -> Result<(), E> {
    if met { Ok(()) } else { Err(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn until_returns_the_first_ok() {
        let mut count = 0;
        let evaluate = async || {
            count += 1;
            if count == 3 { Ok(count) } else { Err(count) }
        };
        assert_eq!(until(evaluate, DEADLINE).await, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "last value: \"red\"")]
    async fn until_panics_with_the_last_value() {
        until(async || Err::<(), _>("red"), DEADLINE).await;
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "not evaluated within")]
    async fn until_bounds_an_evaluation_that_hangs() {
        until(async || std::future::pending::<Result<(), ()>>().await, DEADLINE).await;
    }
}
