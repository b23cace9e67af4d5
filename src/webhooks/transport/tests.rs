//! Delivery attempts over real sockets.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use opilio_actors::domain::page_template::PageTemplate;
use opilio_actors::domain::secret::Secret;
use opilio_actors::domain::webhook::Target;
use opilio_actors::kinds::CRAWL;
use opilio_actors::ports::{JobStore, WebhookBody};
use opilio_actors::testing::clock::ManualClock;
use opilio_actors::testing::contract::RETENTION;
use opilio_actors::testing::failing_store::FailingStore;
use opilio_actors::testing::jobs;
use opilio_actors::testing::memory::MemoryStore;
use rustls::RootCertStore;

use super::*;
use crate::egress::testing::{Received, Reply, TestServer, egress, redirect, response};
use crate::egress::{Allowlist, Guard};

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_614_265_330).expect("in range")
    }
}

const BODY: &str = r#"{"test": 2432232314}"#;

fn transport_behind(guard: Guard, settings: &WebhookSettings) -> HttpTransport {
    HttpTransport::new(egress(guard, &[], RootCertStore::empty()), settings, Arc::new(FixedClock)).unwrap()
}

fn transport(settings: &WebhookSettings) -> HttpTransport {
    transport_behind(Guard::open(Allowlist::default()), settings)
}

fn secrets(pairs: &[(&str, &str)]) -> Vec<(String, Secret)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
}

fn request(url: &str, headers: &[(&str, &str)]) -> WebhookRequest {
    let url = Url::parse(url).unwrap();
    let target = Target { url, headers: secrets(headers), data_in_payload: false, trusted: false };
    let body = Bytes::from_static(BODY.as_bytes()).into();
    WebhookRequest { id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(), target, body }
}

async fn post(url: &str) -> AttemptOutcome {
    let settings = WebhookSettings { timeout: Duration::from_secs(3), ..WebhookSettings::default() };
    transport(&settings).post(request(url, &[])).await.unwrap()
}

fn failed(reason: impl Into<String>) -> AttemptOutcome {
    AttemptOutcome::Failed { reason: reason.into() }
}

fn answered(status: u16, excerpt: &str) -> AttemptOutcome {
    AttemptOutcome::Answered { status, retry_after: None, excerpt: excerpt.to_owned() }
}

fn blocked() -> AttemptOutcome {
    AttemptOutcome::Unsendable { reason: "URL blocked".to_owned() }
}

#[tokio::test]
async fn webhook_is_one_signed_json_post() {
    let server = TestServer::start(|_| response(200, &[], "thanks\n")).await;
    let settings = WebhookSettings {
        secrets: vec![Secret::new("bmV3"), Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        ..WebhookSettings::default()
    };
    let outcome = transport(&settings).post(request(&server.url("/hook?a=b"), &[])).await.unwrap();
    assert_eq!(outcome, answered(200, "thanks "));
    let received = &server.received()[0];
    assert_eq!(
        (received.method.as_str(), received.path.as_str(), received.body.as_slice()),
        ("POST", "/hook?a=b", BODY.as_bytes())
    );
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(received.header("webhook-id"), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    assert_eq!(received.header("webhook-timestamp"), Some("1614265330"));
    assert_eq!(received.header("user-agent"), Some(concat!("Opilio-Webhook/", env!("CARGO_PKG_VERSION"))));
    let signatures = received.header("webhook-signature").unwrap();
    assert!(signatures.ends_with(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), "{signatures}");
}

#[tokio::test]
async fn job_headers_override_operator_headers_but_not_standard_ones() {
    let server = TestServer::start(|_| response(204, &[], "")).await;
    let headers = secrets(&[("User-Agent", "Op/1"), ("X-Both", "operator"), ("Content-Type", "text/plain")]);
    let settings = WebhookSettings { headers, ..WebhookSettings::default() };
    let own = [("x-both", "job"), ("X-Job", "é"), ("webhook-id", "forged"), ("webhook-signature", "v1,forged")];
    transport(&settings).post(request(&server.url("/"), &own)).await.unwrap();
    let received = &server.received()[0];
    let values =
        ["user-agent", "x-both", "x-job", "content-type", "webhook-id"].map(|name| received.header(name).unwrap());
    assert_eq!(values, ["Op/1", "job", "é", "application/json", "msg_p5jXN8AQM9LWM0D4loKWxJek"]);
    assert_eq!(received.header("webhook-signature"), None);
    assert_eq!(received.headers.iter().filter(|(name, _)| name == "x-both").count(), 1);
}

#[tokio::test]
async fn invalid_headers_and_secrets_are_rejected() {
    let error = |settings: WebhookSettings| {
        let egress = egress(Guard::open(Allowlist::default()), &[], RootCertStore::empty());
        HttpTransport::new(egress, &settings, Arc::new(FixedClock)).err()
    };
    let header = WebhookSettings { headers: secrets(&[("a b", "x")]), ..WebhookSettings::default() };
    assert_eq!(error(header), Some(InvalidWebhookSettings::Header("a b".to_owned())));
    let secret = WebhookSettings { secrets: vec![Secret::new("whsec_?")], ..WebhookSettings::default() };
    assert_eq!(error(secret), Some(InvalidWebhookSettings::Secret(1)));
    let own = transport(&WebhookSettings::default())
        .post(request("http://127.0.0.1:1/", &[("a b", "secret")]))
        .await
        .unwrap();
    assert_eq!(own, AttemptOutcome::Unsendable { reason: "Invalid header \"a b\"".to_owned() });
}

/// A body in a store that fails when it is read for the `reading`th time.
async fn body_failing_at(reading: usize, error: StoreError) -> WebhookBody {
    let store = Arc::new(MemoryStore::new(Arc::new(ManualClock::default()), RETENTION));
    let job = jobs::crawl(1);
    let id = job.id.clone();
    store.submit(job).await.unwrap();
    let claimed = store.claim(&jobs::node("a"), CRAWL, 1, Duration::from_secs(9)).await.unwrap();
    store.record_pages(&claimed[0].lease, vec![jobs::good_page(0)]).await.unwrap();
    let readings = AtomicUsize::new(0);
    let fails = move |point| {
        let fails = point == "pages.before" && readings.fetch_add(1, Ordering::SeqCst) + 1 == reading;
        std::future::ready(if fails { Err(error.clone()) } else { Ok(()) })
    };
    let store: Arc<dyn JobStore> = Arc::new(FailingStore { store, fails });
    WebhookBody::from_store(PageTemplate::list(), &store, &id, 1)
}

#[tokio::test]
async fn store_error_is_not_a_failed_attempt() {
    let server = TestServer::start(|_| response(200, &[], "")).await;
    let post = async |body: WebhookBody| {
        transport(&WebhookSettings::default()).post(WebhookRequest { body, ..request(&server.url("/"), &[]) }).await
    };
    // The body is read for its length and signature, and again when it is sent.
    for reading in [1, 2] {
        for error in [StoreError::Unavailable("unavailable".to_owned()), StoreError::NotFound] {
            assert_eq!(post(body_failing_at(reading, error.clone()).await).await, Err(error), "{reading}");
        }
    }
    assert!(server.received().iter().all(|request| !request.body.ends_with(b"]")));
    assert_eq!(post(body_failing_at(3, StoreError::NotFound).await).await, Ok(answered(200, "")));
}

#[tokio::test]
async fn every_status_is_reported() {
    let server = TestServer::start(|request| {
        let status = request.path[1..].parse().unwrap();
        response(status, &[("retry-after", "9"), ("location", "/200")], "why")
    });
    let server = server.await;
    for status in [200, 201, 299, 300, 301, 302, 303, 400, 404, 410, 429, 500, 503] {
        let outcome = post(&server.url(&format!("/{status}"))).await;
        let retry_after = Some(Duration::from_secs(9));
        assert_eq!(outcome, AttemptOutcome::Answered { status, retry_after, excerpt: "why".to_owned() });
    }
    assert_eq!(server.received().len(), 13, "these redirects are not followed");
}

#[tokio::test]
async fn redirects_307_and_308_keep_method_and_body() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/a" => redirect(307, "/b"),
        "/b" => redirect(308, "c"),
        _ => response(200, &[], "ok"),
    });
    let server = server.await;
    let request = request(&server.url("/a"), &[("authorization", "mine")]);
    assert_eq!(transport(&WebhookSettings::default()).post(request).await.unwrap(), answered(200, "ok"));
    for request in server.received() {
        assert_eq!((request.method.as_str(), request.body.as_slice()), ("POST", BODY.as_bytes()));
        assert_eq!(request.header("authorization"), Some("mine"));
    }
}

#[tokio::test]
async fn redirects_are_limited_to_five() {
    let server = TestServer::start(|request| match request.path[1..].parse::<u32>() {
        Ok(0) => response(200, &[], ""),
        Ok(n) => redirect(307, &format!("/{}", n - 1)),
        Err(_) => response(308, &[], "nowhere"),
    });
    let server = server.await;
    assert_eq!(post(&server.url("/5")).await, answered(200, ""));
    assert_eq!(post(&server.url("/6")).await, answered(307, ""));
    assert_eq!(post(&server.url("/x")).await, answered(308, "nowhere"));
}

#[tokio::test]
async fn redirect_to_other_origin_sends_no_credentials() {
    let other = TestServer::start(|_| response(200, &[], "")).await;
    let target = other.url("/");
    let server = TestServer::start(move |_| redirect(307, &target)).await;
    let settings = WebhookSettings {
        headers: secrets(&[("X-Operator", "secret"), ("User-Agent", "Op/1")]),
        secrets: vec![Secret::new("a2V5")],
        ..WebhookSettings::default()
    };
    transport(&settings).post(request(&server.url("/"), &[("Authorization", "secret")])).await.unwrap();
    let received = &other.received()[0];
    assert_eq!((received.header("authorization"), received.header("x-operator")), (None, None));
    assert_eq!((received.header("user-agent"), received.body.as_slice()), (Some("Op/1"), BODY.as_bytes()));
    assert!(received.header("webhook-signature").is_some() && received.header("content-type").is_some());
}

#[tokio::test]
async fn guard_checks_receiver_and_every_redirect() {
    let inside = TestServer::start(|_| response(200, &[], "")).await;
    let target = inside.url("/");
    let script = move |_: &Received| redirect(307, &target);
    let outside = TestServer::start_on([127, 0, 0, 2].into(), None, script).await;
    let guard = Guard::closed(Allowlist::parse(["127.0.0.2"]).unwrap());
    let transport = transport_behind(guard, &WebhookSettings::default());
    assert_eq!(transport.post(request(&inside.url("/"), &[])).await.unwrap(), blocked());
    assert_eq!(transport.post(request(&outside.url("/"), &[])).await.unwrap(), blocked());
    assert_eq!(inside.received().len(), 0);
    let mut trusted = request(&inside.url("/"), &[]);
    trusted.target.trusted = true;
    assert_eq!(transport.post(trusted).await.unwrap(), answered(200, ""));
}

#[tokio::test]
async fn unresponsive_receiver_times_out() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/redirect" => redirect(307, "/hang"),
        _ => Reply::Stall(Vec::new()),
    });
    let server = server.await;
    assert_eq!(post(&server.url("/hang")).await, failed("timeout after 3s"));
    assert_eq!(post(&server.url("/redirect")).await, failed("timeout after 3s"));
}

#[tokio::test]
async fn endless_response_is_read_up_to_the_limit() {
    let head = b"HTTP/1.1 200 X\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
    let server = TestServer::start(move |_| Reply::Endless(head.clone(), vec![b'x'; 4096])).await;
    assert_eq!(post(&server.url("/")).await, answered(200, &"x".repeat(1024)));
    assert!(server.sent() < 20 << 20, "{} bytes", server.sent());
}

#[tokio::test]
async fn incomplete_response_body_does_not_fail_the_attempt() {
    let head = "HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\nabc";
    let server = TestServer::start(move |request| match request.path.as_str() {
        "/stall" => Reply::Stall(head.as_bytes().to_vec()),
        "/cut" => Reply::Close(head.as_bytes().to_vec()),
        _ => Reply::Drip(head.as_bytes().to_vec(), vec![b'd'; 100], Duration::from_millis(100)),
    });
    let server = server.await;
    assert_eq!(post(&server.url("/stall")).await, answered(200, "abc"));
    assert_eq!(post(&server.url("/cut")).await, answered(200, "abc"));
    let AttemptOutcome::Answered { status: 200, excerpt, .. } = post(&server.url("/drip")).await else { panic!() };
    assert!(excerpt.starts_with("abcd"), "{excerpt}");
}

#[tokio::test]
async fn network_errors_have_readable_reasons() {
    let server = TestServer::start(|request| match request.path.as_str() {
        "/reset" => Reply::Reset,
        _ => Reply::Close(Vec::new()),
    });
    let server = server.await;
    let at = server.address().to_string();
    assert_eq!(post(&server.url("/reset")).await, failed(format!("Connection reset by {at}")));
    let closed = format!("Connection closed by {at} before the response was complete");
    assert_eq!(post(&server.url("/close")).await, failed(closed));
    assert_eq!(post("http://127.0.0.1:1/").await, failed("Connection refused by 127.0.0.1:1"));
    assert_eq!(post("http://hooks.invalid/").await, failed("DNS: no such host hooks.invalid"));
}
