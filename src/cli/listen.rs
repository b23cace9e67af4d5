//! `opilio listen`: receives webhooks, shows them and verifies their signatures.

use std::collections::HashSet;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use actix_web::http::StatusCode;
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use jiff::Timestamp;
use opilio_actors::domain::secret::Secret;
use opilio_actors::domain::time::rfc3339;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::client::secret;
use super::output::{self, text};
use crate::webhooks::Signer;

/// Seconds after which a signature expires, as Standard Webhooks recommends, to prevent replays.
const SIGNATURE_TTL: i64 = 5 * 60;

/// Twice `limits.max_result_bytes`, because the webhook of a job with one page contains its text twice, and a margin.
const MAX_BODY_BYTES: usize = 256 << 20;

/// With a secret, webhooks without a valid signature get status 401.
#[derive(Debug, Args)]
pub struct Listen {
    /// IP address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen on; 0: any free port.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Signing secret, as in `webhooks.secrets`. Repeatable.
    #[arg(long, env = "OPILIO_WEBHOOK_SECRET", hide_env_values = true, value_parser = secret)]
    secret: Vec<Secret>,
    /// Status of the responses.
    #[arg(long, default_value = "204", value_parser = status)]
    status: StatusCode,
    /// Exit after this number of webhooks.
    #[arg(long)]
    count: Option<usize>,
    /// Print JSON: the address, then one webhook per line, with headers and body.
    #[arg(long)]
    json: bool,
}

fn status(raw: &str) -> Result<StatusCode, String> {
    let code = raw.parse().ok().filter(|code| (200..600).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or_else(|| "expected a status from 200 to 599".to_owned())
}

impl Listen {
    pub async fn run(self) -> anyhow::Result<()> {
        let signer = Signer::new(&self.secret)?;
        let signer = (!self.secret.is_empty()).then_some(signer);
        let (sender, mut webhooks) = mpsc::unbounded_channel();
        let receiver = web::Data::new(Receiver { signer, status: self.status, seen: Mutex::default(), sender });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(receiver.clone())
                .app_data(web::PayloadConfig::new(MAX_BODY_BYTES))
                .default_service(web::to(Receiver::receive))
        });
        let server = server.workers(1).bind(SocketAddr::new(self.host, self.port));
        let server = server.with_context(|| format!("cannot listen on {}:{}", self.host, self.port))?;
        let address = format!("http://{}", server.addrs().first().context("no address was bound")?);
        self.print(&json!({"listening": address}), &format!("listening on {address}"))?;
        let server = server.run();
        let handle = server.handle();
        let mut server = actix_web::rt::spawn(server);
        let mut left = self.count.unwrap_or(usize::MAX);
        while left > 0 {
            tokio::select! {
                webhook = webhooks.recv() => {
                    let webhook = webhook.context("the receiver has stopped")?;
                    self.print(&webhook, &line(&webhook))?;
                    left -= 1;
                }
                ended = &mut server => return Ok(ended??),
            }
        }
        handle.stop(true).await;
        Ok(())
    }

    fn print(&self, document: &Value, line: &str) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match self.json {
            true => writeln!(out, "{document}")?,
            false => output::write_line(&mut out, line)?,
        }
        out.flush()
    }
}

struct Receiver {
    signer: Option<Signer>,
    status: StatusCode,
    /// Accepted `webhook-id`s, to detect repeated deliveries.
    seen: Mutex<HashSet<String>>,
    sender: mpsc::UnboundedSender<Value>,
}

impl Receiver {
    async fn receive(receiver: web::Data<Self>, request: HttpRequest, body: Result<Bytes, Error>) -> HttpResponse {
        let now = Timestamp::now();
        let id = header(&request, "webhook-id");
        let signature = body.as_ref().map_or("unread", |body| receiver.verify(&request, body, now.as_second()));
        let (status, error) = match (&body, signature) {
            (Err(error), _) => (error.as_response_error().status_code(), Some(error.to_string())),
            (_, "valid" | "unchecked") => (receiver.status, None),
            (_, invalid) => (StatusCode::UNAUTHORIZED, Some(format!("the signature is {invalid}"))),
        };
        // A rejected webhook does not make the next one with its id a repetition.
        let repeated = error.is_none() && !receiver.seen.lock().is_ok_and(|mut seen| seen.insert(id.to_owned()));
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))));
        let body = body.map_or_else(|error| json!(error.to_string()), |body| document(&body));
        let webhook = json!({
            "received_at": rfc3339(now),
            "webhook_id": id,
            "signature": signature,
            "repeated": repeated && !id.is_empty(),
            "status": status.as_u16(),
            "headers": headers.collect::<Map<_, _>>(),
            "body": body,
        });
        // Fails after the last webhook of `--count`.
        let _ = receiver.sender.send(webhook);
        match error {
            None => HttpResponse::build(status).finish(),
            Some(error) => HttpResponse::build(status).json(json!({"detail": error})),
        }
    }

    /// The state of the signature.
    fn verify(&self, request: &HttpRequest, body: &[u8], now: i64) -> &'static str {
        let Some(signer) = &self.signer else { return "unchecked" };
        let signatures = header(request, "webhook-signature");
        if signatures.is_empty() {
            return "missing";
        }
        let Ok(sent) = header(request, "webhook-timestamp").parse::<i64>() else { return "invalid" };
        if !signer.verify(header(request, "webhook-id"), sent, body, signatures) {
            return "invalid";
        }
        if now.abs_diff(sent) > SIGNATURE_TTL.unsigned_abs() { "expired" } else { "valid" }
    }
}

/// The body as JSON, else as text.
fn document(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| json!(String::from_utf8_lossy(body)))
}

fn header<'r>(request: &'r HttpRequest, name: &str) -> &'r str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn line(webhook: &Value) -> String {
    let repeated = if webhook["repeated"] == true { ", repeated" } else { "" };
    let (body, received) = (&webhook["body"], text(webhook, "received_at"));
    let job = output::failure(body).unwrap_or_else(|| format!("{} {}", text(body, "task_id"), text(body, "status")));
    let (id, signature, status) = (text(webhook, "webhook_id"), text(webhook, "signature"), &webhook["status"]);
    format!("{received} {id} (signature {signature}{repeated}, response {status}) {job}")
}
