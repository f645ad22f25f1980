use serde::{Deserialize, Serialize};

/// How well a value is gone, worst first: the worst of several decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskingGrade {
    /// It is still there.
    Kept,
    /// It stands there encrypted; whoever had kept the key could read it.
    Encrypted,
    /// A keyed digest stands there; whoever had kept the key could test a guess.
    KeyedHash,
    /// Something that does not depend on it stands there.
    Overwritten,
    /// The row is gone.
    Deleted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleted_is_best_and_kept_is_worst() {
        let grades = [
            MaskingGrade::Deleted,
            MaskingGrade::Overwritten,
            MaskingGrade::KeyedHash,
            MaskingGrade::Encrypted,
            MaskingGrade::Kept,
        ];

        assert!(grades.is_sorted_by(|better, worse| better > worse));
        assert_eq!(grades.into_iter().min(), Some(MaskingGrade::Kept));
    }
}
