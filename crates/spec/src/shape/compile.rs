use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{IntegerRule, KeyText, MappingRule, Others, Property, Schema, Shape, StrategyRule, TextRule};

impl Schema {
    /// Reads a schema made by [`crate::raw::schema_of`]. Words of JSON Schema that the raw types do
    /// not use are not understood.
    pub(crate) fn compile(schema: &Value) -> Self {
        let empty = Map::new();
        let definitions = schema.get("$defs").and_then(Value::as_object).unwrap_or(&empty);
        let mut compiler =
            Compiler { definitions, mappings: Vec::new(), strategies: Vec::new(), known: HashMap::new() };
        let root = compiler.shape(schema);
        let mappings = compiler.mappings.into_iter().flatten().collect();
        let strategies = compiler.strategies.into_iter().flatten().collect();
        Self { root, mappings, strategies }
    }
}

struct Compiler<'a> {
    definitions: &'a Map<String, Value>,
    /// `None` while a rule is being made, so that it can refer to itself.
    mappings: Vec<Option<MappingRule>>,
    strategies: Vec<Option<StrategyRule>>,
    known: HashMap<&'a str, Shape>,
}

impl<'a> Compiler<'a> {
    fn shape(&mut self, schema: &'a Value) -> Shape {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.definition(reference.trim_start_matches("#/$defs/"));
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(alternatives) = schema.get(word).and_then(Value::as_array) {
                if alternatives.iter().any(is_strategy) {
                    let position = reserve(&mut self.strategies);
                    self.strategy_rule(alternatives, position);
                    return Shape { strategy: Some(position), ..Shape::default() };
                }
                return alternatives.iter().fold(Shape::default(), |all, one| all.or(self.shape(one)));
            }
        }
        let mut shape = Shape::default();
        let mut any = true;
        for kind in kinds(schema) {
            any = false;
            match kind {
                "null" => shape.null = true,
                "boolean" => shape.boolean = true,
                "integer" => shape.integer = Some(integer_rule(schema)),
                "number" => shape.number = Some(integer_rule(schema)),
                "string" => shape.text = Some(text_rule(schema)),
                "array" => {
                    let items = schema.get("items").map(|items| self.shape(items));
                    shape.list = Some(Box::new(items.unwrap_or(Shape { any: true, ..Shape::default() })));
                }
                "object" => {
                    let position = reserve(&mut self.mappings);
                    self.mapping_rule(schema, position);
                    shape.mapping = Some(position);
                }
                _ => {}
            }
        }
        Shape { any, ..shape }
    }

    fn definition(&mut self, name: &'a str) -> Shape {
        if let Some(shape) = self.known.get(name) {
            return shape.clone();
        }
        let Some(schema) = self.definitions.get(name) else {
            return Shape { any: true, ..Shape::default() };
        };
        // The place of the rule is known before its content, so that types may hold themselves.
        if schema.get("type").and_then(Value::as_str) == Some("object") {
            let position = reserve(&mut self.mappings);
            let shape = Shape { mapping: Some(position), ..Shape::default() };
            self.known.insert(name, shape.clone());
            self.mapping_rule(schema, position);
            return shape;
        }
        if let Some(branches) =
            schema.get("oneOf").and_then(Value::as_array).filter(|all| all.iter().any(is_strategy))
        {
            let position = reserve(&mut self.strategies);
            let shape = Shape { strategy: Some(position), ..Shape::default() };
            self.known.insert(name, shape.clone());
            self.strategy_rule(branches, position);
            return shape;
        }
        let shape = self.shape(schema);
        self.known.insert(name, shape.clone());
        shape
    }

    fn mapping_rule(&mut self, schema: &'a Value, position: usize) {
        let required: Vec<&str> = texts(schema.get("required"));
        let mut properties = Vec::new();
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            for (name, member) in members {
                let shape = self.shape(member);
                let required = required.contains(&name.as_str());
                properties.push(Property { name: name.clone(), shape, required });
            }
        }
        let others = match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => Others::Refused,
            Some(Value::Bool(true)) => Others::Accepted(Shape { any: true, ..Shape::default() }),
            Some(shape) => Others::Accepted(self.shape(shape)),
            None if properties.is_empty() => Others::Accepted(Shape { any: true, ..Shape::default() }),
            None => Others::Warned,
        };
        let positions =
            properties.iter().enumerate().map(|(at, property)| (property.name.clone(), at)).collect();
        if let Some(place) = self.mappings.get_mut(position) {
            *place = Some(MappingRule { properties, positions, others });
        }
    }

    fn strategy_rule(&mut self, branches: &'a [Value], position: usize) {
        let mut rule = StrategyRule { by_name: HashMap::new(), names: Vec::new(), other: None };
        for branch in branches {
            let mapping = reserve(&mut self.mappings);
            self.mapping_rule(branch, mapping);
            let names = texts(branch.pointer("/properties/strategy/enum"));
            match names.first() {
                Some(first) => rule.names.push((*first).to_owned()),
                None => rule.other = Some(mapping),
            }
            rule.by_name.extend(names.into_iter().map(|name| (name.to_owned(), mapping)));
        }
        if let Some(place) = self.strategies.get_mut(position) {
            *place = Some(rule);
        }
    }
}

impl Shape {
    fn or(self, other: Self) -> Self {
        let text = match (self.text, other.text) {
            (Some(mut one), Some(two)) => {
                one.options.extend(two.options);
                Some(one)
            }
            (one, two) => one.or(two),
        };
        Self {
            any: self.any || other.any,
            null: self.null || other.null,
            text,
            integer: self.integer.or(other.integer),
            number: self.number.or(other.number),
            boolean: self.boolean || other.boolean,
            list: self.list.or(other.list),
            mapping: self.mapping.or(other.mapping),
            strategy: self.strategy.or(other.strategy),
        }
    }
}

fn reserve<T>(rules: &mut Vec<Option<T>>) -> usize {
    rules.push(None);
    rules.len() - 1
}

fn is_strategy(branch: &Value) -> bool {
    branch.pointer("/properties/strategy").is_some()
}

fn kinds(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        kinds => texts(kinds),
    }
}

fn texts(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn integer_rule(schema: &Value) -> IntegerRule {
    let bound =
        |word: &str| schema.get(word).and_then(|bound| bound.as_i64().or(bound.as_f64().map(|b| b as i64)));
    IntegerRule { least: bound("minimum").unwrap_or(i64::MIN), most: bound("maximum").unwrap_or(i64::MAX) }
}

fn text_rule(schema: &Value) -> TextRule {
    let key_text = schema
        .get("pattern")
        .and_then(Value::as_str)
        .map(|pattern| if pattern.contains('<') { KeyText::WithBrackets } else { KeyText::Plain });
    let mut options: Vec<String> = texts(schema.get("enum")).into_iter().map(str::to_owned).collect();
    options.extend(schema.get("const").and_then(Value::as_str).map(str::to_owned));
    TextRule { key_text, options }
}
