//! `opilio listen`.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::support::TestServer;
use super::{Running, command, opilio, submit};

const SECRET: &str = "whsec_c2VjcmV0";

#[actix::test]
async fn listen_shows_webhooks_and_verifies_signatures() {
    let server = TestServer::with_config(&format!("webhooks: {{secrets: [{SECRET}]}}")).await;
    let listen =
        |secret, count| command("", &["listen", "--port", "0", "--json", "--secret", secret, "--count", count]);
    let mut listening = Running::start(listen(SECRET, "5"));
    let hook = listening.document().await["listening"].as_str().expect("an address").to_owned();
    let webhook = ["--webhook", &hook, "--webhook-data", "--webhook-header", "X-Team: blue"];
    let id = submit(server.base(), &[&["raw:<p>hi"], &webhook[..]].concat()).await;
    let first = listening.document().await;
    assert_eq!(
        (&first["signature"], &first["repeated"], &first["status"]),
        (&json!("valid"), &json!(false), &json!(204))
    );
    assert_eq!((&first["body"]["task_id"], &first["headers"]["x-team"]), (&json!(id), &json!("blue")));
    assert!(first["body"]["data"]["markdown"].as_str().is_some_and(|text| text.contains("hi")));
    server.wait_for_webhook_state(&id, "delivered").await;

    assert_eq!(opilio(server.base(), &["redeliver", &id]).await.out, format!("{id} is sent again\n"));
    let again = listening.document().await;
    assert_eq!((&again["signature"], &again["repeated"]), (&json!("valid"), &json!(true)));
    let of = |name: &str| first["headers"][name].as_str().expect("a header").to_owned();
    let (forged, signed) = (of("webhook-signature"), signature_of("msg_old", 1_700_000_000, "{}"));
    for (id, time, signature, body, state) in [
        (of("webhook-id"), of("webhook-timestamp"), forged, "{\"forged\": true}", "invalid"),
        (of("webhook-id"), of("webhook-timestamp"), String::new(), "{}", "missing"),
        ("msg_old".to_owned(), "1700000000".to_owned(), signed, "{}", "expired"),
    ] {
        let sent = server.client().post(&hook).header("webhook-id", id).header("webhook-timestamp", time);
        let response = sent.header("webhook-signature", signature).body(body).send().await.expect("a response");
        assert_eq!(response.status(), 401, "{state}");
        let output = response.bytes().await.expect("a body");
        let output: Value = serde_json::from_slice(&output).expect("JSON");
        assert_eq!(output, json!({"detail": format!("the signature is {state}")}));
        let shown = listening.document().await;
        assert_eq!((&shown["signature"], &shown["status"]), (&json!(state), &json!(401)));
    }
    assert_eq!(listening.ended().await, 0);

    let mut other_secret = Running::start(listen("YW5vdGhlciBzZWNyZXQ=", "1"));
    let hook = other_secret.document().await["listening"].as_str().expect("an address").to_owned();
    let id = submit(server.base(), &["raw:<p>hi", "--webhook", &hook]).await;
    assert_eq!(other_secret.document().await["signature"], "invalid");
    assert_eq!(other_secret.ended().await, 0);
    server.wait_for_webhook_state(&id, "refused").await;
    let log = opilio(server.base(), &["deliveries", &id]).await.out;
    assert!(log.contains(" refused\n  1 ") && log.contains(" HTTP 401 in "), "{log}");
    let all = opilio(server.base(), &["redeliver", "--state", "refused", "--json"]).await.document();
    assert_eq!(all, json!({"replayed": 1}));
}

/// A valid signature.
fn signature_of(id: &str, time: i64, body: &str) -> String {
    let key = BASE64_STANDARD.decode(SECRET.trim_start_matches("whsec_")).expect("base64");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let tag = ring::hmac::sign(&key, format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(tag.as_ref()))
}

#[actix::test]
async fn oversized_webhook_is_rejected_unread() {
    let mut listening = Running::start(command("", &["listen", "--port", "0", "--json", "--count", "1"]));
    let hook = listening.document().await["listening"].as_str().expect("an address").to_owned();
    assert_eq!(posted(&hook, 300_000_000, "{").await, "HTTP/1.1 413");
    let shown = listening.document().await;
    assert_eq!((&shown["signature"], &shown["status"]), (&json!("unread"), &json!(413)));
}

/// Posts the beginning of a body; returns the beginning of the response.
pub async fn posted(to: &str, length: usize, body: &str) -> String {
    let mut stream = TcpStream::connect(to.trim_start_matches("http://")).await.expect("a response");
    let request = format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.expect("the command reads");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("a response");
    String::from_utf8_lossy(&answer).into_owned()
}
