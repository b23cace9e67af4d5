//! How many files and connections the process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// As many as the system lets it have, which is more than it has by itself; `None`: no bound.
pub fn max_open_files() -> Option<usize> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Then it stays as it is.
    let _ = setrlimit(Resource::Nofile, limit);
    getrlimit(Resource::Nofile).current.and_then(|most| usize::try_from(most).ok())
}
