//! Processes that a program started and that left its group, or outlived us: their environment says of which run they
//! are, and where they work.

use std::path::Path;

/// The variable that names a run.
const VARIABLE: &str = "TUTELA_PROGRAM_RUN";

/// The name of one run.
#[derive(Debug)]
pub(super) struct Marker(String);

impl Marker {
    pub(super) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The variable and its value.
    pub(super) fn variable(&self) -> (&'static str, &str) {
        (VARIABLE, &self.0)
    }
}

/// Kills all processes that carry the marker, as often as there are new ones. One that took the name out of its
/// environment is not found.
pub(super) fn kill(marker: &Marker) {
    kill_all(format!("{VARIABLE}={}", marker.0).as_bytes());
}

/// The same for those whose home is this folder.
pub(super) fn kill_at_home(home: &Path) {
    kill_all(&[b"HOME=".as_slice(), home.as_os_str().as_encoded_bytes()].concat());
}

#[cfg(target_os = "linux")]
fn kill_all(wanted: &[u8]) {
    use rustix::process::{Pid, Signal, kill_process};

    /// Each round finds what was started during the one before.
    const ROUNDS: usize = 8;

    for _ in 0..ROUNDS {
        let mut found = false;
        for process in processes() {
            if carries(process, wanted)
                && let Some(process) = Pid::from_raw(process)
            {
                found = true;
                // It may have ended by itself.
                let _ = kill_process(process, Signal::KILL);
            }
        }
        if !found {
            return;
        }
    }
}

/// The group is all that is known of.
#[cfg(not(target_os = "linux"))]
fn kill_all(_wanted: &[u8]) {}

#[cfg(target_os = "linux")]
fn processes() -> Vec<i32> {
    let Ok(listed) = std::fs::read_dir("/proc") else { return Vec::new() };
    listed.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(target_os = "linux")]
fn carries(process: i32, wanted: &[u8]) -> bool {
    use std::io::Read as _;

    /// Environments of programs are far smaller.
    const MOST: u64 = 4 << 20;

    let Ok(file) = std::fs::File::open(format!("/proc/{process}/environ")) else { return false };
    let mut environment = Vec::new();
    // One that has ended and is not yet fetched has none.
    if file.take(MOST).read_to_end(&mut environment).is_err() {
        return false;
    }
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
}
