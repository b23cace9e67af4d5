//! What programs read of the command line: documents on standard output, reasons on standard error.

use serde_json::{Value, json};

use super::support::TestServer;
use super::{Said, command, end, opilio};

/// The one line of a command that failed.
fn reason(said: &Said) -> Value {
    assert_eq!((said.out.as_str(), said.err.lines().count()), ("", 1), "{}", said.err);
    serde_json::from_str(&said.err).unwrap_or_else(|error| panic!("{error}: {}", said.err))
}

#[actix::test]
async fn what_goes_wrong_is_one_line_of_json_with_the_exit_code_and_the_servers_answer() {
    let server = TestServer::with_env(&[("CRAWL4AI_API_TOKEN", "open-sesame-12345")]).await;
    let unauthorized = opilio(server.base(), &["jobs", "--json"]).await;
    let expected = json!({
        "error": "the server refuses: Authentication required (HTTP 401)", "exit_code": 4, "status": 401,
        "answer": {"detail": "Authentication required"},
    });
    assert_eq!((unauthorized.code, reason(&unauthorized)), (4, expected));

    let server = TestServer::start().await;
    let wrong = opilio(server.base(), &["submit", "ftp://nowhere", "--json"]).await;
    let next_webhook = reason(&wrong);
    assert_eq!((wrong.code, &next_webhook["exit_code"], &next_webhook["status"]), (4, &json!(4), &json!(422)));
    assert_eq!(next_webhook["answer"]["detail"][0]["loc"], json!(["body", "urls", 0]));

    let silent = "http://127.0.0.1:1";
    for arguments in [&["status", "x", "--json"][..], &["health", "--port", "1", "--json"]] {
        let alone = opilio(silent, arguments).await;
        let next_webhook = reason(&alone);
        assert_eq!(
            (alone.code, &next_webhook["exit_code"], next_webhook.get("answer")),
            (3, &json!(3), None),
            "{next_webhook}"
        );
        assert!(
            next_webhook["error"].as_str().is_some_and(|why| why.starts_with("no server answers at")),
            "{next_webhook}"
        );
    }
    for nonsense in [&["jobs", "--json", "--colour"][..], &["--json", "nonsense"], &["status", "--json"]] {
        let said = opilio(silent, nonsense).await;
        let next_webhook = reason(&said);
        assert_eq!((said.code, &next_webhook["exit_code"]), (2, &json!(2)), "{next_webhook}");
        assert!(
            next_webhook["error"].as_str().is_some_and(|why| !why.is_empty() && !why.contains("Usage:")),
            "{next_webhook}"
        );
    }
    let in_words = opilio(silent, &["jobs", "--colour", "--", "--json"]).await;
    assert!(in_words.code == 2 && in_words.err.contains("Usage:"), "{}", in_words.err);
}

#[actix::test]
async fn commands_about_this_machine_print_documents_too() {
    let server = TestServer::start().await;
    let health = opilio("", &["health", "--port", &server.port(), "--json"]).await.document();
    assert_eq!((&health["status"], health["timestamp"].is_number()), (&json!("ok"), true));

    let mut config = command("", &["config", "--json"]);
    let empty = tempfile::tempdir().expect("a temporary folder");
    config.current_dir(&empty).env("OPILIO__APP__PORT", "7").env("CRAWL4AI_API_TOKEN", "hunter2-hunter2");
    let config = end(config).await;
    assert!(!config.out.contains("hunter2"));
    let config = config.document();
    let value = |path: &str| &config["settings"][path];
    assert_eq!(value("app.port"), &json!({"value": 7, "from": "OPILIO__APP__PORT"}));
    assert_eq!(value("webhooks.retry.initial_delay"), &json!({"value": "1s", "from": "default"}));
    assert_eq!(value("security.api_token")["value"], "***");
    assert_eq!(config["without_effect"], json!([]));

    let token = opilio("", &["token", "ann", "--scope", "read", "--json"]).await;
    assert_eq!(token.err, "");
    let token = token.document();
    let hash = opilio::http::hash(token["token"].as_str().expect("a token"));
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let named = (&token["name"], &token["scope"], &token["sha256"]);
    assert_eq!(named, (&json!("ann"), &json!("read"), &json!(hash)));
}
