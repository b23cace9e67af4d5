//! `--json`: documents on standard output, errors on standard error.

use serde_json::{Value, json};

use super::support::TestServer;
use super::{Output, command, end, opilio};

/// The error of a failed command.
fn error(output: &Output) -> Value {
    assert_eq!((output.out.as_str(), output.err.lines().count()), ("", 1), "{}", output.err);
    serde_json::from_str(&output.err).unwrap_or_else(|error| panic!("{error}: {}", output.err))
}

#[actix::test]
async fn error_is_json_with_exit_code_and_response() {
    let server = TestServer::with_env(&[("CRAWL4AI_API_TOKEN", "open-sesame-12345")]).await;
    let unauthorized = opilio(server.base(), &["jobs", "--json"]).await;
    let expected = json!({
        "error": "the server rejected the request: Authentication required (HTTP 401)", "exit_code": 4, "status": 401,
        "response": {"detail": "Authentication required"},
    });
    assert_eq!((unauthorized.code, error(&unauthorized)), (4, expected));

    let server = TestServer::start().await;
    let rejected = opilio(server.base(), &["submit", "ftp://nowhere", "--json"]).await;
    let document = error(&rejected);
    assert_eq!((rejected.code, &document["exit_code"], &document["status"]), (4, &json!(4), &json!(422)));
    assert_eq!(document["response"]["detail"][0]["loc"], json!(["body", "urls", 0]));

    let unreachable = "http://127.0.0.1:1";
    for arguments in [&["status", "x", "--json"][..], &["health", "--port", "1", "--json"]] {
        let output = opilio(unreachable, arguments).await;
        let document = error(&output);
        assert_eq!((output.code, &document["exit_code"], document.get("response")), (3, &json!(3), None), "{document}");
        assert!(
            document["error"].as_str().is_some_and(|text| text.starts_with("cannot reach the server at")),
            "{document}"
        );
    }
    for arguments in [&["jobs", "--json", "--colour"][..], &["--json", "nonsense"], &["status", "--json"]] {
        let output = opilio(unreachable, arguments).await;
        let document = error(&output);
        assert_eq!((output.code, &document["exit_code"]), (2, &json!(2)), "{document}");
        assert!(
            document["error"].as_str().is_some_and(|text| !text.is_empty() && !text.contains("Usage:")),
            "{document}"
        );
    }
    let as_text = opilio(unreachable, &["jobs", "--colour", "--", "--json"]).await;
    assert!(as_text.code == 2 && as_text.err.contains("Usage:"), "{}", as_text.err);
}

#[actix::test]
async fn local_commands_print_json_documents() {
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
