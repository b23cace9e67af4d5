//! A network of the test's own, in which every address there is leads to a listener of the test's, and every name to
//! where the test says.
//!
//! The test runs itself again within namespaces of its own, as whoever it is; where none can be made it fails.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::listener::Listener;
use super::names;

const MARK: &str = "OPILIO_TEST_WORLD";

/// Where pages and receivers are that may be reached.
pub const PUBLIC: [&str; 2] = ["9.9.9.9", "2620:fe::9"];

/// The ports that somebody listens to.
pub const PORTS: [u16; 5] = [25, 80, 443, 6379, 8080];

/// Runs `test`, the test of this name, in a world of its own.
pub fn alone<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Listener) -> F) {
    if std::env::var_os(MARK).is_none() {
        return again_within(name);
    }
    set_up();
    actix::System::new().block_on(async {
        names::serve();
        test(Listener::start(&PORTS)).await;
    });
}

fn again_within(name: &str) {
    let namespaces = [&["--user", "--map-root-user", "--net", "--mount"][..], &["--net", "--mount"]];
    let possible = namespaces.into_iter().find(|kinds| {
        let tried = Command::new("unshare").args(*kinds).arg("true").output();
        tried.is_ok_and(|tried| tried.status.success())
    });
    let kinds = possible.expect(
        "network namespaces are needed: `unshare -rnm true` must work, as root or by user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1)",
    );
    let this = std::env::current_exe().expect("the test is a program");
    let mut again = Command::new("unshare");
    again.args(kinds).arg("--").arg(this).args([name, "--exact", "--nocapture", "--test-threads", "1"]);
    let ended = again.env(MARK, "1").status().expect("unshare is there");
    assert!(ended.success(), "{name} failed within its namespaces: {ended}");
}

fn set_up() {
    run("ip", &["link", "set", "lo", "up"]);
    run("ip", &["route", "add", "local", "0.0.0.0/0", "dev", "lo"]);
    run("ip", &["-6", "route", "add", "local", "::/0", "dev", "lo"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let replace = |path: &str, content: &str| {
        let own = folder.path().join(Path::new(path).file_name().expect("a file"));
        fs::write(&own, content).expect("the folder is ours");
        run("mount", &["--bind", own.to_str().expect("a path"), path]);
    };
    replace("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
    replace("/etc/nsswitch.conf", "hosts: files dns\n");
}

fn run(program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).output();
    let done = done.unwrap_or_else(|error| panic!("{program}: {error}; Debian: apt-get install iproute2 mount"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {arguments:?}: {said}");
}
