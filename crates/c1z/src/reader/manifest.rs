use std::io::Read;
use std::path::Path;

use prost::Message as _;
use protos::c1::c1z::v3::C1zManifestV3;

use super::ReadError;

/// The most that a manifest may have (baton V3-1).
const MOST_BYTES: u64 = 16 << 20;

/// The error that names the engine of a file of version 3; `file` stands after the magic.
pub(super) fn version_3(path: &Path, file: &mut impl Read) -> ReadError {
    let path = path.to_owned();
    match read(file) {
        Some(manifest) => ReadError::Version3 {
            path,
            engine: visible(&manifest.engine),
            schema: manifest.engine_schema_version,
        },
        None => ReadError::Manifest { path },
    }
}

fn read(file: &mut impl Read) -> Option<C1zManifestV3> {
    let mut length = [0; 4];
    file.read_exact(&mut length).ok()?;
    let length = u64::from(u32::from_be_bytes(length));
    if length > MOST_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == length).then(|| C1zManifestV3::decode(bytes.as_slice()).ok())?
}

/// A name that a message may show.
fn visible(name: &str) -> String {
    model::visible(&name.chars().take(64).collect::<String>()).into_owned()
}
