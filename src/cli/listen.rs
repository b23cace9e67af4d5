//! `opilio listen`: a receiver on this machine that shows webhooks as they arrive and checks their signatures.

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
use super::shown::{self, text};
use crate::webhooks::Signer;

/// Older ones may be somebody's who once overheard them: Standard Webhooks.
const TOLERANCE: i64 = 5 * 60;

/// The results of a page have at most 100 MiB (`limits.max_result_bytes`), and a webhook about one says its text twice.
const LARGEST: usize = 256 << 20;

/// Prints a line a webhook; with `--json` a JSON document a line. With a secret, one whose signature is not right is
/// answered 401.
#[derive(Debug, Args)]
pub struct Listen {
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// 0: any free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// What webhooks are signed with, as in `webhooks.secrets`; several while one is being rotated.
    #[arg(long, env = "OPILIO_WEBHOOK_SECRET", hide_env_values = true, value_parser = secret)]
    secret: Vec<Secret>,
    /// The status that webhooks are answered with.
    #[arg(long, value_name = "STATUS", default_value = "204", value_parser = status)]
    answer: StatusCode,
    /// End after so many webhooks.
    #[arg(long)]
    count: Option<usize>,
    /// Print JSON: the address, then a webhook a line, with headers and body.
    #[arg(long)]
    json: bool,
}

fn status(raw: &str) -> Result<StatusCode, String> {
    let code = raw.parse().ok().filter(|code| (200..600).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or_else(|| "a status from 200 to 599 is needed".to_owned())
}

impl Listen {
    pub async fn run(self) -> anyhow::Result<()> {
        let signer = Signer::new(&self.secret)?;
        let signer = (!self.secret.is_empty()).then_some(signer);
        let (told, mut webhooks) = mpsc::unbounded_channel();
        let receiver = web::Data::new(Receiver { signer, answer: self.answer, seen: Mutex::default(), told });
        let server = HttpServer::new(move || {
            App::new()
                .app_data(receiver.clone())
                .app_data(web::PayloadConfig::new(LARGEST))
                .default_service(web::to(Receiver::receive))
        });
        let server = server.workers(1).bind(SocketAddr::new(self.host, self.port));
        let server = server.with_context(|| format!("{}:{} cannot be listened on", self.host, self.port))?;
        let address = format!("http://{}", server.addrs().first().context("no address was bound")?);
        self.print(&json!({"listening": address}), &format!("listening on {address}"))?;
        let server = server.run();
        let handle = server.handle();
        let mut serving = actix_web::rt::spawn(server);
        let mut left = self.count.unwrap_or(usize::MAX);
        while left > 0 {
            tokio::select! {
                webhook = webhooks.recv() => {
                    let webhook = webhook.context("the receiver has ended")?;
                    self.print(&webhook, &line(&webhook))?;
                    left -= 1;
                }
                ended = &mut serving => return Ok(ended??),
            }
        }
        handle.stop(true).await;
        Ok(())
    }

    fn print(&self, document: &Value, line: &str) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        match self.json {
            true => writeln!(out, "{document}")?,
            false => shown::say(&mut out, line)?,
        }
        out.flush()
    }
}

/// What every webhook meets.
struct Receiver {
    signer: Option<Signer>,
    answer: StatusCode,
    /// `webhook-id`s: a webhook may come more than once.
    seen: Mutex<HashSet<String>>,
    told: mpsc::UnboundedSender<Value>,
}

impl Receiver {
    async fn receive(receiver: web::Data<Self>, request: HttpRequest, body: Result<Bytes, Error>) -> HttpResponse {
        let now = Timestamp::now();
        let id = header(&request, "webhook-id");
        let signature = body.as_ref().map_or("unread", |body| receiver.judge(&request, body, now.as_second()));
        let (status, refusal) = match (&body, signature) {
            (Err(error), _) => (error.as_response_error().status_code(), Some(error.to_string())),
            (_, "right" | "unchecked") => (receiver.answer, None),
            (_, wrong) => (StatusCode::UNAUTHORIZED, Some(format!("the signature is {wrong}"))),
        };
        // What is refused does not make the true one a repetition.
        let repeated = refusal.is_none() && !receiver.seen.lock().is_ok_and(|mut seen| seen.insert(id.to_owned()));
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))));
        let body = body.map_or_else(|error| json!(error.to_string()), |body| document(&body));
        let webhook = json!({
            "received_at": rfc3339(now),
            "webhook_id": id,
            "signature": signature,
            "repeated": repeated && !id.is_empty(),
            "answer": status.as_u16(),
            "headers": headers.collect::<Map<_, _>>(),
            "body": body,
        });
        // Whoever has printed enough does not want more.
        let _ = receiver.told.send(webhook);
        match refusal {
            None => HttpResponse::build(status).finish(),
            Some(why) => HttpResponse::build(status).json(json!({"detail": why})),
        }
    }

    /// What there is to say about the signature.
    fn judge(&self, request: &HttpRequest, body: &[u8], now: i64) -> &'static str {
        let Some(signer) = &self.signer else { return "unchecked" };
        let signatures = header(request, "webhook-signature");
        if signatures.is_empty() {
            return "missing";
        }
        let Ok(sent) = header(request, "webhook-timestamp").parse::<i64>() else { return "wrong" };
        if !signer.verify(header(request, "webhook-id"), sent, body, signatures) {
            return "wrong";
        }
        if now.abs_diff(sent) > TOLERANCE.unsigned_abs() { "too old" } else { "right" }
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
    let again = if webhook["repeated"] == true { ", again" } else { "" };
    let (body, received) = (&webhook["body"], text(webhook, "received_at"));
    let job = shown::misfortune(body).unwrap_or_else(|| format!("{} {}", text(body, "task_id"), text(body, "status")));
    let (id, signature, answer) = (text(webhook, "webhook_id"), text(webhook, "signature"), &webhook["answer"]);
    format!("{received} {id} (signature {signature}{again}, answered {answer}) {job}")
}
