//! The load of the machine that the process runs on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use sysinfo::{Networks, System};

const MB: f64 = 1024.0 * 1024.0;

/// Measures the load since the previous sample. Clones share the measurement.
#[derive(Clone)]
pub struct Machine(Arc<Mutex<Inner>>);

struct Inner {
    system: System,
    networks: Networks,
    started: Instant,
}

pub struct Sample {
    /// Of the container's limit, if it has one.
    pub memory_percent: f64,
    pub cpu_percent: f64,
    /// Since the start of the machine.
    pub sent_mb: f64,
    pub received_mb: f64,
    /// Of the process.
    pub uptime_s: u64,
}

impl Default for Machine {
    fn default() -> Self {
        let mut system = System::new();
        system.refresh_cpu_usage();
        let inner = Inner { system, networks: Networks::new_with_refreshed_list(), started: Instant::now() };
        Self(Arc::new(Mutex::new(inner)))
    }
}

impl Machine {
    /// Reads files of the operating system.
    pub fn sample(&self) -> Sample {
        let Inner { system, networks, started } = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        system.refresh_cpu_usage();
        system.refresh_memory();
        networks.refresh(true);
        let (total, free) = match system.cgroup_limits() {
            Some(limits) => (limits.total_memory, limits.free_memory),
            None => (system.total_memory(), system.available_memory()),
        };
        let sum = |bytes: fn(&sysinfo::NetworkData) -> u64| networks.values().map(bytes).sum::<u64>() as f64 / MB;
        Sample {
            memory_percent: rounded(100.0 * total.saturating_sub(free) as f64 / total.max(1) as f64, 10.0),
            cpu_percent: rounded(f64::from(system.global_cpu_usage()), 10.0),
            sent_mb: rounded(sum(sysinfo::NetworkData::total_transmitted), 100.0),
            received_mb: rounded(sum(sysinfo::NetworkData::total_received), 100.0),
            uptime_s: started.elapsed().as_secs(),
        }
    }
}

/// To tenths or hundredths; 0 for what is not a number.
fn rounded(number: f64, parts: f64) -> f64 {
    if number.is_finite() { (number * parts).round() / parts } else { 0.0 }
}
