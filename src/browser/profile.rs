//! The directory of one browser process. It is locked while the process is used, so directories that a crash left behind
//! are recognized and removed.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

const PREFIX: &str = "opilio-browser-";
const LOCK: &str = "lock";
/// A directory without a lock that is older was not created completely.
const CREATION: Duration = Duration::from_secs(60);

/// Removed, as far as possible, when dropped.
#[derive(Debug)]
pub struct Profile {
    path: PathBuf,
    _lock: File,
}

impl Profile {
    /// Creates an empty directory that only `user` (the user of the browser; `None`: this process's user) can read.
    ///
    /// # Errors
    /// The directory for temporary files cannot be written.
    pub fn create(user: Option<u32>) -> io::Result<Self> {
        Self::create_in(&std::env::temp_dir(), user)
    }

    fn create_in(parent: &Path, user: Option<u32>) -> io::Result<Self> {
        let name = format!("{PREFIX}{:016x}", fastrand::u64(..));
        let path = parent.join(name);
        // Fails if another user has created it.
        DirBuilder::new().mode(0o700).create(&path)?;
        let lock = File::create_new(path.join(LOCK))?;
        lock.lock()?;
        if user.is_some() {
            chown(&path, user, user)?;
        }
        Ok(Self { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // What remains is removed at the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the directories of processes that no longer exist.
pub fn remove_stale() {
    remove_stale_in(&std::env::temp_dir());
}

fn remove_stale_in(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_profile = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        // A symbolic link is not a directory here.
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_profile && is_directory && is_stale(&entry.path()) {
            match fs::remove_dir_all(entry.path()) {
                Ok(()) => tracing::info!(path = %entry.path().display(), "stale browser profile removed"),
                Err(error) => tracing::debug!(%error, path = %entry.path().display(), "profile cannot be removed"),
            }
        }
    }
}

fn is_stale(path: &Path) -> bool {
    match File::open(path.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let created = path.metadata().and_then(|directory| directory.modified());
            created.is_ok_and(|created| created.elapsed().is_ok_and(|age| age > CREATION))
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_profiles_without_a_process_are_removed() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let used = Profile::create_in(parent.path(), None).expect("a profile");
        let stale = parent.path().join(format!("{PREFIX}0"));
        fs::create_dir(&stale).expect("a folder");
        File::create(stale.join(LOCK)).expect("a file");
        let other = parent.path().join("other");
        fs::create_dir(&other).expect("a folder");
        let starting = parent.path().join(format!("{PREFIX}1"));
        fs::create_dir(&starting).expect("a folder");
        remove_stale_in(parent.path());
        assert!(used.path().exists() && other.exists() && starting.exists());
        assert!(!stale.exists());
        let path = used.path().to_owned();
        drop(used);
        assert!(!path.exists());
    }
}
