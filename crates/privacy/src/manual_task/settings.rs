use std::collections::HashSet;

use graph::{ConditionFault, ConditionTree};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{LoginId, ManualAction, ManualTask};
use thiserror::Error;

use crate::condition_facts;

/// How many fields a person may be asked for at once.
const MOST_FIELDS: usize = 50;
/// How many people may be named.
const MOST_PEOPLE: usize = 100;
/// The longest name or help text, in bytes.
const LONGEST: usize = 1_000;

/// What a connection asks people for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskSettings {
    /// For requests for data; nothing is asked if absent.
    pub access: Option<AskedAction>,
    /// For requests to erase; nothing is asked if absent.
    pub erasure: Option<AskedAction>,
    /// Ids of the accounts of those who answer; if there are none, those who review requests.
    pub assigned_users: Vec<String>,
    /// The kinds of identities that they are shown; all that were shown to be the person's, if absent.
    pub identities: Option<Vec<String>>,
}

/// What people are asked for, for one kind of requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AskedAction {
    /// What they fill in.
    pub fields: Vec<TaskField>,
    /// When they are asked; always, if absent.
    pub conditions: Option<Value>,
}

/// One thing that is filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskField {
    /// Its name in packages, and in what is sent.
    pub name: String,
    /// What it is called for people.
    pub label: String,
    /// What they should know about it.
    pub help: Option<String>,
    /// What is filled in.
    pub kind: FieldKind,
    /// Whether the task stays open without it.
    pub required: bool,
    /// The categories of what it holds.
    pub data_categories: Vec<String>,
}

/// What is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// A text.
    Text,
    /// Yes or no.
    Checkbox,
    /// One file or several.
    Attachment,
}

/// What was configured when a task was made; a later change does not change it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSnapshot {
    /// What is asked.
    pub asked: AskedAction,
    /// The kinds of identities that those who answer are shown.
    pub identities: Option<Vec<String>>,
}

/// What is wrong with what a connection asks for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct SettingsFault {
    /// Where: names and positions.
    pub place: Vec<Value>,
    /// What.
    pub text: String,
}

impl TaskSettings {
    /// What was kept; `None` if it is of another version.
    pub fn of(document: &Value) -> Option<Self> {
        serde_json::from_value(document.clone()).ok()
    }

    /// As it is kept.
    pub fn document(&self) -> Value {
        json!(self)
    }

    /// What is asked for an action.
    pub fn asked(&self, action: ManualAction) -> Option<&AskedAction> {
        match action {
            ManualAction::Access => self.access.as_ref(),
            ManualAction::Erasure => self.erasure.as_ref(),
        }
    }

    /// What a task of this action keeps.
    pub(crate) fn snapshot(&self, action: ManualAction) -> Option<TaskSnapshot> {
        let asked = self.asked(action)?.clone();
        Some(TaskSnapshot { asked, identities: self.identities.clone() })
    }

    /// Who answers.
    pub(crate) fn assigned(&self) -> Vec<LoginId> {
        self.assigned_users.iter().filter_map(|id| LoginId::parse(id)).collect()
    }

    /// Everything that is wrong with it.
    pub fn faults(&self) -> Vec<SettingsFault> {
        let mut faults = Vec::new();
        for (name, asked) in [("access", &self.access), ("erasure", &self.erasure)] {
            if let Some(asked) = asked {
                asked.check(name, &mut faults);
            }
        }
        if self.access.is_none() && self.erasure.is_none() {
            faults.push(SettingsFault::new(
                vec![json!("access")],
                "say what is asked for, by `access`, `erasure` or both",
            ));
        }
        let is_id = |id: &String| LoginId::parse(id).is_some();
        if self.assigned_users.len() > MOST_PEOPLE || !self.assigned_users.iter().all(is_id) {
            faults.push(SettingsFault::new(
                vec![json!("assigned_users")],
                "write ids of accounts, at most 100",
            ));
        }
        faults
    }
}

impl AskedAction {
    /// When people are asked; `None`: always.
    pub(crate) fn condition(&self) -> Option<Result<ConditionTree, ConditionFault>> {
        self.conditions.as_ref().map(ConditionTree::parse)
    }

    fn check(&self, action: &str, faults: &mut Vec<SettingsFault>) {
        let at = |rest: &[Value]| [&[json!(action), json!("fields")], rest].concat();
        if self.fields.is_empty() || self.fields.len() > MOST_FIELDS {
            faults.push(SettingsFault::new(at(&[]), "ask for 1 to 50 fields"));
        }
        let mut names = HashSet::new();
        for (position, field) in self.fields.iter().take(MOST_FIELDS).enumerate() {
            let fits = |text: &str| !text.trim().is_empty() && text.len() <= LONGEST && !text.contains('\0');
            if !fits(&field.name) {
                faults
                    .push(SettingsFault::new(at(&[json!(position), json!("name")]), "a field needs a name"));
            } else if !names.insert(field.name.as_str()) {
                let text = "each name stands once";
                faults.push(SettingsFault::new(at(&[json!(position), json!("name")]), text));
            }
            if !fits(&field.label) || field.help.as_ref().is_some_and(|help| !fits(help)) {
                let text = "write a text of at most 1,000 bytes";
                faults.push(SettingsFault::new(at(&[json!(position), json!("label")]), text));
            }
        }
        match self.condition() {
            None => {}
            Some(Err(fault)) => {
                let place = [vec![json!(action), json!("conditions")], fault.place].concat();
                faults.push(SettingsFault { place, text: fault.text });
            }
            Some(Ok(tree)) => {
                let strange = tree.addresses().into_iter().find(|address| {
                    !condition_facts::is_known(address) && !condition_facts::is_collected(address)
                });
                if let Some(address) = strange {
                    let text = format!(
                        "`{address}` is no field; write `dataset:collection:field`, or one of {}",
                        condition_facts::known()
                    );
                    let place = vec![json!(action), json!("conditions")];
                    faults.push(SettingsFault { place, text });
                }
            }
        }
    }
}

impl TaskSnapshot {
    /// What a task keeps.
    pub fn of(task: &ManualTask) -> Option<Self> {
        serde_json::from_value(task.document.clone()).ok()
    }

    /// As a task keeps it.
    pub(crate) fn document(&self) -> Value {
        json!(self)
    }
}

impl FieldKind {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Checkbox => "checkbox",
            Self::Attachment => "attachment",
        }
    }
}

impl SettingsFault {
    fn new(place: Vec<Value>, text: &str) -> Self {
        Self { place, text: text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> TaskField {
        TaskField {
            name: name.to_owned(),
            label: name.to_owned(),
            help: None,
            kind: FieldKind::Text,
            required: true,
            data_categories: Vec::new(),
        }
    }

    fn settings(fields: &[&str], conditions: Option<Value>) -> TaskSettings {
        let asked = AskedAction { fields: fields.iter().map(|name| field(name)).collect(), conditions };
        TaskSettings { access: Some(asked), ..TaskSettings::default() }
    }

    fn places(settings: &TaskSettings) -> Vec<Value> {
        settings.faults().into_iter().map(|fault| json!(fault.place)).collect()
    }

    // rule: privacy-requests W-17
    #[test]
    fn settings_are_refused_with_the_place_of_each_fault() {
        let condition = |address: &str| Some(json!({"field_address": address, "operator": "exists"}));
        let good = settings(&["a", "b"], condition("shop:customers:address.country"));
        let of_request = settings(&["a"], condition("privacy_request.location"));
        let twice = settings(&["a", "a"], None);
        let strange = settings(&["a"], condition("country"));
        let no_operator = settings(&["a"], Some(json!({"field_address": "a:b:c", "operator": "x"})));

        assert_eq!(places(&good), Vec::<Value>::new());
        assert_eq!(places(&of_request), Vec::<Value>::new());
        assert_eq!(places(&twice), [json!(["access", "fields", 1, "name"])]);
        assert_eq!(places(&strange), [json!(["access", "conditions"])]);
        assert_eq!(places(&no_operator), [json!(["access", "conditions", "operator"])]);
        assert_eq!(places(&TaskSettings::default()), [json!(["access"])]);
        assert_eq!(TaskSettings::of(&good.document()), Some(good));
    }
}
