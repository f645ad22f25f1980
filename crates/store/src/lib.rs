//! Tutela's own state.
