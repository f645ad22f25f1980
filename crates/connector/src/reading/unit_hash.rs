//! What a reading asks, as hashes: by them another process knows whether rows that were kept still answer
//! the same question.

use std::fmt::Write as _;

use crypto::PartsHash;
use jiff::Timestamp;
use model::IdSource;
use serde_json::Value;
use spec::connector_file::Request;
use uuid::Uuid;

use super::{Plan, Reading, Source};
use crate::build::BuildError;
use crate::connector::Connector;

/// As much as the definition of most requests takes.
const DEFINITION_BYTES: usize = 8 * 1024;

/// Ids that are always the same.
#[derive(Debug)]
struct SameIds;

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
        let mut hash = PartsHash::new();
        hash.add(connection.key.as_str());
        hash.add(endpoint);
        hash.add(format!("{:?}", connection.file.client_config));
        for request in connection.file.find_endpoint(endpoint).into_iter().flat_map(|found| &found.read) {
            hash.add(of_request(request));
        }
        for name in connection.secrets.names() {
            hash.add(name);
            hash.add(connection.secrets.find(name).unwrap_or(&Value::Null).to_string());
        }
        hash.finish()
    }
}

impl Plan {
    pub(super) fn unit_hash(&self, unit: usize) -> Result<Option<[u8; 32]>, BuildError> {
        let mut hash = PartsHash::new();
        hash.add(&self.collection);
        let Some((sequence, combination)) = self.find(unit) else {
            let is_empty_row = matches!(self.source, Source::EmptyRow) && unit == 0;
            return Ok(is_empty_row.then(|| hash.finish()));
        };
        hash.add(sequence.definition);
        combination.add_to(&mut hash);
        for part in [&self.person.privacy_request, &self.person.custom_fields] {
            hash.add(Value::Object(part.clone()).to_string());
        }
        let request = &sequence.request;
        if request.script.is_none() && request.target.is_some() {
            let prepared = self.prepare_at((Timestamp::UNIX_EPOCH, &SameIds), request, &combination)?;
            let shared = prepared.shared();
            hash.add(shared.method.as_str());
            hash.add(prepared.url().as_str());
            for (name, value) in &shared.headers {
                hash.add(name.as_str());
                hash.add(value);
            }
            hash.add(shared.body.as_deref().unwrap_or_default());
        }
        Ok(Some(hash.finish()))
    }
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
