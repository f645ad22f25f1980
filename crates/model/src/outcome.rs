use serde::{Deserialize, Serialize};

/// What became of one piece of a person's data (architecture law 5), worst first.
///
/// The order is the meaning: the worst child decides its parent ([`Outcome::worst`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was tried and did not work.
    Failed,
    /// It was sent and nobody knows whether it took effect.
    Unknown,
    /// The other side took the job and has not confirmed its end.
    Accepted,
    /// The application offers no way to do it.
    Unsupported,
    /// A rule says that it must stay.
    Exempt,
    /// New data is kept out; what exists stays.
    Suppressed,
    /// Overwritten in place.
    Masked,
    /// Deleted.
    Erased,
    /// The thing was gone before we came.
    AlreadyAbsent,
    /// A complete reading found nothing.
    NotFound,
}

impl Outcome {
    /// The worst of several outcomes, or `None` if there are none.
    pub fn worst(outcomes: impl IntoIterator<Item = Outcome>) -> Option<Outcome> {
        outcomes.into_iter().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worst_child_decides_the_parent() {
        let children = [Outcome::Erased, Outcome::Accepted, Outcome::NotFound];

        assert_eq!(Outcome::worst(children), Some(Outcome::Accepted));
        assert_eq!(Outcome::worst([]), None);
        assert!(Outcome::Failed < Outcome::Unknown && Outcome::Erased < Outcome::AlreadyAbsent);
    }
}
