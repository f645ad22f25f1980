use std::collections::{BTreeMap, BTreeSet};

use model::CollectionAddress;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Call, PlanContents};

/// How much a plan may change; more refuses the plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most writes; each row that a statement changes counts.
    pub max_writes: u64,
    /// Most people.
    pub max_subjects: u64,
    /// Largest share of the rows of one table, from 0 to 1.
    pub max_share_of_table: f64,
    /// Rows of one table that the share never refuses.
    pub min_rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self::from(spec::PlanLimits::default())
    }
}

impl From<spec::PlanLimits> for Limits {
    fn from(limits: spec::PlanLimits) -> Self {
        let spec::PlanLimits { max_writes, max_subjects, max_share_of_table, min_rows } = limits;
        Self { max_writes, max_subjects, max_share_of_table, min_rows }
    }
}

/// How much a plan would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Writes.
    pub writes: u64,
    /// People.
    pub subjects: u64,
    /// Table → rows that change, and rows in all where that is known.
    pub tables: BTreeMap<CollectionAddress, (u64, Option<u64>)>,
    /// Collection that is changed, or with whose rows one that is changed was found → rows in it that
    /// are somebody else's.
    pub foreign: BTreeMap<CollectionAddress, u64>,
}

/// A limit that a plan would exceed.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Exceeded {
    /// Too many writes.
    #[error(
        "the plan has {found} writes and `limits.max_writes` is {limit}; if they are right, raise it for this plan (`--max-writes`), or for all in the file of the project or server"
    )]
    Writes {
        /// Writes of the plan.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Too many people.
    #[error(
        "the plan is about {found} people and `limits.max_subjects` is {limit}; if they are right, raise it for this plan (`--max-subjects`), or for all in the file of the project or server"
    )]
    Subjects {
        /// People.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Too large a part of a table.
    #[error(
        "the plan changes {rows} of the {all} rows of `{address}`, and `limits.max_share_of_table` is {limit}; \
         check the references that lead there, or raise the limit for this plan (`--max-share-of-table`), or for \
         all in the file of the project or server"
    )]
    Share {
        /// The table.
        address: CollectionAddress,
        /// Rows that change.
        rows: u64,
        /// Rows in all.
        all: u64,
        /// The limit.
        limit: f64,
    },
    /// Rows of somebody else would be changed (architecture §13.17). No limit raises this.
    #[error(
        "{rows} rows of `{address}` carry only another person's address and would be changed, or lead to rows \
         that would be; the application gave them for this person, so correct the request or the reference \
         that reads them"
    )]
    Foreign {
        /// The collection.
        address: CollectionAddress,
        /// Rows of others.
        rows: u64,
    },
}

impl Volume {
    /// The volume of a plan about `subjects` people.
    pub fn of(contents: &PlanContents, subjects: u64) -> Self {
        let mut tables: BTreeMap<CollectionAddress, (u64, Option<u64>)> = BTreeMap::new();
        for operation in &contents.operations {
            for address in &operation.collections {
                let read = contents.reads.iter().find(|read| read.address == *address);
                if let Call::Sql { .. } = operation.call {
                    let all = read.and_then(|read| read.table_rows);
                    tables.entry(address.clone()).or_insert((0, all)).0 += operation.rows;
                }
            }
        }
        let leads_to_a_write = leading(contents);
        let of_others = contents.reads.iter().filter(|read| read.foreign > 0);
        let foreign = of_others
            .filter(|read| leads_to_a_write.contains(&read.address))
            .map(|read| (read.address.clone(), read.foreign))
            .collect();
        let writes = contents.operations.iter().map(super::Operation::writes).sum();
        Self { writes, subjects, tables, foreign }
    }

    /// Every limit that is exceeded. A share needs a known size: a table of unknown size is held by
    /// `max_writes` alone.
    pub fn exceeds(&self, limits: &Limits) -> Vec<Exceeded> {
        let mut exceeded = Vec::new();
        if self.writes > limits.max_writes {
            exceeded.push(Exceeded::Writes { found: self.writes, limit: limits.max_writes });
        }
        if self.subjects > limits.max_subjects {
            exceeded.push(Exceeded::Subjects { found: self.subjects, limit: limits.max_subjects });
        }
        for (address, (rows, all)) in &self.tables {
            let Some(all) = *all else { continue };
            let allowed = all as f64 * limits.max_share_of_table;
            if *rows > limits.min_rows && *rows as f64 > allowed {
                exceeded.push(Exceeded::Share {
                    address: address.clone(),
                    rows: *rows,
                    all,
                    limit: limits.max_share_of_table,
                });
            }
        }
        let of_others = self.foreign.iter();
        exceeded.extend(
            of_others.map(|(address, rows)| Exceeded::Foreign { address: address.clone(), rows: *rows }),
        );
        exceeded
    }
}

/// Collections of which rows or values are written, and all with whose rows those were read.
fn leading(contents: &PlanContents) -> BTreeSet<&CollectionAddress> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&CollectionAddress> = Vec::new();
    for operation in &contents.operations {
        next.extend(&operation.collections);
        next.extend(operation.uses.values.iter().map(|values| &values.address));
    }
    while let Some(address) = next.pop() {
        if found.insert(address) {
            let reads = contents.reads.iter().filter(|read| read.address == *address);
            next.extend(reads.flat_map(|read| &read.parents));
        }
    }
    found
}
