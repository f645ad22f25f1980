//! What a connector says of itself (baton P-11, P-15).

use std::collections::HashMap;
use std::fs::read_to_string;

use protos::c1::connector::v2::ConnectorMetadata;
use protos::c1::connectorapi::baton::v1::BatonServiceHelloRequest;
use protos::c1::connectorapi::baton::v1::baton_service_hello_request::{BuildInfo, OsInfo};

/// Longest text, in characters.
const LONGEST: usize = 256;
/// What stands where nothing is known: no text may be empty.
const UNKNOWN: &str = "unknown";

/// Which program says hello.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
}

/// The hello of this process. `task_id` is empty unless a task asked for it.
pub(super) fn hello(
    program: Program<'_>,
    (host_id, task_id): (&str, &str),
    metadata: ConnectorMetadata,
) -> BatonServiceHelloRequest {
    BatonServiceHelloRequest {
        host_id: host_id.to_owned(),
        task_id: task_id.to_owned(),
        build_info: Some(BuildInfo {
            lang_version: text(Some(concat!("rust ", env!("CARGO_PKG_RUST_VERSION")))),
            package: text(Some(program.name)),
            package_version: text(Some(program.version)),
        }),
        os_info: Some(os_info()),
        connector_metadata: Some(metadata),
        annotations: Vec::new(),
    }
}

/// What the system says of itself in its files; elsewhere less is known.
fn os_info() -> OsInfo {
    let kernel = |name: &str| read_to_string(format!("/proc/sys/kernel/{name}")).ok();
    let release = read_to_string("/etc/os-release").unwrap_or_default();
    let release: HashMap<&str, &str> = release.lines().filter_map(|line| line.split_once('=')).collect();
    let released = |name: &str| text(release.get(name).map(|value| value.trim_matches('"')));
    OsInfo {
        hostname: text(kernel("hostname").as_deref()),
        os: text(Some(std::env::consts::OS)),
        platform: released("ID"),
        platform_version: released("VERSION_ID"),
        platform_family: released("ID_LIKE"),
        kernel_version: text(kernel("osrelease").as_deref()),
        kernel_arch: text(Some(std::env::consts::ARCH)),
        virtualization_system: UNKNOWN.to_owned(),
    }
}

fn text(found: Option<&str>) -> String {
    let found = found.map(str::trim).filter(|text| !text.is_empty()).unwrap_or(UNKNOWN);
    found.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: baton P-15
    #[test]
    fn no_text_is_empty_or_too_long_and_the_message_keeps_its_limits() {
        let program = Program { name: &"n".repeat(300), version: "" };

        let hello = hello(
            program,
            ("host", ""),
            ConnectorMetadata { display_name: "S".into(), ..Default::default() },
        );

        let build = hello.build_info.clone().unwrap();
        assert_eq!((build.package.len(), build.package_version.as_str()), (256, "unknown"));
        let os = hello.os_info.clone().unwrap();
        let texts = [os.hostname, os.os, os.platform, os.platform_version, os.platform_family];
        assert!(texts.iter().all(|text| !text.is_empty()), "{texts:?}");
        assert!(![os.kernel_version, os.kernel_arch].contains(&String::new()));
        assert_eq!(protos::limits::check(&hello), Ok(()));
    }
}
