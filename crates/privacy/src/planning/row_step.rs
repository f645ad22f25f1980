use std::collections::{BTreeSet, HashSet};

use datastore::{Changes, Database, Fault, PlannedChange, RefusedChange, RowChange};
use egress::Retry;
use engine::CollectionOutcome;
use graph::{MaskedRow, MaskingGrade, TraversalNode};
use model::{CollectionAddress, Outcome, Row};

use super::PlanningError;
use super::deciding::{Deciding, reasons_of};
use super::draft::{Draft, Reasons, Stays, Tally};
use super::gathering::gathered;
use super::goal::Goal;
use super::new_values::NewValues;
use super::rows::RowStream;
use crate::plan::{
    Call, NotCovered, Operation, Reversibility, RowMark, RowMarker, UsedRow, Uses, Verification,
};

/// Rows that wait until statements are made of them: several statements' worth, so that rows with
/// other columns in between do not make many small ones.
const PENDING: usize = 4000;

/// Rows of one table that are changed or deleted.
pub(super) struct RowStep<'a> {
    pub(super) deciding: &'a Deciding<'a>,
    pub(super) database: &'a Database,
    pub(super) node: &'a TraversalNode,
    pub(super) read: &'a CollectionOutcome,
    /// What they get; `None`: they go.
    pub(super) values: Option<NewValues<'a>>,
}

/// A row that waits.
struct Pending {
    mark: RowMark,
    change: RowChange,
    masked: MaskedRow,
}

impl RowStep<'_> {
    /// Adds the statements, page by page.
    pub(super) async fn plan(self, draft: &mut Draft) -> Result<(), PlanningError> {
        if self.read.rows == 0 {
            return Ok(());
        }
        let address = self.node.address();
        let key_fields = key_fields(self.node);
        let marker = RowMarker::new(self.deciding.key, address, &key_fields);
        let filter = gathered(self.deciding, self.node).await?.filter;
        let mut tally = Tally::default();
        // A row that two inputs lead to is changed once.
        let mut seen = HashSet::new();
        let mut pending = Vec::new();
        let mut rows = RowStream::new(self.read.sealed.clone());
        while let Some(page) = rows.next_page().await? {
            for row in page {
                let mark = marker.mark(&row);
                if !seen.insert(mark.key.clone()) {
                    continue;
                }
                let masked = match &self.values {
                    None => MaskedRow::default(),
                    Some(values) => {
                        let masked = values.of(&row, &filter.erasure_row(row.clone()));
                        tally.left(&masked.left);
                        if !masked.changes(&row) {
                            continue;
                        }
                        masked
                    }
                };
                pending.push(Pending { mark, change: RowChange::masked(row, &masked), masked });
            }
            if pending.len() >= PENDING && !self.flush(&mut pending, draft, &mut tally).await? {
                break;
            }
        }
        self.flush(&mut pending, draft, &mut tally).await?;
        if self.values.as_ref().is_some_and(|values| values.masker().collection_is_targeted()) {
            draft.not_covered.push(NotCovered::whole_collection(address.clone(), self.read.rows));
        }
        draft.not_covered.extend(tally.finish(address));
        Ok(())
    }

    /// Makes statements of the rows that wait; `false` if the table takes none.
    async fn flush(
        &self,
        pending: &mut Vec<Pending>,
        draft: &mut Draft,
        tally: &mut Tally,
    ) -> Result<bool, PlanningError> {
        let rows = std::mem::take(pending);
        if rows.is_empty() {
            return Ok(true);
        }
        let collection = &self.node.collection;
        let made = if self.values.is_some() {
            let changes: Vec<RowChange> = rows.iter().map(|row| row.change.clone()).collect();
            self.database.update(collection, &changes).await
        } else {
            let gone: Vec<Row> = rows.iter().map(|row| row.change.row.clone()).collect();
            self.database.delete(collection, &gone).await
        };
        let Changes { planned, refused } = match made {
            Ok(made) => made,
            Err(error) if error.retry() == Retry::Yes => return Err(error.into()),
            Err(error) => {
                tally.add(table_stays(&error.fault), self.read.rows, None);
                return Ok(false);
            }
        };
        let mut out: BTreeSet<(usize, &graph::ValuePath)> = BTreeSet::new();
        for one in &refused {
            note_refused(one, &rows, tally);
            out.extend(one.place.iter().map(|place| (one.row, place)));
        }
        for change in planned {
            draft.operations.push(self.operation(change, &rows, &out));
        }
        Ok(true)
    }

    fn operation(
        &self,
        change: PlannedChange,
        pending: &[Pending],
        refused: &BTreeSet<(usize, &graph::ValuePath)>,
    ) -> Operation {
        let address = self.node.address();
        let mut reasons = Reasons::default();
        let mut grade = MaskingGrade::Deleted;
        let mut used = Vec::with_capacity(change.rows.len());
        for position in &change.rows {
            let Some(row) = pending.get(*position) else { continue };
            for value in row.masked.values.iter().filter(|value| !refused.contains(&(*position, &value.path)))
            {
                reasons.value(value);
                grade = grade.min(value.grade);
            }
            used.push(used_row(address, &row.mark));
        }
        let (expected, grade) = match (&self.values, self.deciding.goal) {
            (None, Goal::Erasure(rules)) => {
                reasons_of(&self.node.collection, rules, &mut reasons);
                if reasons.is_empty()
                    && let Some((rule, target)) =
                        rules.iter().find_map(|rule| Some((&rule.key, rule.targets.first()?)))
                {
                    reasons.add(rule, target, None);
                }
                (Outcome::Erased, Some(MaskingGrade::Deleted))
            }
            (Some(_), Goal::Erasure(_)) => (Outcome::Masked, Some(grade)),
            (_, Goal::Rectification(_)) => (Outcome::Masked, None),
        };
        let statement = change.operation;
        Operation {
            order: 0,
            connection: statement.connection.to_string(),
            collections: vec![statement.collection],
            rows: statement.keys,
            call: Call::Sql {
                write: statement.write,
                columns: statement.columns,
                sql: statement.sql,
                parameters: statement.parameters,
            },
            reason: reasons.finish(),
            expected,
            grade,
            reversibility: Reversibility::FromBackup,
            cost: None,
            verification: Verification::ReadAgain,
            // It names its rows by key and brings constant values.
            repeatable: true,
            tracked: false,
            waits_for: Vec::new(),
            uses: Uses { rows: used, values: Vec::new() },
        }
    }
}

/// Paths of the primary key.
pub(super) fn key_fields(node: &TraversalNode) -> Vec<Vec<String>> {
    let fields = node.collection.all_fields().into_iter();
    fields
        .filter(|(_, field)| field.primary_key)
        .map(|(path, _)| path.into_iter().map(str::to_owned).collect())
        .collect()
}

pub(super) fn used_row(address: &CollectionAddress, mark: &RowMark) -> UsedRow {
    UsedRow { address: address.clone(), key: mark.key.clone(), content: mark.content.clone() }
}

/// Why nothing of a table is written. Faults name tables and columns, no values.
fn table_stays(fault: &Fault) -> Stays {
    match fault {
        Fault::NoPrimaryKey { .. } => Stays::new(Outcome::Unsupported, "no_primary_key", fault.to_string()),
        Fault::ReadOnly => Stays::new(Outcome::Failed, "no_write_access", fault.to_string()),
        _ => Stays::new(Outcome::Failed, "not_writable", fault.to_string()),
    }
}

fn note_refused(refused: &RefusedChange, rows: &[Pending], tally: &mut Tally) {
    let explanation = refused.fault.to_string();
    match &refused.place {
        None => tally.add(Stays::new(Outcome::Unsupported, "no_key", explanation), 1, None),
        Some(place) => {
            let values = rows.get(refused.row).map(|row| row.masked.values.as_slice()).unwrap_or_default();
            let field = values.iter().find(|value| value.path == *place).map(|value| value.field.as_str());
            tally.add(Stays::new(Outcome::Unsupported, "not_writable", explanation), 1, field);
        }
    }
}
