use connector::Connection;
use model::Effect;
use serde_json::Value;
use spec::Access;
use spec::connector_file::{Method, ParamSource, ParamValue, QueryParam, QueryValue, Request, Target};
use spec::template::Template;

/// Something a connection is used for, and the harmless request that shows whether it may.
#[derive(Debug)]
pub(crate) struct Capability {
    /// What it is, for a person.
    pub(crate) what: String,
    /// The permission behind it, in the application's words.
    pub(crate) permission: String,
    /// Whether the connection uses it.
    pub(crate) need: Need,
    /// Name under which the request goes out.
    pub(crate) endpoint: String,
    /// A request that changes nothing.
    pub(crate) request: Request,
}

/// Whether a connection needs a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It does.
    Used,
    /// Only once it may write.
    Erasure,
    /// Only for the inventory of who has access.
    Inventory,
}

/// A permission of Segment and the list that only those who have it can read.
struct SegmentPermission {
    name: &'static str,
    /// Path at the Public API.
    path: &'static str,
    /// Path at the Config API below the workspace; empty where that API has no such list.
    config_path: &'static str,
    serves: Serves,
}

/// What a permission is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Serves {
    Erasure,
    Unify,
    Inventory,
}

/// What Segment's setup pages ask for.
const SEGMENT: &[SegmentPermission] = &[
    SegmentPermission {
        name: "End-user Privacy",
        path: "/regulations",
        config_path: "/regulations",
        serves: Serves::Erasure,
    },
    SegmentPermission { name: "Sources", path: "/sources", config_path: "", serves: Serves::Unify },
    SegmentPermission { name: "Spaces", path: "/spaces", config_path: "", serves: Serves::Unify },
    SegmentPermission { name: "Warehouses", path: "/warehouses", config_path: "", serves: Serves::Unify },
    SegmentPermission { name: "Workspace Owner", path: "/users", config_path: "", serves: Serves::Inventory },
];

const CONFIG_API: &str = "platform.segmentapis.com";

/// What is worth trying for this connection.
pub(crate) fn capabilities(connection: &Connection, access: Access) -> Vec<Capability> {
    let mut all = reads(connection);
    match connection.file.connector_type.as_str() {
        "segment" => all.extend(segment(connection, access, Unify::No)),
        "segment_unify" => {
            for read in &mut all {
                "Identities (access secret of the space)".clone_into(&mut read.permission);
            }
            all.extend(segment(connection, access, Unify::Yes));
        }
        _ => {}
    }
    all
}

/// One `GET` of each collection that is read.
fn reads(connection: &Connection) -> Vec<Capability> {
    let of_endpoint = connection.file.endpoints.iter().filter_map(|endpoint| {
        let request = endpoint
            .read
            .iter()
            .find(|request| request.target.as_ref().is_some_and(|target| target.method == Method::Get))?;
        let path = request.target.as_ref().map(|target| target.path.source()).unwrap_or_default();
        Some(Capability {
            what: format!("read {}", endpoint.name),
            permission: format!("read access to GET {path}"),
            need: Need::Used,
            endpoint: endpoint.name.clone(),
            request: request.clone(),
        })
    });
    of_endpoint.collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unify {
    No,
    Yes,
}

fn segment(connection: &Connection, access: Access, unify: Unify) -> Vec<Capability> {
    let domain = connection.secrets.find("domain").and_then(Value::as_str).unwrap_or_default();
    let config_api = domain.trim().eq_ignore_ascii_case(CONFIG_API);
    let Some(test_request) = connection.file.test_request.first() else { return Vec::new() };
    let wanted =
        SEGMENT.iter().filter(|permission| unify == Unify::Yes || permission.serves != Serves::Unify);
    wanted
        .filter_map(|permission| {
            let path = match (config_api, permission.config_path) {
                (false, _) => permission.path.to_owned(),
                (true, "") => return None,
                (true, path) => format!("/v1beta/workspaces/<workspace>{path}"),
            };
            let need = match (permission.serves, unify, access) {
                (Serves::Inventory, _, _) => Need::Inventory,
                (Serves::Erasure, Unify::Yes, Access::Read) => Need::Erasure,
                (Serves::Erasure | Serves::Unify, _, _) => Need::Used,
            };
            Some(Capability {
                what: format!("list {}", permission.path.trim_start_matches('/')),
                permission: permission.name.to_owned(),
                need,
                endpoint: "connection_test".to_owned(),
                request: list_one(test_request, &path, config_api),
            })
        })
        .collect()
}

/// A `GET` of one entry, with the host and credentials of the test request.
fn list_one(test_request: &Request, path: &str, config_api: bool) -> Request {
    let count = if config_api { "page_size" } else { "pagination[count]" };
    Request {
        place: format!("connection test, GET {path}"),
        effect: Effect::Read,
        target: Some(Target { method: Method::Get, path: Template::parse(path) }),
        query_params: vec![QueryParam { name: count.to_owned(), value: QueryValue::Integer(1) }],
        headers: Vec::new(),
        body: None,
        param_values: if config_api { vec![workspace()] } else { Vec::new() },
        when: None,
        ..test_request.clone()
    }
}

/// The Config API names the workspace in its paths.
fn workspace() -> ParamValue {
    let name = "workspace".to_owned();
    ParamValue { source: ParamSource::ConnectorParam(name.clone()), name, unpack: false }
}
