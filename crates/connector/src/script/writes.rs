//! Writes that functions return as data, for a plan.

use std::collections::HashSet;

use egress::Retry;
use model::{CallStats, Row};
use serde_json::{Value, json};
use spec::connector_file::{ParamSource, Per, ScriptHook};
use spec::script::ScriptWrite;

use super::{HookCall, HookError, context};
use crate::build::{Build, Parts};
use crate::connection::Connection;
use crate::connector::Connector;
use crate::values::ValueMap;
use crate::writes::params::Params;
use crate::writes::{
    PlannedWrite, Unwritten, UnwrittenReason, WriteRequest, WriteRow, WriteSource, Writes, secret_mark,
};

/// Shorter secrets are not looked for: they stand in other texts by chance.
const SHORTEST_SECRET: usize = 6;

impl Connector {
    /// The writes of `source` for `rows`, in order, whether the file describes them or a script makes
    /// them. Nothing is written; a script may read.
    ///
    /// A script is called once for each row, or once for the person. A row for which it returns nothing
    /// is unwritten. After a read that failed in a way that may pass, the script is not asked about
    /// further rows.
    ///
    /// # Cancel safety
    /// Dropping the future gives up a read; nothing was written.
    pub async fn plan_writes(&self, source: WriteSource<'_>, rows: &[WriteRow]) -> Writes {
        let Some(hook) = &source.request.script else { return self.prepare_writes(source, rows) };
        let planner = Planner { connector: self, source, hook };
        let mut writes = Writes::default();
        // A collection without rows of its own stands for the person (saas-config 20.10).
        let only_empty = !rows.is_empty() && rows.iter().all(|row| row.row.is_empty());
        if source.per == Per::Person || only_empty {
            let rows = if only_empty { &[] } else { rows };
            let positions: Vec<usize> = (0..rows.len()).collect();
            let _ = planner.add(&positions, rows, &mut writes).await;
            return writes;
        }
        let mut stopped = false;
        for (index, row) in rows.iter().enumerate() {
            if stopped {
                let place = source.request.place.clone();
                let reason = UnwrittenReason::ScriptStopped { place };
                writes.unwritten.push(Unwritten { rows: vec![index], reason });
                continue;
            }
            stopped = planner.add(&[index], std::slice::from_ref(row), &mut writes).await == Retry::Yes;
        }
        writes
    }
}

/// What all calls of one function have in common.
struct Planner<'a> {
    connector: &'a Connector,
    source: WriteSource<'a>,
    hook: &'a ScriptHook,
}

impl Planner<'_> {
    /// Adds what the function makes of `rows`, which are at these positions of the collection; whether
    /// it failed in a way that may pass.
    async fn add(&self, positions: &[usize], rows: &[WriteRow], writes: &mut Writes) -> Retry {
        let made = match self.make(rows, &mut writes.stats).await {
            Ok(made) => made,
            Err(error) => {
                let retry = error.retry();
                let reason = UnwrittenReason::Script(error);
                writes.unwritten.push(Unwritten { rows: positions.to_vec(), reason });
                return retry;
            }
        };
        let mut written = HashSet::new();
        for (position, (request, of)) in made.into_iter().enumerate() {
            let rows: Vec<usize> = of.iter().filter_map(|row| positions.get(*row)).copied().collect();
            written.extend(rows.iter().copied());
            let is_of_person = self.source.per == Per::Person && rows.len() == positions.len();
            let rows = if is_of_person { Vec::new() } else { rows };
            writes.planned.push(PlannedWrite {
                request,
                values: rows.len().max(1),
                rows,
                follows: position > 0,
            });
        }
        let left: Vec<usize> = positions.iter().filter(|row| !written.contains(row)).copied().collect();
        if !left.is_empty() || (positions.is_empty() && writes.planned.is_empty()) {
            let place = self.source.request.place.clone();
            let reason = UnwrittenReason::NothingReturned { place };
            writes.unwritten.push(Unwritten { rows: left, reason });
        }
        Retry::No
    }

    /// The writes that the function returns, each with the positions in `rows` that it stands for.
    async fn make(
        &self,
        rows: &[WriteRow],
        stats: &mut CallStats,
    ) -> Result<Vec<(WriteRequest, Vec<usize>)>, HookError> {
        let (request, endpoint) = (self.source.request, self.source.endpoint);
        let rows_given: Value = rows.iter().map(|row| self.row(row)).collect();
        let mut context = self.connector.script_context(endpoint, Some(self.source.person));
        context.insert("values".to_owned(), self.values(None).into());
        let mut personal = Vec::new();
        context::leaves(&Value::Object(context.clone()), &mut personal);
        context::leaves(&rows_given, &mut personal);
        let mut call = HookCall::new(self.connector, request, (self.hook, endpoint), personal);
        let result = call.run(context, [rows_given], stats).await?;
        let made = spec::script::writes(result)
            .map_err(|source| HookError::Writes { hook: self.hook.to_string(), source })?;
        made.into_iter().enumerate().map(|(index, write)| self.build(index, write, rows.len())).collect()
    }

    fn build(
        &self,
        index: usize,
        write: ScriptWrite,
        rows: usize,
    ) -> Result<(WriteRequest, Vec<usize>), HookError> {
        let (connection, hook) = (self.connector.connection(), || self.hook.to_string());
        let of = write.rows.unwrap_or_else(|| (0..rows).collect());
        if of.iter().any(|row| *row >= rows) {
            return Err(HookError::UnknownRow { hook: hook(), index });
        }
        let once: HashSet<usize> = of.iter().copied().collect();
        if once.len() < of.len() || (of.is_empty() && rows > 0) {
            return Err(HookError::Rows { hook: hook(), index });
        }
        let values = ValueMap::new();
        let (request, endpoint) = (self.source.request, self.source.endpoint);
        let build = Build { connection, endpoint, request, params: &[], values: &values };
        let parts = Parts {
            method: &write.method,
            path: &write.path,
            query: &write.query,
            headers: &write.headers,
            body: &write.body,
        };
        let prepared = build.of_parts(parts).map_err(|source| {
            let source = Box::new(source);
            HookError::Write { hook: hook(), index, source }
        })?;
        let made = WriteRequest::of(&prepared, &request.place);
        if let Some(secret) = secret_in(&made, connection) {
            return Err(HookError::SecretInWrite { hook: hook(), index, secret });
        }
        Ok((made, of))
    }

    /// A row as the function sees it.
    fn row(&self, row: &WriteRow) -> Value {
        json!({
            "row": row.row,
            "values": self.values(Some(&row.row)),
            "masked": row.masked,
            "all": row.all,
        })
    }

    /// All values of each declared param, for a row or for the person. Settings and secrets are in the
    /// context.
    fn values(&self, row: Option<&Row>) -> Row {
        let params = Params { connection: self.connector.connection(), source: self.source };
        let declared = self
            .source
            .request
            .param_values
            .iter()
            .filter(|param| !matches!(param.source, ParamSource::ConnectorParam(_)));
        declared
            .map(|param| {
                let own = row.and_then(|row| params.of_row(param, row).ok());
                (param.name.clone(), own.unwrap_or_else(|| params.of_person(param)).into())
            })
            .collect()
    }
}

/// The name of a secret whose value stands in `write`, in any of the forms that a text takes there.
fn secret_in(write: &WriteRequest, connection: &Connection) -> Option<String> {
    for (name, value) in connection.hidden() {
        let mut texts = Vec::new();
        context::leaves(value, &mut texts);
        texts.retain(|text| text.len() >= SHORTEST_SECRET);
        let stands_in = |part: &str| texts.iter().any(|text| holds(part, text));
        let headers = write.headers.iter().map(|(_, value)| value.as_str());
        if headers.chain([write.url.as_str()]).chain(write.body.as_deref()).any(stands_in) {
            return Some(name.to_owned());
        }
    }
    None
}

fn holds(part: &str, secret: &str) -> bool {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    let forms = [
        secret.to_owned(),
        secret_mark::in_path(secret),
        secret_mark::in_form(secret),
        secret_mark::in_json(secret),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        crypto::hex(secret.as_bytes()),
    ];
    forms.iter().any(|form| part.contains(form.as_str()))
}
