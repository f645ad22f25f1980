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
    const ROUNDS: usize = 16;
    /// How long it takes to become another program.
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(1);

    for _ in 0..ROUNDS {
        let (mut is_over, mut between) = (true, false);
        for number in processes() {
            match look(number, wanted) {
                Seen::Other => {}
                Seen::Between => between = true,
                Seen::Carries => {
                    is_over = false;
                    // It may have ended by itself.
                    let _ = Pid::from_raw(number).map(|process| kill_process(process, Signal::KILL));
                }
            }
        }
        if between {
            std::thread::park_timeout(PAUSE);
        } else if is_over {
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

/// What a process is, as far as its environment says.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Carries,
    Other,
    /// It is about to be another program, and has no environment for a moment.
    Between,
}

#[cfg(target_os = "linux")]
fn look(process: i32, wanted: &[u8]) -> Seen {
    use std::io::Read as _;

    /// Environments of programs are far smaller.
    const MOST: u64 = 4 << 20;

    let Ok(file) = std::fs::File::open(format!("/proc/{process}/environ")) else { return Seen::Other };
    let mut environment = Vec::new();
    let read = file.take(MOST).read_to_end(&mut environment);
    if read.is_err() || environment.is_empty() {
        return if has_ended(process) { Seen::Other } else { Seen::Between };
    }
    let carries = environment.split(|byte| *byte == 0).any(|variable| variable == wanted);
    if carries { Seen::Carries } else { Seen::Other }
}

/// Whether it has ended and is not yet fetched, or is one of the kernel's own, which never have an environment.
#[cfg(target_os = "linux")]
fn has_ended(process: i32) -> bool {
    const KERNEL: u64 = 0x0020_0000;

    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind its name, which may hold anything: state, five numbers, flags.
    let mut fields = status.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).into_iter().flatten();
    let has_ended = fields.next().is_none_or(|state| matches!(state, "Z" | "X"));
    has_ended
        || fields.nth(5).and_then(|flags| flags.parse().ok()).is_some_and(|flags: u64| flags & KERNEL != 0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    fn number(child: &Child) -> i32 {
        i32::try_from(child.id()).expect("numbers of processes are small")
    }

    // While it becomes another program, a process has no environment, as one that is started without any.
    #[test]
    fn a_process_without_an_environment_is_looked_at_again_unless_it_has_ended() {
        let mut lives = Command::new("/bin/sleep").arg("1000").env_clear().spawn().unwrap();
        let mut ended = Command::new("/bin/true").spawn().unwrap();
        while !has_ended(number(&ended)) {
            std::thread::yield_now();
        }

        assert_eq!(look(number(&lives), b"TUTELA_PROGRAM_RUN=1"), Seen::Between);
        assert_eq!(look(number(&ended), b"TUTELA_PROGRAM_RUN=1"), Seen::Other);

        lives.kill().unwrap();
        lives.wait().unwrap();
        ended.wait().unwrap();
    }
}
