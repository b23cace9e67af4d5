//! A test that runs itself again within Linux namespaces of its own, as whoever it is; where none can be made it fails.

use std::process::Command;

const MARK: &str = "OPILIO_TEST_WITHIN";

/// Whether this is the test of this name within namespaces of these kinds (`--net`, `--mount`); where it is not, it has
/// been run there, and has passed, by the time of the response.
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
    let mut again = Command::new("unshare");
    again.args(user).args(kinds).arg("--").arg(this).args([name, "--exact", "--nocapture", "--test-threads", "1"]);
    let ended = again.env(MARK, "1").status().expect("unshare is there");
    assert!(ended.success(), "{name} failed within its namespaces: {ended}");
    false
}

/// Runs a program that prepares the namespace.
pub fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output();
    let done = done.unwrap_or_else(|error| panic!("{program}: {error}; Debian: apt-get install iproute2 mount"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {arguments:?}: {said}");
}
