//! What a reading asks, as hashes: by them another process knows whether rows that were kept still answer
//! the same question.

use crypto::PartsHash;
use graph::{Traversal, TraversalNode};

use super::{Plan, Reading};
use crate::Database;
use crate::columns::{edge_paths, necessary};

impl Reading {
    /// Stands for what unit `unit` asks: database, statement, what its columns are read as, and the
    /// searched values, also those of the units before it, whose rows it leaves out. `None` if there is no
    /// such unit.
    ///
    /// Somebody who has it can test a guess of a value: keep it sealed, or under a key.
    pub fn unit_hash(&self, unit: usize) -> Option<[u8; 32]> {
        let plan = &self.plan;
        let select = plan.select(unit)?;
        let mut hash = PartsHash::new();
        hash.add(plan.database.place());
        hash.add(plan.collection.to_string());
        hash.add(select.sql);
        hash.add(format!("{:?}", select.outputs));
        hash.add(plan.value_hashes.get_or_init(|| plan.value_hashes()).get(unit)?);
        Some(hash.finish())
    }
}

impl Plan {
    fn value_hashes(&self) -> Vec<[u8; 32]> {
        let mut before = [0; 32];
        let hashes = self.units.iter().map(|parts| {
            let mut hash = PartsHash::new();
            hash.add(before);
            for (position, range) in parts {
                let Some(input) = self.inputs.get(*position) else { continue };
                hash.add(format!("{:?}", input.place));
                for value in input.values.get(range.clone()).unwrap_or_default() {
                    hash.add(value.text());
                }
            }
            before = hash.finish();
            before
        });
        hashes.collect()
    }
}

impl Database {
    /// Stands for how a collection is read, whatever it is read with: the database, as whom it is asked,
    /// and the columns. The database is not asked for it. To be kept as [`Reading::unit_hash`] is.
    pub fn definition_hash(&self, traversal: &Traversal, node: &TraversalNode) -> [u8; 32] {
        let mut hash = PartsHash::new();
        hash.add(self.place());
        for name in necessary(&node.collection, &edge_paths(node, traversal)) {
            hash.add(name);
        }
        hash.finish()
    }
}
