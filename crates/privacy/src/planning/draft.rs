use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use graph::{Left, MaskedValue};
use model::{CollectionAddress, Outcome};

use crate::plan::{NotCovered, Operation, Reason};

/// A plan in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) operations: Vec<Operation>,
    pub(super) not_covered: Vec<NotCovered>,
    /// What stays because a law asks for it.
    pub(super) held: BTreeSet<CollectionAddress>,
}

impl Draft {
    /// Lets the operation at `index` wait for the one at `before`, which stands in front of it.
    pub(super) fn follow(&mut self, index: usize, before: Option<usize>) {
        let Some(before) = before.filter(|before| *before < index) else { return };
        if let Some(operation) = self.operations.get_mut(index) {
            operation.waits_for.push(before as u64 + 1);
        }
    }

    /// Lets the operations from `first` on wait for those of `ranges` as well.
    pub(super) fn wait(&mut self, first: usize, ranges: &[Range<usize>]) {
        let waits_for: Vec<u64> =
            ranges.iter().flat_map(Range::clone).map(|index| index as u64 + 1).collect();
        for operation in self.operations.iter_mut().skip(first) {
            let more = waits_for.iter().filter(|order| !operation.waits_for.contains(order));
            let more: Vec<u64> = more.copied().collect();
            operation.waits_for.extend(more);
        }
    }
}

/// Why something in the rows of one collection stays, counted.
#[derive(Default)]
pub(super) struct Tally {
    by_reason: BTreeMap<Stays, (u64, BTreeSet<String>)>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stays {
    pub(super) outcome: Outcome,
    /// A stable name.
    pub(super) reason: String,
    /// In words: what to do.
    pub(super) explanation: String,
}

impl Stays {
    pub(super) fn new(outcome: Outcome, reason: &str, explanation: impl Into<String>) -> Self {
        Self { outcome, reason: reason.to_owned(), explanation: explanation.into() }
    }
}

impl Tally {
    /// Notes what masking left in one row.
    pub(super) fn left(&mut self, left: &[Left]) {
        let mut seen = BTreeSet::new();
        for one in left {
            let reason = NotCovered::left_reason(one.reason);
            let stays = Stays::new(one.reason.outcome(), &reason, one.reason.explanation());
            let entry = self.by_reason.entry(stays).or_default();
            entry.1.insert(one.field.clone());
            if seen.insert(one.reason) {
                entry.0 += 1;
            }
        }
    }

    /// Notes `rows` further rows, with the field if only that stays.
    pub(super) fn add(&mut self, stays: Stays, rows: u64, field: Option<&str>) {
        let entry = self.by_reason.entry(stays).or_default();
        entry.0 += rows;
        entry.1.extend(field.map(str::to_owned));
    }

    /// One entry of the plan for each reason.
    pub(super) fn finish(self, collection: &CollectionAddress) -> impl Iterator<Item = NotCovered> {
        self.by_reason.into_iter().map(|(stays, (rows, fields))| NotCovered {
            collection: collection.clone(),
            fields: fields.into_iter().collect(),
            rows,
            outcome: stays.outcome,
            reason: stays.reason,
            explanation: stays.explanation,
        })
    }
}

/// Why an operation is done, gathered from the values that it writes.
#[derive(Default)]
pub(super) struct Reasons {
    fields: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Reasons {
    pub(super) fn value(&mut self, value: &MaskedValue) {
        self.add(&value.rule, &value.category, Some(&value.field));
    }

    pub(super) fn add(&mut self, rule: &str, category: &str, field: Option<&str>) {
        let fields = self.fields.entry((rule.to_owned(), category.to_owned())).or_default();
        fields.extend(field.map(str::to_owned));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub(super) fn finish(self) -> Vec<Reason> {
        let reason = |((rule, category), fields): ((String, String), BTreeSet<String>)| Reason {
            rule,
            category,
            fields: fields.into_iter().collect(),
        };
        self.fields.into_iter().map(reason).collect()
    }
}
