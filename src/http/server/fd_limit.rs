//! The limit of open file descriptors.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard limit and returns it; `None`: no limit.
pub fn max_open_files() -> Option<usize> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // On failure the soft limit remains.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current.and_then(|limit| usize::try_from(limit).ok())
}
