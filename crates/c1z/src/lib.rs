//! Reads and writes `.c1z` files: who has access to one application, in one file.
