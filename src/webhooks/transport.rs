//! One delivery attempt: signs the body, posts it, follows 307 and 308, and reports the response.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use http::{HeaderMap, Method};
use opilio_actors::domain::delivery::AttemptOutcome;
use opilio_actors::ports::{Clock, StoreError, WebhookBody, WebhookRequest, WebhookTransport};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::excerpt;
use super::headers;
use super::settings::{InvalidWebhookSettings, WebhookSettings};
use super::signature::Signer;
use crate::egress::{
    AllowedUrl, Egress, EgressError, Guard, Purpose, RequestBody, Response, format_duration, is_same_origin,
    redirect_target, retry_after,
};

/// Time for the body of the response, which is only logged.
const EXCERPT_TIMEOUT: Duration = Duration::from_secs(2);

/// Posts webhooks over HTTP.
pub struct HttpTransport {
    egress: Egress,
    clock: Arc<dyn Clock>,
    default_headers: HeaderMap,
    signer: Signer,
    timeout: Duration,
    max_redirects: usize,
}

/// A signed webhook.
struct SignedRequest {
    headers: HeaderMap,
    /// For redirects to another origin.
    other_origin_headers: HeaderMap,
    length: u64,
}

/// The first error of the store while a body was read from it.
#[derive(Clone, Default)]
struct BodyError(Arc<OnceLock<StoreError>>);

impl BodyError {
    /// The chunks of `body`. Records an error.
    fn observe(&self, body: &WebhookBody) -> BoxStream<'static, Result<Bytes, StoreError>> {
        let first = self.clone();
        let record = move |chunk: &Result<Bytes, StoreError>| {
            if let Err(error) = chunk {
                let _ = first.0.set(error.clone());
            }
        };
        body.pieces().inspect(record).boxed()
    }
}

impl HttpTransport {
    pub fn new(
        egress: Egress,
        settings: &WebhookSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, InvalidWebhookSettings> {
        Ok(Self {
            egress,
            clock,
            default_headers: headers::defaults(settings)?,
            signer: Signer::new(&settings.secrets)?,
            timeout: settings.timeout,
            max_redirects: settings.max_redirects,
        })
    }
}

#[async_trait]
impl WebhookTransport for HttpTransport {
    async fn post(&self, request: WebhookRequest) -> Result<AttemptOutcome, StoreError> {
        let (deadline, body_error) = (Instant::now() + self.timeout, BodyError::default());
        let outcome = match timeout_at(deadline, self.attempt(&request, &body_error)).await {
            Ok(Ok((signed, response))) => self.outcome(response, &signed.headers, deadline).await,
            Ok(Err(outcome)) => outcome,
            Err(_) => AttemptOutcome::Failed { reason: format!("timeout after {}", format_duration(self.timeout)) },
        };
        body_error.0.get().map_or(Ok(outcome), |error| Err(error.clone()))
    }
}

impl HttpTransport {
    async fn attempt(
        &self,
        request: &WebhookRequest,
        body_error: &BodyError,
    ) -> Result<(SignedRequest, Response), AttemptOutcome> {
        let signed = self.sign(request, body_error).await?;
        match self.send(request, &signed, body_error).await {
            Ok(response) => Ok((signed, response)),
            Err(EgressError::Blocked) => Err(AttemptOutcome::Unsendable { reason: EgressError::Blocked.to_string() }),
            Err(error) => Err(AttemptOutcome::Failed { reason: error.to_string() }),
        }
    }

    /// Reads the body once for its length and signature, which are sent before it.
    async fn sign(&self, request: &WebhookRequest, body_error: &BodyError) -> Result<SignedRequest, AttemptOutcome> {
        let unsendable = |reason: String| AttemptOutcome::Unsendable { reason };
        let headers = headers::for_receiver(&self.default_headers, &request.target.headers);
        let mut headers = headers.map_err(|name| unsendable(format!("Invalid header {name:?}")))?;
        let mut other_origin_headers = headers::for_other_origin(&headers);
        let timestamp = self.clock.now().as_second();
        let mut signature = self.signer.start(&request.id, timestamp);
        let (mut length, mut chunks) = (0, body_error.observe(&request.body));
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| AttemptOutcome::Failed { reason: format!("the result: {error}") })?;
            signature.update(&chunk);
            length += chunk.len() as u64;
        }
        let signature = signature.finish();
        headers::set_standard(&mut headers, &request.id, timestamp, signature.clone())
            .and_then(|()| headers::set_standard(&mut other_origin_headers, &request.id, timestamp, signature))
            .ok_or_else(|| unsendable("Invalid webhook-id".to_owned()))?;
        Ok(SignedRequest { headers, other_origin_headers, length })
    }

    /// Posts and follows redirects. Returns the redirect itself if it exceeds the limit or has no valid target.
    async fn send(
        &self,
        request: &WebhookRequest,
        signed: &SignedRequest,
        body_error: &BodyError,
    ) -> Result<Response, EgressError> {
        let (guard, target) = (self.egress.guard(), &request.target);
        let check = if target.trusted { Guard::check_configured } else { Guard::check };
        let mut url = check(guard, &target.url, Purpose::Webhook)?;
        let mut redirects = 0;
        loop {
            let same_origin = is_same_origin(&target.url, url.url());
            let headers = if same_origin { &signed.headers } else { &signed.other_origin_headers };
            let body = match request.body.whole() {
                Some(whole) => whole.clone().into(),
                None => RequestBody::stream(signed.length, body_error.observe(&request.body)),
            };
            let response = self.egress.send(Method::POST, &url, headers.clone(), body).await?;
            let Some(next) = redirect(&url, &response).filter(|_| redirects < self.max_redirects) else {
                return Ok(response);
            };
            redirects += 1;
            url = guard.check_redirect(&url, response.remote_address(), &next)?;
        }
    }

    async fn outcome(&self, mut response: Response, sent: &HeaderMap, deadline: Instant) -> AttemptOutcome {
        let limit = deadline.saturating_duration_since(Instant::now()).min(EXCERPT_TIMEOUT);
        let mut bytes = Vec::new();
        let _ = timeout(limit, excerpt::read(&mut response, &mut bytes)).await;
        AttemptOutcome::Answered {
            status: response.status(),
            retry_after: retry_after(response.headers(), self.clock.now()),
            excerpt: excerpt::text(&bytes, sent),
        }
    }
}

fn redirect(from: &AllowedUrl, response: &Response) -> Option<Url> {
    if !matches!(response.status(), 307 | 308) {
        return None;
    }
    redirect_target(from.url(), response.headers()).ok()
}

#[cfg(test)]
mod tests;
