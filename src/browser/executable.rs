//! Finds Chromium's headless shell.

use std::path::{Path, PathBuf};

/// The program itself, not Debian's shell script of the same name in `/usr/bin`, comes first.
const KNOWN: [&str; 3] = [
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib64/chromium-browser/headless_shell",
    "/headless-shell/headless-shell",
];
const NAMES: [&str; 3] = ["chromium-headless-shell", "chrome-headless-shell", "headless_shell"];

/// The headless shell of this machine.
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    KNOWN.into_iter().map(PathBuf::from).chain(in_path).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
