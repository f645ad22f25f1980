//! How the program is linked.

use std::process::Command;

/// The first glibc that knows packed addresses; with an older one the program would not start.
const PACKED_FROM: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Addresses that are filled in when the program starts, half a million of them, are packed: a sixtieth of
    // the space, all of which is read at each start and stays in memory. Only where the program is built for
    // the machine at hand, and that can fill them in: nothing is known of other machines.
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let is_for_glibc =
        variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    let is_for_here = variable("HOST") == variable("TARGET");
    if is_for_glibc && is_for_here && glibc().is_some_and(|version| version >= PACKED_FROM) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of glibc on this machine: `glibc 2.36`, as the system says it.
fn glibc() -> Option<(u32, u32)> {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
