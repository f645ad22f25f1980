//! `baton-segment` behind a script, as a program of somebody else.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use serde_json::Value;

use crate::program::Program;

/// Does what it is asked.
pub(crate) const RUN: &str = "exec \"$CONNECTOR\" \"$@\"";

pub(crate) fn options(users: usize) -> SegmentOptions {
    SegmentOptions {
        users,
        workspace: WorkspaceOptions { groups: Some(6), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

/// Writes the program below the folder: lines of a shell that has `$CONNECTOR`, which is `baton-segment` and reaches
/// the simulator, and `$SEEN`, a file that outlives a run. Its digest.
pub(crate) fn connector(program: &Program, sandbox: &SegmentSandbox, lines: &str) -> String {
    let link = program.folder().join("baton-segment");
    if !link.exists() {
        symlink(env!("CARGO_BIN_EXE_tutela"), &link).unwrap();
    }
    let text = format!(
        "#!/bin/sh\nexport TUTELA_EGRESS_ROUTES='{{\"api.segmentapis.com\": \"{}\"}}'\n\
         export TUTELA_EGRESS_ALLOW='[\"127.0.0.1/32\"]'\nCONNECTOR={}\nSEEN={}\n{lines}\n",
        sandbox.url(),
        link.display(),
        seen(program).display()
    );
    let path = program.file("connector/baton-office", &text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    crypto::hex(&crypto::sha256(text.as_bytes()))
}

/// Who the test runs as.
pub(crate) fn user(program: &Program) -> u32 {
    fs::metadata(program.folder()).unwrap().uid()
}

pub(crate) fn seen(program: &Program) -> PathBuf {
    program.folder().join("seen")
}

/// A role that a user does not hold.
pub(crate) fn free(sandbox: &SegmentSandbox) -> (String, String) {
    let truth = sandbox.governance_truth();
    let role = truth.resources.iter().find(|found| found.display_name == "Tracking Plan Admin").unwrap();
    let user = truth.resources.iter().filter(|found| found.key.kind == "user").nth(3).unwrap();
    (format!("role:{}:member", role.key.id), format!("user:{}", user.key.id))
}

pub(crate) fn is_held(sandbox: &SegmentSandbox) -> bool {
    let (entitlement, principal) = free(sandbox);
    let id = format!("{entitlement}:{principal}");
    sandbox.governance_truth().grants.iter().any(|grant| grant.id == id)
}

pub(crate) fn writes(sandbox: &SegmentSandbox) -> u64 {
    sandbox.state().get("writes").and_then(Value::as_u64).unwrap()
}
