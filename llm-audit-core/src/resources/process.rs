//! The process itself, as its operating system counts.

use super::{ResourceProbe, Resources};

/// Measures the process: the CPU time that it has used since its start, on Unix, and the memory that
/// it has resident, on Linux.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{ProcessProbe, ResourceProbe};
///
/// let found = ProcessProbe::new().sample();
/// # #[cfg(target_os = "linux")]
/// assert!(found.memory_bytes > Some(100_000));
/// assert_eq!(found.gpu_utilization, None);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProcessProbe;

impl ProcessProbe {
    /// Returns the probe.
    pub const fn new() -> Self {
        Self
    }
}

impl ResourceProbe for ProcessProbe {
    fn sample(&mut self) -> Resources {
        Resources {
            cpu_us: cpu_us(),
            memory_bytes: memory_bytes(),
            ..Resources::default()
        }
    }
}

#[cfg(unix)]
fn cpu_us() -> Option<u64> {
    use rustix::time::{ClockId, clock_gettime};

    let used = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(used.tv_sec).ok()?;
    let micros = u64::try_from(used.tv_nsec / 1_000).ok()?;
    seconds.checked_mul(1_000_000)?.checked_add(micros)
}

#[cfg(not(unix))]
fn cpu_us() -> Option<u64> {
    None
}

/// What proc(5) calls `VmRSS`, which it counts in kB of 1,024 bytes.
#[cfg(target_os = "linux")]
fn memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = status.lines();
    let resident = lines.find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1_024)
}

#[cfg(not(target_os = "linux"))]
fn memory_bytes() -> Option<u64> {
    None
}
