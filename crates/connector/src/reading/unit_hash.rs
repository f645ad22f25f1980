//! What a reading asks, as hashes: by them another process knows whether rows that were kept still answer
//! the same question.

use std::fmt::Write as _;

use crypto::PartsHash;
use jiff::Timestamp;
use model::{IdSource, Row};
use spec::connector_file::Request;
use uuid::Uuid;

use super::definition::Definition;
use super::{Lasting, Plan, Reading, Sequence, Source};
use crate::build::{BuildError, Prepared};
use crate::combination::Combination;
use crate::connector::Connector;

/// As much as the definition of most requests takes.
const DEFINITION_BYTES: usize = 8 * 1024;

/// Ids that are always the same.
#[derive(Debug)]
pub(super) struct SameIds;

impl IdSource for SameIds {
    fn next_uuid(&self) -> Uuid {
        Uuid::nil()
    }

    fn random_uuid(&self) -> Uuid {
        Uuid::nil()
    }
}

impl Reading {
    /// Stands for what unit `unit` asks: the place of its request, method, URL, headers and body of the
    /// first page without authentication, the values it is filled with, and what becomes of the answer.
    /// Time and chance have no part in it. `None` if there is no such unit, or its request cannot be made.
    ///
    /// Somebody who has it can test a guess of a value: keep it sealed, or under a key.
    pub fn unit_hash(&self, unit: usize) -> Option<[u8; 32]> {
        self.plan.unit_hash(unit).ok()?
    }
}

impl Connector {
    /// Stands for how collection `endpoint` is read, whatever it is read with: its requests and scripts,
    /// host and authentication of the file, and the secrets. To be kept as [`Reading::unit_hash`] is.
    pub fn definition_hash(&self, endpoint: &str) -> [u8; 32] {
        let connection = self.connection();
        match self.definitions().find(connection, endpoint) {
            Some(definition) => definition.hash,
            None => Definition::of(connection, endpoint).hash,
        }
    }
}

impl Plan {
    pub(super) fn unit_hash(&self, unit: usize) -> Result<Option<[u8; 32]>, BuildError> {
        let Some((sequence, combination)) = self.find(unit) else {
            let is_empty_row = matches!(self.source, Source::EmptyRow) && unit == 0;
            return Ok(is_empty_row.then(|| self.begun_hash().finish()));
        };
        let Some(Lasting { prepared, unit_hash }) = &sequence.lasting else {
            let request = &sequence.defined.request;
            let is_sent = request.script.is_none() && request.target.is_some();
            let prepare = || self.prepare_at((Timestamp::UNIX_EPOCH, &SameIds), request, &combination);
            let prepared = if is_sent { Some(prepare()?) } else { None };
            return Ok(Some(self.hash_of(sequence, &combination, prepared.as_ref())));
        };
        Ok(Some(*unit_hash.get_or_init(|| self.hash_of(sequence, &combination, Some(prepared)))))
    }

    fn hash_of(
        &self,
        sequence: &Sequence,
        combination: &Combination<'_>,
        prepared: Option<&Prepared>,
    ) -> [u8; 32] {
        let mut hash = self.begun_hash();
        hash.add(sequence.defined.hash);
        combination.add_to(&mut hash);
        for part in [&self.person.privacy_request, &self.person.custom_fields] {
            hash.add(json_text(part));
        }
        if let Some(prepared) = prepared {
            add_call(&mut hash, prepared);
        }
        hash.finish()
    }

    fn begun_hash(&self) -> PartsHash {
        let mut hash = PartsHash::new();
        hash.add(&self.collection);
        hash
    }
}

/// Adds what is sent for the first page, without authentication.
pub(super) fn add_call(hash: &mut PartsHash, prepared: &Prepared) {
    let shared = prepared.shared();
    hash.add(shared.method.as_str());
    hash.add(prepared.url().as_str());
    for (name, value) in &shared.headers {
        hash.add(name.as_str());
        hash.add(value);
    }
    hash.add(shared.body.as_deref().unwrap_or_default());
}

fn json_text(row: &Row) -> String {
    serde_json::to_string(row).expect("a row has text keys and plain values")
}

/// Stands for a request as the file has it.
pub(super) fn of_request(request: &Request) -> [u8; 32] {
    let mut hash = PartsHash::new();
    hash.add(&request.place);
    // Written in one go: growing step by step takes as long again.
    let mut text = String::with_capacity(DEFINITION_BYTES);
    write!(text, "{request:?}").expect("a text takes everything");
    hash.add(text);
    if let Some(hook) = &request.script {
        hash.add(hook.script().source().text());
    }
    hash.finish()
}
