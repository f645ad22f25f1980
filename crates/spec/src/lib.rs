//! Connector, dataset and project files: from YAML text to checked types, with located diagnostics.

pub mod condition;
pub mod connector_file;
pub mod dataset_file;
pub mod reference;
pub mod template;

pub use condition::Condition;
