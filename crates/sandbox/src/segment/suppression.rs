use super::regulation::{Scope, SubjectType};

/// An id whose new data is kept out (segment-api A73, A83).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suppression {
    pub(super) scope: Scope,
    pub(super) subject_type: SubjectType,
    pub(super) id: String,
}
