use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crypto::PartsHash;
use prost::Message;

/// Bytes of a list's name.
const NAME: usize = 16;

/// Which list: what is listed, and of what. Names of equal lists are equal, others are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ListId([u8; NAME]);

impl ListId {
    /// All resource types.
    pub(super) fn types() -> Self {
        Self::of(&["types"])
    }

    /// Resources of a type that no parent announces.
    pub(super) fn resources(kind: &str) -> Self {
        Self::of(&["resources", kind])
    }

    /// Resources of a type below a parent.
    pub(super) fn children(kind: &str, parent: (&str, &str)) -> Self {
        Self::of(&["children", kind, parent.0, parent.1])
    }

    /// The one resource with this id.
    pub(super) fn resource(kind: &str, id: &str) -> Self {
        Self::of(&["resource", kind, id])
    }

    /// What can be held on a resource.
    pub(super) fn entitlements(kind: &str, id: &str) -> Self {
        Self::of(&["entitlements", kind, id])
    }

    /// Who holds something on a resource.
    pub(super) fn grants(kind: &str, id: &str) -> Self {
        Self::of(&["grants", kind, id])
    }

    pub(super) fn as_bytes(&self) -> &[u8; NAME] {
        &self.0
    }

    fn of(parts: &[&str]) -> Self {
        let mut hash = PartsHash::new();
        for part in parts {
            hash.add(part);
        }
        let mut name = [0; NAME];
        name.iter_mut().zip(hash.finish()).for_each(|(byte, of)| *byte = of);
        Self(name)
    }
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    from: u64,
    bytes: u32,
}

/// Writes rows into a file without a name, and remembers which list each belongs to.
#[derive(Debug)]
pub(super) struct RowWriter {
    file: BufWriter<File>,
    end: u64,
    lists: HashMap<ListId, Vec<Place>>,
}

/// The rows of a snapshot, list by list. Memory holds places; the rows are in a file that goes with this.
#[derive(Debug)]
pub(super) struct RowFile {
    file: Mutex<File>,
    lists: HashMap<ListId, Vec<Place>>,
}

impl RowWriter {
    /// In `folder`, or where the system has temporary files.
    pub(super) fn new(folder: Option<&Path>) -> io::Result<Self> {
        let file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
        Ok(Self { file: BufWriter::new(file), end: 0, lists: HashMap::new() })
    }

    /// Adds a row to these lists, at their ends.
    pub(super) fn add(&mut self, row: &impl Message, lists: &[ListId]) -> io::Result<()> {
        let encoded = row.encode_to_vec();
        let bytes = u32::try_from(encoded.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.file.write_all(&encoded)?;
        let place = Place { from: self.end, bytes };
        self.end += u64::from(bytes);
        for list in lists {
            self.lists.entry(*list).or_default().push(place);
        }
        Ok(())
    }

    /// Nothing more comes.
    pub(super) fn finish(self) -> io::Result<RowFile> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(RowFile { file: Mutex::new(file), lists: self.lists })
    }
}

/// A part of a list.
#[derive(Debug)]
pub(super) struct RowPage<T> {
    pub(super) rows: Vec<T>,
    /// Where the next one begins, if this is not the last.
    pub(super) next: Option<usize>,
}

impl RowFile {
    /// Up to `most` rows of a list from the place `from` on, and not more than one after `bytes` bytes.
    pub(super) fn page<T: Message + Default>(
        &self,
        list: &ListId,
        from: usize,
        (most, bytes): (usize, usize),
    ) -> io::Result<RowPage<T>> {
        let places = self.lists.get(list).map(Vec::as_slice).unwrap_or_default();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut rows, mut taken, mut encoded) = (Vec::new(), 0, Vec::new());
        for place in places.iter().skip(from).take(most) {
            if taken >= bytes {
                break;
            }
            encoded.resize(place.bytes as usize, 0);
            file.seek(SeekFrom::Start(place.from))?;
            file.read_exact(&mut encoded)?;
            rows.push(T::decode(encoded.as_slice()).map_err(io::Error::other)?);
            taken += encoded.len();
        }
        let end = from.saturating_add(rows.len());
        Ok(RowPage { rows, next: (end < places.len()).then_some(end) })
    }
}

#[cfg(test)]
mod tests {
    use protos::c1::connector::v2::ResourceType;

    use super::*;

    const ALL: (usize, usize) = (250, usize::MAX);

    fn ids(
        file: &RowFile,
        list: &ListId,
        from: usize,
        limits: (usize, usize),
    ) -> (Vec<String>, Option<usize>) {
        let page = file.page::<ResourceType>(list, from, limits).unwrap();
        (page.rows.into_iter().map(|row| row.id).collect(), page.next)
    }

    #[test]
    fn each_list_has_its_rows_in_order_and_pages_end_by_number_or_size() {
        let (first, second) = ([ListId::resources("a")], ListId::children("a", ("b", "c")));
        let mut writer = RowWriter::new(None).unwrap();
        for number in 0..5 {
            let row = ResourceType { id: format!("row-{number}"), ..ResourceType::default() };
            writer.add(&row, if number == 3 { &[] } else { first.as_slice() }).unwrap();
            writer.add(&row, &[second, ListId::types()]).unwrap();
        }

        let file = writer.finish().unwrap();

        assert_eq!(ids(&file, &first[0], 0, ALL).0, ["row-0", "row-1", "row-2", "row-4"]);
        assert_eq!(ids(&file, &second, 0, (2, usize::MAX)), (vec!["row-0".into(), "row-1".into()], Some(2)));
        assert_eq!(ids(&file, &second, 2, (250, 1)), (vec!["row-2".into()], Some(3)));
        assert_eq!(ids(&file, &second, 4, ALL), (vec!["row-4".into()], None));
        assert_eq!(ids(&file, &second, usize::MAX, ALL), (vec![], None));
        assert_eq!(ids(&file, &ListId::resources("b"), 0, ALL), (vec![], None));
    }

    #[test]
    fn names_of_lists_do_not_run_together() {
        assert_ne!(ListId::grants("a", "bc"), ListId::grants("ab", "c"));
        assert_ne!(ListId::grants("a", "b"), ListId::entitlements("a", "b"));
        assert_ne!(ListId::children("a", ("b", "cd")), ListId::children("a", ("bc", "d")));
    }
}
