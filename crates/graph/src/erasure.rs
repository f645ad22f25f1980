//! Which collections are erased, by what, and in which order (privacy-requests 10.2, 10.3;
//! saas-config 20.2–20.4).

mod arrange;
mod choice;
mod order;
mod step;

pub use choice::{MaskingMode, RequestKind, RequestRef};
pub use order::ErasureOrder;
pub use step::{
    DatabaseRules, ErasureAction, ErasureError, ErasureSource, ErasureStep, ErasureSteps, NotErased,
    NotErasedReason,
};
