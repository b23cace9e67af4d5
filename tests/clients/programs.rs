//! Runs programs in Python and TypeScript by the tools that `make tools` brings.
#![allow(dead_code, reason = "each test binary needs its part of it")]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A file of the project.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The first piece of a document in this language that holds these words.
pub fn shown_in(document: &str, language: &str, words: &str) -> String {
    let text = std::fs::read_to_string(file(document)).expect("it is there");
    let opening = format!("```{language}\n");
    let mut pieces = text.split(&opening).skip(1).filter_map(|rest| rest.split_once("```"));
    let piece = pieces.find(|(piece, _)| piece.contains(words)).expect("the document shows it");
    piece.0.to_owned()
}

fn tool(path: &str) -> PathBuf {
    let tool = file("target/clients").join(path);
    assert!(tool.exists(), "{} is missing: run `make tools`", tool.display());
    tool
}

/// The tools, and a place for what they make.
pub struct Workshop {
    folder: TempDir,
}

impl Workshop {
    pub fn open() -> Self {
        // Below the packages of `make tools`, so that programs find them.
        Self { folder: tempfile::tempdir_in(tool("")).expect("a temporary folder") }
    }

    /// A program in Python, with Flask at hand.
    pub fn python(&self, script: &Path) -> Command {
        let mut command = Command::new(tool("venv/bin/python"));
        command.arg(script).env("no_proxy", "*").kill_on_drop(true);
        command
    }

    /// A program in Python, with the peer's own clients at hand.
    pub fn peer(&self, script: &Path) -> Command {
        let mut command = Command::new(tool("peer/bin/python"));
        // What they keep, they keep here; and what they do not find is not needed.
        command.args(["-W", "ignore"]).arg(script).env("CRAWL4_AI_BASE_DIRECTORY", self.folder.path());
        command.env("no_proxy", "*").kill_on_drop(true);
        command
    }

    /// A program in TypeScript: compiled by esbuild, run by Node.
    pub async fn typescript(&self, script: &Path) -> Command {
        let compiled = self.folder.path().join(script.file_name().expect("a file")).with_extension("mjs");
        let mut compile = by_node("node_modules/.bin/esbuild");
        compile.args(["--platform=node", "--format=esm", "--log-level=warning"]).arg(script);
        compile.arg(format!("--outfile={}", compiled.display()));
        assert!(compile.status().await.expect("it runs").success(), "{} does not compile", script.display());
        let mut command = Command::new(tool("bin/node"));
        command.arg(compiled).kill_on_drop(true);
        command
    }

    /// The types of an OpenAPI document, as a module beside the other files.
    pub async fn types_from(&self, document: &Path, name: &str) {
        let mut make = by_node("node_modules/.bin/openapi-typescript");
        make.arg(document).arg("--output").arg(self.folder.path().join(name));
        output(&mut make).await;
    }

    /// Other people's driver of OpenAPI documents, by what this folder says, the same requests every time; the document's
    /// address is still to be given.
    pub fn schemathesis(&self, folder: &Path) -> Command {
        let mut command = Command::new(tool("venv/bin/schemathesis"));
        command.arg("--config-file").arg(folder.join("schemathesis.toml")).arg("run");
        command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", folder).env("PYTHONDONTWRITEBYTECODE", "1");
        // What it keeps, it keeps here.
        command.current_dir(self.folder.path()).env("no_proxy", "*").kill_on_drop(true);
        command
    }

    /// A file with this text.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("the folder is ours");
        path
    }
}

/// What the compiler has against these programs.
pub async fn errors_of_type(scripts: &[PathBuf]) -> String {
    let mut check = by_node("node_modules/.bin/tsc");
    check.args(["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler"]);
    check.args(["--target", "es2022", "--lib", "es2022", "--types", "node", "--typeRoots"]);
    check.arg(tool("node_modules/@types")).args(scripts);
    String::from_utf8_lossy(&check.output().await.expect("it runs").stdout).into_owned()
}

/// A tool that looks for `node` itself.
fn by_node(path: &str) -> Command {
    let others = std::env::var_os("PATH").unwrap_or_default();
    let node = tool("bin/node").with_file_name("");
    let paths = [node].into_iter().chain(std::env::split_paths(&others));
    let mut command = Command::new(tool(path));
    command.env("PATH", std::env::join_paths(paths).expect("paths without a colon"));
    command
}

/// A program that goes on, and what it says.
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

    pub async fn says(&mut self) -> String {
        self.lines.next_line().await.expect("it is text").expect("the program goes on")
    }

    /// So many lines, sorted: what happens side by side is said in any order.
    pub async fn says_in_any_order(&mut self, lines: usize) -> Vec<String> {
        let mut said = Vec::new();
        for _ in 0..lines {
            said.push(self.says().await);
        }
        said.sort();
        said
    }
}

/// All that a program says until it ends well.
pub async fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().await.expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    said
}
