//! Whether the world is still as it was when the plan was made (architecture §13.5).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::CollectionAddress;
use thiserror::Error;

use super::{Limits, Operation, Plan, PlanContents, PlannedConnection, PlannedRead};

/// What the reads before the first write found, in the terms of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The connections as they are now.
    pub connections: Vec<PlannedConnection>,
    /// Digest of the policy as it is now.
    pub policy_sha256: String,
    /// The limits as they are now.
    pub limits: Limits,
    /// Every collection that was read again.
    pub reads: BTreeMap<CollectionAddress, ObservedRead>,
    /// Operations that would erase what a law asks to keep.
    pub held: BTreeSet<u64>,
}

/// One collection that was read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObservedRead {
    /// Whether it was read to its end.
    pub complete: bool,
    /// Rows found.
    pub rows: u64,
    /// Rows that a plan made now would change or delete one by one: hash of the key → of the content.
    pub marks: BTreeMap<String, String>,
    /// Field path → hash of its values, for the fields that operations use.
    pub values: BTreeMap<String, String>,
}

/// What changed since the plan was made. Names, keys and counts only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DriftReport {
    /// Every one of these stops the plan.
    pub drifts: Vec<Drift>,
    /// Rows that only appeared where everything goes anyway, or where this run has changed rows.
    pub appeared: Vec<Appeared>,
}

/// A change that stops a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum Drift {
    /// The connection is no longer there.
    #[error("connection `{connection}` is not there any more")]
    ConnectionMissing {
        /// Its key.
        connection: String,
    },
    /// The connector file, the dataset or the kind of connection changed.
    #[error("the connector or dataset file of `{connection}` changed")]
    ConnectorChanged {
        /// Key of the connection.
        connection: String,
    },
    /// Some secret changed.
    #[error("the secrets of `{connection}` changed")]
    SecretsChanged {
        /// Key of the connection.
        connection: String,
    },
    /// The policy changed.
    #[error("the policy changed")]
    PolicyChanged,
    /// The limits changed.
    #[error("the limits changed")]
    LimitsChanged,
    /// Somebody made a hold since, or one was made longer.
    #[error("what operation {order} erases is kept under a hold now")]
    Held {
        /// The operation.
        order: u64,
    },
    /// A collection could not be read to its end, so nothing is known about its rows.
    #[error("`{collection}` could not be read again to its end")]
    NotReadAgain {
        /// Its address.
        collection: CollectionAddress,
    },
    /// A row that would be changed or deleted is not as it was.
    #[error("a row of `{collection}` changed (operation {order})")]
    RowChanged {
        /// Where.
        collection: CollectionAddress,
        /// The operation.
        order: u64,
    },
    /// A row that would be changed or deleted is gone.
    #[error("a row of `{collection}` is gone (operation {order})")]
    RowVanished {
        /// Where.
        collection: CollectionAddress,
        /// The operation.
        order: u64,
    },
    /// Rows are there that the plan would leave behind.
    #[error("{rows} rows of `{collection}` are new")]
    RowsAppeared {
        /// Where.
        collection: CollectionAddress,
        /// How many.
        rows: u64,
    },
    /// Values that a write carries are not those they were.
    #[error("values of `{collection}`, field `{field}` changed (operation {order})")]
    ValuesChanged {
        /// Where.
        collection: CollectionAddress,
        /// The field.
        field: String,
        /// The operation.
        order: u64,
    },
}

/// Rows that are new and stop nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeared {
    /// Where.
    pub collection: CollectionAddress,
    /// How many.
    pub rows: u64,
}

impl DriftReport {
    /// Whether nothing may be sent.
    pub fn stops(&self) -> bool {
        !self.drifts.is_empty()
    }
}

impl fmt::Display for DriftReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.stops() {
            writeln!(
                f,
                "the plan no longer fits; nothing was sent; make it again with `tutela privacy plan`"
            )?;
        } else {
            writeln!(f, "the plan still fits")?;
        }
        for drift in &self.drifts {
            writeln!(f, "  {drift}")?;
        }
        for appeared in &self.appeared {
            writeln!(f, "  {} new rows of `{}`, which stop nothing", appeared.rows, appeared.collection)?;
        }
        Ok(())
    }
}

/// Compares what a plan was made from with what is there now.
///
/// `begun` holds the numbers of the operations that this run has sent or begun to send: what they
/// changed is no drift, and neither is what can no longer be found because of them.
pub fn compare(plan: &Plan, now: &Observed, begun: &BTreeSet<u64>) -> DriftReport {
    let plan = plan.contents();
    let mut report = DriftReport::default();
    compare_connections(plan, now, &mut report);
    if plan.policy_sha256 != now.policy_sha256 {
        report.drifts.push(Drift::PolicyChanged);
    }
    if plan.limits != now.limits {
        report.drifts.push(Drift::LimitsChanged);
    }
    let held = now.held.difference(begun).map(|order| Drift::Held { order: *order });
    report.drifts.extend(held);
    let touched = Touched::new(plan, begun);
    for read in &plan.reads {
        touched.compare(read, now.reads.get(&read.address), &mut report);
    }
    report.drifts.sort();
    report.drifts.dedup();
    report
}

fn compare_connections(plan: &PlanContents, now: &Observed, report: &mut DriftReport) {
    for planned in &plan.connections {
        let connection = planned.key.clone();
        let Some(found) = now.connections.iter().find(|found| found.key == planned.key) else {
            report.drifts.push(Drift::ConnectionMissing { connection });
            continue;
        };
        let file = |one: &PlannedConnection| (one.connector.clone(), one.version.clone(), one.sha256.clone());
        if file(planned) != file(found) {
            report.drifts.push(Drift::ConnectorChanged { connection: connection.clone() });
        }
        if planned.secrets_fingerprint != found.secrets_fingerprint {
            report.drifts.push(Drift::SecretsChanged { connection });
        }
    }
}

/// How far the run is: what it has changed, and what can no longer be found because of it.
struct Touched<'a> {
    plan: &'a PlanContents,
    begun: &'a BTreeSet<u64>,
    /// Collections in which it has changed something.
    own: BTreeSet<&'a CollectionAddress>,
    /// Those, and all that are read with their values.
    below: BTreeSet<&'a CollectionAddress>,
}

impl<'a> Touched<'a> {
    fn new(plan: &'a PlanContents, begun: &'a BTreeSet<u64>) -> Self {
        let changed = plan.operations.iter().filter(|operation| begun.contains(&operation.order));
        let own: BTreeSet<_> = changed.flat_map(|operation| &operation.collections).collect();
        let mut below = own.clone();
        loop {
            let next: Vec<_> = plan
                .reads
                .iter()
                .filter(|read| read.parents.iter().any(|parent| below.contains(parent)))
                .map(|read| &read.address)
                .filter(|address| !below.contains(address))
                .collect();
            if next.is_empty() {
                return Self { plan, begun, own, below };
            }
            below.extend(next);
        }
    }

    fn pending(&self) -> impl Iterator<Item = &'a Operation> {
        self.plan.operations.iter().filter(|operation| !self.begun.contains(&operation.order))
    }

    fn compare(&self, read: &PlannedRead, now: Option<&ObservedRead>, report: &mut DriftReport) {
        let address = &read.address;
        let is_reduced = self.below.contains(address);
        let Some(now) = now.filter(|now| now.complete) else {
            let uses = |one: &Operation| {
                one.uses.rows.iter().any(|row| row.address == *address)
                    || one.uses.values.iter().any(|values| values.address == *address)
            };
            if self.pending().any(uses) && !is_reduced {
                report.drifts.push(Drift::NotReadAgain { collection: address.clone() });
            }
            return;
        };
        let comparison = Comparison { plan: self.plan, read, now, is_reduced };
        for operation in self.pending() {
            comparison.rows(operation, report);
            comparison.values(operation, report);
        }
        comparison.appeared(self.own.contains(address), report);
    }
}

/// One collection then and now.
struct Comparison<'a> {
    plan: &'a PlanContents,
    read: &'a PlannedRead,
    now: &'a ObservedRead,
    /// Rows may be missing because of what this run did.
    is_reduced: bool,
}

impl Comparison<'_> {
    fn rows(&self, operation: &Operation, report: &mut DriftReport) {
        let collection = &self.read.address;
        for row in operation.uses.rows.iter().filter(|row| row.address == *collection) {
            let (collection, order) = (collection.clone(), operation.order);
            match self.now.marks.get(&row.key) {
                Some(content) if *content == row.content => {}
                Some(_) => report.drifts.push(Drift::RowChanged { collection, order }),
                None if self.is_reduced => {}
                None => report.drifts.push(Drift::RowVanished { collection, order }),
            }
        }
    }

    fn values(&self, operation: &Operation, report: &mut DriftReport) {
        let collection = &self.read.address;
        for values in operation.uses.values.iter().filter(|values| values.address == *collection) {
            if self.now.values.get(&values.field) != Some(&values.hash) && !self.is_reduced {
                report.drifts.push(Drift::ValuesChanged {
                    collection: collection.clone(),
                    field: values.field.clone(),
                    order: operation.order,
                });
            }
        }
    }

    /// New rows stop a plan that goes row by row: it would leave them behind.
    fn appeared(&self, is_own: bool, report: &mut DriftReport) {
        let collection = &self.read.address;
        let operations = || self.plan.operations.iter().filter(|one| one.collections.contains(collection));
        let known: BTreeSet<&str> = self
            .plan
            .operations
            .iter()
            .flat_map(|operation| &operation.uses.rows)
            .filter(|row| row.address == *collection)
            .map(|row| row.key.as_str())
            .collect();
        let as_a_whole = operations().next().is_some() && operations().all(|one| one.uses.rows.is_empty());
        let rows = if as_a_whole {
            self.now.rows.saturating_sub(self.read.rows)
        } else {
            self.now.marks.keys().filter(|key| !known.contains(key.as_str())).count() as u64
        };
        if rows == 0 {
            return;
        }
        let collection = collection.clone();
        if as_a_whole || is_own {
            report.appeared.push(Appeared { collection, rows });
        } else {
            report.drifts.push(Drift::RowsAppeared { collection, rows });
        }
    }
}

#[cfg(test)]
mod tests;
