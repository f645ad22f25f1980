//! What is going to be sent, what it changes and what it changes besides: for whoever approves it.

use connector::writes::WriteRequest;
use model::RunId;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use store::PlanDigest;

use super::reach::Through;
use super::{Action, ResourceName};
use crate::source::PlannedJob;

/// Name of the form, and its version.
pub(super) const FORMAT: &str = "tutela.access-plan/1";

/// A planned change of access, sealed by its digest: SHA-256 over the RFC 8785 form of its contents.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessPlan {
    contents: AccessPlanContents,
    digest: PlanDigest,
}

/// What a plan says. It holds names and addresses of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessPlanContents {
    /// `tutela.access-plan/1`.
    pub format: String,
    /// The run that carries it out.
    #[serde(deserialize_with = "run")]
    pub run: RunId,
    /// Key of the connection.
    pub connection: String,
    /// What is asked for.
    pub change: PlannedChange,
    /// The one call; secrets stand in it by name. None if a job does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<WriteRequest>,
    /// The one job, where something else than a connector file does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<PlannedJob>,
    /// The same call may be sent twice without harm.
    pub repeatable: bool,
    /// It replaces a list by an empty one, which some applications refuse.
    pub leaves_nothing: bool,
    /// What it takes away besides.
    pub besides: Vec<Besides>,
    /// Through whom the access still reaches the principal afterwards.
    pub still_through: Vec<Through>,
    /// Guards that were looked at and hold.
    pub guards: Vec<String>,
}

/// What is asked for, by ids and by names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// What is done.
    pub action: Action,
    /// Id of the entitlement that is given or taken.
    pub entitlement: Option<String>,
    /// Its name.
    pub entitlement_name: Option<String>,
    /// What it is on, or what is removed; for what is made, its kind alone.
    pub resource: ResourceName,
    /// Its name.
    pub resource_name: Option<String>,
    /// Who gets or loses it.
    pub principal: Option<ResourceName>,
    /// Their name.
    pub principal_name: Option<String>,
    /// What was said about what is made.
    pub params: Vec<(String, String)>,
}

/// Access that goes with what is taken away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Besides {
    /// Id of the entitlement.
    pub entitlement: String,
    /// Who loses it: one, unless they hold it otherwise too.
    pub principal: Option<ResourceName>,
    /// Who loses it: everybody who holds this entitlement, unless they hold it otherwise too.
    pub holders_of: Option<String>,
}

impl AccessPlan {
    pub(super) fn new(contents: AccessPlanContents) -> Self {
        let digest = PlanDigest::of(&crypto::canonical_json(&value(&contents)));
        Self { contents, digest }
    }

    /// What it says.
    pub fn contents(&self) -> &AccessPlanContents {
        &self.contents
    }

    /// The digest that an approval names.
    pub fn digest(&self) -> &PlanDigest {
        &self.digest
    }

    /// What stands for the same change by the same call, whichever run carries it out: for whoever read one plan and
    /// agrees to the next.
    pub fn agreement(&self) -> PlanDigest {
        let mut contents = value(&self.contents);
        if let Value::Object(members) = &mut contents {
            members.remove("run");
        }
        PlanDigest::of(&crypto::canonical_json(&contents))
    }

    /// It as JSON, its digest behind its format.
    pub fn to_value(&self) -> Value {
        let mut value = value(&self.contents);
        if let Value::Object(members) = &mut value {
            members.insert("digest".to_owned(), self.digest.as_str().into());
        }
        value
    }

    /// It as it is kept.
    pub(super) fn body(&self) -> Vec<u8> {
        self.to_value().to_string().into_bytes()
    }
}

fn value(contents: &AccessPlanContents) -> Value {
    serde_json::to_value(contents).expect("a plan has text keys and plain values")
}

fn run<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RunId, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
