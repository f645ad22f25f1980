//! What the system says of this process, under the names that Prometheus gives such numbers.

use metrics::{Unit, describe_gauge};

const MEMORY: &str = "process_resident_memory_bytes";
const CPU: &str = "process_cpu_seconds_total";
const FILES: &str = "process_open_fds";

pub(super) fn describe() {
    describe_gauge!(MEMORY, Unit::Bytes, "Memory that the process has");
    describe_gauge!(CPU, Unit::Seconds, "Time that the process has computed");
    describe_gauge!(FILES, "Files and connections that are open");
}

/// Reads them; where the system does not say, there is no number.
pub(super) fn look() {
    if let Some(kilobytes) = resident_kilobytes() {
        metrics::gauge!(MEMORY).set(kilobytes as f64 * 1024.0);
    }
    if let Some(ticks) = cpu_ticks() {
        metrics::gauge!(CPU).set(ticks as f64 / TICKS_PER_SECOND);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        metrics::gauge!(FILES).set(open.count() as f64);
    }
}

/// What Linux shows times in, on every machine.
const TICKS_PER_SECOND: f64 = 100.0;

fn resident_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Of the process itself, in user and system mode.
fn cpu_ticks() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name stands in brackets, and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_this_process() {
        assert!(resident_kilobytes().unwrap() > 0);
        assert!(cpu_ticks().is_some());
    }
}
