//! From files and identities to an ordered graph of collections: pure, without any input or output.
//!
//! For: joining connector files with datasets ([`merge`]), checking the edges ([`Graph`]), deciding
//! what a person's identities reach and in which order ([`Traversal`]), gathering the values that a
//! collection is read with ([`InputCollector`]), and taking out of rows what is not the person's
//! ([`RowFilter`]) or not targeted ([`Selection`]). Not for: calls, files, or running anything.
//!
//! ```
//! use graph::{Graph, GraphDataset, Targets};
//! use model::Identities;
//!
//! let nothing = GraphDataset { fides_key: "shop".into(), after: vec![], collections: vec![] };
//! let graph = Graph::build(&[nothing])?;
//!
//! let mut identities = Identities::default();
//! identities.insert("email", "ana@example.com".into())?;
//! let traversal = graph.traverse(&identities, Targets::Everything)?;
//! assert!(traversal.nodes().is_empty() && traversal.skipped().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod category;
mod collect;
mod condition;
mod convert;
mod edge;
mod erasure;
mod error;
mod filter;
#[cfg(test)]
mod fixture;
mod foreign;
mod graph;
mod inputs;
mod masking;
mod merge;
mod node;
mod traversal;

pub use category::{FieldTree, Selection, covers, is_targeted};
pub use collect::{DistinctValues, collect_values};
pub use condition::{
    ConditionFault, ConditionJoin, ConditionLeaf, ConditionOperator, ConditionTree, Evaluation, Found, Truth,
};
pub use convert::convert;
pub use edge::{Edge, Source};
pub use erasure::{
    DatabaseRules, ErasureAction, ErasureError, ErasureOrder, ErasureSource, ErasureStep, ErasureSteps,
    MaskingMode, NotErased, NotErasedReason, RequestKind, RequestRef,
};
pub use error::{BadReference, GraphError, TraversalError};
pub use filter::{DO_NOT_MASK, RowFilter};
pub use foreign::ForeignRows;
pub use graph::Graph;
pub use inputs::{CollectedInputs, InputCollector, UnusableInput, UsableInput};
pub use masking::{
    ErasureRule, Left, LeftReason, MaskedRow, MaskedValue, Masker, MaskerError, MaskingGrade, STRATEGIES,
    Segment, Strategy, StrategyDescription, StrategyError, StrategyKey, ValuePath, erasure_rules,
    mask_values,
};
pub use merge::merge;
pub use node::{GraphCollection, GraphDataset, GraphField};
pub use traversal::{SkipReason, Skipped, Targets, Traversal, TraversalNode};
