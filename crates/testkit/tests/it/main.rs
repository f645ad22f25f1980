//! The fake application does on the wire what its script says.

mod wire;
