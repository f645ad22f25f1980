use serde_json::{Map, Value, json};
use thiserror::Error;

use super::operator::Operand;
use super::{ConditionJoin, ConditionLeaf, ConditionOperator, ConditionTree};

/// How deep groups may lie in each other.
const DEEPEST: usize = 10;
/// How many leaves a condition may have.
const MOST_LEAVES: usize = 100;
/// How many values a leaf may compare with.
const MOST_VALUES: usize = 1_000;
/// The longest text, in bytes.
const LONGEST: usize = 1_000;

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct ConditionFault {
    /// Where, from the top of the condition: names and positions.
    pub place: Vec<Value>,
    /// What.
    pub text: String,
}

/// A condition that is being read.
struct Reading {
    place: Vec<Value>,
    leaves: usize,
}

pub(super) fn tree(document: &Value) -> Result<ConditionTree, ConditionFault> {
    Reading { place: Vec::new(), leaves: 0 }.tree(document)
}

impl Reading {
    fn tree(&mut self, document: &Value) -> Result<ConditionTree, ConditionFault> {
        let Value::Object(members) = document else {
            return Err(self.fault(None, "expected an object: a leaf or a group"));
        };
        if members.contains_key("logical_operator") || members.contains_key("conditions") {
            self.group(members)
        } else {
            self.leaf(members).map(ConditionTree::Leaf)
        }
    }

    fn group(&mut self, members: &Map<String, Value>) -> Result<ConditionTree, ConditionFault> {
        self.only(members, &["logical_operator", "conditions"])?;
        let joined = match members.get("logical_operator").and_then(Value::as_str) {
            Some("and") => ConditionJoin::And,
            Some("or") => ConditionJoin::Or,
            Some(_) | None => return Err(self.fault(Some("logical_operator"), "write `and` or `or`")),
        };
        let list = members.get("conditions").and_then(Value::as_array);
        let Some(list) = list.filter(|list| !list.is_empty()) else {
            return Err(self.fault(Some("conditions"), "a group needs at least one condition"));
        };
        if self.place.len() / 2 >= DEEPEST {
            return Err(self.fault(Some("conditions"), "groups lie too deep in each other"));
        }
        let mut conditions = Vec::with_capacity(list.len().min(MOST_LEAVES));
        for (at, one) in list.iter().enumerate() {
            self.place.extend([json!("conditions"), json!(at)]);
            conditions.push(self.tree(one)?);
            self.place.truncate(self.place.len() - 2);
        }
        Ok(ConditionTree::Group { joined, conditions })
    }

    fn leaf(&mut self, members: &Map<String, Value>) -> Result<ConditionLeaf, ConditionFault> {
        self.only(members, &["field_address", "operator", "value"])?;
        self.leaves += 1;
        if self.leaves > MOST_LEAVES {
            return Err(self.fault(None, "a condition has at most 100 leaves"));
        }
        let address = members.get("field_address").and_then(Value::as_str);
        let address = address.filter(|text| !text.trim().is_empty() && text.len() <= LONGEST);
        let Some(address) = address else {
            return Err(self.fault(Some("field_address"), "name the field, as in `shop:customers:country`"));
        };
        let operator = members.get("operator").and_then(Value::as_str).and_then(ConditionOperator::find);
        let Some(operator) = operator else {
            let known: Vec<&str> = ConditionOperator::ALL.iter().map(|one| one.as_str()).collect();
            let text = format!("no operator; there are {}", known.join(", "));
            return Err(self.fault(Some("operator"), &text));
        };
        let value = members.get("value").cloned().unwrap_or_default();
        match wrong(operator.operand(), &value) {
            Some(text) => Err(self.fault(Some("value"), text)),
            None => Ok(ConditionLeaf { field_address: address.to_owned(), operator, value }),
        }
    }

    fn only(&self, members: &Map<String, Value>, known: &[&str]) -> Result<(), ConditionFault> {
        match members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(self.fault(Some(name), "no such member of a condition")),
            None => Ok(()),
        }
    }

    fn fault(&self, member: Option<&str>, text: &str) -> ConditionFault {
        let mut place = self.place.clone();
        place.extend(member.map(|member| json!(member)));
        ConditionFault { place, text: text.to_owned() }
    }
}

/// Why a value is none to compare with.
fn wrong(operand: Operand, value: &Value) -> Option<&'static str> {
    let is_scalar = |value: &Value| match value {
        Value::String(text) => text.len() <= LONGEST,
        Value::Number(_) | Value::Bool(_) => true,
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    };
    match operand {
        Operand::None => (!value.is_null()).then_some("this operator compares with nothing"),
        Operand::Scalar => (!is_scalar(value)).then_some("write a text, a number or a flag"),
        Operand::Ordered => {
            let is_ordered = (value.is_string() || value.is_number()) && is_scalar(value);
            (!is_ordered).then_some("write a text or a number")
        }
        Operand::Text => (!(value.is_string() && is_scalar(value))).then_some("write a text"),
        Operand::List => {
            let fits = match value {
                Value::Array(list) => {
                    !list.is_empty() && list.len() <= MOST_VALUES && list.iter().all(is_scalar)
                }
                one => is_scalar(one),
            };
            (!fits).then_some("write a list of texts, numbers or flags, with at least one of them")
        }
    }
}
