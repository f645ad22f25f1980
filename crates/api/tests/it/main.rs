//! The interface, called without a network.
