//! The Model Context Protocol over the real binary: the official SDK on every transport, and what it would never send.

#[path = "mcp/messages.rs"]
mod messages;
#[path = "clients/programs.rs"]
mod programs;
mod providers;
mod support;

use messages::{Client, call, list};
use programs::{Program, Workshop, file, output, shown_in};
use providers::{KEY, Providers};
use serde_json::{Value, json};
use support::{TestServer, TestSite};

const TOKEN: &str = "open-sesame-12345";

/// Every transport, and how the SDK comes to terms: as clients did before 2026, and as they do since.
const WAYS: [(&str, &str); 6] =
    [("stdio", "legacy"), ("stdio", "auto"), ("http", "legacy"), ("http", "auto"), ("sse", "legacy"), ("sse", "auto")];

/// With a token, internal addresses are for nobody; the tests' own pages are at one.
async fn closed(providers: &Providers) -> TestServer {
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
async fn the_official_sdk_calls_every_tool_over_every_transport_and_sees_progress() {
    let (site, providers, workshop) = (TestSite::start(), Providers::start(), Workshop::open());
    let server = closed(&providers).await;
    let (page, gated) = (site.url("/article"), site.url("/gated"));
    for (transport, mode) in WAYS {
        site.close_gate();
        let mut client = workshop.python(&file("tests/clients/sdk.py"));
        client.args([server.base(), transport, mode, TOKEN, env!("CARGO_BIN_EXE_opilio"), &page, &gated]);
        let mut client = Program::start(&mut client);
        let mut said = Vec::new();
        loop {
            said.push(client.next_line().await);
            match said.last().map(String::as_str) {
                // One page is there, and the other is still at its gate.
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
        assert_eq!(said, expected, "{transport} {mode}");
    }
}

#[actix::test]
async fn without_the_right_token_the_sdk_is_refused_on_every_transport() {
    let (providers, workshop) = (Providers::start(), Workshop::open());
    let server = closed(&providers).await;
    for (transport, mode) in WAYS {
        for token in ["wrong", ""] {
            let mut client = workshop.python(&file("tests/clients/sdk.py"));
            client.args([server.base(), transport, mode, token, env!("CARGO_BIN_EXE_opilio"), "x", "x"]);
            let said = output(&mut client).await;
            assert!(said.starts_with("refused "), "{transport} {mode}: {said}");
            let reason = match transport {
                "stdio" => "the server rejected the request: Authentication required (HTTP 401)",
                "sse" => "401 Unauthorized",
                _ => "Server returned an error response",
            };
            assert!(said.contains(reason), "{transport} {mode}: {said}");
        }
    }
}

#[actix::test]
async fn the_configurations_and_the_program_of_the_documentation_work_as_they_are_printed() {
    let (site, workshop) = (TestSite::start(), Workshop::open());
    let printed = |language: &str, words: &str| shown_in("docs/mcp.md", language, words);
    let opilio = std::path::Path::new(env!("CARGO_BIN_EXE_opilio")).parent().expect("a folder");
    let others = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::join_paths([opilio.to_owned()].into_iter().chain(std::env::split_paths(&others)));
    let paths = paths.expect("paths without a colon");
    for (words, environment, expected) in [
        ("opilio-sse", None, "opilio 7\nopilio-http 7\nopilio-sse 7\n"),
        ("the-token", Some(("CRAWL4AI_API_TOKEN", "the-token")), "opilio 7\nopilio-http 7\n"),
    ] {
        let server = TestServer::with_env(environment.as_slice()).await;
        let configuration = printed("json", words).replace("11235", &server.port());
        let configuration = workshop.write("configuration.json", &configuration);
        let mut client = workshop.python(&file("tests/clients/configured.py"));
        assert_eq!(output(client.arg(configuration).env("PATH", &paths)).await, expected);
    }
    let server = TestServer::start().await;
    let program = printed("python", "call_tool").replace("11235", &server.port());
    let program = workshop.write("program.py", &program.replace("https://example.com", &site.url("/article")));
    let said: Value = serde_json::from_str(&output(&mut workshop.python(&program)).await).expect("JSON");
    assert_eq!((&said["success"], &said["filter"]), (&json!(true), &json!("fit")));
}

/// A server that knows these by their tokens, which are their names.
async fn known(more: &str) -> TestServer {
    let hex = |token: &str| opilio::http::hash(token).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut config = format!("{more}\nsecurity:\n  tokens:\n");
    for (name, scope) in [("ann", "submit"), ("bob", "submit"), ("eve", "read")] {
        config.push_str(&format!("    {name}: {{sha256: {}, scope: {scope}}}\n", hex(name)));
    }
    TestServer::with_config(&config).await
}

#[actix::test]
async fn a_call_may_do_what_its_caller_may_and_sees_the_callers_jobs_only() {
    let server = known("").await;
    let [ann, bob, eve] = ["ann", "bob", "eve"].map(|name| Client::of(&server, name));
    let job = ann.text("submit_crawl_job", json!({"urls": ["raw:<p>x"]})).await;
    let job = json!({"task_id": job["task_id"]});
    assert_eq!(ann.text("job_status", job.clone()).await["task_id"], job["task_id"]);
    for stranger in [&bob, &eve] {
        let expected = json!({"status": 404, "detail": "Task not found"});
        assert_eq!(stranger.refusal("job_status", job.clone()).await, expected);
    }
    assert_eq!(bob.refusal("cancel_job", job.clone()).await["status"], 404);
    let page = json!({"url": "raw:<p>x"});
    let pages = json!({"urls": ["raw:<p>x"]});
    let forbidden = [
        ("crawl", pages.clone()),
        ("md", page.clone()),
        ("html", page),
        ("llm_extract", json!({"url": "https://example.com", "q": "?"})),
        ("submit_crawl_job", pages),
        ("cancel_job", job),
    ];
    for (tool, arguments) in forbidden {
        assert_eq!(eve.refusal(tool, arguments).await["status"], 403, "{tool}");
    }
    assert_eq!(eve.exchange(&list()).await.1["result"]["tools"].as_array().map(Vec::len), Some(7));
    let inside = ann.refusal("crawl", json!({"urls": ["http://127.0.0.1:1/"]})).await;
    assert_eq!((&inside["status"], &inside["detail"][0]["msg"]), (&json!(422), &json!("URL blocked")));
}

#[actix::test]
async fn calls_whose_caller_waits_are_counted_like_requests_whose_caller_waits() {
    let limit = "rate_limiting: {enabled: true, default_limit: 2/hour}";
    let server = known(limit).await;
    let ann = Client::of(&server, "ann");
    for expected in [200, 200, 429] {
        let (status, answer) = ann.exchange(&call("md", json!({"url": "raw:<p>x"}))).await;
        assert_eq!(status, expected, "{answer}");
    }
    assert_eq!(ann.exchange(&list()).await.0, 200);
    assert_eq!(ann.post("/crawl", json!({"urls": ["raw:<p>x"]})).await.0, 429, "it is one account");
}

#[actix::test]
async fn whatever_is_no_message_is_answered_as_the_protocol_has_it() {
    let server = TestServer::start().await;
    let anyone = Client::of(&server, "");
    for (body, code, id) in [
        ("{", -32700, Value::Null),
        (&"[".repeat(1000), -32700, Value::Null),
        ("[]", -32600, Value::Null),
        ("7", -32600, Value::Null),
        (r#"{"id": 7}"#, -32600, json!(7)),
        (r#"{"jsonrpc": "1.0", "id": "a", "method": "ping"}"#, -32600, json!("a")),
    ] {
        let (status, answer) = anyone.send(body.as_bytes()).await;
        assert_eq!((status, &answer["error"]["code"], &answer["id"]), (400, &json!(code), &id), "{body}: {answer}");
    }
    for (message, code) in [
        (json!({"jsonrpc": "2.0", "id": 1, "method": "nonsense"}), -32601),
        (call("nonsense", json!({})), -32602),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "x"}}), -32601),
    ] {
        let (_, answer) = anyone.exchange(&message).await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &json!(1)), "{message}: {answer}");
    }
    let (status, answer) = anyone.exchange(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    assert_eq!((status, answer), (202, Value::Null));
    for tool in ["crawl", "md", "html", "llm_extract", "submit_crawl_job", "job_status", "cancel_job"] {
        for arguments in [json!({}), json!({"urls": 7, "url": [], "task_id": {}, "offset": "x"})] {
            let refusal = anyone.refusal(tool, arguments).await;
            assert!(refusal["status"] == 422 || refusal["status"] == 404, "{tool}: {refusal}");
        }
    }
}

#[actix::test]
async fn the_door_is_the_same_as_everywhere() {
    let server = TestServer::start().await;
    let json = ("content-type", "application/json");
    let accept = ("accept", "application/json, text/event-stream");
    let body = || list().to_string().into_bytes();
    for path in ["/mcp", "/mcp/messages?sessionId=x", "/mcp/sse"] {
        let method = if path == "/mcp/sse" { "GET" } else { "POST" };
        let (status, _, answer) = server.request(method, path, &[json, accept, ("host", "evil.example")], body()).await;
        assert_eq!((status, &answer["detail"]), (400, &json!("Invalid host header")), "{path}");
    }
    let (status, _, _) = server.request("POST", "/mcp", &[accept, ("content-type", "text/plain")], body()).await;
    assert_eq!(status, 415);
    let (status, _, answer) = server.request("POST", "/mcp", &[json, ("accept", "text/html")], body()).await;
    assert!(status == 406 && answer["detail"].as_str().is_some_and(|why| why.contains("accept")), "{answer}");
    let (status, headers, _) = server.request("GET", "/mcp", &[accept], vec![]).await;
    assert_eq!((status, headers["allow"].as_bytes()), (405, &b"POST"[..]));
    let (status, _, _) = server.request("POST", "/mcp", &[json, accept], vec![b' '; 33 << 20]).await;
    assert_eq!(status, 413);
    // Another site's page makes a browser ask: it may look, and start nothing.
    let foreign = [json, accept, ("origin", "https://evil.example")];
    let crawl = call("crawl", json!({"urls": ["raw:<p>x"]})).to_string().into_bytes();
    let (_, headers, _) = server.request("POST", "/mcp", &foreign, crawl).await;
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(server.get("/jobs").await.1["jobs"], json!([]));
}

#[actix::test]
async fn behind_a_proxy_that_is_listed_calls_are_counted_by_their_client() {
    let listed = "rate_limiting: {enabled: true, default_limit: 1/hour, trusted_proxies: [127.0.0.0/8]}";
    let server = TestServer::with_config(&format!("{listed}\nsecurity: {{allow_unauthenticated: true}}")).await;
    let message = call("md", json!({"url": "raw:<p>x"})).to_string().into_bytes();
    let mut statuses = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.1"] {
        let json = ("content-type", "application/json");
        let accept = ("accept", "application/json, text/event-stream");
        let asked = [json, accept, ("x-forwarded-for", client)];
        statuses.push(server.request("POST", "/mcp", &asked, message.clone()).await.0);
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[actix::test]
async fn an_answer_that_takes_its_time_says_so_meanwhile() {
    let site = TestSite::start();
    let server = TestServer::with_config("app: {heartbeat: 100ms}").await;
    let client = Client::of(&server, "");
    let mut crawl = call("crawl", json!({"urls": [site.url("/gated")]}));
    // As clients ask since 2026-07-28.
    crawl["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut stream = client.open_since_2026(&crawl).await;
    assert_eq!(
        (stream.status().as_u16(), &stream.headers()["content-type"].as_bytes()),
        (200, &&b"text/event-stream"[..])
    );
    let mut said = String::new();
    while said.matches(":\n\n").count() < 3 {
        said.push_str(
            std::str::from_utf8(&stream.chunk().await.expect("it holds").expect("it goes on")).expect("text"),
        );
    }
    site.open_gate();
    said.push_str(&stream.text().await.expect("it ends well"));
    let data: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let answer: Value = serde_json::from_str(data[0]).expect("JSON");
    assert_eq!((data.len(), &answer["id"], &answer["result"]["isError"]), (1, &json!(1), &json!(false)), "{said}");
}

#[actix::test]
async fn a_client_that_leaves_stops_the_work() {
    let site = TestSite::start();
    let crawl = call("crawl", json!({"urls": [site.url("/gated")]}));
    for transport in ["http", "sse", "stdio"] {
        let server = TestServer::with_config("app: {heartbeat: 100ms}").await;
        let client = Client::of(&server, "");
        match transport {
            "http" => {
                let stream = client.open(&crawl).await;
                site.wait_for_gated_request().await;
                drop(stream);
            }
            "sse" => {
                let session = client.session().await;
                assert_eq!(session.send(&crawl).await, 202);
                site.wait_for_gated_request().await;
                let messages = session.leave();
                assert_eq!(server.wait_for_settled_status().await, "cancelled", "{transport}");
                let (status, answer) = client.post(&messages, list()).await;
                assert_eq!((status, &answer["detail"].as_str().is_some()), (404, &true));
            }
            _ => {
                let mut relay = messages::Relay::start(&server);
                relay.say(&crawl).await;
                site.wait_for_gated_request().await;
                relay.leave().await;
            }
        }
        assert_eq!(server.wait_for_settled_status().await, "cancelled", "{transport}");
    }
}

#[actix::test]
async fn a_call_that_is_taken_back_is_stopped_and_the_session_goes_on() {
    let site = TestSite::start();
    let crawl = call("crawl", json!({"urls": [site.url("/gated")]}));
    let back = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    let again = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});

    let server = TestServer::with_config("app: {heartbeat: 100ms}").await;
    let client = Client::of(&server, "");
    let mut session = client.session().await;
    assert_eq!(session.send(&crawl).await, 202);
    site.wait_for_gated_request().await;
    assert_eq!(session.send(&back).await, 202);
    assert_eq!(server.wait_for_settled_status().await, "cancelled");
    assert_eq!(session.send(&again).await, 202);
    assert_eq!(session.hear().await["id"], 2);

    let server = TestServer::with_config("app: {heartbeat: 100ms}").await;
    let mut relay = messages::Relay::start(&server);
    relay.say(&crawl).await;
    site.wait_for_gated_request().await;
    relay.say(&back).await;
    assert_eq!(server.wait_for_settled_status().await, "cancelled");
    relay.say(&again).await;
    assert_eq!(relay.hear().await["id"], 2);
}

#[actix::test]
async fn sessions_are_their_owners_and_so_many_of_one_and_no_more() {
    let server = known("").await;
    let [ann, bob] = ["ann", "bob"].map(|name| Client::of(&server, name));
    let mut sessions = Vec::new();
    for _ in 0..32 {
        sessions.push(ann.session().await);
    }
    let (status, answer) = ann.get("/mcp/sse").await;
    assert_eq!((status, &answer["detail"]), (429, &json!("Too many open sessions; try again later")));
    let of_ann = sessions.pop().expect("there are some").leave();
    assert_eq!(bob.post(&of_ann, list()).await.0, 404);
    drop(bob.session().await);
}

#[actix::test]
async fn a_session_that_does_not_read_is_asked_to_before_it_is_answered_further() {
    let site = TestSite::start();
    let server = TestServer::start().await;
    let session = Client::of(&server, "").session().await;
    let asked = |id: u32| {
        let mut crawl = call("crawl", json!({"urls": [site.url("/gated")]}));
        crawl["id"] = json!(id);
        crawl
    };
    for id in 1..=16 {
        assert_eq!(session.send(&asked(id)).await, 202, "{id}");
    }
    assert_eq!(session.send(&asked(17)).await, 429);
}

#[actix::test]
async fn an_answer_that_is_too_long_says_how_to_get_it_in_parts() {
    let server = TestServer::start().await;
    let anyone = Client::of(&server, "");
    let urls: Vec<_> = (0..4).map(|n| format!("raw:<h1>{n}</h1><p>{}", "word ".repeat(50_000))).collect();
    let refusal = anyone.refusal("crawl", json!({"urls": urls})).await;
    let why = refusal["detail"].as_str().expect("a sentence");
    let id = why.split_whitespace().find_map(|word| Some(word).filter(|word| word.starts_with("crawl_")));
    let id = id.unwrap_or_else(|| panic!("no job in {why}"));
    let part = json!({"task_id": id, "offset": 1, "limit": 2, "fields": ["success"]});
    let part = anyone.text("job_status", part).await;
    assert_eq!(part["result"]["results"], json!([{"success": true}, {"success": true}]));
    let refusal = anyone.refusal("job_status", json!({"task_id": id})).await;
    assert!(refusal["detail"].as_str().is_some_and(|why| why.contains("too large")), "{refusal}");
    let long = json!({"url": format!("raw:<p>{}", "word ".repeat(200_000)), "f": "raw"});
    let refusal = anyone.refusal("md", long).await;
    assert!(refusal["detail"].as_str().is_some_and(|why| why.contains("submit_crawl_job")), "{refusal}");
}

#[actix::test]
async fn what_is_no_message_on_standard_input_is_answered_and_so_is_who_finds_no_server() {
    let server = TestServer::start().await;
    let mut relay = messages::Relay::start(&server);
    relay.write(b"{\n\n").await;
    assert_eq!(relay.hear().await["error"]["code"], -32700);
    relay.say(&json!({"id": 3})).await;
    let answer = relay.hear().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(3), &json!(-32600)));
    relay.write(b"{\"id\": \"\xff\"}\n").await;
    assert_eq!(relay.hear().await["error"]["code"], -32700);
    relay.say(&list()).await;
    assert_eq!(relay.hear().await["result"]["tools"].as_array().map(Vec::len), Some(7));

    let mut lost = messages::Relay::to("http://127.0.0.1:1");
    lost.say(&list()).await;
    let answer = lost.hear().await;
    let why = answer["error"]["message"].as_str().expect("a sentence");
    assert!(answer["id"] == 1 && why.starts_with("no server answers at http://127.0.0.1:1"), "{answer}");
    assert_eq!(lost.leave().await, 0);
}

#[actix::test]
async fn a_call_whose_server_dies_is_answered_by_what_stands_between() {
    let site = TestSite::start();
    let mut server = TestServer::with_config("app: {heartbeat: 100ms}").await;
    let mut relay = messages::Relay::start(&server);
    relay.say(&call("crawl", json!({"urls": [site.url("/gated")]}))).await;
    site.wait_for_gated_request().await;
    server.kill().await;
    let answer = relay.hear().await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32603)), "{answer}");
}

#[actix::test]
async fn secrets_of_a_call_are_in_no_log() {
    let mut server = TestServer::with_config("logging: {level: trace}").await;
    let webhook = json!({"webhook_url": "http://127.0.0.1:1/", "webhook_headers": {"X-Key": "swordfish"}});
    let job = json!({"urls": ["raw:<p>x"], "webhook_config": webhook});
    Client::of(&server, "").text("submit_crawl_job", job).await;
    server.send_sigterm();
    server.wait_for_exit().await;
    let log = server.remaining_log().await;
    assert!(log.contains("opilio") && !log.contains("swordfish"), "{log}");
}
