//! The `opilio` command.

use std::process::ExitCode;

/// The server is not put together yet; saying so beats pretending.
fn main() -> ExitCode {
    eprintln!("opilio: this version holds the job store and its rules, not yet the server");
    ExitCode::from(2)
}
