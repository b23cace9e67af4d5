//! The Model Context Protocol of the real binary: the official SDK on every transport, and invalid messages.

#[path = "mcp/calls.rs"]
mod calls;
#[path = "mcp/messages.rs"]
mod messages;
#[path = "clients/programs.rs"]
mod programs;
mod providers;
#[path = "mcp/sessions.rs"]
mod sessions;
mod support;
#[path = "mcp/websocket.rs"]
mod websocket;

use programs::{Program, Workshop, file, output, shown_in};
use providers::{KEY, Providers};
use serde_json::{Value, json};
use support::{TestServer, TestSite};

const TOKEN: &str = "open-sesame-12345";

/// Every transport with each mode of the SDK: as clients before 2026, and as they do since.
const TRANSPORTS: [(&str, &str); 6] =
    [("stdio", "legacy"), ("stdio", "auto"), ("http", "legacy"), ("http", "auto"), ("sse", "legacy"), ("sse", "auto")];

/// A server with a token blocks internal addresses, and the test site has one.
async fn with_token(providers: &Providers) -> TestServer {
    let base_url = providers.url("openai");
    let environment = [
        ("CRAWL4AI_API_TOKEN", TOKEN),
        ("LLM_PROVIDER", "openai/good"),
        ("OPENAI_API_KEY", KEY),
        ("OPENAI_BASE_URL", base_url.as_str()),
    ];
    TestServer::with_config_and_env("egress: {allow: [127.0.0.1]}", &environment).await
}

#[actix::test]
async fn official_sdk_calls_every_tool_over_every_transport() {
    let (site, providers, workshop) = (TestSite::start(), Providers::start(), Workshop::open());
    let server = with_token(&providers).await;
    let (page, gated) = (site.url("/article"), site.url("/gated"));
    for (transport, mode) in TRANSPORTS {
        site.close_gate();
        let mut client = workshop.python(&file("tests/clients/sdk.py"));
        client.args([server.base(), transport, mode, TOKEN, env!("CARGO_BIN_EXE_opilio"), &page, &gated]);
        let mut client = Program::start(&mut client);
        let mut printed = Vec::new();
        loop {
            printed.push(client.next_line().await);
            match printed.last().map(String::as_str) {
                // One page is done; the other waits at the gate.
                Some("progress 1 2") => site.open_gate(),
                Some(last) if last.starts_with("unknown") || last.starts_with("refused") => break,
                _ => {}
            }
        }
        let expected = [
            "tools crawl md html llm_extract submit_crawl_job job_status cancel_job",
            "cancelled cancelled cancelled",
            "progress 1 2",
            "progress 2 2",
            "crawl True True",
            "job completed True",
            "md True html True",
            "progress 1 1",
            "llm_extract completed {\"title\": \"T\"}",
            "wrong True 422 ['body', 'urls', 0]",
            "unknown -32602",
        ];
        assert_eq!(printed, expected, "{transport} {mode}");
    }
}

#[actix::test]
async fn wrong_token_is_rejected_on_every_transport() {
    let (providers, workshop) = (Providers::start(), Workshop::open());
    let server = with_token(&providers).await;
    for (transport, mode) in TRANSPORTS {
        for token in ["wrong", ""] {
            let mut client = workshop.python(&file("tests/clients/sdk.py"));
            client.args([server.base(), transport, mode, token, env!("CARGO_BIN_EXE_opilio"), "x", "x"]);
            let printed = output(&mut client).await;
            assert!(printed.starts_with("refused "), "{transport} {mode}: {printed}");
            let reason = match transport {
                "stdio" => "the server rejected the request: Authentication required (HTTP 401)",
                "sse" => "401 Unauthorized",
                _ => "Server returned an error response",
            };
            assert!(printed.contains(reason), "{transport} {mode}: {printed}");
        }
    }
}

#[actix::test]
async fn documented_configurations_and_program_work() {
    let (site, workshop) = (TestSite::start(), Workshop::open());
    let documented = |language: &str, words: &str| shown_in("docs/mcp.md", language, words);
    let opilio = std::path::Path::new(env!("CARGO_BIN_EXE_opilio")).parent().expect("a folder");
    let others = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::join_paths([opilio.to_owned()].into_iter().chain(std::env::split_paths(&others)));
    let paths = paths.expect("paths without a colon");
    for (words, environment, expected) in [
        ("opilio-sse", None, "opilio 7\nopilio-http 7\nopilio-sse 7\n"),
        ("the-token", Some(("CRAWL4AI_API_TOKEN", "the-token")), "opilio 7\nopilio-http 7\n"),
    ] {
        let server = TestServer::with_env(environment.as_slice()).await;
        let configuration = documented("json", words).replace("11235", &server.port());
        let configuration = workshop.write("configuration.json", &configuration);
        let mut client = workshop.python(&file("tests/clients/configured.py"));
        assert_eq!(output(client.arg(configuration).env("PATH", &paths)).await, expected);
    }
    let server = TestServer::start().await;
    let program = documented("python", "call_tool").replace("11235", &server.port());
    let program = workshop.write("program.py", &program.replace("https://example.com", &site.url("/article")));
    let printed: Value = serde_json::from_str(&output(&mut workshop.python(&program)).await).expect("JSON");
    assert_eq!((&printed["success"], &printed["filter"]), (&json!(true), &json!("fit")));
}

/// A server with these principals, whose tokens are their names.
async fn with_principals(more: &str) -> TestServer {
    let hex = |token: &str| opilio::http::hash(token).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut config = format!("{more}\nsecurity:\n  tokens:\n");
    for (name, scope) in [("ann", "submit"), ("bob", "submit"), ("eve", "read")] {
        config.push_str(&format!("    {name}: {{sha256: {}, scope: {scope}}}\n", hex(name)));
    }
    TestServer::with_config(&config).await
}
