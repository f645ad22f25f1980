use jiff::Timestamp;
use model::{Effect, IdSource};
use serde_json::Value;
use spec::connector_file::{AsyncConfig, Batch, ParamValue, Per, Polling, Request};

use super::params::{Params, add_distinct};
use super::{
    PlannedWrite, Unwritten, UnwrittenReason, WriteRequest, WriteRow, WriteSource, Writes, secret_mark,
};
use crate::build::Build;
use crate::connection::Connection;
use crate::connector::Connector;
use crate::values::{Origin, SpecialValues, ValueMap};

/// Placeholders that stand for values of one row.
const OF_ROW: [&str; 2] = ["masked_object_fields", "all_object_fields"];

impl Connector {
    /// The writes of `source` for `rows`, in order: one for each row, for each batch, or for the
    /// person. Nothing is sent.
    ///
    /// `rows` are those of [`super::write_rows`], masked. For a write for the whole person they are
    /// not looked at.
    pub fn prepare_writes(&self, source: WriteSource<'_>, rows: &[WriteRow]) -> Writes {
        let prepare = Prepare {
            connection: self.connection(),
            source,
            params: Params { connection: self.connection(), source },
            now: self.clock().now(),
            ids: self.ids(),
        };
        prepare.run(rows)
    }
}

/// What all writes of one request have in common.
struct Prepare<'a> {
    connection: &'a Connection,
    source: WriteSource<'a>,
    params: Params<'a>,
    now: Timestamp,
    ids: &'a dyn IdSource,
}

/// One value for each param that has one, by the param's position.
type Assigned = Vec<(usize, Value)>;

/// The values of one call before it is built.
struct Unit<'r> {
    rows: Vec<usize>,
    values: Assigned,
    /// The values of the batch.
    batch: Vec<Value>,
    row: Option<&'r WriteRow>,
}

impl Prepare<'_> {
    fn run(&self, rows: &[WriteRow]) -> Writes {
        let mut writes = Writes::default();
        if self.is_of_person(rows) {
            match self.units_of_person() {
                Ok(units) => self.build_all(units, &mut writes),
                Err(reason) => writes.unwritten.push(Unwritten { rows: Vec::new(), reason }),
            }
        } else if let Some(batch) = &self.source.request.batch {
            let units = self.batches_of_rows(rows, batch, &mut writes);
            self.build_all(units, &mut writes);
        } else {
            for (index, row) in rows.iter().enumerate() {
                match self.units_of_row(index, row) {
                    Ok(units) => self.build_all(units, &mut writes),
                    Err(reason) => writes.unwritten.push(Unwritten { rows: vec![index], reason }),
                }
            }
        }
        writes.unwritten.sort_by_key(|unwritten| unwritten.rows.first().copied());
        writes
    }

    /// A collection without rows of its own stands for the person (saas-config 20.10).
    fn is_of_person(&self, rows: &[WriteRow]) -> bool {
        let only_empty = !rows.is_empty() && rows.iter().all(|row| row.row.is_empty());
        self.source.per == Per::Person || only_empty
    }

    /// One call, or one for each chunk of a batch, or one for each value of the one param that has
    /// several.
    fn units_of_person(&self) -> Result<Vec<Unit<'static>>, UnwrittenReason> {
        let batch = self.source.request.batch.as_ref();
        let all: Vec<(usize, Vec<Value>)> =
            self.declared(batch).map(|(index, param)| (index, self.params.of_person(param))).collect();
        let values = self.one_list(&all)?;
        let mut units = Vec::new();
        match batch {
            None => units.extend(values.into_iter().map(Unit::of_person)),
            Some(batch) => {
                let list =
                    self.batch_param(batch).map(|param| self.params.of_person(param)).unwrap_or_default();
                for values in values {
                    units.extend(
                        chunks(&list, batch)
                            .map(|chunk| Unit { batch: chunk, ..Unit::of_person(values.clone()) }),
                    );
                }
            }
        }
        Ok(units)
    }

    fn units_of_row<'r>(&self, index: usize, row: &'r WriteRow) -> Result<Vec<Unit<'r>>, UnwrittenReason> {
        let mut all = Vec::new();
        for (position, param) in self.declared(None) {
            all.push((position, self.params.of_row(param, &row.row)?));
        }
        let units = self.one_list(&all)?.into_iter();
        Ok(units
            .map(|values| Unit { rows: vec![index], values, batch: Vec::new(), row: Some(row) })
            .collect())
    }

    /// Rows whose other values are equal go together, in the order of their first row.
    fn batches_of_rows(&self, rows: &[WriteRow], batch: &Batch, writes: &mut Writes) -> Vec<Unit<'static>> {
        let mut groups: Vec<(Assigned, Vec<(usize, Value)>)> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            match self.values_for_batch(row, batch) {
                Ok((values, items)) => {
                    let known = groups.iter().position(|(known, _)| *known == values);
                    let items = items.into_iter().map(|item| (index, item));
                    match known.and_then(|known| groups.get_mut(known)) {
                        Some((_, group)) => group.extend(items),
                        None => groups.push((values, items.collect())),
                    }
                }
                Err(reason) => writes.unwritten.push(Unwritten { rows: vec![index], reason }),
            }
        }
        let mut units = Vec::new();
        for (values, items) in groups {
            let mut distinct = Vec::new();
            for (_, item) in &items {
                add_distinct(&mut distinct, std::slice::from_ref(item));
            }
            for chunk in chunks(&distinct, batch) {
                let mut rows: Vec<usize> =
                    items.iter().filter(|(_, item)| chunk.contains(item)).map(|(index, _)| *index).collect();
                rows.dedup();
                units.push(Unit { rows, values: values.clone(), batch: chunk, row: None });
            }
        }
        units
    }

    /// The values of a row besides the batch, and those for the batch.
    fn values_for_batch(
        &self,
        row: &WriteRow,
        batch: &Batch,
    ) -> Result<(Assigned, Vec<Value>), UnwrittenReason> {
        let mut all = Vec::new();
        for (position, param) in self.declared(Some(batch)) {
            all.push((position, self.params.of_row(param, &row.row)?));
        }
        let values = self.one_list(&all)?.into_iter().next().unwrap_or_default();
        let items = match self.batch_param(batch) {
            Some(param) => self.params.of_row(param, &row.row)?,
            None => Vec::new(),
        };
        Ok((values, items))
    }

    /// The params besides that of the batch, with their positions.
    fn declared(&self, batch: Option<&Batch>) -> impl Iterator<Item = (usize, &ParamValue)> {
        let name = batch.map(|batch| batch.param.clone());
        let params = self.source.request.param_values.iter().enumerate();
        params.filter(move |(_, param)| name.as_ref() != Some(&param.name))
    }

    fn batch_param(&self, batch: &Batch) -> Option<&ParamValue> {
        self.source.request.param_values.iter().find(|param| param.name == batch.param)
    }

    /// One set of values for each value of the one param that has several; a param without values
    /// is absent.
    fn one_list(&self, all: &[(usize, Vec<Value>)]) -> Result<Vec<Assigned>, UnwrittenReason> {
        let name = |index: usize| {
            self.source.request.param_values.get(index).map(|param| param.name.clone()).unwrap_or_default()
        };
        let mut several = all.iter().filter(|(_, values)| values.len() > 1).map(|(index, _)| *index);
        let list = several.next();
        if let (Some(one), Some(other)) = (list, several.next()) {
            let place = self.source.request.place.clone();
            return Err(UnwrittenReason::TwoLists { place, one: name(one), other: name(other) });
        }
        let length = all.iter().map(|(_, values)| values.len()).max().unwrap_or(1).max(1);
        Ok((0..length)
            .map(|turn| {
                let value = |(index, values): &(usize, Vec<Value>)| {
                    let turn = if list == Some(*index) { turn } else { 0 };
                    values.get(turn).map(|value| (*index, value.clone()))
                };
                all.iter().filter_map(value).collect()
            })
            .collect())
    }

    fn build_all(&self, units: Vec<Unit<'_>>, writes: &mut Writes) {
        for unit in units {
            match self.build(&unit) {
                Ok(request) => writes.planned.push(PlannedWrite {
                    follows: false,
                    request,
                    values: unit.batch.len().max(1),
                    rows: unit.rows,
                }),
                Err(reason) => writes.unwritten.push(Unwritten { rows: unit.rows, reason }),
            }
        }
    }

    fn build(&self, unit: &Unit<'_>) -> Result<WriteRequest, UnwrittenReason> {
        let request = self.source.request;
        check_answer(request)?;
        self.check_row(unit)?;
        let values = self.values(unit)?;
        let build = Build {
            connection: self.connection,
            endpoint: self.source.endpoint,
            request,
            params: &request.param_values,
            values: &values,
        };
        let prepared = build.prepare().map_err(|error| {
            if error.is_skippable() && request.skip_missing_param_values {
                UnwrittenReason::Skipped(error)
            } else {
                UnwrittenReason::Build(error)
            }
        })?;
        WriteRequest::checked(&prepared, &request.place)
    }

    /// Values of one row need one row, and something to write.
    fn check_row(&self, unit: &Unit<'_>) -> Result<(), UnwrittenReason> {
        let request = self.source.request;
        let uses = |name: &str| {
            request
                .body
                .iter()
                .flat_map(spec::template::Template::placeholders)
                .any(|found| found.name == name)
        };
        if !OF_ROW.iter().any(|name| uses(name)) {
            return Ok(());
        }
        match unit.row {
            None => Err(UnwrittenReason::RowInBatch { place: request.place.clone() }),
            Some(row) if row.masked.is_empty() => {
                Err(UnwrittenReason::NothingMasked { place: request.place.clone() })
            }
            Some(_) => Ok(()),
        }
    }

    fn values(&self, unit: &Unit<'_>) -> Result<ValueMap, UnwrittenReason> {
        let request = self.source.request;
        let mut values = ValueMap::new();
        let marked = |value: &Value, origin: Origin| {
            if origin != Origin::Secret && secret_mark::stands_in(value) {
                return Err(UnwrittenReason::SecretMark { place: request.place.clone() });
            }
            Ok(())
        };
        for (index, value) in &unit.values {
            if let Some(param) = request.param_values.get(*index) {
                marked(value, Origin::from(&param.source))?;
                values.insert_param(param, value.clone());
            }
        }
        if let Some(param) = request.batch.as_ref().and_then(|batch| self.batch_param(batch))
            && !unit.batch.is_empty()
        {
            unit.batch.iter().try_for_each(|value| marked(value, Origin::from(&param.source)))?;
            values.insert_batch(&param.name, unit.batch.clone(), Origin::from(&param.source));
        }
        let person = self.source.person;
        // What is sent in its place is made when the write is sent.
        let token = request.async_config.as_ref().map(|_| secret_mark::token_mark());
        let special = SpecialValues {
            privacy_request_id: person.privacy_request_id.as_str(),
            privacy_request: &person.privacy_request,
            custom_fields: &person.custom_fields,
            field_list: self.source.inputs.field_list.as_deref(),
            reply_to_token: token.as_deref(),
        };
        values.insert_special(special, self.now, self.ids);
        if let Some(row) = unit.row {
            for (name, object) in [("masked_object_fields", &row.masked), ("all_object_fields", &row.all)] {
                let object = Value::Object(object.clone());
                marked(&object, Origin::Reference)?;
                values.insert(name, object, Origin::Reference);
            }
        }
        Ok(values)
    }
}

/// A write whose end nobody would learn is not made (saas-config 23.3).
pub(super) fn check_answer(request: &Request) -> Result<(), UnwrittenReason> {
    let strategy = match &request.async_config {
        None | Some(AsyncConfig::Callback) => return Ok(()),
        Some(AsyncConfig::Polling(_)) if request.track.is_some() => return Ok(()),
        Some(AsyncConfig::Polling(polling)) if can_be_asked(polling) => return Ok(()),
        Some(AsyncConfig::Polling(_)) => "polling".to_owned(),
        Some(AsyncConfig::Unknown { strategy }) => strategy.clone(),
    };
    Err(UnwrittenReason::NotFollowed { place: request.place.clone(), strategy })
}

/// Whether the job that a write starts can be named and asked about without leave to write.
fn can_be_asked(polling: &Polling) -> bool {
    let status = &polling.status_request;
    let is_read = status.effect == Effect::Read && status.request_override.is_none();
    is_read && polling.correlation_id_path.is_some()
}

impl Unit<'_> {
    fn of_person(values: Assigned) -> Self {
        Self { rows: Vec::new(), values, batch: Vec::new(), row: None }
    }
}

/// The list in parts of the batch's size; an empty list is one part, which lacks its values.
fn chunks(list: &[Value], batch: &Batch) -> impl Iterator<Item = Vec<Value>> {
    let size = usize::try_from(batch.max).unwrap_or(usize::MAX).max(1);
    let parts: Vec<Vec<Value>> =
        if list.is_empty() { vec![Vec::new()] } else { list.chunks(size).map(<[Value]>::to_vec).collect() };
    parts.into_iter()
}
