/// First bytes of a file of version 1 (baton F-1).
pub(crate) const V1_MAGIC: [u8; 5] = *b"C1ZF\0";
/// First bytes of a file of version 3.
pub(crate) const V3_MAGIC: [u8; 5] = *b"C1Z3\0";
