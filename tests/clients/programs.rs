//! Runs programs in Python and TypeScript with the tools that `make tools` installs.
#![allow(dead_code, reason = "no test binary uses all of it")]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use opilio_actors::testing::until::DEADLINE;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// A file of the project.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The first code block of a document in this language that contains `words`.
pub fn shown_in(document: &str, language: &str, words: &str) -> String {
    let text = std::fs::read_to_string(file(document)).expect("the file exists");
    let opening = format!("```{language}\n");
    let mut blocks = text.split(&opening).skip(1).filter_map(|rest| rest.split_once("```"));
    let (block, _) = blocks.find(|(block, _)| block.contains(words)).expect("the document has such a block");
    block.to_owned()
}

fn tool(path: &str) -> PathBuf {
    let tool = file("target/clients").join(path);
    assert!(tool.exists(), "{} is missing: run `make tools`", tool.display());
    tool
}

/// The tools, and a temporary folder for their output.
pub struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub fn open() -> Self {
        // Below `node_modules` of `make tools`, so that programs find the packages.
        Self { folder: tempfile::tempdir_in(tool("")).expect("a temporary folder") }
    }

    /// A Python program in the environment that has Flask.
    pub fn python(&self, script: &Path) -> Command {
        let mut command = Command::new(tool("venv/bin/python"));
        command.arg(script).env("no_proxy", "*").kill_on_drop(true);
        command
    }

    /// A Python program in the environment that has Crawl4AI's clients.
    pub fn crawl4ai(&self, script: &Path) -> Command {
        let mut command = Command::new(tool("crawl4ai/bin/python"));
        // They write files below this folder, and warn about optional packages.
        command.args(["-W", "ignore"]).arg(script).env("CRAWL4_AI_BASE_DIRECTORY", self.folder.path());
        command.env("no_proxy", "*").kill_on_drop(true);
        command
    }

    /// A TypeScript program, compiled by esbuild and run by Node.
    pub async fn typescript(&self, script: &Path) -> Command {
        let compiled = self.folder.path().join(script.file_name().expect("a file")).with_extension("mjs");
        let mut compile = node_tool("node_modules/.bin/esbuild");
        compile.args(["--platform=node", "--format=esm", "--log-level=warning"]).arg(script);
        compile.arg(format!("--outfile={}", compiled.display()));
        assert!(compile.status().await.expect("it runs").success(), "{} does not compile", script.display());
        let mut command = Command::new(tool("bin/node"));
        command.arg(compiled).kill_on_drop(true);
        command
    }

    /// Writes the types of an OpenAPI document to a module in the folder.
    pub async fn types_from(&self, document: &Path, name: &str) {
        let mut make = node_tool("node_modules/.bin/openapi-typescript");
        make.arg(document).arg("--output").arg(self.folder.path().join(name));
        output(&mut make).await;
    }

    /// Schemathesis with the configuration and hooks in `folder`. The caller adds the URL of the document.
    pub fn schemathesis(&self, folder: &Path) -> Command {
        let mut command = Command::new(tool("venv/bin/schemathesis"));
        command.arg("--config-file").arg(folder.join("schemathesis.toml")).arg("run");
        command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", folder).env("PYTHONDONTWRITEBYTECODE", "1");
        // It writes files into its working directory.
        command.current_dir(self.folder.path()).env("no_proxy", "*").kill_on_drop(true);
        command
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("the folder is writable");
        path
    }
}

/// The errors that the TypeScript compiler reports for these programs.
pub async fn type_errors(scripts: &[PathBuf]) -> String {
    let mut check = node_tool("node_modules/.bin/tsc");
    check.args(["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler"]);
    check.args(["--target", "es2022", "--lib", "es2022", "--types", "node", "--typeRoots"]);
    check.arg(tool("node_modules/@types")).args(scripts);
    String::from_utf8_lossy(&check.output().await.expect("it runs").stdout).into_owned()
}

/// A tool that finds `node` through `PATH`.
fn node_tool(path: &str) -> Command {
    let others = std::env::var_os("PATH").unwrap_or_default();
    let node = tool("bin/node").with_file_name("");
    let paths = [node].into_iter().chain(std::env::split_paths(&others));
    let mut command = Command::new(tool(path));
    command.env("PATH", std::env::join_paths(paths).expect("paths without a colon"));
    command
}

/// A running program and its output.
pub struct Program {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it runs");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { _child: child, lines }
    }

    pub async fn next_line(&mut self) -> String {
        let line = timeout(DEADLINE, self.lines.next_line()).await.expect("a line is printed in time");
        line.expect("it is text").expect("the program still runs")
    }

    /// The next lines, sorted, because concurrent work prints in any order.
    pub async fn next_lines_sorted(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            lines.push(self.next_line().await);
        }
        lines.sort();
        lines
    }
}

/// The standard output of a program that must exit with 0.
pub async fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().await.expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}");
    printed
}
