use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::limits::{DeclaredLength, Limits};
use super::{ReadError, manifest};
use crate::container::{V1_MAGIC, V3_MAGIC};

/// Bytes that are unpacked at a time.
const CHUNK_BYTES: usize = 1 << 18;
/// The header of a SQLite database.
const HEADER_BYTES: usize = 100;
const SQLITE: &[u8] = b"SQLite format 3\0";

/// A database that lies unpacked in a folder of its own.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub(super) folder: TempDir,
    pub(super) bytes: u64,
}

impl Unpacked {
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("rows.db")
    }
}

/// Unpacks a file; nothing, if it is missing or empty (baton F-2).
pub(super) fn unpack(
    path: &Path,
    folder: Option<&Path>,
    limits: &Limits,
) -> Result<Option<Unpacked>, ReadError> {
    let unreadable = |source| ReadError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut file = BufReader::with_capacity(CHUNK_BYTES, file);
    let mut magic = Vec::new();
    file.by_ref().take(V1_MAGIC.len() as u64).read_to_end(&mut magic).map_err(unreadable)?;
    if magic.is_empty() {
        return Ok(None);
    }
    if magic == V3_MAGIC {
        return Err(manifest::version_3(path, &mut file));
    }
    if magic != V1_MAGIC {
        return Err(ReadError::NotC1z { path: path.to_owned() });
    }
    check_declared(path, &mut file, limits)?;
    unpack_frames(path, file, folder, limits).map(Some)
}

/// Refuses a file that says itself that it is too large.
fn check_declared(path: &Path, file: &mut BufReader<File>, limits: &Limits) -> Result<(), ReadError> {
    let start = file.fill_buf().map_err(|source| ReadError::File { path: path.to_owned(), source })?;
    let declared = zstd::zstd_safe::get_frame_content_size(start).ok().flatten();
    match (limits.declared, declared) {
        (DeclaredLength::Believed, Some(bytes)) if bytes > limits.decoded_bytes => {
            Err(too_large(path, limits))
        }
        (DeclaredLength::Believed | DeclaredLength::Ignored, _) => Ok(()),
    }
}

/// Unpacks all frames up to the limit.
fn unpack_frames(
    path: &Path,
    file: BufReader<File>,
    folder: Option<&Path>,
    limits: &Limits,
) -> Result<Unpacked, ReadError> {
    let damaged = |source| ReadError::Unpack { path: path.to_owned(), source };
    let mut decoder = zstd::Decoder::with_buffer(file).map_err(damaged)?;
    decoder.window_log_max(limits.window_log()).map_err(damaged)?;
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("tutela-c1z-");
    let folder = match folder {
        Some(folder) => builder.tempdir_in(folder),
        None => builder.tempdir(),
    };
    let mut unpacked = Unpacked { folder: folder.map_err(ReadError::Working)?, bytes: 0 };
    let mut out = private(&unpacked.path()).map_err(ReadError::Working)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = fill(&mut decoder, &mut chunk).map_err(damaged)?;
        if read == 0 {
            break;
        }
        let part = chunk.get_mut(..read).unwrap_or_default();
        if unpacked.bytes == 0 {
            check_header(part)?;
        }
        unpacked.bytes += read as u64;
        if unpacked.bytes > limits.decoded_bytes {
            return Err(too_large(path, limits));
        }
        out.write_all(part).map_err(ReadError::Working)?;
    }
    if unpacked.bytes == 0 {
        return Err(ReadError::NotDatabase);
    }
    Ok(unpacked)
}

/// Reads until the chunk is full or nothing is left.
fn fill(from: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Checks that a database begins here, and marks it as one without a write-ahead log: there is none beside it
/// (baton F-7).
fn check_header(start: &mut [u8]) -> Result<(), ReadError> {
    if start.len() < HEADER_BYTES || !start.starts_with(SQLITE) {
        return Err(ReadError::NotDatabase);
    }
    if let Some(versions) = start.get_mut(18..20) {
        versions.fill(1);
    }
    Ok(())
}

fn too_large(path: &Path, limits: &Limits) -> ReadError {
    ReadError::TooLarge { path: path.to_owned(), most: limits.decoded_bytes }
}

/// A new file that only its owner reads.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
