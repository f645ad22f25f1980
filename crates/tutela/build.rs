//! How the program is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Addresses that are filled in when the program starts, half a million of them, are packed: a sixtieth of
    // the space, all of which is read at each start and stays in memory. Linux only: others do it by themselves
    // or have no such option.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
