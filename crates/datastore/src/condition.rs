//! One path with the values that are searched there (privacy-requests ).

use graph::GraphCollection;
use serde_json::{Value, json};

use crate::dialect::{Dialect, Writer};
use crate::table::{Column, ColumnKind, Table};
use crate::value::Scalar;
use crate::{Fault, SqlValue};

/// How many levels below a column may be searched in MySQL, where each doubles the paths.
const MOST_LEVELS: usize = 5;

/// A field of the dataset on a column of the table.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) column: Column,
    /// Levels below the column.
    pub(crate) below: Vec<String>,
    shape: Shape,
}

/// What is found at a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Scalar,
    /// An array of the database's own.
    Array,
    /// JSON, entered at any depth of arrays.
    Document,
}

impl Place {
    /// Finds `path` in the table.
    pub(crate) fn find(path: &str, collection: &GraphCollection, table: &Table) -> Result<Self, Fault> {
        let mut levels = path.split('.').map(str::to_owned);
        let column = table.column(&levels.next().unwrap_or_default())?.clone();
        let below: Vec<String> = levels.collect();
        let field = collection.find_field([column.name.as_str()]);
        let holds_json = field.is_some_and(holds_json) || column.kind == ColumnKind::Json;
        let shape = match &column.kind {
            ColumnKind::Array(_) if below.is_empty() => Shape::Array,
            ColumnKind::Json => Shape::Document,
            ColumnKind::Text | ColumnKind::Any if holds_json || !below.is_empty() => Shape::Document,
            _ if below.is_empty() => Shape::Scalar,
            _ => {
                let (path, column, declared) = (path.to_owned(), column.name, column.declared);
                return Err(Fault::NotNested { path, column, declared });
            }
        };
        if shape == Shape::Document && below.len() > MOST_LEVELS {
            let (path, column, declared) = (path.to_owned(), column.name, column.declared);
            return Err(Fault::NotNested { path, column, declared });
        }
        Ok(Self { column, below, shape })
    }

    /// `value` in the form that can be equal to something here; `None` if nothing can.
    pub(crate) fn searched(&self, value: &Value) -> Option<Searched> {
        let kind = match (&self.column.kind, self.shape) {
            (ColumnKind::Array(element), Shape::Array) => element,
            (_, Shape::Document) => &ColumnKind::Json,
            (kind, Shape::Scalar | Shape::Array) => kind,
        };
        match Scalar::of(value, kind)? {
            Scalar::Null => None,
            scalar => Some(Searched { json: value.clone(), scalar }),
        }
    }

    /// The condition that the place holds one of `values`.
    pub(crate) fn condition(&self, values: &[Searched], writer: &mut Writer) -> String {
        let column = writer.dialect.quote(&self.column.name);
        match (writer.dialect, self.shape) {
            (Dialect::PostgreSql, Shape::Document) => self.json_path_exists(&column, values, writer),
            (Dialect::PostgreSql, shape) => {
                let list = values.iter().map(|value| value.scalar.clone().into_text()).collect();
                let list = writer.bind(SqlValue::List(list));
                let declared = &self.column.declared;
                match (shape, &self.column.kind) {
                    // `declared` is already an array type.
                    (Shape::Array, _) => format!("{column} && {list}::text[]::{declared}"),
                    // Enums and types of extensions: a value that is none of them would be an error.
                    (_, ColumnKind::Other) => format!("{column}::text = ANY({list}::text[])"),
                    _ => format!("{column} = ANY({list}::text[]::{declared}[])"),
                }
            }
            (Dialect::MySql, Shape::Document) => self.json_contains(&column, values, writer),
            (Dialect::Sqlite, Shape::Document) => self.json_tree(&column, values, writer),
            (Dialect::MySql | Dialect::Sqlite, Shape::Scalar | Shape::Array) => {
                let exact = writer.dialect == Dialect::MySql && self.column.kind == ColumnKind::Decimal;
                let list: Vec<String> = values
                    .iter()
                    .map(|value| {
                        let placeholder = writer.bind(value.scalar.clone().into_parameter());
                        // A text next to a decimal would be compared as a binary float.
                        if exact { format!("CAST({placeholder} AS DECIMAL(65,30))") } else { placeholder }
                    })
                    .collect();
                format!("{column} IN ({})", list.join(", "))
            }
        }
    }

    /// PostgreSQL: `lax` paths enter arrays by themselves.
    fn json_path_exists(&self, column: &str, values: &[Searched], writer: &mut Writer) -> String {
        let steps: Vec<String> = self.below.iter().map(|level| format!(".{}", json!(level))).collect();
        let steps = steps.concat();
        let path = writer.bind(SqlValue::Text(format!("${steps} ? (@ == $values[*])")));
        let values: Vec<&Value> = values.iter().map(|value| &value.json).collect();
        let values = writer.bind(SqlValue::Text(json!({ "values": values }).to_string()));
        format!("jsonb_path_exists({column}::jsonb, {path}::text::jsonpath, {values}::text::jsonb)")
    }

    /// MySQL: all paths there can be, with and without an array at each level.
    fn json_contains(&self, column: &str, values: &[Searched], writer: &mut Writer) -> String {
        let mut paths = vec!["$".to_owned()];
        for level in &self.below {
            paths = paths
                .iter()
                .flat_map(|path| ["", "[*]"].map(|array| format!("{path}{array}.{}", json!(level))))
                .collect();
        }
        if self.below.is_empty() {
            // Several paths give an array of what was found; one alone would give the value itself.
            paths.push("$[*]".to_owned());
        }
        let conditions: Vec<String> = values
            .iter()
            .map(|value| {
                let paths = writer.bind_all(paths.iter().cloned().map(SqlValue::Text));
                let value = writer.bind(SqlValue::Text(value.json.to_string()));
                format!("JSON_CONTAINS(JSON_EXTRACT({column}, {paths}), {value})")
            })
            .collect();
        format!("CASE WHEN JSON_VALID({column}) THEN ({}) ELSE FALSE END", conditions.join(" OR "))
    }

    /// SQLite: one walk over the document for each level. A path without a dot leads through
    /// arrays only.
    fn json_tree(&self, column: &str, values: &[Searched], writer: &mut Writer) -> String {
        let mut tables = Vec::new();
        let mut conditions = Vec::new();
        let mut document = format!("CASE WHEN json_valid({column}) THEN {column} END");
        for (position, level) in self.below.iter().enumerate() {
            let name = format!("level{position}");
            tables.push(format!("json_tree({document}) AS {name}"));
            let level = writer.bind(SqlValue::Text(level.clone()));
            conditions.push(format!("{name}.key = {level} AND instr({name}.path, '.') = 0"));
            let inner = format!("CASE WHEN {name}.type IN ('object', 'array') THEN {name}.value");
            document = if position + 1 == self.below.len() {
                format!("{inner} ELSE json_array({name}.atom) END")
            } else {
                format!("{inner} END")
            };
        }
        tables.push(format!("json_tree({document}) AS leaf"));
        let list = writer.bind_all(values.iter().map(|value| searched_in_sqlite(&value.json)));
        conditions.push(format!("instr(leaf.fullkey, '.') = 0 AND leaf.atom IN ({list})"));
        format!("EXISTS (SELECT 1 FROM {} WHERE {})", tables.join(", "), conditions.join(" AND "))
    }
}

/// A value that is searched, for columns and for documents.
#[derive(Clone)]
pub(crate) struct Searched {
    json: Value,
    scalar: Scalar,
}

impl Searched {
    /// The value as it came.
    pub(crate) fn text(&self) -> String {
        self.json.to_string()
    }

    /// Equal for what is equal here.
    pub(crate) fn key(&self) -> String {
        self.scalar.clone().into_text().unwrap_or_default()
    }
}

fn searched_in_sqlite(value: &Value) -> SqlValue {
    Scalar::of(value, &ColumnKind::Any).map_or(SqlValue::Null, Scalar::into_parameter)
}

/// Whether the dataset says that a field of text holds JSON.
pub(crate) fn holds_json(field: &graph::GraphField) -> bool {
    use spec::dataset_file::DataKind;
    !field.fields.is_empty()
        || field.data_type.is_some_and(|declared| declared.is_array || declared.kind == DataKind::Object)
}
