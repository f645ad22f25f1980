use std::collections::BTreeMap;

use protos::c1::connector::v2::ResourceType;

use super::Explorer;
use crate::layout::Table;
use crate::{Filter, ReadError};

impl Explorer<'_> {
    /// How many rows there are: `entitlements`, `grants`, `resource_types`, and the resources of each type, also of
    /// types that have none and of types that have no row of their own.
    ///
    /// Rows are counted, whatever the run says of itself.
    pub fn counts(&self) -> Result<BTreeMap<String, u64>, ReadError> {
        let all = Filter::default();
        let mut counts = BTreeMap::new();
        let mut types = 0;
        for row in self.reader.rows::<ResourceType>(self.run, &all) {
            counts.insert(row?.id, 0);
            types += 1;
        }
        // All at once: a look at the table for each type would not end in a file of many types.
        self.reader.columns(self.run, (Table::Resources, "resource_type_id"), &mut |[kind]| match counts
            .get_mut(kind)
        {
            Some(count) => *count += 1,
            None => {
                counts.insert(kind.to_owned(), 1);
            }
        })?;
        // A type may be called like one of the three; then the total is shown, as released explorers do.
        counts.insert("resource_types".to_owned(), types);
        counts.insert("entitlements".to_owned(), self.reader.count(self.run, Table::Entitlements, &all)?);
        counts.insert("grants".to_owned(), self.reader.count(self.run, Table::Grants, &all)?);
        Ok(counts)
    }
}
