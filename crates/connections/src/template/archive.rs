//! The archive that a template is brought in (saas-config 24.7, 24.8, privacy-requests C-13).

use std::io::{Cursor, Read as _};

use thiserror::Error;
use zip::ZipArchive;

/// Largest size of a file once unpacked.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Most files of an archive.
const MOST: usize = 1_000;

/// The texts of a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// The connector file.
    pub(crate) config: String,
    /// The dataset.
    pub(crate) dataset: String,
    /// The icon.
    pub(crate) icon: Option<String>,
}

/// Why an archive is none of a template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArchiveError {
    /// It is no archive, or a damaged or encrypted one.
    #[error("Invalid zip file")]
    NotAnArchive,
    /// It would take too much room.
    #[error("The zip file holds more than {MOST} files, or one of more than 16 MiB; send the template alone")]
    TooLarge,
    /// A file that has to be there is not.
    #[error("Zip file does not contain a {0}.yml file.")]
    Missing(&'static str),
    /// A file that has to be there once is there more often.
    #[error("Multiple files ending with {0}.yml found, only one is allowed.")]
    Repeated(&'static str),
    /// More than one icon.
    #[error("Multiple svg files found, only one is allowed.")]
    Icons,
    /// An icon that could do something.
    #[error("The SVG file is not a plain drawing; leave scripts, links, entities and `use xlink` out")]
    UnsafeIcon,
}

impl Unpacked {
    /// Takes the texts out of an archive.
    pub(crate) fn of_archive(bytes: &[u8]) -> Result<Self, ArchiveError> {
        unpack(bytes)
    }
}

/// Takes the texts out of an archive. Nothing else of it is unpacked, and nothing is written.
fn unpack(bytes: &[u8]) -> Result<Unpacked, ArchiveError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| ArchiveError::NotAnArchive)?;
    if archive.len() > MOST {
        return Err(ArchiveError::TooLarge);
    }
    let (mut configs, mut datasets, mut icons) = (Vec::new(), Vec::new(), Vec::new());
    for position in 0..archive.len() {
        let file = archive.by_index(position).map_err(|_| ArchiveError::NotAnArchive)?;
        if file.size() > LARGEST {
            return Err(ArchiveError::TooLarge);
        }
        let name = file.name().map_err(|_| ArchiveError::NotAnArchive)?.into_owned();
        let found = match name.as_str() {
            name if name.ends_with("config.yml") => &mut configs,
            name if name.ends_with("dataset.yml") => &mut datasets,
            name if name.to_ascii_lowercase().ends_with(".svg") => &mut icons,
            _ => continue,
        };
        let mut content = Vec::new();
        // What an archive says of its sizes need not be so.
        let read = file.take(LARGEST + 1).read_to_end(&mut content);
        if read.map_err(|_| ArchiveError::NotAnArchive)? as u64 > LARGEST {
            return Err(ArchiveError::TooLarge);
        }
        // Files that are no text are skipped, such as what some systems keep beside each file.
        found.extend(String::from_utf8(content));
    }
    let icon = match (icons.pop(), icons.is_empty()) {
        (_, false) => return Err(ArchiveError::Icons),
        (Some(icon), true) if !is_plain_drawing(&icon) => return Err(ArchiveError::UnsafeIcon),
        (icon, true) => icon,
    };
    Ok(Unpacked { config: only(configs, "config")?, dataset: only(datasets, "dataset")?, icon })
}

fn only(mut found: Vec<String>, what: &'static str) -> Result<String, ArchiveError> {
    let one = found.pop().ok_or(ArchiveError::Missing(what))?;
    if found.is_empty() { Ok(one) } else { Err(ArchiveError::Repeated(what)) }
}

/// Whether a text is a drawing that a browser only draws. Rather too strict: it is shown to everybody.
fn is_plain_drawing(text: &str) -> bool {
    const REFUSED: [&str; 9] = [
        "<!doctype",
        "<!entity",
        "<script",
        "<foreignobject",
        "<iframe",
        "javascript:",
        "xlink:href",
        "<?xml-stylesheet",
        "@import",
    ];
    let text = text.trim_start_matches('\u{feff}').trim().to_lowercase();
    let starts = text.starts_with("<svg") || (text.starts_with("<?xml") && text.contains("<svg"));
    let refused = REFUSED.iter().any(|part| text.contains(part)) || has_handler(&text);
    let ends = text.ends_with("</svg>") || text.ends_with("/>");
    starts && ends && !refused
}

/// An attribute such as `onload=`.
fn has_handler(text: &str) -> bool {
    let names = text.split('=').map(str::trim_end);
    let attribute = |before: &str| {
        let name = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/')).next();
        name.is_some_and(|name| name.starts_with("on") && name.len() > 2)
    };
    let count = names.clone().count();
    names.take(count.saturating_sub(1)).any(attribute)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;
    use rstest::rstest;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    const PAIR: [(&str, &[u8]); 2] = [("shop/shop_config.yml", b"c"), ("shop/shop_dataset.yml", b"d")];
    const ICON: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0\"/></svg>";

    #[test]
    fn texts_are_taken_out_and_everything_else_is_left() {
        let more: [(&str, &[u8]); 4] = [
            ("shop/icon.svg", ICON),
            ("shop/evil.py", b"import os"),
            ("../../etc/passwd", b"x"),
            ("__MACOSX/._shop_config.yml", &[0xff, 0xfe]),
        ];

        let unpacked = unpack(&archive(&[&PAIR[..], &more].concat())).unwrap();

        assert_eq!((unpacked.config.as_str(), unpacked.dataset.as_str()), ("c", "d"));
        assert_eq!(unpacked.icon.unwrap().as_bytes(), ICON);
    }

    #[rstest]
    #[case(&[PAIR[0]], ArchiveError::Missing("dataset"))]
    #[case(&[PAIR[1]], ArchiveError::Missing("config"))]
    #[case(&[PAIR[0], PAIR[1], ("b_config.yml", b"x")], ArchiveError::Repeated("config"))]
    #[case(&[PAIR[0], PAIR[1], ("b/dataset.yml", b"x")], ArchiveError::Repeated("dataset"))]
    #[case(&[PAIR[0], PAIR[1], ("a.svg", ICON), ("b.svg", ICON)], ArchiveError::Icons)]
    fn missing_and_repeated_files_are_named(#[case] files: &[(&str, &[u8])], #[case] expected: ArchiveError) {
        assert_eq!(unpack(&archive(files)), Err(expected));
    }

    #[rstest]
    #[case("<svg><script>x</script></svg>")]
    #[case("<svg onload = \"x\"></svg>")]
    #[case("<svg><use xlink:href=\"#a\"/></svg>")]
    #[case("<!DOCTYPE svg [<!ENTITY a \"b\">]><svg></svg>")]
    #[case("<svg><a href=\"JavaScript:x\"/></svg>")]
    #[case("<html></html>")]
    #[case("")]
    fn icon_that_could_do_something_is_refused(#[case] icon: &str) {
        let files = [PAIR[0], PAIR[1], ("a.svg", icon.as_bytes())];

        assert_eq!(unpack(&archive(&files)), Err(ArchiveError::UnsafeIcon));
    }

    #[test]
    fn bombs_are_not_unpacked() {
        let zeros = vec![0; LARGEST as usize + 1];
        let many: Vec<String> = (0..=MOST).map(|number| format!("{number}.txt")).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
        let beside = archive(&[PAIR[0], PAIR[1], ("big.bin", &zeros)]);
        assert!(beside.len() < 100_000, "small until it is unpacked");

        assert_eq!(unpack(&archive(&[PAIR[0], ("dataset.yml", &zeros)])), Err(ArchiveError::TooLarge));
        assert_eq!(unpack(&beside), Err(ArchiveError::TooLarge));
        assert_eq!(unpack(&archive(&many)), Err(ArchiveError::TooLarge));
    }

    #[test]
    fn archive_that_lies_about_its_sizes_is_refused() {
        let zeros = vec![0; LARGEST as usize + 1];
        let mut bytes = archive(&[PAIR[0], ("dataset.yml", &zeros)]);
        let real = u32::try_from(zeros.len()).unwrap().to_le_bytes();
        let places: Vec<usize> =
            (0..bytes.len() - 4).filter(|place| bytes[*place..*place + 4] == real).collect();
        assert!(!places.is_empty());
        for place in places {
            bytes[place..place + 4].copy_from_slice(&7_u32.to_le_bytes());
        }

        assert!(unpack(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(unpack(&bytes).is_err());
        }
    }
}
