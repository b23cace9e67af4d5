//! Receivers that misbehave, against the real binary: how often each is tried, when, and how it ends.

mod support;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use opilio::webhooks::Signer;
use opilio_actors::domain::secret::Secret;
use serde_json::{Value, json};
use support::{TestServer, TestSite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a receiver does with one webhook.
#[derive(Clone)]
enum Act {
    Answer(u16),
    /// With a header.
    AnswerWith(u16, &'static str, String),
    Hang,
    Reset,
    /// A response of which a byte comes now and then, and which never ends.
    Drip,
    /// A whole GiB behind this status.
    Flood(u16),
}

/// A webhook as it arrived.
struct Taken {
    path: String,
    head: String,
    body: String,
}

impl Taken {
    fn header(&self, name: &str) -> &str {
        let value =
            self.head.lines().find_map(|line| line.to_lowercase().strip_prefix(&format!("{name}: ")).map(str::len));
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
        line.map_or("", |line| &line[line.len() - value.unwrap_or(0)..])
    }
}

/// Acts by its script, one connection a webhook; 200 when the script is used up.
#[derive(Clone)]
struct Receiver {
    base: String,
    script: Arc<Mutex<VecDeque<Act>>>,
    taken: Arc<Mutex<Vec<Taken>>>,
    flooded: Arc<AtomicUsize>,
}

impl Receiver {
    async fn start(script: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let receiver = Self {
            base: format!("http://{}", listener.local_addr().expect("it is bound")),
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            taken: Arc::default(),
            flooded: Arc::default(),
        };
        let this = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(this.clone().serve(stream));
            }
        });
        receiver
    }

    async fn serve(self, mut stream: TcpStream) {
        let Some(taken) = read(&mut stream).await else { return };
        self.taken.lock().expect("not poisoned").push(taken);
        let act = self.script.lock().expect("not poisoned").pop_front().unwrap_or(Act::Answer(200));
        match act {
            Act::Answer(status) => say(&mut stream, status, "").await,
            Act::AnswerWith(status, name, value) => say(&mut stream, status, &format!("{name}: {value}\r\n")).await,
            Act::Hang => std::future::pending().await,
            Act::Reset => stream.set_zero_linger().expect("a socket"),
            Act::Drip => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            Act::Flood(status) => self.flood(stream, status).await,
        }
    }

    async fn flood(self, mut stream: TcpStream, status: u16) {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", 1 << 30);
        let piece = vec![b'x'; 1 << 16];
        let mut alive = stream.write_all(head.as_bytes()).await.is_ok();
        while alive {
            alive = stream.write_all(&piece).await.is_ok();
            self.flooded.fetch_add(piece.len(), Ordering::Relaxed);
        }
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Vec<Taken>> {
        self.taken.lock().expect("not poisoned")
    }
}

async fn read(stream: &mut TcpStream) -> Option<Taken> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0_usize) {
                let path = head.split(' ').nth(1)?.to_owned();
                return Some(Taken { path, head: head.to_owned(), body: body.to_owned() });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn say(stream: &mut TcpStream, status: u16, header: &str) {
    let response = format!("HTTP/1.1 {status} X\r\n{header}connection: close\r\ncontent-length: 0\r\n\r\n");
    let _ = stream.write_all(response.as_bytes()).await;
}

const CONFIG: &str = "webhooks: {secrets: [whsec_c2VjcmV0], \
    retry: {max_attempts: 3, initial_delay: 50ms, max_delay: 1500ms, timeout: 600ms}}";

/// The delivery log of a job that is told to `url`, once nothing more will be sent.
async fn log_of_a_job_told_to(server: &TestServer, url: &str) -> Value {
    let body = json!({"urls": ["raw:<p>x"], "webhook_config": {"webhook_url": url}});
    let (status, job) = server.post("/crawl/job", body).await;
    assert_eq!(status, 202, "{job}");
    let path = format!("/jobs/{}/deliveries", job["task_id"].as_str().expect("an id"));
    loop {
        let (_, log) = server.get(&path).await;
        if ["delivered", "exhausted", "refused"].iter().any(|end| log["state"] == *end) {
            return log;
        }
        tokio::task::yield_now().await;
    }
}

/// Milliseconds from the end of each attempt to the time of the next, as written before the wait.
fn waits(log: &Value) -> Vec<i64> {
    let attempts = log["attempts"].as_array().expect("a list");
    let time = |value: &Value| value.as_str().map(|text| text.parse::<jiff::Timestamp>().expect("RFC 3339"));
    let wait = |attempt: &Value| {
        Some((time(&attempt["next_due"])?.as_microsecond() - time(&attempt["finished_at"])?.as_microsecond()) / 1000)
    };
    attempts.iter().filter_map(wait).collect()
}

fn statuses(log: &Value) -> Vec<Option<u64>> {
    log["attempts"].as_array().expect("a list").iter().map(|attempt| attempt["status"].as_u64()).collect()
}

/// Name, script, statuses, end, and the waits at least, in milliseconds.
type Case = (&'static str, Vec<Act>, &'static [u64], &'static str, &'static [i64]);

#[actix::test]
async fn each_kind_of_answer_is_retried_or_not_as_promised() {
    let server = TestServer::with_config(CONFIG).await;
    let in_a_second = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    let table: Vec<Case> = vec![
        ("200", vec![Act::Answer(200)], &[200], "delivered", &[]),
        ("204", vec![Act::Answer(204)], &[204], "delivered", &[]),
        ("500 each time", vec![Act::Answer(500); 3], &[500, 500, 500], "exhausted", &[50, 100]),
        ("502, then 200", vec![Act::Answer(502)], &[502, 200], "delivered", &[50]),
        (
            "503 with seconds",
            vec![Act::AnswerWith(503, "retry-after", "1".to_owned())],
            &[503, 200],
            "delivered",
            &[1000],
        ),
        (
            "503 with a day, which is bounded",
            vec![Act::AnswerWith(503, "retry-after", "86400".to_owned())],
            &[503, 200],
            "delivered",
            &[1500],
        ),
        (
            "503 with a date, which is bounded",
            vec![Act::AnswerWith(503, "retry-after", in_a_second)],
            &[503, 200],
            "delivered",
            &[1500],
        ),
        ("400", vec![Act::Answer(400)], &[400], "refused", &[]),
        ("404", vec![Act::Answer(404)], &[404], "refused", &[]),
        ("410", vec![Act::Answer(410)], &[410], "refused", &[]),
        ("429", vec![Act::AnswerWith(429, "retry-after", "1".to_owned())], &[429], "refused", &[]),
        ("302", vec![Act::AnswerWith(302, "location", "/other".to_owned())], &[302], "refused", &[]),
    ];
    let cases = table.into_iter().map(|(name, script, expected, state, expected_waits)| {
        let server = &server;
        async move {
            let receiver = Receiver::start(script).await;
            let log = log_of_a_job_told_to(server, &format!("{}/hook", receiver.base)).await;
            let expected: Vec<_> = expected.iter().copied().map(Some).collect();
            assert_eq!((statuses(&log), &log["state"]), (expected, &json!(state)), "{name}: {log}");
            assert_eq!(waits(&log), expected_waits, "{name}: {log}");
            let taken = receiver.taken();
            assert_eq!(taken.len(), statuses(&log).len(), "{name}: nobody is told more often than the log says");
            for webhook in taken.iter() {
                assert_eq!(webhook.path, "/hook", "{name}");
                assert_eq!(webhook.header("webhook-id"), log["webhook_id"], "{name}");
                assert!(webhook.header("webhook-signature").starts_with("v1,"), "{name}: {}", webhook.head);
                assert_eq!(webhook.body, taken[0].body, "{name}: the same bytes each time");
            }
        }
    });
    futures_util::future::join_all(cases).await;
}

#[actix::test]
async fn receivers_that_hang_reset_or_drip_are_tried_again_and_named_in_the_log() {
    let server = TestServer::with_config(CONFIG).await;
    for (act, named) in [(Act::Hang, "timeout after"), (Act::Reset, ""), (Act::Drip, "timeout after")] {
        let receiver = Receiver::start([act.clone(), act]).await;
        let log = log_of_a_job_told_to(&server, &receiver.base).await;
        assert_eq!((statuses(&log), &log["state"]), (vec![None, None, Some(200)], &json!("delivered")), "{log}");
        assert_eq!(waits(&log), [50, 100], "{log}");
        for attempt in &log["attempts"].as_array().expect("a list")[..2] {
            let error = attempt["error"].as_str().expect("a reason");
            assert!(!error.is_empty() && error.contains(named), "{error}");
        }
    }
}

#[actix::test]
async fn an_endless_answer_is_read_only_as_far_as_the_log_wants_it() {
    let server = TestServer::with_config(CONFIG).await;
    for (status, state) in [(200, "delivered"), (500, "delivered"), (404, "refused")] {
        let receiver = Receiver::start([Act::Flood(status)]).await;
        let log = log_of_a_job_told_to(&server, &receiver.base).await;
        assert_eq!((statuses(&log)[0], &log["state"]), (Some(status.into()), &json!(state)), "{log}");
        assert_eq!(log["attempts"][0]["answer"].as_str().map(str::len), Some(1024));
        let sent = receiver.flooded.load(Ordering::Relaxed);
        assert!(sent < 64 << 20, "{sent} bytes of a GiB were taken, most of them by the sockets");
    }
}

#[actix::test]
async fn a_307_and_a_308_are_followed_with_method_and_body_and_a_circle_ends() {
    let server = TestServer::with_config(CONFIG).await;
    for status in [307, 308] {
        let receiver = Receiver::start([Act::AnswerWith(status, "location", "/moved".to_owned())]).await;
        let log = log_of_a_job_told_to(&server, &format!("{}/hook", receiver.base)).await;
        assert_eq!((statuses(&log), &log["state"]), (vec![Some(200)], &json!("delivered")), "{log}");
        let taken = receiver.taken();
        assert_eq!((taken[0].path.as_str(), taken[1].path.as_str()), ("/hook", "/moved"));
        assert!(taken[1].head.starts_with("POST "));
        assert_eq!(taken[1].body, taken[0].body);
    }
    let circle = vec![Act::AnswerWith(307, "location", "/again".to_owned()); 50];
    let receiver = Receiver::start(circle).await;
    let log = log_of_a_job_told_to(&server, &format!("{}/hook", receiver.base)).await;
    assert_eq!((statuses(&log), &log["state"]), (vec![Some(307)], &json!("refused")), "{log}");
    assert_eq!(receiver.taken().len(), 6, "the first, and five more");
}

/// The retry section of the user's description, a hundredth of its time.
#[actix::test]
async fn five_attempts_are_made_by_default_each_after_twice_the_wait() {
    let defaults = std::process::Command::new(env!("CARGO_BIN_EXE_opilio")).arg("config").output().expect("it runs");
    let defaults = String::from_utf8_lossy(&defaults.stdout).into_owned();
    for line in ["max_attempts: 5", "initial_delay: \"1s\"", "max_delay: \"32s\"", "timeout: \"30s\""] {
        assert!(defaults.contains(line), "{line}: {defaults}");
    }
    let server = TestServer::with_config("webhooks: {retry: {initial_delay: 10ms, max_delay: 320ms}}").await;
    let receiver = Receiver::start(vec![Act::Answer(503); 9]).await;
    let log = log_of_a_job_told_to(&server, &receiver.base).await;
    assert_eq!((statuses(&log).len(), &log["state"]), (5, &json!("exhausted")));
    assert_eq!(waits(&log), [10, 20, 40, 80]);
    let id = log["task_id"].as_str().expect("an id");
    let (_, job) = server.get(&format!("/crawl/job/{id}")).await;
    assert_eq!((&job["webhook"]["state"], &job["webhook"]["attempts"]), (&json!("exhausted"), &json!(5)));
    // Sent again by hand, by a fresh schedule.
    receiver.script.lock().expect("not poisoned").clear();
    assert_eq!(server.post(&format!("/jobs/{id}/deliveries"), Value::Null).await.0, 202);
    let log = loop {
        let (_, log) = server.get(&format!("/jobs/{id}/deliveries")).await;
        if log["state"] == "delivered" {
            break log;
        }
    };
    assert_eq!(statuses(&log).last(), Some(&Some(200)));
    assert!(receiver.taken().iter().all(|webhook| webhook.header("webhook-id") == log["webhook_id"]));
}

#[actix::test]
async fn what_happens_to_webhooks_is_in_the_log_for_a_grep() {
    let mut server = TestServer::with_config(CONFIG).await;
    let mut expected = Vec::new();
    for (script, words) in [
        (vec![Act::Answer(500)], &["retry", "deliver"][..]),
        (vec![Act::Answer(500); 3], &["retry", "retry", "given up"]),
    ] {
        let receiver = Receiver::start(script).await;
        let log = log_of_a_job_told_to(&server, &receiver.base).await;
        expected.push((log["task_id"].as_str().expect("an id").to_owned(), words));
    }
    for (id, words) in expected {
        for word in words {
            let line = loop {
                let line = server.next_log_line().await;
                if line.to_lowercase().contains("webhook") && line.contains(&id) && line.contains("INFO") {
                    break line;
                }
            };
            assert!(line.contains(word), "{word}: {line}");
        }
    }
}

#[actix::test]
async fn a_long_result_is_sent_whole_with_its_length_and_signature_and_the_same_bytes_again() {
    const SECRET: &str = "a secret of the tests";
    let site = TestSite::start();
    site.set_webhook_statuses(&[500]);
    let server =
        TestServer::with_config(&format!("webhooks: {{secrets: [{SECRET}], retry: {{initial_delay: 10ms}}}}")).await;
    let urls: Vec<_> = (0..6).map(|n| format!("raw:<p>{n} {}", "word ".repeat(60_000))).collect();
    let webhook = json!({"webhook_url": site.webhook_url(), "webhook_data_in_payload": true});
    let (status, job) = server.post("/crawl/job", json!({"urls": urls, "webhook_config": webhook})).await;
    assert_eq!(status, 202);
    let (first, second) = (site.next_webhook().await, site.next_webhook().await);
    assert!(first.bytes.len() > 4 << 20 && first.bytes == second.bytes, "{}", first.bytes.len());
    let (_, asked) = server.get(&format!("/crawl/job/{}", job["task_id"].as_str().expect("an id"))).await;
    assert_eq!(second.body["data"], asked["result"]);
    let signer = Signer::new(&[Secret::new(SECRET)]).expect("it is a secret");
    for received in [first, second] {
        let header = |name: &str| received.header(name).expect("it is sent").to_owned();
        assert_eq!(header("content-length"), received.bytes.len().to_string());
        let sent = header("webhook-timestamp").parse().expect("a number");
        assert!(signer.verify(&header("webhook-id"), sent, &received.bytes, &header("webhook-signature")));
    }
}
