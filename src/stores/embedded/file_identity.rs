//! Detects that the files of an open database were moved or removed: writes would reach files that no later start opens.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use opilio_actors::ports::StoreError;

/// The database file and its write-ahead log, by path, device and inode.
pub struct FileIdentity([(PathBuf, u64, u64); 2]);

impl FileIdentity {
    /// The files of the open database at `path`.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let identify = |path: PathBuf| std::fs::metadata(&path).map(|file| (path, file.dev(), file.ino()));
        Ok(Self([identify(path.to_owned())?, identify(log.into())?]))
    }

    /// `Unavailable` if a path no longer leads to its file.
    pub fn check(&self) -> Result<(), StoreError> {
        for (path, device, inode) in &self.0 {
            let same = std::fs::metadata(path).is_ok_and(|file| (file.dev(), file.ino()) == (*device, *inode));
            if !same {
                return Err(StoreError::Unavailable(format!("{} was moved or removed", path.display())));
            }
        }
        Ok(())
    }
}
