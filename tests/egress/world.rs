//! A network of the test's own, in which every address there is leads to a listener of the test's, and every name to
//! where the test says.

use std::fs;
use std::path::Path;

use super::listener::Listener;
use super::names;
use super::namespaces::{run, within};

/// Where pages and receivers are that may be reached.
pub const PUBLIC: [&str; 2] = ["9.9.9.9", "2620:fe::9"];

/// The ports that somebody listens to.
pub const PORTS: [u16; 5] = [25, 80, 443, 6379, 8080];

/// Runs `test`, the test of this name, in a world of its own.
pub fn alone<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Listener) -> F) {
    if !within(&["--net", "--mount"], name) {
        return;
    }
    set_up();
    actix::System::new().block_on(async {
        names::serve();
        test(Listener::start(&PORTS)).await;
    });
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
