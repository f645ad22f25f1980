use std::time::Duration;

use model::{Clock as _, SystemClock};
use sandbox::segment::{SegmentOptions, SegmentSandbox};

use crate::program::Program;

/// When the simulation begins.
const START: &str = "2026-01-15T12:00:00Z";

pub(crate) async fn start(options: SegmentOptions) -> SegmentSandbox {
    SegmentSandbox::start(options).await.unwrap()
}

/// Moves the simulation to the present: what happens from now on is in the time of whoever reads it.
pub(crate) fn advance_to_now(sandbox: &SegmentSandbox) {
    let since_start = SystemClock.now().duration_since(START.parse().unwrap());
    sandbox.advance(Duration::try_from(since_start).unwrap());
}

/// A group's membership, and a user.
pub(crate) fn membership(sandbox: &SegmentSandbox) -> (String, String) {
    let truth = sandbox.governance_truth();
    let id = |kind: &str| {
        let found = truth.resources.iter().rfind(|found| found.key.kind == kind).unwrap();
        found.key.id.to_string()
    };
    (format!("group:{}:member", id("group")), format!("user:{}", id("user")))
}

/// A project with one connection `segment` of this connector to the simulator.
pub(crate) fn project(program: &Program, sandbox: &SegmentSandbox, connector: &str) {
    project_with_token(program, sandbox, connector, &sandbox.description().tokens.access_token);
}

pub(crate) fn project_with_token(program: &Program, sandbox: &SegmentSandbox, connector: &str, token: &str) {
    let description = sandbox.description();
    let of_unify = format!(
        "      personas_domain: profiles.segment.com\n      namespace_id: \"{}\"\n      access_secret: \"{}\"\n",
        description.space, description.tokens.access_secret
    );
    program.file(
        "tutela.yml",
        &text(connector, "segment", &format!("      access_token: \"{token}\"\n{of_unify}"), &sandbox.url()),
    );
}

/// A project with what access alone needs, host and token, whose connection may do that: `read`, `write`.
pub(crate) fn access_project(program: &Program, sandbox: &SegmentSandbox, access: &str) {
    access_project_with_token(program, sandbox, (access, &sandbox.description().tokens.access_token));
}

pub(crate) fn access_project_with_token(
    program: &Program,
    sandbox: &SegmentSandbox,
    (access, token): (&str, &str),
) {
    let url = sandbox.url();
    program.file(
        "tutela.yml",
        &format!(
            "connections:\n  - key: segment\n    connector: segment\n    access: {access}\n    secrets:\n      \
             domain: api.segmentapis.com\n      access_token: \"{token}\"\negress:\n  allow: [\"127.0.0.1/32\"]\n  \
             routes: {{ api.segmentapis.com: \"{url}\" }}\nreading: {{ retry_wait_ms: 1 }}\n"
        ),
    );
}

/// The published example, unchanged, under its fixed key.
pub(crate) fn published(program: &Program, sandbox: &SegmentSandbox, file: &str) {
    let description = sandbox.description();
    let secrets = format!(
        "      personas_domain: profiles.segment.com\n      workspace: \"{}\"\n      access_token: \"{}\"\n      \
         namespace_id: \"{}\"\n      access_secret: \"{}\"\n",
        description.workspace,
        description.tokens.config_token,
        description.space,
        description.tokens.access_secret
    );
    program.file("tutela.yml", &text(file, "segment_connector_example", &secrets, &sandbox.url()));
}

fn text(connector: &str, key: &str, secrets: &str, url: &str) -> String {
    format!(
        "connections:\n  - key: {key}\n    connector: {connector}\n    access: read\n    secrets:\n      \
         domain: api.segmentapis.com\n{secrets}egress:\n  allow: [\"127.0.0.1/32\"]\n  routes:\n    \
         api.segmentapis.com: \"{url}\"\n    profiles.segment.com: \"{url}\"\nreading: {{ retry_wait_ms: 1 }}\n"
    )
}
