//! Compiles the `.proto` files below `proto` to Rust and to a file of descriptors.

use std::path::{Path, PathBuf};

use protox::prost_reflect::prost_types::{DescriptorProto, FileDescriptorSet};

/// Packages whose services get Rust code. The services of the others are known to the descriptors only: nobody calls
/// them over a wire, and their code would have to be compiled.
const SERVED: [&str; 3] = ["c1.connector.v2", "c1.connectorapi.baton.v1", "c1.ratelimit.v1"];

/// Messages with a secret in plain text. `src/plaintext.rs` says how they are printed.
const PLAINTEXT: [&str; 4] = [
    "c1.connector.v2.PlaintextData",
    "c1.connector.v2.LocalCredentialOptions.PlaintextPassword",
    "c1.connectorapi.baton.v1.GetConnectorOauthTokenResponse",
    "c1.utls.v1.Credential",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new("proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=proto");
    println!("cargo::rerun-if-changed=build.rs");

    let mut files = Vec::new();
    list_protos(root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).include_source_info(false).open_files(&files)?;
    // Encoded by the compiler itself, because only it keeps options of our own.
    std::fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names().type_name_domain(["."], "type.googleapis.com");
    let described = protox::compile(&files, [root])?;
    tonic_prost_build::configure()
        .build_transport(false)
        // Maps in order of their keys: the same message gives the same bytes.
        .btree_map(".")
        .skip_debug(PLAINTEXT)
        .include_file("packages.rs")
        .out_dir(&out)
        .compile_fds_with_config(for_rust(described), config)?;
    Ok(())
}

/// Every `.proto` file below `folder`.
fn list_protos(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list_protos(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

/// The descriptors that Rust code is made from.
///
/// Marks of deprecation are dropped: we read and write those fields for old connectors as for new ones, and a compiler
/// warning at each use would help nobody.
fn for_rust(mut set: FileDescriptorSet) -> FileDescriptorSet {
    for file in &mut set.file {
        if !SERVED.contains(&file.package()) {
            file.service.clear();
        }
        file.message_type.iter_mut().for_each(drop_deprecation);
    }
    set
}

fn drop_deprecation(message: &mut DescriptorProto) {
    if let Some(options) = &mut message.options {
        options.deprecated = None;
    }
    for options in message.field.iter_mut().filter_map(|field| field.options.as_mut()) {
        options.deprecated = None;
    }
    message.nested_type.iter_mut().for_each(drop_deprecation);
}
