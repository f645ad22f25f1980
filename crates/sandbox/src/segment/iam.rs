use serde::Serialize;

/// A workspace user (segment-api A26).
#[derive(Debug, Clone, Serialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) permissions: Option<Vec<Permission>>,
}

/// A user group. Members are e-mail addresses, of users or of invited people (A39, A42).
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) members: Vec<String>,
    pub(super) permissions: Vec<Permission>,
}

/// A built-in role (A46).
#[derive(Debug, Clone, Serialize)]
pub(super) struct Role {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
}

/// One role on a set of resources (A50).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Permission {
    pub(super) role_id: String,
    pub(super) role_name: String,
    pub(super) resources: Vec<ResourceRef>,
}

/// A resource as a permission names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ResourceRef {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: ResourceKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<Vec<Label>>,
}

/// What a permission can be on (A51).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ResourceKind {
    Workspace,
    Source,
    Warehouse,
    Function,
    Space,
    /// Newer than the documented kinds, and in no list (A7).
    Journey,
}

/// A label (A53, A65).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub(super) struct Label {
    pub(super) key: String,
    pub(super) value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
}

impl Label {
    pub(super) fn new(key: &str, value: &str) -> Self {
        Self { key: key.to_owned(), value: value.to_owned(), description: None }
    }

    pub(super) fn is(&self, key: &str, value: &str) -> bool {
        self.key == key && self.value == value
    }
}
