//! `opilio token`: a new token for somebody, and the lines of `config.yml` that let them in.

use std::io::Write;

use anyhow::anyhow;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::{Args, ValueEnum};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;

use crate::http;

#[derive(Debug, Args)]
pub struct Token {
    /// Whose it is: letters, digits, `-` and `_`.
    name: String,
    /// What they may do.
    #[arg(long, value_enum, default_value = "submit")]
    scope: Scope,
    /// Print the token and its hash as one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scope {
    /// Ask about their own jobs.
    Read,
    /// Submit jobs, and cancel, replay and run again their own.
    Submit,
    /// All of that with everybody's jobs.
    Admin,
}

impl Token {
    /// The token goes to standard error and its lines to standard output, so that `>> config.yml` keeps no secret.
    pub fn run(self) -> anyhow::Result<()> {
        let mut chance = [0; 32];
        SystemRandom::new().fill(&mut chance).map_err(|_| anyhow!("the system gives no chance"))?;
        let token = format!("opilio_{}", BASE64_URL_SAFE_NO_PAD.encode(chance));
        let hash: String = http::hash(&token).iter().map(|byte| format!("{byte:02x}")).collect();
        let scope = self.scope.to_possible_value().map(|scope| scope.get_name().to_owned()).unwrap_or_default();
        if self.json {
            let document = json!({"name": self.name, "scope": scope, "token": token, "sha256": hash});
            return Ok(writeln!(std::io::stdout(), "{document}")?);
        }
        writeln!(std::io::stderr(), "{token}\nIt is shown this once. config.yml knows it by its hash:")?;
        let name = &self.name;
        writeln!(std::io::stdout(), "security:\n  tokens:\n    {name}:\n      sha256: {hash}\n      scope: {scope}")?;
        Ok(())
    }
}
