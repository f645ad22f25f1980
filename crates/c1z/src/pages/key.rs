use super::record::Field;

/// Bytes at the end of each key: the number of its row.
const ROW_BYTES: usize = 8;

const NULL: u8 = 0;
const TEXT: u8 = 1;

/// Puts the sort key of an index entry at the end of `out`.
///
/// Keys compare as bytes the way SQLite compares their columns: nothing before text, text by its bytes. No key is the
/// beginning of another one. A text has no zero byte; whoever takes rows in sees to that.
pub(super) fn write_key<'a>(columns: impl Iterator<Item = Field<'a>>, row: u64, out: &mut Vec<u8>) {
    let text = |text: &[u8], out: &mut Vec<u8>| {
        out.push(TEXT);
        out.extend_from_slice(text);
        out.push(0);
    };
    for column in columns {
        match column {
            Field::Text(written) => text(written.as_bytes(), out),
            Field::Written(written) => text(written, out),
            // Indexes hold names and nothing else.
            Field::Null | Field::Integer(_) | Field::Blob(_) => out.push(NULL),
        }
    }
    out.extend_from_slice(&row.to_be_bytes());
}

/// The columns of a key, in front of its row.
pub(super) fn columns(key: &[u8]) -> &[u8] {
    key.get(..key.len().saturating_sub(ROW_BYTES)).unwrap_or_default()
}

/// The row of a key.
pub(super) fn row(key: &[u8]) -> u64 {
    let bytes = key.last_chunk::<ROW_BYTES>().copied().unwrap_or_default();
    u64::from_be_bytes(bytes)
}

/// The fields of a key, without its row.
pub(super) fn read_key<'a>(key: &'a [u8], fields: &mut Vec<Field<'a>>) {
    let mut left = columns(key);
    while let Some((marker, rest)) = left.split_first() {
        if *marker == NULL {
            fields.push(Field::Null);
            left = rest;
            continue;
        }
        let end = memchr::memchr(0, rest).unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        fields.push(Field::Written(text));
        left = after.get(1..).unwrap_or_default();
    }
}
