//! Notifications between nodes, on a connection of their own. A notification may be lost; nodes also poll.

use std::time::Duration;

use futures_util::StreamExt;
use opilio_actors::domain::id::JobId;
use opilio_actors::domain::kind::JobKind;
use opilio_actors::domain::retry::Backoff;
use opilio_actors::ports::Notification;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, RedisResult};
use tokio::time::timeout;

/// A connection that is idle for this time is pinged.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// The time limit of a connection attempt and of a ping.
const TIMEOUT: Duration = Duration::from_secs(2);
const RECONNECT: Backoff = Backoff { initial: Duration::from_millis(100), max: Duration::from_secs(5), jitter: 0.5 };

/// The notifications of one Redis and one prefix.
#[derive(Debug)]
pub struct Notifications {
    client: Client,
    channel: String,
}

impl Notifications {
    pub fn new(client: &Client, prefix: &str) -> Self {
        Self { client: client.clone(), channel: format!("{prefix}notifications") }
    }

    /// Passes notifications to `handle` until the future is dropped. Reconnects with back-off; after each connection
    /// `handle` gets [`Notification::Missed`].
    pub async fn listen(self, handle: impl Fn(Notification)) {
        let mut attempt = 1;
        loop {
            if let Ok(Ok((sink, messages))) = timeout(TIMEOUT, self.subscribe()).await {
                attempt = 1;
                handle(Notification::Missed);
                receive(sink, messages, &handle).await;
            }
            tokio::time::sleep(RECONNECT.delay_after(attempt, fastrand::f64())).await;
            attempt = attempt.saturating_add(1);
        }
    }

    async fn subscribe(&self) -> RedisResult<(PubSubSink, PubSubStream)> {
        let (mut sink, messages) = self.client.get_async_pubsub().await?.split();
        sink.subscribe(&self.channel).await?;
        Ok((sink, messages))
    }
}

/// Returns when the connection is lost.
async fn receive(mut sink: PubSubSink, mut messages: PubSubStream, handle: &impl Fn(Notification)) {
    loop {
        match timeout(PING_INTERVAL, messages.next()).await {
            Ok(Some(message)) => {
                message.get_payload().ok().and_then(|text: String| parse(&text)).into_iter().for_each(handle)
            }
            Ok(None) => return,
            Err(_) => {
                if !matches!(timeout(TIMEOUT, sink.ping::<redis::Value>()).await, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}

/// `None`: a notification of a newer version, which is ignored.
fn parse(text: &str) -> Option<Notification> {
    let (event, subject) = text.split_once(' ')?;
    match event {
        "ready" => JobKind::parse(subject).map(Notification::Ready),
        "changed" => JobId::parse(subject).ok().map(Notification::Changed),
        "cancelled" => JobId::parse(subject).ok().map(Notification::Cancelled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use opilio_actors::kinds::CRAWL;

    use super::*;

    #[test]
    fn unknown_notifications_are_ignored() {
        assert_eq!(parse("ready crawl"), Some(Notification::Ready(CRAWL)));
        for unknown in ["", "ready", "ready tea", "changed x", "promoted crawl_1"] {
            assert_eq!(parse(unknown), None, "{unknown}");
        }
    }
}
