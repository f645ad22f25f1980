use std::collections::{HashMap, HashSet};

use connector::writes::{
    PlannedWrite, Unwritten, UnwrittenReason, WriteRow, WriteSource, Writes, fields_needed, write_rows,
};
use connector::{Connector, Inputs};
use crypto::MaskSecrets;
use graph::{ErasureRule, MaskedRow, MaskingGrade, RequestKind, RowFilter, TraversalNode};
use model::{CollectionAddress, Outcome, Row};
use serde_json::{Value, json};
use spec::connector_file::{ParamSource, Per, Request, Verify};
use spec::reference::FieldReference;

use super::PlanningError;
use super::deciding::{Deciding, reasons_of};
use super::draft::{Draft, Reasons, Stays, Tally};
use super::gathering::{address_of, gathered, values_of};
use super::goal::Goal;
use super::new_values::NewValues;
use super::row_step::{key_fields, used_row};
use super::rows::RowStream;
use crate::plan::{
    Call, NotCovered, Operation, Reversibility, RowMark, RowMarker, UsedValues, Uses, Verification,
};

/// Rows that requests are made of at a time, where each row stands for itself.
const CHUNK: usize = 500;

/// Placeholders that stand for masked values.
const OF_ROW: [&str; 2] = ["masked_object_fields", "all_object_fields"];

/// Requests to an application that erase.
pub(super) struct RequestStep<'a> {
    pub(super) deciding: &'a Deciding<'a>,
    pub(super) connector: &'a Connector,
    pub(super) request: &'a Request,
    pub(super) kind: RequestKind,
    pub(super) endpoint: &'a str,
    pub(super) collections: &'a [CollectionAddress],
    pub(super) per: Per,
    pub(super) rules: &'a [ErasureRule],
    pub(super) secrets: &'a MaskSecrets,
}

impl<'a> RequestStep<'a> {
    pub(super) async fn plan(self, draft: &mut Draft) -> Result<(), PlanningError> {
        match self.per {
            Per::Person => self.once(draft).await,
            Per::Row => {
                for address in self.collections {
                    let Some(node) = self.deciding.node(address) else { continue };
                    let values = match self.kind {
                        RequestKind::Update => {
                            Some(NewValues::masks(&node.collection, self.rules, self.secrets)?)
                        }
                        RequestKind::Delete | RequestKind::DataProtection => None,
                    };
                    let writing = Writing {
                        deciding: self.deciding,
                        connector: self.connector,
                        request: self.request,
                        endpoint: self.endpoint,
                        node,
                        values,
                        rules: self.rules,
                    };
                    writing.plan(draft).await?;
                }
                Ok(())
            }
        }
    }

    /// Once for the person, with all values of it.
    async fn once(&self, draft: &mut Draft) -> Result<(), PlanningError> {
        let Some(first) = self.collections.first() else { return Ok(()) };
        let connection = self.connector.connection();
        let fields = fields_needed(connection, self.request, self.endpoint, Per::Person);
        let field_values = values_of(self.deciding, &fields).await?;
        if let Some(unresolved) = self.unresolved(&field_values) {
            // Nothing found by an incomplete reading is no answer (architecture law 4).
            let complete = fields.iter().all(|field| {
                self.deciding.read(&address_of(field)).is_some_and(|read| read.completeness.is_complete())
            });
            let outcome = if complete { Outcome::NotFound } else { Outcome::Failed };
            let own = fields.iter().map(address_of).find(|address| address.dataset() == first.dataset());
            let mut tally = Tally::default();
            tally.add(Stays::new(outcome, "not_resolved", unresolved), 0, None);
            draft.not_covered.extend(tally.finish(&own.unwrap_or_else(|| first.clone())));
            return Ok(());
        }
        let read = || self.collections.iter().filter_map(|address| self.deciding.read(address));
        if read().all(|read| read.rows == 0 && read.completeness.is_complete()) {
            let stays = Stays::new(
                Outcome::NotFound,
                "not_found",
                "the application was read to its end and has nothing of this person",
            );
            let mut tally = Tally::default();
            tally.add(stays, 0, None);
            draft.not_covered.extend(tally.finish(first));
            return Ok(());
        }
        let inputs = match self.deciding.node(first).filter(|_| self.kind != RequestKind::DataProtection) {
            Some(node) => gathered(self.deciding, node).await?.inputs,
            None => Inputs::default(),
        };
        let source = self.source(&inputs, &field_values, Per::Person);
        let (rows, marks) = self.rows_for_script(first).await?;
        let Writes { planned, unwritten, stats: _ } = self.connector.plan_writes(source, &rows).await;
        let mut tally = Tally::default();
        for one in &unwritten {
            note_unwritten(one, 1, &mut tally);
        }
        draft.not_covered.extend(tally.finish(first));
        for write in planned {
            let mut reasons = Reasons::default();
            for address in self.collections {
                if let Some(node) = self.deciding.node(address) {
                    reasons_of(&node.collection, self.rules, &mut reasons);
                }
            }
            let values = fields.iter().map(|field| {
                let (address, path) = (address_of(field), field.path.join("."));
                let known = field_values.get(field).map(Vec::as_slice).unwrap_or_default();
                let hash = RowMarker::new(self.deciding.key, &address, &[]).values(&path, known);
                UsedValues { address, field: path, hash }
            });
            let rows = write.rows.iter().filter_map(|row| marks.get(*row));
            let uses =
                Uses { rows: rows.map(|mark| used_row(first, mark)).collect(), values: values.collect() };
            let made = Made { write, reasons, grade: Some(MaskingGrade::Deleted), uses };
            let (collections, expected) = (self.collections.to_vec(), self.expected());
            draft.operations.push(operation(self.connector, self.request, made, (collections, expected)));
        }
        Ok(())
    }

    /// The rows of the collection, where a script is to see them.
    async fn rows_for_script(
        &self,
        address: &CollectionAddress,
    ) -> Result<(Vec<WriteRow>, Vec<RowMark>), PlanningError> {
        let (mut rows, mut marks) = (Vec::new(), Vec::new());
        if self.request.script.is_none() || self.kind == RequestKind::DataProtection {
            return Ok((rows, marks));
        }
        let (Some(node), Some(read)) = (self.deciding.node(address), self.deciding.read(address)) else {
            return Ok((rows, marks));
        };
        let key_fields = key_fields(node);
        let marker = RowMarker::new(self.deciding.key, address, &key_fields);
        let mut stream = RowStream::new(read.sealed.clone());
        while let Some(page) = stream.next_page().await? {
            for row in page {
                marks.push(marker.mark(&row));
                rows.push(WriteRow { row, ..WriteRow::default() });
            }
        }
        Ok((rows, marks))
    }

    fn expected(&self) -> Outcome {
        match self.kind {
            RequestKind::Update => Outcome::Masked,
            RequestKind::DataProtection | RequestKind::Delete => Outcome::Erased,
        }
    }

    fn source(
        &self,
        inputs: &'a Inputs,
        field_values: &'a HashMap<FieldReference, Vec<Value>>,
        per: Per,
    ) -> WriteSource<'a> {
        WriteSource {
            request: self.request,
            endpoint: self.endpoint,
            per,
            person: self.deciding.person,
            inputs,
            field_values,
        }
    }

    /// Why the person cannot be named to the application: a param that comes from rows has no value.
    fn unresolved(&self, values: &HashMap<FieldReference, Vec<Value>>) -> Option<String> {
        let connection = self.connector.connection();
        let mut params = self.request.param_values.iter();
        let missing = params.find(|param| {
            let ParamSource::References(_) = &param.source else { return false };
            let single = Request { param_values: vec![(*param).clone()], ..self.request.clone() };
            let fields = fields_needed(connection, &single, self.endpoint, Per::Person);
            fields.iter().all(|field| values.get(field).is_none_or(Vec::is_empty))
        })?;
        Some(no_value(&missing.name, &self.request.place))
    }
}

fn no_value(param: &str, place: &str) -> String {
    format!("the person cannot be named to the application: no value was found for `{param}` of {place}")
}

/// Requests to an application for the rows of one collection.
pub(super) struct Writing<'a> {
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

/// A request and why it is sent.
struct Made {
    write: PlannedWrite,
    reasons: Reasons,
    grade: Option<MaskingGrade>,
    uses: Uses,
}

impl Writing<'_> {
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
        let file = &self.connector.connection().file;
        let endpoint = file.find_endpoint(self.node.address().collection())?;
        if endpoint.read.iter().any(asks) {
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
    writing: &'a Writing<'a>,
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
        for write in writes.planned {
            let of = write.rows.iter().filter_map(|row| candidates.get(*row));
            // A request without rows of its own stands for all of them.
            let of: Vec<&Candidate> =
                if write.rows.is_empty() { candidates.iter().collect() } else { of.collect() };
            let made = self.made(write, &of, &marks);
            let (address, expected) = (writing.node.address().clone(), self.expected());
            let operation = operation(writing.connector, writing.request, made, (vec![address], expected));
            self.push(operation, draft);
        }
        Ok(())
    }

    /// Adds an operation; a call that is there already stands for these rows as well.
    fn push(&mut self, operation: Operation, draft: &mut Draft) {
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
    }

    fn candidates(&self, rows: Vec<Row>) -> Result<Vec<Candidate>, PlanningError> {
        let request = self.source.request;
        if request.data_path.is_none() && request.postprocessors.is_empty() {
            let candidate = |(position, row): (usize, Row)| {
                let marked = self.filter.erasure_row(row.clone());
                self.candidate(vec![position], row, &marked)
            };
            return Ok(rows.into_iter().enumerate().map(candidate).collect());
        }
        let all: Vec<usize> = (0..rows.len()).collect();
        let expanded =
            write_rows(request, self.source.endpoint, rows, (self.source.person, self.source.inputs))
                .map_err(|source| PlanningError::Expansion { place: request.place.clone(), source })?;
        let candidate = |row: connector::writes::SourceRow| {
            let sources = row.source.map_or_else(|| all.clone(), |source| vec![source]);
            let marked = row.row.clone();
            self.candidate(sources, row.row, &marked)
        };
        Ok(expanded.into_iter().map(candidate).collect())
    }

    fn candidate(&self, sources: Vec<usize>, row: Row, marked: &Row) -> Candidate {
        let Some(values) = &self.writing.values else {
            let write = WriteRow { row, ..WriteRow::default() };
            return Candidate { sources, masked: MaskedRow::default(), write };
        };
        let masked = values.of(&row, marked);
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

fn operation(
    connector: &Connector,
    request: &Request,
    made: Made,
    (collections, expected): (Vec<CollectionAddress>, Outcome),
) -> Operation {
    let Made { write, reasons, grade, uses } = made;
    let verification = verification(connector, request, &collections);
    let cost = request.batch.as_ref().map(|_| {
        let ids = if write.values == 1 { "1 id".to_owned() } else { format!("{} ids", write.values) };
        format!("{ids} in one request; the application may count each against a quota")
    });
    Operation {
        order: 0,
        connection: connector.connection().key.to_string(),
        collections,
        call: Call::from(write.request),
        rows: if write.rows.is_empty() { 1 } else { write.rows.len() as u64 },
        reason: reasons.finish(),
        expected,
        grade,
        reversibility: Reversibility::Irreversible,
        cost,
        verification,
        repeatable: request.repeatable,
        tracked: request.track.is_some(),
        waits_for: Vec::new(),
        uses,
    }
}

/// Whether a read asks the application at all.
fn asks(request: &Request) -> bool {
    request.target.is_some() || request.script.is_some()
}

/// What will prove the request.
fn verification(connector: &Connector, request: &Request, collections: &[CollectionAddress]) -> Verification {
    let file = &connector.connection().file;
    let endpoints = || collections.iter().filter_map(|address| file.find_endpoint(address.collection()));
    let stated =
        request.verify.as_ref().or_else(|| endpoints().find_map(|endpoint| endpoint.verify.as_ref()));
    let is_read = endpoints().any(|endpoint| endpoint.read.iter().any(asks));
    match (stated, is_read, request.track.is_some()) {
        (Some(Verify::Request(_)), _, _) => Verification::Request,
        (Some(Verify::Endpoint(_)), _, _) | (None, true, _) => Verification::ReadAgain,
        (None, false, true) => Verification::JobOnly,
        (None, false, false) => Verification::None,
    }
}

/// Why no request is made for some rows. Reasons name places and params, no values.
fn note_unwritten(unwritten: &Unwritten, rows: u64, tally: &mut Tally) {
    let (outcome, reason) = match &unwritten.reason {
        // What masking left of the row is counted already.
        UnwrittenReason::NothingMasked { .. } => return,
        UnwrittenReason::Build(error) | UnwrittenReason::Skipped(error) if error.is_skippable() => {
            (Outcome::Unsupported, "missing_value")
        }
        UnwrittenReason::Script(_) | UnwrittenReason::ScriptStopped { .. } => (Outcome::Failed, "script"),
        UnwrittenReason::NothingReturned { .. } => (Outcome::Unsupported, "nothing_returned"),
        UnwrittenReason::Build(_)
        | UnwrittenReason::Skipped(_)
        | UnwrittenReason::Ambiguous { .. }
        | UnwrittenReason::TwoLists { .. }
        | UnwrittenReason::RowInBatch { .. }
        | UnwrittenReason::BodyNotJson { .. }
        | UnwrittenReason::SecretMark { .. } => (Outcome::Unsupported, "not_sendable"),
    };
    tally.add(Stays::new(outcome, reason, unwritten.reason.to_string()), rows, None);
}
