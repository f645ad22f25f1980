use proptest::prelude::*;

use crate::directory::Directory;
use crate::hostile::read_all;
use crate::plain::{open, pack};

/// The database of a small file.
fn database() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.c1z");
    Directory::small().write(&path);
    zstd::decode_all(std::fs::read(path).unwrap().get(5..).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is in a file, reading it ends: with rows or an error, never with a panic.
    #[test]
    fn reading_a_changed_database_ends(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = database();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let path = pack(folder.path(), &bytes);

        if let Ok(reader) = open(&path) {
            let _ = read_all(&reader);
        }
    }

    /// The same, where it hurts: headers of pages, pointers, the schema.
    #[test]
    fn reading_changed_page_headers_ends(changes in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..120, any::<u8>()), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = database();
        for (page, at, value) in changes {
            let place = page.index(bytes.len() / 4096) * 4096 + at;
            bytes[place] = value;
        }
        let path = pack(folder.path(), &bytes);

        if let Ok(reader) = open(&path) {
            let _ = read_all(&reader);
        }
    }

    #[test]
    fn a_changed_file_does_not_become_another_one_unnoticed(place in any::<prop::sample::Index>(), change in 1_u8..) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.c1z");
        Directory::small().write(&path);
        let mut bytes = std::fs::read(&path).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        std::fs::write(&path, bytes).unwrap();

        // The frame has a checksum; a bit of its header may be one that nobody reads.
        if let Ok(reader) = open(&path) {
            prop_assert!(crate::round_trip::read(&reader, crate::directory::SYNC_ID) == Directory::small());
        }
    }
}
