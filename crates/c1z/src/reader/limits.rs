/// How large a file may become when it is unpacked (baton F-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the database (`BATON_DECODER_MAX_DECODED_SIZE_MB`).
    pub decoded_bytes: u64,
    /// Most memory of the decoder (`BATON_DECODER_MAX_MEMORY_MB`).
    pub window_bytes: u64,
    /// What is made of a length that the file itself tells.
    pub declared: DeclaredLength,
}

/// What is made of a length that the file itself tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclaredLength {
    /// A file that says that it is too large is not unpacked at all.
    Believed,
    /// It is unpacked until it is too large (`BATON_DISABLE_FCS_FAIL_FAST`).
    Ignored,
}

impl Default for Limits {
    fn default() -> Self {
        Self { decoded_bytes: 10 << 30, window_bytes: 128 << 20, declared: DeclaredLength::Believed }
    }
}

impl Limits {
    /// The largest window that the decoder takes, as a power of two.
    pub(super) fn window_log(&self) -> u32 {
        self.window_bytes.max(1024).ilog2().min(31)
    }
}
