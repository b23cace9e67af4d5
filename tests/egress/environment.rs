//! A network namespace in which the test's listener receives all connections, and the test's DNS resolves all names.

use std::fs;
use std::path::Path;

use super::listener::Listener;
use super::names;
use super::namespaces::{run, within};

/// The addresses of the public site.
pub const PUBLIC: [&str; 2] = ["9.9.9.9", "2620:fe::9"];

/// The ports of the listener.
const PORTS: [u16; 5] = [25, 80, 443, 6379, 8080];

/// Runs `test`, the test function `name`, in a namespace of its own.
pub fn isolated<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Listener) -> F) {
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
        let file = folder.path().join(Path::new(path).file_name().expect("a file"));
        fs::write(&file, content).expect("a writable folder");
        run("mount", &["--bind", file.to_str().expect("a path"), path]);
    };
    replace("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n");
    replace("/etc/nsswitch.conf", "hosts: files dns\n");
}
