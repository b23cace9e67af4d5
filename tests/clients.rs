//! Programs in Python and TypeScript against the real binary: clients and handlers as the users of the job API have
//! them, and the programs in `examples/`. `make tools` brings what they run on.

mod house;
mod providers;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use house::{Outside, Server};
use providers::{KEY, Providers};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

fn tool(path: &str) -> PathBuf {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(path);
    assert!(tool.exists(), "{} is missing: `make tools` brings it", tool.display());
    tool
}

fn python(script: &str) -> Command {
    let mut command = Command::new(tool("venv/bin/python"));
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script)).kill_on_drop(true);
    command
}

/// Compiled by esbuild, run by Node.
async fn typescript(script: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("typescript");
    let compiled = folder.join(script.file_name().expect("a file")).with_extension("mjs");
    let done = Command::new(tool("node_modules/.bin/esbuild"))
        .args(["--platform=node", "--format=esm", "--log-level=warning"])
        .arg(format!("--outfile={}", compiled.display()))
        .arg(&script)
        .status()
        .await
        .expect("it runs");
    assert!(done.success(), "{} does not compile", script.display());
    let mut command = Command::new("node");
    command.arg(compiled).kill_on_drop(true);
    command
}

/// A program that goes on, and what it says.
struct Program {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it runs");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { _child: child, lines }
    }

    async fn says(&mut self) -> String {
        self.lines.next_line().await.expect("it is text").expect("the program goes on")
    }
}

async fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().await.expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

async fn server_with_a_model(providers: &Providers) -> Server {
    let base_url = providers.address("openai");
    let model = [("LLM_PROVIDER", "openai/good"), ("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())];
    Server::start_with(&model).await
}

#[actix::test]
async fn a_typescript_client_and_a_flask_handler_work_with_data_and_without() {
    let (outside, providers) = (Outside::start(), Providers::start());
    let server = server_with_a_model(&providers).await;
    let mut handler = Program::start(python("tests/clients/handler.py").arg(server.base()));
    let port = handler.says().await.replace("listening ", "");
    let hook = format!("http://127.0.0.1:{port}/webhooks/crawl-complete");
    let (page, missing) = (outside.page("/article"), outside.page("/missing"));
    for data in ["with-data", "without"] {
        let mut client = typescript("tests/clients/client.ts").await;
        let submitted = output(client.args([server.base(), &page, &missing, &hook, data])).await;
        let id = |name: &str| {
            let line = submitted.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
            line.unwrap_or_else(|| panic!("{submitted}")).to_owned()
        };
        let (crawl, failing, llm) = (id("crawl"), id("failing"), id("llm"));
        let mut said = Vec::new();
        for _ in 0..6 {
            said.push(handler.says().await);
        }
        said.sort();
        let mut expected = [
            format!("page {crawl} {page} True True"),
            format!("page {crawl} {missing} True False"),
            format!("done crawl {crawl}"),
            format!("failed crawl {failing} HTTP 404 Not Found"),
            format!("extracted {llm} {{'title': 'T'}}"),
            format!("done llm_extraction {llm}"),
        ];
        expected.sort();
        assert_eq!(said, expected, "{data}");
    }
}

/// Tells a receiver of a job, and then of one that nobody signed.
async fn a_receiver_takes_what_is_signed(command: &mut Command) {
    let server = Server::configured("webhooks: {secrets: [whsec_c2VjcmV0]}").await;
    let mut receiver = Program::start(command.env("WEBHOOK_SECRET", "whsec_c2VjcmV0").arg("0"));
    let base = receiver.says().await.replace("listening on ", "");
    let webhook = serde_json::json!({"webhook_url": base, "webhook_data_in_payload": true});
    let body = serde_json::json!({"urls": ["raw:<h1>Hi"], "webhook_config": webhook});
    let (_, job) = server.post("/crawl/job", body).await;
    let id = job["task_id"].as_str().expect("an id");
    assert_eq!(receiver.says().await.trim_end(), format!("{id} completed"));
    for (id, time, signature) in [("msg_x", "1", "v1,x"), ("", "", "")] {
        let forged = server.client().post(&base).body("{}").header("webhook-id", id);
        let forged = forged.header("webhook-timestamp", time).header("webhook-signature", signature);
        assert_eq!(forged.send().await.expect("it answers").status().as_u16(), 401);
    }
}

#[actix::test]
async fn the_python_receiver_takes_what_is_signed_and_nothing_else() {
    a_receiver_takes_what_is_signed(&mut python("examples/receiver.py")).await;
}

#[actix::test]
async fn the_typescript_receiver_takes_what_is_signed_and_nothing_else() {
    a_receiver_takes_what_is_signed(&mut typescript("examples/receiver.ts").await).await;
}

/// A program that submits an LLM job and listens for its end, with data in the webhook and without.
async fn an_extraction_gets_its_data(make: impl AsyncFn() -> Command) {
    let (providers, outside) = (Providers::start(), Outside::start());
    let server = server_with_a_model(&providers).await;
    for with_data in [true, false] {
        let mut command = make().await;
        command.args([&outside.page("/article"), server.base()]);
        if !with_data {
            command.env("NO_DATA", "1");
        }
        let said = output(&mut command).await;
        let lines: Vec<_> = said.lines().collect();
        assert!(lines[0].starts_with("submitted llm_"), "{said}");
        assert_eq!(lines[1].replace(": ", ":"), "extracted {\"title\":\"T\"}");
    }
}

#[actix::test]
async fn the_python_program_gets_its_data() {
    an_extraction_gets_its_data(async || python("examples/llm_job.py")).await;
}

#[actix::test]
async fn the_typescript_program_gets_its_data() {
    an_extraction_gets_its_data(async || typescript("examples/llm_job.ts").await).await;
}

#[actix::test]
async fn the_typescript_programs_have_no_errors_of_type() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let types = tool("node_modules/@types");
    let mut check = Command::new(tool("node_modules/.bin/tsc"));
    check.args(["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler"]);
    check.args(["--target", "es2022", "--types", "node", "--typeRoots"]).arg(types);
    for script in ["examples/llm_job.ts", "examples/receiver.ts", "tests/clients/client.ts"] {
        check.arg(root.join(script));
    }
    let checked = check.output().await.expect("it runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
