use std::collections::HashMap;

use connector::writes::{WriteRow, WriteSource, Writes, fields_needed};
use connector::{Connector, Inputs};
use crypto::MaskSecrets;
use graph::{ErasureRule, MaskingGrade, RequestKind};
use model::{CollectionAddress, Outcome};
use serde_json::Value;
use spec::connector_file::{ParamSource, Per, Request};
use spec::reference::FieldReference;

use super::PlanningError;
use super::deciding::{Deciding, reasons_of};
use super::draft::{Draft, Reasons, Stays, Tally};
use super::gathering::{address_of, gathered, values_of};
use super::new_values::NewValues;
use super::request_operation::{Made, no_value, note_unwritten, operation};
use super::row_requests::RowRequests;
use super::row_step::{key_fields, used_row};
use super::rows::RowStream;
use crate::plan::{RowMark, RowMarker, UsedValues, Uses};

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
                    let writing = RowRequests {
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
            // Nothing found by an incomplete reading is no answer (architecture law 4), nor is what nobody
            // was asked for.
            let complete = fields.iter().all(|field| {
                self.deciding.read(&address_of(field)).is_some_and(|read| read.completeness.is_complete())
            });
            let unasked = fields.iter().any(|field| self.deciding.was_not_asked(&address_of(field)));
            let read = self.collections.iter().filter_map(|address| self.deciding.read(address));
            let found: u64 = read.map(|read| read.rows).sum();
            let (outcome, rows) = match (complete, unasked) {
                (true, false) if found == 0 => (Outcome::NotFound, 0),
                (true, _) => (Outcome::Unsupported, found),
                (false, _) => (Outcome::Failed, 0),
            };
            let own = fields.iter().map(address_of).find(|address| address.dataset() == first.dataset());
            let mut tally = Tally::default();
            tally.add(Stays::new(outcome, "not_resolved", unresolved), rows, None);
            draft.not_covered.extend(tally.finish(&own.unwrap_or_else(|| first.clone())));
            return Ok(());
        }
        let read = || self.collections.iter().filter_map(|address| self.deciding.read(address));
        let is_asked = |address: &CollectionAddress| !self.deciding.was_not_asked(address);
        if self.collections.iter().all(is_asked)
            && read().all(|read| read.rows == 0 && read.completeness.is_complete())
        {
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
            let before = draft.operations.len().checked_sub(1).filter(|_| write.follows);
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
            let made = Made { write, reasons, grade: Some(self.grade()), uses };
            let (collections, expected) = (self.collections.to_vec(), self.expected());
            draft.operations.push(operation(self.connector, self.request, made, (collections, expected)));
            draft.follow(draft.operations.len() - 1, before);
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

    fn grade(&self) -> MaskingGrade {
        match self.kind {
            RequestKind::Update => MaskingGrade::Overwritten,
            RequestKind::DataProtection | RequestKind::Delete => MaskingGrade::Deleted,
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
