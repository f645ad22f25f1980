use std::sync::atomic::{AtomicU64, Ordering};

use model::IdSource;

/// Ids in a row: `…-000000000001`, `…-000000000002`, the same in every run.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl SequentialIds {
    fn next(&self, version: u8) -> uuid::Uuid {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let mut bytes = [0; 16];
        bytes[6] = version << 4;
        bytes[8] = 0x80;
        bytes[8..].copy_from_slice(&(number | 0x8000_0000_0000_0000).to_be_bytes());
        uuid::Uuid::from_bytes(bytes)
    }
}

impl IdSource for SequentialIds {
    fn next_uuid(&self) -> uuid::Uuid {
        self.next(7)
    }

    fn random_uuid(&self) -> uuid::Uuid {
        self.next(4)
    }
}
