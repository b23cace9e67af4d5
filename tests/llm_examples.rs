//! The programs in `examples/` for LLM jobs, against the real binary, with data in the webhook and without.
//!
//! `make test-examples` brings what they run on; `OPILIO_TEST_TSX` names the runner for TypeScript.

mod house;
mod providers;

use std::process::Stdio;

use house::{Outside, Server};
use providers::{KEY, Providers};
use tokio::process::Command;

async fn runs(program: &str, script: &str) {
    let (providers, outside) = (Providers::start(), Outside::start());
    let base_url = providers.address("openai");
    let environment =
        [("LLM_PROVIDER", "openai/good"), ("OPENAI_API_KEY", KEY), ("OPENAI_BASE_URL", base_url.as_str())];
    let server = Server::start_with(&environment).await;
    for with_data in [true, false] {
        let mut command = Command::new(program);
        command.arg(format!("{}/examples/{script}", env!("CARGO_MANIFEST_DIR")));
        command.args([&outside.page("/article"), server.base()]).stderr(Stdio::inherit()).kill_on_drop(true);
        if !with_data {
            command.env("NO_DATA", "1");
        }
        let output = command.output().await.expect("`make test-examples` brings the program");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
        let lines: Vec<_> = said.lines().collect();
        assert!(lines[0].starts_with("submitted llm_"), "{said}");
        assert_eq!(lines[1].replace(": ", ":"), "extracted {\"title\":\"T\"}");
    }
}

#[actix::test]
async fn the_python_program_gets_its_data() {
    runs("python3", "llm_job.py").await;
}

#[actix::test]
async fn the_typescript_program_gets_its_data() {
    let runner = std::env::var("OPILIO_TEST_TSX").expect("`make test-examples` names it");
    runs(&runner, "llm_job.ts").await;
}
