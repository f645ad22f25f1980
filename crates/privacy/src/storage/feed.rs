use std::io::{self, Write};

use bytes::Bytes;
use tokio::sync::mpsc;

/// Bytes of one part of an upload. Buckets take no smaller ones than 5 MiB but the last.
pub(super) const PART_BYTES: usize = 8 * 1024 * 1024;

/// Gathers what a blocking writer writes into parts, and hands them to an upload.
///
/// The channel holds one part: a writer that is faster than the upload waits.
#[derive(Debug)]
pub(super) struct Feed {
    part: Vec<u8>,
    parts: mpsc::Sender<Bytes>,
    bytes: u64,
}

impl Feed {
    pub(super) fn new() -> (Self, mpsc::Receiver<Bytes>) {
        let (parts, receiver) = mpsc::channel(1);
        (Self { part: Vec::new(), parts, bytes: 0 }, receiver)
    }

    /// Hands over the last part and says how much there was in all.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        if !self.part.is_empty() {
            self.hand_over()?;
        }
        Ok(self.bytes)
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let part = Bytes::from(std::mem::take(&mut self.part));
        self.parts.blocking_send(part).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PART_BYTES - self.part.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.part.extend_from_slice(taken);
        self.bytes += taken.len() as u64;
        if self.part.len() == PART_BYTES {
            self.hand_over()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_full_and_at_most_one_waits() {
        let (mut feed, mut parts) = Feed::new();
        let writer = std::thread::spawn(move || {
            feed.write_all(&vec![7; 3 * PART_BYTES / 2])?;
            feed.write_all(&vec![8; PART_BYTES])?;
            feed.finish()
        });

        let mut lengths = Vec::new();
        while let Some(part) = parts.blocking_recv() {
            assert!(parts.len() <= 1);
            lengths.push(part.len());
        }

        assert_eq!(lengths, [PART_BYTES, PART_BYTES, PART_BYTES / 2]);
        assert_eq!(writer.join().unwrap().unwrap(), 5 * PART_BYTES as u64 / 2);
    }

    #[test]
    fn a_writer_whose_upload_is_gone_is_told() {
        let (mut feed, parts) = Feed::new();
        drop(parts);

        let error = feed.write_all(&vec![0; PART_BYTES]).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
