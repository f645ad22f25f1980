use sandbox::segment::{SegmentOptions, SegmentSandbox};

use crate::program::Program;

pub(crate) async fn start(options: SegmentOptions) -> SegmentSandbox {
    SegmentSandbox::start(options).await.unwrap()
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
