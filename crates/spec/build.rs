//! Builds the crate again when a file of the connector library appears or goes: embedding alone
//! only notices changes of files it has seen.

fn main() {
    println!("cargo::rerun-if-changed=../../connectors");
}
