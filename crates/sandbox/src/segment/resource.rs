use serde::Serialize;
use serde_json::{Value, json};

use super::iam::Label;

/// A source (segment-api A60).
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) id: String,
    pub(super) slug: String,
    /// Optional in the real service too: clients fall back to the slug.
    pub(super) name: Option<String>,
    pub(super) product: &'static str,
    pub(super) write_key: String,
    pub(super) labels: Vec<Label>,
}

/// A warehouse (A61).
#[derive(Debug, Clone)]
pub(super) struct Warehouse {
    pub(super) id: String,
    /// Its own name, if somebody gave it one.
    pub(super) name: Option<String>,
    pub(super) product: &'static str,
    pub(super) password: String,
    /// Ids of the sources that are loaded into it.
    pub(super) sources: Vec<String>,
}

/// A function (A63).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Function {
    pub(super) id: String,
    pub(super) resource_type: &'static str,
    pub(super) created_at: String,
    pub(super) created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_name: Option<String>,
    pub(super) catalog_id: String,
}

/// The kinds of function, all of which have to be asked for (A63).
pub(super) const FUNCTION_TYPES: [&str; 5] =
    ["SOURCE", "DESTINATION", "INSERT_DESTINATION", "INSERT_SOURCE", "INSERT_TRANSFORMATION"];

/// A space (A64).
#[derive(Debug, Clone, Serialize)]
pub(super) struct Space {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) name: String,
    /// The access secret of its Profile API.
    #[serde(skip)]
    pub(super) secret: String,
}

impl Source {
    pub(super) fn to_json(&self, workspace_id: &str) -> Value {
        let mut source = json!({
            "id": self.id,
            "slug": self.slug,
            "workspaceId": workspace_id,
            "enabled": true,
            "writeKeys": [self.write_key],
            "settings": {"website_url": "https://www.example.com"},
            "labels": self.labels,
            "metadata": product(self.product, "Website"),
        });
        if let (Some(name), Some(object)) = (&self.name, source.as_object_mut()) {
            object.insert("name".into(), json!(name));
        }
        source
    }
}

impl Warehouse {
    pub(super) fn to_json(&self, workspace_id: &str) -> Value {
        let mut settings = json!({
            "hostname": "warehouse.example.com",
            "username": "segment",
            "password": self.password,
        });
        if let (Some(name), Some(object)) = (&self.name, settings.as_object_mut()) {
            object.insert("name".into(), json!(name));
        }
        json!({
            "id": self.id,
            "workspaceId": workspace_id,
            "enabled": true,
            "metadata": product(self.product, "Warehouse"),
            "settings": settings,
        })
    }
}

fn product(name: &str, category: &str) -> Value {
    let slug = name.to_lowercase().replace(' ', "-");
    json!({
        "id": format!("cat_{slug}"),
        "slug": slug,
        "name": name,
        "categories": [category],
        "description": format!("{name} as Segment's catalogue shows it"),
        "logos": {"default": format!("https://www.example.com/logos/{slug}.svg")},
        "options": [],
        "isCloudEventSource": false,
        "status": "PUBLIC",
    })
}
