/// A value of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    /// The bytes of a text.
    Written(&'a [u8]),
    Blob(&'a [u8]),
}

impl Field<'_> {
    /// The number that says in a record's header what the value is and how long.
    fn serial_type(&self) -> u64 {
        match self {
            Self::Null => 0,
            Self::Integer(0) => 8,
            Self::Integer(1) => 9,
            Self::Integer(value) => match integer_bytes(*value) {
                6 => 5,
                8 => 6,
                bytes => bytes as u64,
            },
            Self::Text(text) => 13 + 2 * text.len() as u64,
            Self::Written(text) => 13 + 2 * text.len() as u64,
            Self::Blob(bytes) => 12 + 2 * bytes.len() as u64,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null | Self::Integer(0 | 1) => {}
            Self::Integer(value) => {
                let bytes = value.to_be_bytes();
                out.extend(bytes.iter().skip(bytes.len() - integer_bytes(*value)));
            }
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Written(bytes) | Self::Blob(bytes) => out.extend_from_slice(bytes),
        }
    }
}

/// How many bytes a record spends on an integer: 1, 2, 3, 4, 6 or 8.
fn integer_bytes(value: i64) -> usize {
    const SIZES: [usize; 5] = [1, 2, 3, 4, 6];
    let fits = |bytes: &usize| {
        let half = 1_i64 << (bytes * 8 - 1);
        (-half..half).contains(&value)
    };
    SIZES.into_iter().find(fits).unwrap_or(8)
}

/// Puts the record of these fields at the end of `out`.
pub(crate) fn write_record(fields: &[Field<'_>], out: &mut Vec<u8>) {
    let types: usize = fields.iter().map(|field| varint_bytes(field.serial_type())).sum();
    // The header tells its own length, which may lengthen it.
    let header = if types < 127 { types + 1 } else { types + varint_bytes(types as u64 + 2) };
    write_varint(header as u64, out);
    for field in fields {
        write_varint(field.serial_type(), out);
    }
    for field in fields {
        field.write(out);
    }
}

/// Puts a number of SQLite's variable length at the end of `out`.
pub(crate) fn write_varint(value: u64, out: &mut Vec<u8>) {
    if value < 0x80 {
        out.push(value as u8);
        return;
    }
    if value >= 1 << 56 {
        // The ninth byte has eight bits.
        for step in (0..8).rev() {
            out.push(((value >> (8 + 7 * step)) as u8 & 0x7f) | 0x80);
        }
        out.push(value as u8);
        return;
    }
    let bytes = varint_bytes(value);
    for step in (1..bytes).rev() {
        out.push(((value >> (7 * step)) as u8 & 0x7f) | 0x80);
    }
    out.push(value as u8 & 0x7f);
}

fn varint_bytes(value: u64) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        _ => {
            let bits = 64 - value.leading_zeros() as usize;
            bits.div_ceil(7).min(9)
        }
    }
}
