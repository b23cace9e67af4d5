//! What the nodes tell one another, so that nobody has to ask Redis again and again; on a connection of its own.
//!
//! A notice may be lost. Whoever waits for one looks by himself from time to time as well.

use std::time::Duration;

use futures_util::StreamExt;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::kind::JobKind;
use opilio_actors::domain::retry::Backoff;
use opilio_actors::ports::Notification;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, RedisResult};
use tokio::time::timeout;

/// A connection that is silent for longer is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(5);
/// It is not, where no answer comes within this time.
const PATIENCE: Duration = Duration::from_secs(2);
const AGAIN: Backoff = Backoff { initial: Duration::from_millis(100), max: Duration::from_secs(5), jitter: 0.5 };

/// What is said on one Redis under one prefix.
#[derive(Debug)]
pub struct Notices {
    client: Client,
    channel: String,
}

impl Notices {
    pub(super) fn new(client: &Client, prefix: &str) -> Self {
        Self { client: client.clone(), channel: format!("{prefix}wake") }
    }

    /// Hands over what is said, until it is dropped. A connection that breaks is made again, more and more slowly.
    pub async fn listen(self, hear: impl Fn(Notification)) {
        let mut attempt = 1;
        loop {
            if let Ok(Ok((line, said))) = timeout(PATIENCE, self.connect()).await {
                attempt = 1;
                hear(Notification::Missed);
                pass_on(line, said, &hear).await;
            }
            tokio::time::sleep(AGAIN.delay_after(attempt, fastrand::f64())).await;
            attempt = attempt.saturating_add(1);
        }
    }

    async fn connect(&self) -> RedisResult<(PubSubSink, PubSubStream)> {
        let (mut line, said) = self.client.get_async_pubsub().await?.split();
        line.subscribe(&self.channel).await?;
        Ok((line, said))
    }
}

/// Returns when the connection is gone.
async fn pass_on(mut line: PubSubSink, mut said: PubSubStream, hear: &impl Fn(Notification)) {
    loop {
        match timeout(SILENCE, said.next()).await {
            Ok(Some(message)) => {
                message.get_payload().ok().and_then(|text: String| parse(&text)).into_iter().for_each(hear)
            }
            Ok(None) => return,
            Err(_) => {
                if !matches!(timeout(PATIENCE, line.ping::<redis::Value>()).await, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}

/// What this version does not know is none of its business.
fn parse(text: &str) -> Option<Notification> {
    let (what, of) = text.split_once(' ')?;
    match what {
        "ready" => JobKind::parse(of).map(Notification::Ready),
        "changed" => JobId::parse(of).ok().map(Notification::Changed),
        "cancelled" => JobId::parse(of).ok().map(Notification::Cancelled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opilio_actors::kinds::CRAWL;

    #[test]
    fn what_a_newer_node_says_in_words_of_its_own_is_passed_over() {
        assert_eq!(parse("ready crawl"), Some(Notification::Ready(CRAWL)));
        for odd in ["", "ready", "ready tea", "changed x", "promoted crawl_1"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
