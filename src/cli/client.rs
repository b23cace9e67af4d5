//! The HTTP client of the commands.
//!
//! It connects to the address that the user gives and uses the proxy of the environment; the egress guard does not apply.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use opilio_actors::domain::secret::Secret;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response};
use serde_json::Value;
use url::Url;

use super::error::ClientError;
use crate::egress;

/// Longer than the interval of keep-alive messages on an event stream.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Arguments that select the server.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// URL of the server.
    #[arg(long, env = "OPILIO_URL", default_value = "http://127.0.0.1:11235", help_heading = "Server")]
    url: Url,
    /// Token, if the server requires one. Visible in the list of processes: OPILIO_TOKEN and --token-file are not.
    #[arg(long, env = "OPILIO_TOKEN", hide_env_values = true, value_parser = secret, help_heading = "Server")]
    token: Option<Secret>,
    /// File that contains the token. Takes precedence over the token.
    #[arg(long, env = "OPILIO_TOKEN_FILE", value_name = "FILE", help_heading = "Server")]
    token_file: Option<PathBuf>,
}

/// Parses a secret argument, which error messages do not contain.
#[allow(clippy::unnecessary_wraps, reason = "clap requires a Result")]
pub fn secret(raw: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(raw))
}

impl ServerArgs {
    pub fn client(&self) -> anyhow::Result<Client> {
        let tls = egress::client_tls_config().context("cannot set up TLS")?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("opilio/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(READ_TIMEOUT);
        let token = self.token()?.filter(|token| !token.expose().is_empty());
        let header = |token: Secret| HeaderValue::try_from(format!("Bearer {}", token.expose()));
        let authorization = token.map(header).transpose();
        let invalid = |_| ClientError::InvalidArguments("the token is not valid in a header".to_owned());
        let mut authorization = authorization.map_err(invalid)?;
        authorization.iter_mut().for_each(|value| value.set_sensitive(true));
        Ok(Client { http: http.build()?, base: self.url.as_str().trim_end_matches('/').to_owned(), authorization })
    }
}

impl ServerArgs {
    fn token(&self) -> anyhow::Result<Option<Secret>> {
        if let Some(file) = &self.token_file {
            let token = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            return Ok(Some(Secret::new(token.trim())));
        }
        let of_environment = std::env::var("OPILIO_TOKEN").ok();
        if self.token.as_ref().is_some_and(|token| Some(token.expose()) != of_environment.as_deref()) {
            eprintln!("warning: --token is visible in the list of processes; use OPILIO_TOKEN or --token-file");
        }
        Ok(self.token.clone())
    }
}

/// Sends requests to one server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    authorization: Option<HeaderValue>,
}

impl Client {
    /// Returns the response when its headers have arrived, whatever its status.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<String>,
    ) -> Result<Response, ClientError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).headers(headers);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        request.send().await.map_err(|error| self.unreachable(&error))
    }

    /// Returns a successful response when its headers have arrived.
    pub async fn open(&self, path: &str, headers: HeaderMap) -> Result<Response, ClientError> {
        self.check_status(self.send(Method::GET, path, headers, None).await?).await
    }

    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.json(self.send(Method::GET, path, HeaderMap::new(), None).await?).await
    }

    pub async fn delete(&self, path: &str) -> Result<Value, ClientError> {
        self.json(self.send(Method::DELETE, path, HeaderMap::new(), None).await?).await
    }

    pub async fn post(&self, path: &str, headers: HeaderMap, body: &Value) -> Result<Value, ClientError> {
        self.json(self.send(Method::POST, path, headers, Some(body.to_string())).await?).await
    }

    pub fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        let reason = causes.last().map(ToString::to_string).unwrap_or_default();
        ClientError::Unreachable { url: self.base.clone(), reason }
    }

    /// The connection was closed before the response was complete.
    pub fn incomplete_response(&self) -> ClientError {
        let reason = "the connection was closed before the response was complete".to_owned();
        ClientError::Unreachable { url: self.base.clone(), reason }
    }

    async fn check_status(&self, response: Response) -> Result<Response, ClientError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(ClientError::from_response(status.as_u16(), &self.body(response).await?))
    }

    async fn json(&self, response: Response) -> Result<Value, ClientError> {
        let response = self.check_status(response).await?;
        let status = response.status().as_u16();
        let body = self.body(response).await?;
        let reason = || format!("{} is not an Opilio server", self.base);
        let invalid = |_| ClientError::Unable { status, reason: reason(), response: Value::Null };
        serde_json::from_slice(&body).map_err(invalid)
    }

    async fn body(&self, response: Response) -> Result<Bytes, ClientError> {
        response.bytes().await.map_err(|error| self.unreachable(&error))
    }
}

/// Headers with this one.
pub fn header(name: &'static str, value: &str) -> Result<HeaderMap, ClientError> {
    let invalid = |_| ClientError::InvalidArguments(format!("{value:?} is not a valid value of the header {name}"));
    Ok(HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::try_from(value).map_err(invalid)?)]))
}

/// The path of a job below `/crawl` or `/llm`.
pub fn job_path(id: &str) -> String {
    format!("/job/{}", segment(id))
}

/// Encodes one segment of a path.
pub fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The query with the parameters that have a value.
pub fn query(parameters: &[(&str, Option<String>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}
