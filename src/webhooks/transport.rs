//! One attempt at one webhook: signed, posted, followed over 307 and 308, its answer read as far as the log wants it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::header::LOCATION;
use http::{HeaderMap, Method};
use opilio_actors::domain::delivery::AttemptOutcome;
use opilio_actors::ports::{Clock, StoreError, WebhookBody, WebhookRequest, WebhookTransport};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::excerpt;
use super::headers;
use super::settings::{BadWebhookSettings, WebhookSettings};
use super::signature::Signer;
use crate::egress::{
    AllowedUrl, Answer, Egress, EgressError, Guard, Purpose, RequestBody, in_words, is_same_origin, retry_after,
};

/// The status decides; its body is waited for only a little.
const EXCERPT_WAIT: Duration = Duration::from_secs(2);

/// Posts webhooks over HTTP.
pub struct HttpTransport {
    egress: Egress,
    clock: Arc<dyn Clock>,
    operators: HeaderMap,
    signer: Signer,
    timeout: Duration,
    max_redirects: usize,
}

/// A webhook ready to go, once for its receiver and once for strangers.
struct Letter {
    own: HeaderMap,
    strangers: HeaderMap,
    length: u64,
}

/// How our own store broke a body off, if it did.
#[derive(Clone, Default)]
struct StoreTrouble(Arc<OnceLock<StoreError>>);

impl StoreTrouble {
    fn noted(&self, body: &WebhookBody) -> BoxStream<'static, Result<Bytes, StoreError>> {
        let trouble = self.clone();
        let note = move |piece: &Result<Bytes, StoreError>| {
            if let Err(error) = piece {
                // The first is the one.
                let _ = trouble.0.set(error.clone());
            }
        };
        body.pieces().inspect(note).boxed()
    }
}

impl HttpTransport {
    pub fn new(egress: Egress, settings: &WebhookSettings, clock: Arc<dyn Clock>) -> Result<Self, BadWebhookSettings> {
        Ok(Self {
            egress,
            clock,
            operators: headers::operators(settings)?,
            signer: Signer::new(&settings.secrets)?,
            timeout: settings.timeout,
            max_redirects: settings.max_redirects,
        })
    }
}

#[async_trait]
impl WebhookTransport for HttpTransport {
    async fn post(&self, request: WebhookRequest) -> Result<AttemptOutcome, StoreError> {
        let (deadline, trouble) = (Instant::now() + self.timeout, StoreTrouble::default());
        let outcome = match timeout_at(deadline, self.attempt(&request, &trouble)).await {
            Ok(Ok((letter, answer))) => self.report(answer, &letter.own, deadline).await,
            Ok(Err(outcome)) => outcome,
            Err(_) => AttemptOutcome::Failed { reason: format!("timeout after {}", in_words(self.timeout)) },
        };
        trouble.0.get().map_or(Ok(outcome), |error| Err(error.clone()))
    }
}

impl HttpTransport {
    async fn attempt(
        &self,
        request: &WebhookRequest,
        trouble: &StoreTrouble,
    ) -> Result<(Letter, Answer), AttemptOutcome> {
        let letter = self.seal(request, trouble).await?;
        match self.deliver(request, &letter, trouble).await {
            Ok(answer) => Ok((letter, answer)),
            Err(EgressError::Blocked) => Err(AttemptOutcome::Unsendable { reason: EgressError::Blocked.to_string() }),
            Err(trouble) => Err(AttemptOutcome::Failed { reason: trouble.to_string() }),
        }
    }

    /// Reads the body once: its length and its signature go before it.
    async fn seal(&self, request: &WebhookRequest, trouble: &StoreTrouble) -> Result<Letter, AttemptOutcome> {
        let unsendable = |reason: String| AttemptOutcome::Unsendable { reason };
        let own = headers::for_receiver(&self.operators, &request.target.headers);
        let mut own = own.map_err(|name| unsendable(format!("Header {name:?} cannot be sent")))?;
        let mut strangers = headers::for_strangers(&own);
        let timestamp = self.clock.now().as_second();
        let mut signing = self.signer.begin(&request.id, timestamp);
        let (mut length, mut pieces) = (0, trouble.noted(&request.body));
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| AttemptOutcome::Failed { reason: format!("the result: {error}") })?;
            signing.add(&piece);
            length += piece.len() as u64;
        }
        let signature = signing.end();
        headers::seal(&mut own, &request.id, timestamp, signature.clone())
            .and_then(|()| headers::seal(&mut strangers, &request.id, timestamp, signature))
            .ok_or_else(|| unsendable("The webhook's id cannot be sent".to_owned()))?;
        Ok(Letter { own, strangers, length })
    }

    /// The answer at the end of the redirects. One redirect too many, or one that leads nowhere, is the answer itself.
    async fn deliver(
        &self,
        request: &WebhookRequest,
        letter: &Letter,
        trouble: &StoreTrouble,
    ) -> Result<Answer, EgressError> {
        let (guard, target) = (self.egress.guard(), &request.target);
        let judged = if target.trusted { Guard::trust } else { Guard::check };
        let mut to = judged(guard, &target.url, Purpose::Webhook)?;
        let mut redirects = 0;
        loop {
            let is_receiver = is_same_origin(&target.url, to.url());
            let headers = if is_receiver { letter.own.clone() } else { letter.strangers.clone() };
            let body = match request.body.whole() {
                Some(whole) => whole.clone().into(),
                None => RequestBody::of(letter.length, trouble.noted(&request.body)),
            };
            let answer = self.egress.send(Method::POST, &to, headers, body).await?;
            let Some(next) = redirect(&to, &answer).filter(|_| redirects < self.max_redirects) else {
                return Ok(answer);
            };
            redirects += 1;
            to = guard.redirect(&to, answer.answered_by(), &next)?;
        }
    }

    async fn report(&self, mut answer: Answer, sent: &HeaderMap, deadline: Instant) -> AttemptOutcome {
        let wait = deadline.saturating_duration_since(Instant::now()).min(EXCERPT_WAIT);
        let mut bytes = Vec::new();
        let _ = timeout(wait, excerpt::read(&mut answer, &mut bytes)).await;
        AttemptOutcome::Answered {
            status: answer.status(),
            retry_after: retry_after(answer.headers(), self.clock.now()),
            excerpt: excerpt::text(&bytes, sent),
        }
    }
}

fn redirect(from: &AllowedUrl, answer: &Answer) -> Option<Url> {
    if !matches!(answer.status(), 307 | 308) {
        return None;
    }
    let location = answer.headers().get(LOCATION)?;
    from.url().join(&String::from_utf8_lossy(location.as_bytes())).ok()
}

#[cfg(test)]
mod tests;
