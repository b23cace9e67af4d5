//! Measures the resident memory of the process during a synchronous crawl.

use opilio_actors::domain::crawl_result::ServerMemory;

const KIB_PER_MIB: f64 = 1024.0;

/// The resident memory at the start of a request, in MiB.
#[derive(Clone, Copy, Debug)]
pub struct MemoryMeter {
    start: f64,
}

impl MemoryMeter {
    pub fn start() -> Self {
        Self { start: resident() }
    }

    /// The change since the start, and the larger of both figures.
    pub fn read(self) -> ServerMemory {
        let now = resident();
        ServerMemory { delta: now - self.start, peak: now.max(self.start) }
    }
}

/// 0 where the operating system has no `/proc`.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = resident.and_then(|value| value.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0.0);
    kib / KIB_PER_MIB
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn meter_reads_the_memory_of_this_process() {
        let memory = MemoryMeter::start().read();
        assert!(memory.peak > 1.0 && memory.delta.abs() <= memory.peak, "{memory:?}");
    }
}
