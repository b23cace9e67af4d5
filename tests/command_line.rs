//! The client commands of the command line, against a real server.

#[path = "command_line/escaping.rs"]
mod escaping;
#[path = "command_line/in_json.rs"]
mod in_json;
#[path = "command_line/listen.rs"]
mod listen;
mod providers;
#[path = "command_line/relay.rs"]
mod relay;
mod support;

use std::process::Stdio;

use providers::{KEY, Providers};
use relay::Relay;
use serde_json::{Value, json};
use support::{TestServer, TestSite};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Exit code and output of a command.
struct Output {
    code: i32,
    out: String,
    err: String,
}

impl Output {
    fn document(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    fn documents(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }
}

fn command(base: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opilio"));
    command.args(arguments).env("OPILIO_URL", base).env("no_proxy", "*").kill_on_drop(true);
    command
}

async fn end(mut command: Command) -> Output {
    let output = command.stdin(Stdio::null()).output().await.expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Output { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
}

async fn opilio(base: &str, arguments: &[&str]) -> Output {
    end(command(base, arguments)).await
}

/// Submits a job and returns its id.
async fn submit(base: &str, arguments: &[&str]) -> String {
    let output = opilio(base, &[&["submit"], arguments].concat()).await;
    assert_eq!(output.code, 0, "{}", output.err);
    output.out.trim().to_owned()
}

/// A running command and its lines.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        self.lines.next_line().await.expect("text").expect("the command is running")
    }

    async fn document(&mut self) -> Value {
        serde_json::from_str(&self.line().await).expect("each line is JSON")
    }

    async fn ended(mut self) -> i32 {
        self.child.wait().await.expect("the command was started").code().expect("an exit code")
    }
}

fn event_names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().expect("a name")).collect()
}

#[actix::test]
async fn crawl_job_is_submitted_watched_shown_and_listed() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let (page, missing) = (site.url("/article"), site.url("/missing"));
    let watched = opilio(server.base(), &["submit", &page, &missing, "--watch", "--json"]).await;
    assert_eq!((watched.code, watched.err.as_str()), (0, ""));
    let output = watched.documents();
    let id = output[0]["task_id"].as_str().expect("an id");
    assert_eq!(event_names(&output[1..]), ["queued", "started", "page", "page", "completed"]);
    let whole = opilio(server.base(), &["status", id, "--json"]).await.document();
    assert_eq!(whole["results"].as_array().map(Vec::len), Some(2));
    let part = opilio(server.base(), &["status", id, "--json", "--limit", "1", "--fields", "url,success"]).await;
    assert_eq!(part.document()["results"], json!([{"url": page, "success": true}]));
    let shown = opilio(server.base(), &["status", id]).await;
    assert!(shown.out.starts_with(&format!("{id} completed  2 of 2 (1 failed) {page} and 1 more\n")), "{}", shown.out);

    let second = submit(server.base(), &["raw:<p>hi"]).await;
    let lines = opilio(server.base(), &["watch", &second, id]).await;
    let mut lines: Vec<_> = lines.out.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    let mut expected = vec![format!("{id} completed  2 of 2 (1 failed) {page} and 1 more"), format!("{id} queued")];
    expected.extend([format!("{id} crawled {page}"), format!("{id} failed {missing} HTTP 404 Not Found")]);
    expected.extend([format!("{id} started"), format!("{second} completed  1 of 1 raw:<p>hi")]);
    expected.extend([format!("{second} crawled raw:<p>hi"), format!("{second} queued"), format!("{second} started")]);
    expected.sort_unstable();
    assert_eq!(lines, expected);

    let newest = opilio(server.base(), &["jobs", "--limit", "1", "--json"]).await.documents();
    assert_eq!(newest.iter().map(|job| &job["task_id"]).collect::<Vec<_>>(), [&json!(second)]);
    let all = opilio(server.base(), &["jobs", "--all", "--type", "crawl"]).await;
    assert_eq!(all.out.lines().map(|line| line.contains(id)).collect::<Vec<_>>(), [false, true]);
}

#[actix::test]
async fn watch_survives_lost_connection_and_server_restart() {
    let (site, mut server) = (TestSite::start(), TestServer::start().await);
    let relay = Relay::start(server.base()).await;
    let id = submit(relay.base(), &[&site.url("/article"), &site.url("/gated")]).await;
    let mut watching = Running::start(command(relay.base(), &["watch", &id, "--json", "--reconnect-timeout", "10m"]));
    let mut events = Vec::new();
    for _ in 0..2 {
        events.push(watching.document().await);
    }
    relay.close_connections();
    events.push(watching.document().await);
    site.wait_for_gated_request().await;
    server.kill().await;
    server.restart().await;
    relay.set_target(server.base());
    site.open_gate();
    for _ in 0..2 {
        events.push(watching.document().await);
    }
    assert_eq!(event_names(&events), ["queued", "started", "page", "page", "completed"]);
    let mut pages = [&events[2]["data"]["index"], &events[3]["data"]["index"]].map(Value::as_u64);
    pages.sort_unstable();
    assert_eq!(pages, [Some(0), Some(1)]);
    assert_eq!(watching.ended().await, 0);
}

#[actix::test]
async fn watch_shows_progress_bars_on_terminal() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let watch = format!("{} submit --watch {}", env!("CARGO_BIN_EXE_opilio"), site.url("/article"));
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &watch, "/dev/null"]).env("OPILIO_URL", server.base()).env("TERM", "xterm");
    let output = end(terminal).await;
    assert_eq!(output.code, 0);
    assert!(output.out.contains("] 1/1 completed"), "{}", output.out);
}

#[actix::test]
async fn every_error_has_exit_code_and_message() {
    let (site, mut server) = (TestSite::start(), TestServer::start().await);
    let base = server.base().to_owned();
    let failed = opilio(&base, &["submit", "--watch", &site.url("/missing")]).await;
    assert_eq!(failed.code, 1);
    assert!(failed.err.contains(" failed: HTTP 404 Not Found"), "{}", failed.err);
    let id = failed.out.lines().next().expect("the id").to_owned();
    assert_eq!(opilio(&base, &["status", &id]).await.code, 1);

    for arguments in [
        vec!["jobs", "--limit", "0"],
        vec!["submit"],
        vec!["submit", "x", "--set", "y"],
        vec!["submit", "a", "b", "-q", "what?"],
    ] {
        assert_eq!(opilio(&base, &arguments).await.code, 2, "{arguments:?}");
    }
    let unreachable = opilio("http://127.0.0.1:1", &["jobs"]).await;
    assert_eq!(unreachable.code, 3);
    assert!(
        unreachable.err.starts_with("opilio: cannot reach the server at http://127.0.0.1:1: "),
        "{}",
        unreachable.err
    );

    let rejected = [
        (vec!["status", "crawl_nothing"], "opilio: the server rejected the request: Task not found (HTTP 404)\n"),
        (
            vec!["watch", "crawl_nothing"],
            "opilio: crawl_nothing: the server rejected the request: Task not found (HTTP 404)\n",
        ),
        (vec!["cancel", &id], "(HTTP 409)\n"),
        (vec!["redeliver", &id], "(HTTP 409)\n"),
        (
            vec!["jobs", "--status", "lost"],
            "status: must be one of processing, completed, failed, cancelled (HTTP 422)\n",
        ),
    ];
    for (arguments, message) in rejected {
        let output = opilio(&base, &arguments).await;
        assert_eq!((output.code, output.out.as_str()), (4, ""), "{arguments:?}");
        assert!(output.err.ends_with(message), "{arguments:?}: {}", output.err);
    }

    submit(&base, &[&site.url("/gated")]).await;
    site.wait_for_gated_request().await;
    server.send_sigterm();
    server.wait_until_not_ready().await;
    let late = opilio(&base, &["submit", "raw:<p>late"]).await;
    assert_eq!((late.code, late.err.contains("is temporarily unable")), (5, true), "{}", late.err);
    site.open_gate();
    assert!(server.wait_for_exit().await.success());
}

#[actix::test]
async fn options_are_read_from_arguments_files_and_standard_input() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let page = site.url("/article");
    let file = server.folder().join("options.json");
    std::fs::write(&file, r#"{"css_selector": "h1", "verbos": true}"#).expect("a writable folder");
    let file = format!("@{}", file.display());
    let markdown = async |id: &str| {
        assert_eq!(opilio(server.base(), &["watch", id]).await.code, 0);
        let whole = opilio(server.base(), &["status", id, "--json"]).await.document();
        whole["results"][0]["markdown"]["raw_markdown"].as_str().expect("text").trim().to_owned()
    };
    let by_file = opilio(server.base(), &["submit", &page, "--options", &file]).await;
    assert!(by_file.err.starts_with("without effect: crawler_config.verbos"), "{}", by_file.err);
    assert_eq!(markdown(by_file.out.trim()).await, "# A title");
    let by_key = submit(server.base(), &[&page, "--options", &file, "--set", "css_selector=p"]).await;
    assert!(markdown(&by_key).await.starts_with("Some **bold** words"));

    let mut piped = command(server.base(), &["submit", "-", "--set", "css_selector=h1", "--idempotency-key", "once"]);
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut input = piped.stdin.take().expect("piped");
    input.write_all(format!("{page}\n\n").as_bytes()).await.expect("the command reads");
    drop(input);
    let piped = piped.wait_with_output().await.expect("the command was started").stdout;
    let id = String::from_utf8(piped).expect("text").trim().to_owned();
    assert_eq!(markdown(&id).await, "# A title");
    let request = json!({"urls": [page], "crawler_config": {"css_selector": "h1"}}).to_string();
    assert_eq!(submit(server.base(), &["--request", &request, "--idempotency-key", "once"]).await, id);
}

#[actix::test]
async fn llm_job_uses_given_model_and_schema() {
    let (site, providers) = (TestSite::start(), Providers::start());
    let address = providers.url("openai");
    let server = TestServer::with_env(&[("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", &address)]).await;
    let schema = r#"{"type": "object", "properties": {"title": {"type": "string"}}}"#;
    let page = site.url("/article");
    let arguments = ["submit", &page, "-q", "What is the title?", "--schema", schema, "--provider", "openai/good"];
    let output = opilio(server.base(), &[&arguments[..], &["--watch"]].concat()).await;
    assert_eq!(output.code, 0, "{}", output.err);
    let id = output.out.lines().next().expect("the id");
    assert!(id.starts_with("llm_"));
    let shown = opilio(server.base(), &["status", id]).await;
    assert!(shown.out.ends_with("{\n  \"title\": \"T\"\n}\n"), "{}", shown.out);
}

#[actix::test]
async fn running_job_is_cancelled() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let id = submit(server.base(), &[&site.url("/gated")]).await;
    site.wait_for_gated_request().await;
    let cancelled = opilio(server.base(), &["cancel", &id, "--json"]).await.document();
    assert_eq!((&cancelled["task_id"], &cancelled["status"]), (&json!(id), &json!("cancelled")));
    assert_eq!(opilio(server.base(), &["watch", &id]).await.code, 1);
}

#[actix::test]
async fn cancel_continues_after_rejected_jobs() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let id = submit(server.base(), &[&site.url("/gated")]).await;
    site.wait_for_gated_request().await;
    let output = opilio(server.base(), &["cancel", "crawl_a", &id, "crawl_b"]).await;
    assert_eq!((output.code, output.out.lines().count()), (4, 1), "{}", output.out);
    assert!(output.out.contains(&id), "{}", output.out);
    let message = |id: &str| format!("opilio: {id}: the server rejected the request: Task not found (HTTP 404)\n");
    assert_eq!(output.err, message("crawl_a") + &message("crawl_b"));
}

#[actix::test]
async fn token_is_read_from_flag_environment_or_file_and_not_shown() {
    let server = TestServer::with_env(&[("CRAWL4AI_API_TOKEN", "open-sesame-12345")]).await;
    let without = opilio(server.base(), &["jobs"]).await;
    assert_eq!((without.code, without.err.contains("Authentication required")), (4, true), "{}", without.err);
    let by_flag = opilio(server.base(), &["jobs", "--token", "open-sesame-12345"]).await;
    assert_eq!((by_flag.code, by_flag.err.contains("list of processes")), (0, true), "{}", by_flag.err);
    let file = server.folder().join("token");
    std::fs::write(&file, "open-sesame-12345\n").expect("the folder is writable");
    for (name, value) in [("OPILIO_TOKEN", "open-sesame-12345"), ("OPILIO_TOKEN_FILE", file.to_str().expect("text"))] {
        let mut by_environment = command(server.base(), &["jobs"]);
        by_environment.env(name, value);
        let output = end(by_environment).await;
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{name}");
    }
    let mut help = command(server.base(), &["jobs", "--help"]);
    help.env("OPILIO_TOKEN", "open-sesame-12345");
    assert!(!end(help).await.out.contains("open-sesame"));
}
