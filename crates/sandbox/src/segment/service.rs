use crate::server::Call;

/// The three services of Segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Public,
    Profile,
    Config,
    /// Our own inspection and settings.
    Inspection,
}

/// The hosts of the real services.
const HOSTS: [(&str, Service); 5] = [
    ("api.segmentapis.com", Service::Public),
    ("eu1.api.segmentapis.com", Service::Public),
    ("profiles.segment.com", Service::Profile),
    ("profiles.euw1.segment.com", Service::Profile),
    ("platform.segmentapis.com", Service::Config),
];

impl Service {
    /// The service a call is meant for.
    pub(super) fn of(call: &Call) -> Self {
        if call.path == "/__sandbox" || call.path.starts_with("/__sandbox/") {
            return Self::Inspection;
        }
        if let Some(service) = by_host(call.host()) {
            return service;
        }
        if call.path.starts_with("/v1/spaces") {
            Self::Profile
        } else if call.path.starts_with("/v1beta") {
            Self::Config
        } else {
            Self::Public
        }
    }
}

/// Whether a `Host` header names a host of the real service.
pub(super) fn is_vendor_host(host: &str) -> bool {
    by_host(host).is_some()
}

fn by_host(host: &str) -> Option<Service> {
    let name = host.split(':').next().unwrap_or_default();
    HOSTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, service)| *service)
}
