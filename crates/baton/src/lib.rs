//! A connector file as a Baton connector process, and both sides of the Baton service protocol.
