//! Runs a test again inside new Linux namespaces. Fails if they cannot be created.

use std::process::Command;

const MARK: &str = "OPILIO_TEST_WITHIN";

/// Returns true inside new namespaces of these kinds (`--net`, `--mount`). Outside, runs the test of this name inside them
/// and returns false once it has passed.
pub fn within(kinds: &[&str], name: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let possible = [&["--user", "--map-root-user"][..], &[]].into_iter().find(|user| {
        let tried = Command::new("unshare").args(*user).args(kinds).arg("true").output();
        tried.is_ok_and(|tried| tried.status.success())
    });
    let user = possible.expect(
        "namespaces are needed: `unshare -rnm true` must work, as root or by user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1)",
    );
    let this = std::env::current_exe().expect("the test is a program");
    let mut inner = Command::new("unshare");
    inner.args(user).args(kinds).arg("--").arg(this).args([name, "--exact", "--nocapture", "--test-threads", "1"]);
    let status = inner.env(MARK, "1").status().expect("unshare is installed");
    assert!(status.success(), "{name} failed inside its namespaces: {status}");
    false
}

/// Runs a program that must succeed.
pub fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; Debian: apt-get install iproute2 mount"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
}
