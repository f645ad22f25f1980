//! The statement that reads a collection, for people to look at.

use std::collections::BTreeMap;

use graph::{Source, Traversal, TraversalNode};

use crate::Database;
use crate::columns::{edge_paths, necessary};
use crate::table::TableName;

impl Database {
    /// The statement that reads `node`, with `?` in the place of each value. The database is not asked:
    /// what is sent says the same in the types that its columns have.
    pub fn preview(&self, traversal: &Traversal, node: &TraversalNode) -> String {
        let dialect = self.driver().dialect();
        let columns = necessary(&node.collection, &edge_paths(node, traversal));
        let columns: Vec<String> = columns.iter().map(|name| dialect.quote(name)).collect();
        // One identity has one value as a rule, and rows of another collection have several.
        let mut places: BTreeMap<&str, &str> = BTreeMap::new();
        for edge in &node.incoming {
            let values = match &edge.source {
                Source::Identity(_) => "= ?",
                Source::Field(_) => "IN (?, ?)",
            };
            let known = places.entry(&edge.target.path).or_insert(values);
            if values != "= ?" {
                *known = values;
            }
        }
        let condition = |(path, values): (&&str, &&str)| {
            let levels: Vec<String> = path.split('.').map(|level| dialect.quote(level)).collect();
            format!("{} {values}", levels.join("."))
        };
        let conditions: Vec<String> = places.iter().map(condition).collect();
        let table = TableName { schema: self.schema(), name: node.address().collection().to_owned() };
        format!(
            "SELECT {} FROM {} WHERE {}",
            columns.join(", "),
            dialect.table(&table),
            conditions.join(" OR ")
        )
    }
}
