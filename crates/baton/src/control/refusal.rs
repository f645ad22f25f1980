use c1z::ReadError;
use governance::inventory::KeepError;

/// Why a file was not taken over, without its path: it is of a file of ours that is gone when it is read.
pub(super) fn refusal(error: &KeepError) -> String {
    match error {
        KeepError::File(error) => unread(error),
        KeepError::NoRun => "the file has no finished sync run of everything".to_owned(),
        KeepError::Empty => {
            "the sync run is empty; was the connector started with `--skip-full-sync`?".to_owned()
        }
        other => other.to_string(),
    }
}

fn unread(error: &ReadError) -> String {
    match error {
        ReadError::Version3 { engine, schema, .. } => format!(
            "the file is a .c1z file of version 3 (engine `{engine}`, schema {schema}), which is not read here; \
             start the connector without `--storage-engine pebble`"
        ),
        ReadError::NotC1z { .. } => "the file is no .c1z file".to_owned(),
        ReadError::Unpack { .. } => "the .c1z file does not unpack".to_owned(),
        ReadError::Manifest { .. } => {
            "the .c1z file of version 3 has no manifest that can be read".to_owned()
        }
        ReadError::TooLarge { most, .. } => format!("the .c1z file unpacks to more than {most} bytes"),
        ReadError::File { .. } | ReadError::Working(_) => "the file cannot be read here".to_owned(),
        other => other.to_string(),
    }
}
