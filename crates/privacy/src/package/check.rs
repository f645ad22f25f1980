//! Whether a package that came from elsewhere is whole.

use std::io::{self, Read, Seek};

use thiserror::Error;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::Report;

/// The largest report that is read: one entry a collection.
const MOST_REPORT_BYTES: u64 = 64 * 1024 * 1024;
/// The most that all files of a package may unpack to.
const MOST_BYTES: u64 = 1024 * 1024 * 1024 * 1024;

/// Why a package cannot be relied on.
#[derive(Debug, Error)]
pub enum CheckError {
    /// It cannot be read.
    #[error("the package is damaged, or cannot be read to its end; fetch it again")]
    File(#[from] io::Error),
    /// It is no archive, or something in it is not as it was when it was packed.
    #[error("the package is damaged; fetch it again")]
    Archive(#[from] ZipError),
    /// It unpacks to more than any package holds.
    #[error("the package unpacks to more than {MOST_BYTES} bytes; do not open it")]
    TooLarge,
    /// It has no `report.json` that this version reads.
    #[error("the package has no `report.json` that this version reads; use the version that made it")]
    NoReport,
}

/// Reads every file of an archive to its end, so that each is known to be as it was packed, and gives
/// what `report.json` says. `None` for one that only opens with a password.
///
/// Blocks: from asynchronous code use `spawn_blocking`. Memory does not depend on the size.
///
/// # Errors
/// [`CheckError`].
pub fn check_archive(package: impl Read + Seek) -> Result<Option<Report>, CheckError> {
    let mut archive = ZipArchive::new(package)?;
    let (mut report, mut left) = (None, MOST_BYTES);
    for index in 0..archive.len() {
        if archive.by_index_raw(index)?.encrypted() {
            return Ok(None);
        }
        let mut entry = archive.by_index(index)?;
        if entry.name()? == "report.json" {
            let mut text = Vec::new();
            (&mut entry).take(MOST_REPORT_BYTES).read_to_end(&mut text)?;
            report = serde_json::from_slice::<Report>(&text).ok();
        }
        let read = io::copy(&mut (&mut entry).take(left.saturating_add(1)), &mut io::sink())?;
        left = left.checked_sub(read).ok_or(CheckError::TooLarge)?;
    }
    report.map(Some).ok_or(CheckError::NoReport)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use crypto::Secret;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            writer.start_file(*name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    const REPORT: &str = r#"{"outcome": "complete", "collections": {}}"#;

    #[test]
    fn whole_package_gives_its_report() {
        let bytes = archive(&[("report.json", REPORT), ("access.json", "{}")]);

        let report = check_archive(Cursor::new(bytes)).unwrap().unwrap();

        assert_eq!(report.outcome, crate::ReportOutcome::Complete);
    }

    #[test]
    fn one_changed_byte_is_noticed() {
        let mut bytes = archive(&[("report.json", REPORT), ("access.json", "{\"canary\": 1}")]);
        let place = bytes.windows(6).position(|bytes| bytes == b"canary").unwrap();
        bytes[place] = b'C';

        let refused = check_archive(Cursor::new(bytes)).unwrap_err();

        assert!(matches!(refused, CheckError::File(_) | CheckError::Archive(_)), "{refused}");
        assert!(!refused.to_string().contains("anary"));
    }

    #[test]
    fn package_cut_short_or_without_a_report_is_none() {
        let bytes = archive(&[("report.json", REPORT)]);

        let short = check_archive(Cursor::new(bytes[..bytes.len() / 2].to_vec()));
        let without = check_archive(Cursor::new(archive(&[("access.json", "{}")])));

        assert!(matches!(short, Err(CheckError::Archive(_))), "{short:?}");
        assert!(matches!(without, Err(CheckError::NoReport)), "{without:?}");
    }

    #[test]
    fn locked_package_is_left_alone() {
        let open = archive(&[("report.json", REPORT)]);
        let locked = super::super::lock_archive(Cursor::new(open), &Secret::new("p".to_owned())).unwrap();

        assert!(check_archive(locked).unwrap().is_none());
    }
}
