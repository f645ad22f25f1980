use crypto::{HashKey, canonical_json, hex};
use model::{CollectionAddress, Row};
use serde_json::{Value, json};

/// Makes the keyed hashes by which a plan recognises rows and values without holding them.
///
/// The key is the run's: hashes of two runs cannot be compared, and nobody without the key can test
/// a guess.
#[derive(Debug, Clone, Copy)]
pub struct RowMarker<'a> {
    key: &'a HashKey,
    address: &'a CollectionAddress,
    /// Paths of the primary key's fields.
    key_fields: &'a [Vec<String>],
}

/// One row by its hashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowMark {
    /// Of its primary key; of all of it if it has none.
    pub key: String,
    /// Of all of it.
    pub content: String,
}

/// One hash over many rows in any order, in constant memory.
#[derive(Debug, Clone, Default)]
pub struct ReadMark {
    rows: u64,
    sum: [u8; 32],
}

impl<'a> RowMarker<'a> {
    /// For the rows of `address` whose primary key has the fields at `key_fields`.
    pub fn new(key: &'a HashKey, address: &'a CollectionAddress, key_fields: &'a [Vec<String>]) -> Self {
        Self { key, address, key_fields }
    }

    /// The hashes of a row as it was received.
    pub fn mark(&self, row: &Row) -> RowMark {
        let content = self.hash("row", &Value::Object(row.clone()));
        let found: Vec<Option<&Value>> = self.key_fields.iter().map(|path| find(row, path)).collect();
        if found.is_empty() || found.iter().all(Option::is_none) {
            return RowMark { key: content.clone(), content };
        }
        RowMark { key: self.hash("key", &json!(found)), content }
    }

    /// The hash of the distinct values of `field`, whatever their order.
    pub fn values<'v>(&self, field: &str, values: impl IntoIterator<Item = &'v Value>) -> String {
        let mut texts: Vec<Vec<u8>> = values.into_iter().map(canonical_json).collect();
        texts.sort();
        texts.dedup();
        let texts: Vec<String> =
            texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        self.hash("values", &json!([field, texts]))
    }

    fn hash(&self, what: &str, value: &Value) -> String {
        hex(&self.key.keyed_hash(&canonical_json(&json!([self.address.to_string(), what, value]))))
    }
}

impl ReadMark {
    /// Adds one row.
    pub fn add(&mut self, row: &RowMark, key: &HashKey) {
        self.rows += 1;
        let mut carry = 0_u16;
        for (byte, other) in self.sum.iter_mut().zip(key.keyed_hash(row.content.as_bytes())) {
            let total = u16::from(*byte) + u16::from(other) + carry;
            *byte = total.to_le_bytes()[0];
            carry = total >> 8;
        }
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The hash over all of them.
    pub fn finish(&self, key: &HashKey) -> String {
        hex(&key.keyed_hash(&[self.rows.to_le_bytes().as_slice(), &self.sum].concat()))
    }
}

/// The keyed hash of a connection's secrets, whatever their order.
pub fn secrets_fingerprint<'a>(
    key: &HashKey,
    secrets: impl IntoIterator<Item = (&'a str, &'a Value)>,
) -> String {
    let members: Row = secrets.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    hex(&key.keyed_hash(&canonical_json(&json!(["secrets", members]))))
}

fn find<'a>(row: &'a Row, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(row.get(first)?, |value, name| value.get(name))
}
