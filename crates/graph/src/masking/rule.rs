use spec::{ActionType, Policy};

use super::{Strategy, StrategyError};
use crate::category::covers;

/// One erasure rule of a policy, with its strategy checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ErasureRule {
    /// Its key.
    pub key: String,
    /// Data categories, with everything below them.
    pub targets: Vec<String>,
    /// How values are masked.
    pub strategy: Strategy,
}

impl ErasureRule {
    /// The first of `categories` that the rule targets.
    pub fn targeted<'a>(&self, categories: &'a [String]) -> Option<&'a str> {
        let targets = |category: &&String| self.targets.iter().any(|target| covers(target, category));
        categories.iter().find(targets).map(String::as_str)
    }
}

/// The erasure rules of `policy`, in order.
///
/// # Errors
/// [`StrategyError`] for a strategy that cannot be used. A rule without one overwrites with null.
pub fn erasure_rules(policy: &Policy) -> Result<Vec<ErasureRule>, StrategyError> {
    let erasing = policy.rules.iter().filter(|rule| rule.action == ActionType::Erasure);
    erasing
        .map(|rule| {
            let strategy =
                rule.masking_strategy.as_ref().map_or(Ok(Strategy::NullRewrite), Strategy::parse)?;
            Ok(ErasureRule { key: rule.key.clone(), targets: rule.targets.clone(), strategy })
        })
        .collect()
}
