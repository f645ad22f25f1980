use std::collections::{HashMap, HashSet};

use connector::Connector;
use connector::writes::{PlannedWrite, SourceRow, WriteRow, WriteSource, fields_needed, write_rows};
use graph::{ErasureRule, MaskedRow, MaskingGrade, RowFilter, TraversalNode};
use model::{Outcome, Row};
use serde_json::json;
use spec::connector_file::{ParamSource, Per, Request};

use super::PlanningError;
use super::deciding::{Deciding, reasons_of};
use super::draft::{Draft, Reasons, Stays, Tally};
use super::gathering::{gathered, values_of};
use super::goal::Goal;
use super::new_values::NewValues;
use super::request_operation::{Made, asks, no_value, note_unwritten, operation};
use super::row_step::{key_fields, used_row};
use super::rows::RowStream;
use crate::plan::{NotCovered, Operation, RowMark, RowMarker, Uses};

/// Rows that requests are made of at a time, where each row stands for itself.
const CHUNK: usize = 500;

/// Placeholders that stand for masked values.
const OF_ROW: [&str; 2] = ["masked_object_fields", "all_object_fields"];

/// Requests to an application for the rows of one collection.
pub(super) struct RowRequests<'a> {
    pub(super) deciding: &'a Deciding<'a>,
    pub(super) connector: &'a Connector,
    pub(super) request: &'a Request,
    pub(super) endpoint: &'a str,
    pub(super) node: &'a TraversalNode,
    /// What the rows get; `None`: they go.
    pub(super) values: Option<NewValues<'a>>,
    /// Why they go.
    pub(super) rules: &'a [ErasureRule],
}

/// A row that a request is made for.
struct Candidate {
    /// Positions in the chunk of the rows that it comes from.
    sources: Vec<usize>,
    masked: MaskedRow,
    write: WriteRow,
}

impl RowRequests<'_> {
    /// Adds the requests, some rows at a time.
    pub(super) async fn plan(self, draft: &mut Draft) -> Result<(), PlanningError> {
        let address = self.node.address();
        let Some(read) = self.deciding.read(address) else { return Ok(()) };
        if read.rows == 0 {
            if let Some(param) = self.unnamed().filter(|_| read.completeness.is_complete()) {
                let mut tally = Tally::default();
                let explanation = no_value(param, &self.request.place);
                tally.add(Stays::new(Outcome::NotFound, "not_resolved", explanation), 0, None);
                draft.not_covered.extend(tally.finish(address));
            }
            return Ok(());
        }
        let gathered = gathered(self.deciding, self.node).await?;
        let fields = fields_needed(self.connector.connection(), self.request, self.endpoint, Per::Row);
        let field_values = values_of(self.deciding, &fields).await?;
        // A batch is filled, and a list is processed, over all rows.
        let is_whole = self.request.batch.is_some() || !self.request.postprocessors.is_empty();
        let key_fields = key_fields(self.node);
        let marker = RowMarker::new(self.deciding.key, address, &key_fields);
        let mut tally = Tally::default();
        let mut chunk: Vec<Row> = Vec::new();
        let mut rows = RowStream::new(read.sealed.clone());
        let source = WriteSource {
            request: self.request,
            endpoint: self.endpoint,
            per: Per::Row,
            person: self.deciding.person,
            inputs: &gathered.inputs,
            field_values: &field_values,
        };
        let mut making =
            Making { writing: &self, source, filter: &gathered.filter, marker, known: HashMap::new() };
        loop {
            let page = rows.next_page().await?;
            let is_last = page.is_none();
            chunk.extend(page.into_iter().flatten());
            while is_last && !chunk.is_empty() || (!is_whole && chunk.len() >= CHUNK) {
                let rest = if is_whole { Vec::new() } else { chunk.split_off(chunk.len().min(CHUNK)) };
                making.add(std::mem::replace(&mut chunk, rest), draft, &mut tally).await?;
            }
            if is_last {
                break;
            }
        }
        if self.values.as_ref().is_some_and(|values| values.masker().collection_is_targeted()) {
            draft.not_covered.push(NotCovered::whole_collection(address.clone(), read.rows));
        }
        draft.not_covered.extend(tally.finish(address));
        Ok(())
    }

    /// The param that has no value, if the collection has no rows for that reason alone: the application
    /// was asked nothing, so an empty answer does not say that it has nothing.
    fn unnamed(&self) -> Option<&str> {
        if self.deciding.was_not_asked(self.node.address()) {
            // That is the reason then.
            return None;
        }
        let connection = self.connector.connection();
        let endpoint = connection.file.find_endpoint(self.node.address().collection())?;
        if endpoint.read.iter().any(|request| asks(connection, request)) {
            return None;
        }
        let mut params = self.request.param_values.iter();
        let missing = params.find(|param| matches!(param.source, ParamSource::References(_)))?;
        Some(&missing.name)
    }

    /// Whether the request carries masked values, so that without any it would change nothing.
    fn is_of_masks(&self) -> bool {
        let body = self.request.body.iter().flat_map(spec::template::Template::placeholders);
        body.into_iter().any(|found| OF_ROW.contains(&found.name.as_str()))
    }
}

/// Requests of one collection in the making.
struct Making<'a> {
    writing: &'a RowRequests<'a>,
    source: WriteSource<'a>,
    filter: &'a RowFilter,
    marker: RowMarker<'a>,
    /// Calls of the collection that are there already → the number of their operation.
    known: HashMap<String, usize>,
}

impl Making<'_> {
    async fn add(
        &mut self,
        rows: Vec<Row>,
        draft: &mut Draft,
        tally: &mut Tally,
    ) -> Result<(), PlanningError> {
        let marks: Vec<RowMark> = rows.iter().map(|row| self.marker.mark(row)).collect();
        let mut candidates = self.candidates(rows)?;
        let of_masks = self.writing.is_of_masks();
        if self.writing.values.is_some() {
            for candidate in &candidates {
                tally.left(&candidate.masked.left);
            }
            candidates.retain(|candidate| !of_masks || candidate.masked.changes(&candidate.write.row));
        }
        let rows: Vec<WriteRow> = candidates.iter().map(|candidate| candidate.write.clone()).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let writing = self.writing;
        let writes = writing.connector.plan_writes(self.source, &rows).await;
        for one in &writes.unwritten {
            note_unwritten(one, one.rows.len().max(1) as u64, tally);
        }
        let mut before = None;
        for write in writes.planned {
            let follows = write.follows;
            let of = write.rows.iter().filter_map(|row| candidates.get(*row));
            // A request without rows of its own stands for all of them.
            let of: Vec<&Candidate> =
                if write.rows.is_empty() { candidates.iter().collect() } else { of.collect() };
            let made = self.made(write, &of, &marks);
            let (address, expected) = (writing.node.address().clone(), self.expected());
            let operation = operation(writing.connector, writing.request, made, (vec![address], expected));
            let index = self.push(operation, draft);
            draft.follow(index, before.filter(|_| follows));
            before = Some(index);
        }
        Ok(())
    }

    /// Adds an operation; a call that is there already stands for these rows as well. Gives its
    /// position.
    fn push(&mut self, operation: Operation, draft: &mut Draft) -> usize {
        if self.source.request.script.is_some() {
            // A script says what comes after what, so that the same call twice may be meant.
            draft.operations.push(operation);
            return draft.operations.len() - 1;
        }
        let call = operation.write_request().map(|one| json!([one.method, one.url, one.headers, one.body]));
        let next = draft.operations.len();
        let number = *self.known.entry(call.unwrap_or_default().to_string()).or_insert(next);
        match draft.operations.get_mut(number) {
            None => draft.operations.push(operation),
            Some(known) => {
                for row in operation.uses.rows {
                    if !known.uses.rows.contains(&row) {
                        known.uses.rows.push(row);
                    }
                }
            }
        }
        number
    }

    fn candidates(&self, rows: Vec<Row>) -> Result<Vec<Candidate>, PlanningError> {
        let request = self.source.request;
        if request.data_path.is_none() && request.postprocessors.is_empty() {
            let candidate = |(position, row): (usize, Row)| {
                let erasure = self.filter.erasure_row(row.clone());
                self.candidate(vec![position], row, &erasure)
            };
            return Ok(rows.into_iter().enumerate().map(candidate).collect());
        }
        let all: Vec<usize> = (0..rows.len()).collect();
        let expanded =
            write_rows(request, self.source.endpoint, rows, (self.source.person, self.source.inputs))
                .map_err(|source| PlanningError::Expansion {
                    place: request.place.clone(),
                    source: Box::new(source),
                })?;
        let candidate = |row: SourceRow| {
            let sources = row.source.map_or_else(|| all.clone(), |source| vec![source]);
            let erasure = row.row.clone();
            self.candidate(sources, row.row, &erasure)
        };
        Ok(expanded.into_iter().map(candidate).collect())
    }

    fn candidate(&self, sources: Vec<usize>, row: Row, erasure: &Row) -> Candidate {
        let Some(values) = &self.writing.values else {
            let write = WriteRow { row, ..WriteRow::default() };
            return Candidate { sources, masked: MaskedRow::default(), write };
        };
        let masked = values.of(&row, erasure);
        let write = WriteRow {
            masked: values.masker().masked_object_fields(&row, &masked),
            all: values.masker().all_object_fields(&row, &masked),
            row,
        };
        Candidate { sources, masked, write }
    }

    fn made(&self, write: PlannedWrite, of: &[&Candidate], marks: &[RowMark]) -> Made {
        let mut reasons = Reasons::default();
        let mut grade: Option<MaskingGrade> = None;
        let mut rows = Vec::new();
        let mut seen = HashSet::new();
        for candidate in of {
            for value in &candidate.masked.values {
                reasons.value(value);
                grade = Some(grade.map_or(value.grade, |known| known.min(value.grade)));
            }
            for mark in candidate.sources.iter().filter_map(|source| marks.get(*source)) {
                if seen.insert(mark) {
                    rows.push(used_row(self.writing.node.address(), mark));
                }
            }
        }
        if reasons.is_empty() {
            reasons_of(&self.writing.node.collection, self.writing.rules, &mut reasons);
        }
        let grade = match (&self.writing.values, self.writing.deciding.goal) {
            (_, Goal::Rectification(_)) => None,
            (None, Goal::Erasure(_)) => Some(MaskingGrade::Deleted),
            (Some(_), Goal::Erasure(_)) => Some(grade.unwrap_or(MaskingGrade::Overwritten)),
        };
        Made { write, reasons, grade, uses: Uses { rows, values: Vec::new() } }
    }

    fn expected(&self) -> Outcome {
        match self.writing.values {
            Some(_) => Outcome::Masked,
            None => Outcome::Erased,
        }
    }
}
