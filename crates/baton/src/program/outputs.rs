use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::log::ProgramLog;
use super::redaction::Redaction;

/// Longest line that is kept, in bytes.
const LONGEST_LINE: usize = 4096;

/// What a program prints, read by a thread for each of its two outputs so that it never waits for us.
#[derive(Clone)]
pub(super) struct Outputs(Arc<Shared>);

struct Shared {
    log: Mutex<ProgramLog>,
    redaction: Redaction,
    bytes: AtomicU64,
    most: u64,
}

/// How much of a line was looked at.
#[derive(Debug, Clone, Copy)]
enum Length {
    Whole,
    TooLong,
}

impl Outputs {
    pub(super) fn new(redaction: Redaction, most: u64) -> Self {
        Self(Arc::new(Shared { log: Mutex::default(), redaction, bytes: AtomicU64::new(0), most }))
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.0.bytes.load(Ordering::Relaxed) > self.0.most
    }

    pub(super) fn take_log(&self) -> ProgramLog {
        std::mem::take(&mut *self.0.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads an output to its end and keeps nothing: results are in the file.
    pub(super) fn discard(&self, mut output: impl Read) {
        let mut buffer = [0; 8192];
        while let Some(read) = self.next(&mut output, &mut buffer) {
            if read == 0 {
                return;
            }
        }
    }

    /// Reads an output to its end and keeps its lines.
    ///
    /// A line that is too long is cut when secrets were taken out of it: a secret that begins before the cut is
    /// whole in what is looked at. Its end may be the beginning of another one, and goes.
    pub(super) fn keep(&self, mut output: impl Read) {
        let most = LONGEST_LINE + self.0.redaction.longest();
        let (mut line, mut length, mut buffer) = (Vec::new(), Length::Whole, [0; 8192]);
        while let Some(read) = self.next(&mut output, &mut buffer) {
            if read == 0 {
                break;
            }
            for byte in buffer.iter().take(read) {
                if *byte == b'\n' {
                    self.line(&mut line, std::mem::replace(&mut length, Length::Whole));
                } else if line.len() < most {
                    line.push(*byte);
                } else {
                    length = Length::TooLong;
                }
            }
        }
        if !line.is_empty() {
            self.line(&mut line, length);
        }
    }

    fn next(&self, output: &mut impl Read, buffer: &mut [u8]) -> Option<usize> {
        loop {
            match output.read(buffer) {
                Ok(read) => {
                    self.0.bytes.fetch_add(read as u64, Ordering::Relaxed);
                    return Some(read);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    fn line(&self, line: &mut Vec<u8>, length: Length) {
        /// What stands in place of a character that was cut is longer than what is left of it.
        const CUT: usize = char::REPLACEMENT_CHARACTER.len_utf8();

        let mut text = self.0.redaction.apply(&String::from_utf8_lossy(line));
        let most = match length {
            Length::Whole => LONGEST_LINE,
            // Secrets that were taken out made it shorter: what was cut may stand before the longest line's end.
            Length::TooLong => text.len().saturating_sub(self.0.redaction.longest() + CUT).min(LONGEST_LINE),
        };
        text.truncate(text.floor_char_boundary(most));
        line.clear();
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner).add(text);
    }
}

#[cfg(test)]
mod tests {
    use crypto::Secret;

    use super::*;

    fn outputs(most: u64) -> Outputs {
        let secret = Secret::new("canary-of-some-length".to_owned());
        Outputs::new(Redaction::of(std::iter::once(&secret)), most)
    }

    // rule: architecture law 8
    #[test]
    fn lines_are_kept_without_secrets_and_a_long_one_is_cut_behind_them() {
        let outputs = outputs(1_000_000);
        let endless = format!("{}canary-of-some-length{}", "x".repeat(LONGEST_LINE - 5), "y".repeat(9000));
        let printed = format!("first canary-of-some-length\n{endless}\nlast");

        outputs.keep(printed.as_bytes());

        let log = outputs.take_log();
        let kept: Vec<&str> = log.lines().collect();
        assert_eq!((kept.len(), kept[0], kept[2]), (3, "first ***", "last"));
        assert!(
            kept[1].len() <= LONGEST_LINE && !kept[1].contains("cana"),
            "{}",
            &kept[1][LONGEST_LINE - 20..]
        );
        assert!(!outputs.is_too_much());
    }

    // rule: architecture law 8
    #[test]
    fn beginning_of_a_secret_at_the_end_of_a_long_line_is_not_kept() {
        let outputs = outputs(1_000_000);

        // Each that is taken out moves the end of what is looked at towards the beginning.
        outputs.keep("canary-of-some-length ".repeat(LONGEST_LINE).as_bytes());

        let log = outputs.take_log();
        let kept: Vec<&str> = log.lines().collect();
        assert_eq!(kept.len(), 1);
        assert!(kept[0].starts_with("*** ***") && !kept[0].contains("ca"), "{}", kept[0]);
    }

    #[test]
    fn only_the_last_lines_are_kept_and_all_bytes_are_counted() {
        let outputs = outputs(9_000);

        outputs.keep("line\n".repeat(1500).as_bytes());
        outputs.discard("x".repeat(2000).as_bytes());

        assert!(outputs.is_too_much());
        let log = outputs.take_log();
        assert_eq!((log.lines().count(), log.dropped()), (1000, 500));
    }
}
