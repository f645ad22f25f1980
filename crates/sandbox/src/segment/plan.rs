use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Features that the workspace's plan lacks, and what their calls are answered with (segment-api A67).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanLimits {
    /// User groups.
    pub groups: Option<RefusedWith>,
    /// Warehouses.
    pub warehouses: Option<RefusedWith>,
    /// Spaces.
    pub spaces: Option<RefusedWith>,
    /// Functions.
    pub functions: Option<RefusedWith>,
}

/// The status of a refusal; as text and in JSON its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum RefusedWith {
    /// 401, as for a bad token (segment-api A10).
    #[default]
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404, as for no such route.
    NotFound,
}

/// A setting of the plan that cannot be.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    /// A name that is no feature.
    #[error(
        "`{name}` is not a feature that a plan may lack; there are groups, warehouses, spaces, functions, \
         each with a status, as in `groups=404`"
    )]
    Feature {
        /// The offending name.
        name: String,
    },
    /// Another status.
    #[error("`{status}` is not how a feature is refused; there are 401, 403 and 404")]
    Status {
        /// The offending status.
        status: String,
    },
}

impl PlanLimits {
    /// How calls below a first segment of the path are refused; `None` if they are not.
    pub(super) fn refuses(self, segment: &str) -> Option<RefusedWith> {
        match segment {
            "groups" | "group" => self.groups,
            "warehouses" => self.warehouses,
            "spaces" => self.spaces,
            "functions" => self.functions,
            _ => None,
        }
    }

    /// Whether a kind of resource can be read.
    pub(super) fn allows(self, kind: &str) -> bool {
        let refused = match kind {
            "group" => self.groups,
            "warehouse" => self.warehouses,
            "space" => self.spaces,
            "function" => self.functions,
            _ => None,
        };
        refused.is_none()
    }
}

impl FromStr for PlanLimits {
    type Err = PlanError;

    /// Reads `feature=status` parts separated by commas; without a status it is 403.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, status) = part.split_once('=').unwrap_or((part, "403"));
            let feature = match name.trim() {
                "groups" => &mut plan.groups,
                "warehouses" => &mut plan.warehouses,
                "spaces" => &mut plan.spaces,
                "functions" => &mut plan.functions,
                name => return Err(PlanError::Feature { name: name.to_owned() }),
            };
            let number = status.trim().parse::<u16>().unwrap_or_default();
            let refused = RefusedWith::try_from(number);
            *feature = Some(refused.map_err(|_| PlanError::Status { status: status.trim().to_owned() })?);
        }
        Ok(plan)
    }
}

impl TryFrom<u16> for RefusedWith {
    type Error = PlanError;

    fn try_from(status: u16) -> Result<Self, PlanError> {
        match status {
            401 => Ok(Self::Unauthorized),
            403 => Ok(Self::Forbidden),
            404 => Ok(Self::NotFound),
            _ => Err(PlanError::Status { status: status.to_string() }),
        }
    }
}

impl From<RefusedWith> for u16 {
    fn from(refused: RefusedWith) -> Self {
        match refused {
            RefusedWith::Unauthorized => 401,
            RefusedWith::Forbidden => 403,
            RefusedWith::NotFound => 404,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_read_and_mistakes_are_named() {
        let plan: PlanLimits = "groups, spaces=404".parse().unwrap();

        let expected = PlanLimits {
            groups: Some(RefusedWith::Forbidden),
            spaces: Some(RefusedWith::NotFound),
            ..PlanLimits::default()
        };
        assert_eq!(plan, expected);
        assert!(matches!("users".parse::<PlanLimits>(), Err(PlanError::Feature { name }) if name == "users"));
        assert!(matches!("groups=500".parse::<PlanLimits>(), Err(PlanError::Status { .. })));
    }
}
