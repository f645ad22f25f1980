//! Lists the files below `migrations`, so that one that is added is part of the program.
//!
//! The macro that `sqlx` has for this would have `sqlx`, its drivers and its TLS library compiled a second time,
//! for the compiler.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=build.rs");
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("migrations");
    let mut files = std::fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>, std::io::Error>>()?;
    files.sort();
    let mut list = String::from("[\n");
    for file in &files {
        let name = file.file_stem().and_then(|name| name.to_str()).ok_or("a name that is no text")?;
        let (version, description) = name.split_once('_').ok_or(format!("{name}: no `NUMBER_NAME`"))?;
        let version: i64 = version.parse().map_err(|_| format!("{name}: no number in front"))?;
        let description = description.replace('_', " ");
        let path = file.to_str().ok_or("a path that is no text")?;
        writeln!(list, "    ({version}, {description:?}, include_str!({path:?})),")?;
    }
    list.push_str("]\n");
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}
