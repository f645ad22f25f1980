use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Weak;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::StorageError;
#[cfg(feature = "s3")]
use super::bucket::Object;

/// Without buckets there is no package in one.
#[cfg(not(feature = "s3"))]
type Object = std::convert::Infallible;

/// A package that lies in a bucket.
#[derive(Debug)]
pub struct StoredPackage {
    object: Object,
    bytes: u64,
    expires_at: Timestamp,
}

impl StoredPackage {
    #[cfg(feature = "s3")]
    pub(super) fn new(object: Object, bytes: u64, expires_at: Timestamp) -> Self {
        Self { object, bytes, expires_at }
    }

    /// From when on it is to be removed.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads it where it lies, as if it were a file: block by block, of which one is in memory. Nothing of
    /// it comes to a disk of this machine.
    ///
    /// Reading blocks and calls the bucket through `handle`: to be done on a thread for blocking work. It
    /// fails as soon as nobody holds what `wanted` points to. A package that was replaced meanwhile is not mixed
    /// with its successor: reading fails.
    pub fn reader(self, handle: Handle, wanted: Weak<()>) -> PackageReader {
        PackageReader { package: self, at: 0, block: Block::default(), handle, wanted }
    }

    async fn block(&self, index: u64) -> Result<Bytes, StorageError> {
        let start = index.saturating_mul(self.block_bytes());
        let end = start.saturating_add(self.block_bytes()).min(self.bytes);
        self.read(start..end).await
    }

    #[cfg(feature = "s3")]
    async fn read(&self, range: std::ops::Range<u64>) -> Result<Bytes, StorageError> {
        self.object.read(range).await
    }

    #[cfg(not(feature = "s3"))]
    async fn read(&self, _: std::ops::Range<u64>) -> Result<Bytes, StorageError> {
        match self.object {}
    }

    #[cfg(feature = "s3")]
    fn block_bytes(&self) -> u64 {
        self.object.block_bytes()
    }

    #[cfg(not(feature = "s3"))]
    fn block_bytes(&self) -> u64 {
        match self.object {}
    }
}

/// A package in a bucket, open for reading.
pub struct PackageReader {
    package: StoredPackage,
    at: u64,
    block: Block,
    handle: Handle,
    wanted: Weak<()>,
}

/// The block that was read last.
#[derive(Default)]
struct Block {
    /// Its place among the blocks; none at the beginning.
    index: Option<u64>,
    bytes: Bytes,
}

impl Read for PackageReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.package.bytes || buffer.is_empty() {
            return Ok(0);
        }
        let block_bytes = self.package.block_bytes();
        let index = self.at / block_bytes;
        if self.block.index != Some(index) {
            // An error that is not tried again by those who copy.
            if self.wanted.strong_count() == 0 {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let bytes = self.handle.block_on(self.package.block(index)).map_err(io::Error::other)?;
            self.block = Block { index: Some(index), bytes };
        }
        let within = usize::try_from(self.at % block_bytes).unwrap_or(usize::MAX);
        let rest = self.block.bytes.get(within..).unwrap_or_default();
        let taken = rest.len().min(buffer.len());
        for (place, byte) in buffer.iter_mut().zip(rest) {
            *place = *byte;
        }
        self.at += taken as u64;
        Ok(taken)
    }
}

impl Seek for PackageReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(offset) => self.package.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Shows where it stands, never what it reads.
impl fmt::Debug for PackageReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackageReader")
            .field("bytes", &self.package.bytes)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
