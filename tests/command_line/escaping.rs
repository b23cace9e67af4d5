//! Control characters in the output.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::listen::posted;
use super::{Running, command, opilio};

#[actix::test]
async fn control_characters_of_others_are_escaped() {
    let hostile = "\u{1b}]0;mine\u{7}\u{9b}31m\r\u{202e}";
    let mut listening = Running::start(command("", &["listen", "--port", "0", "--count", "1"]));
    let hook = listening.line().await.trim_start_matches("listening on ").to_owned();
    let webhook = json!({"task_id": hostile, "status": "failed", "error": hostile}).to_string();
    assert_eq!(posted(&hook, webhook.len(), &webhook).await, "HTTP/1.1 204");
    let shown = listening.line().await;
    assert!(
        shown.contains(r"\u{1b}]0;mine") && !shown.contains(char::is_control) && !shown.contains('\u{202e}'),
        "{shown}"
    );

    // A server whose every text contains control characters.
    let job = json!({
        "task_id": hostile, "status": hostile, "stage": hostile, "task_type": "llm_extraction", "urls": [hostile], "created_at": hostile,
        "error": hostile, "warnings": [{"key": hostile, "reason": hostile}], "result": {hostile: hostile}, "jobs": [{"task_id": hostile}],
        "webhook": {"state": hostile, "url": hostile, "attempts": 1}, "state": hostile, "webhook_id": hostile,
        "attempts": [{"attempt": 1, "started_at": hostile, "error": hostile, "next_due": hostile}],
    });
    let detail = json!({"detail": hostile});
    for (status, answer) in [("200 OK", &job), ("404 Not Found", &detail)] {
        let base = constant_server(status, answer.to_string()).await;
        for arguments in [
            &["status", "x"][..],
            &["jobs"],
            &["deliveries", "x"],
            &["cancel", "x"],
            &["redeliver", "x"],
            &["submit", "x"],
        ] {
            let output = opilio(&base, arguments).await;
            let all = output.out + &output.err;
            let acting = all.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
            assert!(acting.is_none() && all.contains(r"\u{1b}"), "{arguments:?}: {acting:?} {all:?}");
        }
    }
    let event = format!(
        "id: 1\nevent: failed\ndata: {}\n\n",
        json!({"task_id": hostile, "status": "failed", "error": hostile})
    );
    let output = opilio(&constant_server("200 OK", event).await, &["watch", "x"]).await;
    let all = output.out + &output.err;
    assert!(all.contains(r"\u{1b}") && !all.contains(|c: char| c.is_control() && c != '\n'), "{all:?}");
}

/// A server that sends the same response to every request.
async fn constant_server(status: &str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            // The request fits into one read.
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    base
}
