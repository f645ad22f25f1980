/// First bytes of a file of version 1 (baton F-1).
pub(crate) const V1_MAGIC: [u8; 5] = *b"C1ZF\0";
/// First bytes of a file of version 3.
pub(crate) const V3_MAGIC: [u8; 5] = *b"C1Z3\0";

/// How hard a file is pressed. Always the same: another level would give other bytes for the same rows.
pub(crate) const LEVEL: i32 = 1;
/// Threads that press a file. How many does not change its bytes, but whether there are any does: always the same number.
pub(crate) const WORKERS: u32 = 2;
