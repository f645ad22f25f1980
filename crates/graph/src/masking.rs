//! What becomes of targeted values when a person is erased (privacy-requests 10, 11; saas-config 20).

mod description;
mod grade;
mod masker;
mod object;
mod row;
mod rule;
mod strategy;
mod value_path;
mod walk;

pub use description::{STRATEGIES, StrategyDescription, StrategyKey};
pub use grade::MaskingGrade;
pub use masker::{Masker, MaskerError};
pub use row::{Left, LeftReason, MaskedRow, MaskedValue};
pub use rule::{ErasureRule, erasure_rules};
pub use strategy::{Strategy, StrategyError, mask_values};
pub use value_path::{Segment, ValuePath};

#[cfg(test)]
mod tests;
