//! `_connector-service` of `baton-segment`, driven by the generated client as another runtime does (baton §11).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use protos::annotations;
use protos::c1::connector::v2 as wire;
use protos::c1::connector_wrapper::v1::ServerConfig;
use protos::c1::utls::v1::Credential;
use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::body::Body;
use tower::ServiceExt as _;
use wire::connector_service_client::ConnectorServiceClient;
use wire::entitlements_service_client::EntitlementsServiceClient;
use wire::grant_manager_service_client::GrantManagerServiceClient;
use wire::grants_service_client::GrantsServiceClient;
use wire::resource_types_service_client::ResourceTypesServiceClient;
use wire::resources_service_client::ResourcesServiceClient;

use crate::program::Program;
use crate::segment;

const AUTHORITY: &[u8] = include_bytes!("../../../baton/src/server/tests/own_authority.pem");
const CONNECTOR: [&[u8]; 2] = [
    include_bytes!("../../../baton/src/server/tests/connector.pem"),
    include_bytes!("../../../baton/src/server/tests/connector.key"),
];
const DRIVER: [&[u8]; 2] = [
    include_bytes!("../../../baton/src/server/tests/driver.pem"),
    include_bytes!("../../../baton/src/server/tests/driver.key"),
];

type Channel =
    tower::util::BoxCloneService<http::Request<Body>, http::Response<hyper::body::Incoming>, hyper::Error>;

/// A connector process that this one drives.
struct Driven {
    child: Child,
    address: SocketAddr,
}

impl Driven {
    /// Starts it as other runtimes do: a socket as descriptor 3, a line on standard input.
    fn start(program: &Program, flags: &[&str]) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let program = program.command(&[&["baton", "segment", "_connector-service"], flags].concat());
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "exec 3>&1 >/dev/null; exec \"$@\"", "sh"]).arg(program.get_program());
        shell.args(program.get_args()).current_dir(program.get_current_dir().unwrap());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("BATON_CONNECTOR_SERVICE_LISTENER_FD", "3");
        let mut child = shell.stdin(Stdio::piped()).stdout(OwnedFd::from(socket)).spawn().unwrap();
        let [cert, key] = CONNECTOR.map(<[u8]>::to_vec);
        let credential = Credential { ca_cert: AUTHORITY.to_vec(), cert, key };
        let config = ServerConfig { credential: Some(credential), ..ServerConfig::default() };
        let line = base64::engine::general_purpose::STANDARD.encode(config.encode_to_vec());
        writeln!(child.stdin.as_mut().unwrap(), "{line}").unwrap();
        Self { child, address }
    }

    async fn channel(&self) -> Channel {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(AUTHORITY).unwrap()).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(DRIVER[0]).unwrap()];
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(DRIVER[1]).unwrap())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let call = move |mut request: http::Request<Body>| {
            let path = request.uri().path();
            *request.uri_mut() = format!("https://localhost{path}").parse().unwrap();
            let mut sender = sender.clone();
            async move {
                sender.ready().await?;
                sender.send_request(request).await
            }
        };
        tower::service_fn(call).boxed_clone()
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(sandbox: &SegmentSandbox) -> Program {
    let routes = serde_json::json!({ "api.segmentapis.com": sandbox.url() }).to_string();
    Program::new()
        .with_environment("BATON_TOKEN", &sandbox.description().tokens.access_token)
        .with_environment("TUTELA_EGRESS_ROUTES", &routes)
        .with_environment("TUTELA_EGRESS_ALLOW", r#"["127.0.0.1/32"]"#)
}

/// What a sync finds: resources and entitlements by id, grants with the entitlements that they extend to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    kinds: BTreeSet<String>,
    resources: BTreeMap<String, String>,
    entitlements: BTreeSet<String>,
    grants: BTreeMap<String, Vec<String>>,
}

impl Found {
    fn resource(&mut self, row: &wire::Resource) -> String {
        let id = row.id.as_ref().unwrap();
        let id = format!("{}:{}", id.resource_type, id.resource);
        self.resources.insert(id.clone(), row.display_name.clone());
        id
    }

    fn grant(&mut self, row: &wire::Grant) {
        let to = annotations::find::<wire::GrantExpandable>(&row.annotations).unwrap();
        self.grants.insert(row.id.clone(), to.unwrap_or_default().entitlement_ids);
    }

    /// What a file has, without grants that follow from others.
    fn of_file(path: &Path) -> Self {
        let reader = c1z::Reader::open(path, None, &c1z::Limits::default()).unwrap();
        let (run, all) = (reader.runs().last().unwrap(), c1z::Filter::default());
        let mut found = Self::default();
        for row in reader.rows::<wire::ResourceType>(run, &all) {
            found.kinds.insert(row.unwrap().id);
        }
        for row in reader.rows::<wire::Resource>(run, &all) {
            found.resource(&row.unwrap());
        }
        for row in reader.rows::<wire::Entitlement>(run, &all) {
            found.entitlements.insert(row.unwrap().id);
        }
        for row in reader.rows::<wire::Grant>(run, &all) {
            let row = row.unwrap();
            let own = &row.entitlement.as_ref().unwrap().id;
            if row.sources.as_ref().is_none_or(|of| of.sources.is_empty() || of.sources.contains_key(own)) {
                found.grant(&row);
            }
        }
        found
    }

    /// What a driver finds (baton S-7 to S-11).
    async fn by_driving(channel: &Channel, sync: &str) -> Self {
        let mut found = Self::default();
        let ask = wire::ResourceTypesServiceListResourceTypesRequest {
            active_sync_id: sync.to_owned(),
            ..Default::default()
        };
        let kinds = ResourceTypesServiceClient::new(channel.clone()).list_resource_types(ask).await.unwrap();
        let mut lists: Vec<(String, Option<wire::ResourceId>)> =
            kinds.into_inner().list.into_iter().map(|kind| (kind.id, None)).collect();
        found.kinds = lists.iter().map(|(kind, _)| kind.clone()).collect();
        let mut resources = Vec::new();
        while let Some((resource_type_id, parent_resource_id)) = lists.pop() {
            let mut page_token = String::new();
            loop {
                let ask = wire::ResourcesServiceListResourcesRequest {
                    resource_type_id: resource_type_id.clone(),
                    parent_resource_id: parent_resource_id.clone(),
                    page_token,
                    active_sync_id: sync.to_owned(),
                    ..Default::default()
                };
                let page = ResourcesServiceClient::new(channel.clone()).list_resources(ask).await.unwrap();
                let page = page.into_inner();
                for row in page.list {
                    let known = found.resources.len();
                    found.resource(&row);
                    assert_eq!(found.resources.len(), known + 1, "a resource comes twice");
                    let children = annotations::list::<wire::ChildResourceType>(&row.annotations).unwrap();
                    lists.extend(children.into_iter().map(|kind| (kind.resource_type_id, row.id.clone())));
                    resources.push(row);
                }
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
        }
        for resource in resources {
            let ask = wire::EntitlementsServiceListEntitlementsRequest {
                resource: Some(resource.clone()),
                page_size: 250,
                active_sync_id: sync.to_owned(),
                ..Default::default()
            };
            let listed =
                EntitlementsServiceClient::new(channel.clone()).list_entitlements(ask).await.unwrap();
            let listed = listed.into_inner();
            assert_eq!(listed.next_page_token, "");
            found.entitlements.extend(listed.list.into_iter().map(|row| row.id));
            let mut page_token = String::new();
            loop {
                let ask = wire::GrantsServiceListGrantsRequest {
                    resource: Some(resource.clone()),
                    page_token,
                    active_sync_id: sync.to_owned(),
                    ..Default::default()
                };
                let page =
                    GrantsServiceClient::new(channel.clone()).list_grants(ask).await.unwrap().into_inner();
                page.list.iter().for_each(|row| found.grant(row));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
        }
        found
    }
}

fn counted(sandbox: &SegmentSandbox, what: &str) -> u64 {
    sandbox.state().get(what).and_then(Value::as_u64).unwrap()
}

// rule: baton W-1 to W-4, S-7 to S-11, M-15
#[tokio::test(flavor = "multi_thread")]
async fn a_driver_finds_what_one_sync_finds_by_as_few_calls_and_grants_and_revokes_once() {
    let options = SegmentOptions {
        users: 230,
        workspace: WorkspaceOptions { groups: Some(6), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    };
    let sandbox = segment::start(options).await;
    let program = program(&sandbox);
    program.run(&["baton", "segment", "-f", "one.c1z"]).expect(0);
    let calls_of_one = counted(&sandbox, "calls");
    let driven = Driven::start(&program, &["--provisioning", "-f", "driven.c1z"]);
    let channel = driven.channel().await;

    let validated = ConnectorServiceClient::new(channel.clone())
        .validate(wire::ConnectorServiceValidateRequest {})
        .await
        .unwrap();
    assert!(validated.into_inner().sdk_version.starts_with("tutela/"));
    let before = counted(&sandbox, "calls");
    let found = Found::by_driving(&channel, "2zzzzzzzzzzzzzzzzzzzzzzzzzz").await;

    assert_eq!(counted(&sandbox, "calls") - before, calls_of_one);
    assert_eq!(found, Found::of_file(&program.folder().join("one.c1z")));

    // One change, one write, and none the second time; taken back by one.
    let truth = sandbox.governance_truth();
    let role = truth.resources.iter().find(|row| row.display_name == "Tracking Plan Admin").unwrap();
    let entitlement = format!("role:{}:member", role.key.id);
    let held: BTreeSet<String> = truth
        .grants
        .iter()
        .filter(|grant| *grant.entitlement == *entitlement)
        .map(|grant| grant.principal.id.to_string())
        .collect();
    let user =
        truth.resources.iter().find(|row| row.key.kind == "user" && !held.contains(&*row.key.id)).unwrap();
    let resource = |kind: &str, id: &str| wire::Resource {
        id: Some(wire::ResourceId {
            resource_type: kind.to_owned(),
            resource: id.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let of = wire::Entitlement {
        id: entitlement.clone(),
        resource: Some(resource("role", &role.key.id)),
        slug: "member".to_owned(),
        ..Default::default()
    };
    let mut client = GrantManagerServiceClient::new(channel.clone());
    let give = wire::GrantManagerServiceGrantRequest {
        entitlement: Some(of.clone()),
        principal: Some(resource("user", &user.key.id)),
        annotations: Vec::new(),
    };
    let is_held = || {
        let truth = sandbox.governance_truth();
        let id = format!("{entitlement}:user:{}", user.key.id);
        truth.grants.iter().any(|grant| *grant.id == *id)
    };
    for (writes, is_already) in [(1, false), (1, true)] {
        let answer = client.grant(give.clone()).await.unwrap().into_inner();
        assert_eq!(annotations::contains::<wire::GrantAlreadyExists>(&answer.annotations), is_already);
        assert_eq!((counted(&sandbox, "writes"), is_held()), (writes, true));
    }
    let take = wire::GrantManagerServiceRevokeRequest {
        grant: Some(wire::Grant {
            id: format!("{entitlement}:user:{}", user.key.id),
            entitlement: Some(of),
            principal: give.principal,
            ..Default::default()
        }),
        annotations: Vec::new(),
    };
    for is_already in [false, true] {
        let answer = client.revoke(take.clone()).await.unwrap().into_inner();
        assert_eq!(annotations::contains::<wire::GrantAlreadyRevoked>(&answer.annotations), is_already);
        assert_eq!((counted(&sandbox, "writes"), is_held()), (2, false));
    }
}

// rule: baton W-1, C-15
#[tokio::test(flavor = "multi_thread")]
async fn a_connector_service_that_nobody_drives_says_so_and_shows_nothing() {
    let program = Program::new().with_environment("BATON_TOKEN", "canary-token");

    let ran = program.run(&["baton", "segment", "_connector-service"]).expect(3);

    ran.complains(&["_connector-service", "not by a person"]);
    assert!(!ran.stderr.contains("canary") && ran.stdout.is_empty(), "{ran:?}");
}
