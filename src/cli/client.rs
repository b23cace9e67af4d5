//! The server as a user's command reaches it: its address, a token, and what it answers.
//!
//! This is the user's own connection, not one that a job asks for: it goes wherever the user says, by the proxy that the
//! environment names.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use opilio_actors::domain::secret::Secret;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response};
use serde_json::Value;
use url::Url;

use super::trouble::Trouble;
use crate::egress;

/// Longer than the server is silent on a stream of events.
const SILENCE: Duration = Duration::from_secs(60);

/// Which server a command talks to.
#[derive(Clone, Debug, Args)]
pub struct Remote {
    /// The server's address.
    #[arg(long, env = "OPILIO_URL", default_value = "http://127.0.0.1:11235", help_heading = "Server")]
    url: Url,
    /// The token, where the server wants one.
    #[arg(long, env = "OPILIO_TOKEN", hide_env_values = true, value_parser = secret, help_heading = "Server")]
    token: Option<Secret>,
}

/// A command line's secret, which is not shown in messages about the command line.
#[allow(clippy::unnecessary_wraps, reason = "as clap wants it")]
pub fn secret(raw: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(raw))
}

impl Remote {
    pub fn client(&self) -> anyhow::Result<Client> {
        let tls = egress::client_tls_config().context("TLS cannot be set up")?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("opilio/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(SILENCE);
        let token = self.token.as_ref().filter(|token| !token.expose().is_empty());
        let bearer = |token: &Secret| HeaderValue::try_from(format!("Bearer {}", token.expose()));
        let bearer = token.map(bearer).transpose();
        let mut bearer = bearer.map_err(|_| Trouble::Usage("the token cannot be sent in a header".to_owned()))?;
        bearer.iter_mut().for_each(|bearer| bearer.set_sensitive(true));
        Ok(Client { http: http.build()?, base: self.url.as_str().trim_end_matches('/').to_owned(), bearer })
    }
}

/// Sends requests to one server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    bearer: Option<HeaderValue>,
}

impl Client {
    /// The answer as it begins, whatever its status.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Result<Response, Trouble> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).headers(headers);
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", bearer);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    /// The answer as it begins, if it is a success.
    pub async fn open(&self, path: &str, headers: HeaderMap) -> Result<Response, Trouble> {
        self.succeeded(self.send(Method::GET, path, headers, None).await?).await
    }

    pub async fn get(&self, path: &str) -> Result<Value, Trouble> {
        self.document(self.send(Method::GET, path, HeaderMap::new(), None).await?).await
    }

    pub async fn delete(&self, path: &str) -> Result<Value, Trouble> {
        self.document(self.send(Method::DELETE, path, HeaderMap::new(), None).await?).await
    }

    pub async fn post(&self, path: &str, headers: HeaderMap, body: &Value) -> Result<Value, Trouble> {
        self.document(self.send(Method::POST, path, headers, Some(body.to_string())).await?).await
    }

    pub fn unreachable(&self, error: &reqwest::Error) -> Trouble {
        let why = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        let why = why.last().map(ToString::to_string).unwrap_or_default();
        Trouble::Unreachable { url: self.base.clone(), why }
    }

    /// The server began an answer and did not end it.
    pub fn fell_silent(&self) -> Trouble {
        Trouble::Unreachable { url: self.base.clone(), why: "the connection ended before the answer".to_owned() }
    }

    async fn succeeded(&self, response: Response) -> Result<Response, Trouble> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(Trouble::answered(status.as_u16(), &self.whole(response).await?))
    }

    async fn document(&self, response: Response) -> Result<Value, Trouble> {
        let response = self.succeeded(response).await?;
        let status = response.status().as_u16();
        let body = self.whole(response).await?;
        let why = || format!("what answers at {} is no Opilio", self.base);
        let unable = |_| Trouble::Unable { status, why: why(), answer: Value::Null };
        serde_json::from_slice(&body).map_err(unable)
    }

    async fn whole(&self, response: Response) -> Result<Bytes, Trouble> {
        response.bytes().await.map_err(|error| self.unreachable(&error))
    }
}

/// One header.
pub fn header(name: &'static str, value: &str) -> Result<HeaderMap, Trouble> {
    let value =
        HeaderValue::try_from(value).map_err(|_| Trouble::Usage(format!("{value:?} cannot be sent as {name}")))?;
    Ok(HeaderMap::from_iter([(HeaderName::from_static(name), value)]))
}

/// A job's path, for either kind.
pub fn job_path(id: &str) -> String {
    format!("/job/{}", segment(id))
}

/// One segment of a path.
pub fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A query with those of the pairs that are there.
pub fn query(pairs: &[(&str, Option<String>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}
