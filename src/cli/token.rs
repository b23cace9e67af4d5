//! `opilio token`: creates a token and the configuration that accepts it.

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
    /// Name of the principal: letters, digits, `-` and `_`.
    name: String,
    /// Scope of the token.
    #[arg(long, value_enum, default_value = "submit")]
    scope: Scope,
    /// Print the token and its hash as one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scope {
    /// Read the principal's own jobs.
    Read,
    /// Submit jobs; cancel, replay and rerun the principal's own.
    Submit,
    /// Everything, for jobs of all principals.
    Admin,
}

impl Token {
    /// Prints the token on standard error and the configuration on standard output, so `>> config.yml` stores no secret.
    pub fn run(self) -> anyhow::Result<()> {
        let mut random = [0; 32];
        SystemRandom::new().fill(&mut random).map_err(|_| anyhow!("no random numbers available"))?;
        let token = format!("opilio_{}", BASE64_URL_SAFE_NO_PAD.encode(random));
        let hash: String = http::hash(&token).iter().map(|byte| format!("{byte:02x}")).collect();
        let scope = self.scope.to_possible_value().map(|scope| scope.get_name().to_owned()).unwrap_or_default();
        if self.json {
            let document = json!({"name": self.name, "scope": scope, "token": token, "sha256": hash});
            return Ok(writeln!(std::io::stdout(), "{document}")?);
        }
        let note = "The token is shown only once. Add its hash to config.yml:";
        writeln!(std::io::stderr(), "{token}\n{note}")?;
        let name = &self.name;
        writeln!(std::io::stdout(), "security:\n  tokens:\n    {name}:\n      sha256: {hash}\n      scope: {scope}")?;
        Ok(())
    }
}
