use rstest::rstest;

use super::*;
use crate::annotations;
use crate::c1::connector::v2::*;
use crate::c1::connectorapi::baton::v1::{
    BatonServiceFinishTaskRequest, BatonServiceGetTaskRequest, BatonServiceGetTasksRequest,
    BatonServiceHeartbeatRequest, BatonServiceHelloRequest, BatonServiceUploadAssetRequest, SetManyRequest,
    Task, baton_service_finish_task_request as finish, baton_service_hello_request::OsInfo,
    baton_service_upload_asset_request as upload, task,
};

const TASK: &str = "3MRtGGH2nQlWkwulXiopoxBpLgw";

fn user(id: &str) -> Resource {
    let id = ResourceId { resource_type: "user".into(), resource: id.into(), ..Default::default() };
    Resource { id: Some(id), ..Default::default() }
}

fn entitlement(id: &str) -> Entitlement {
    Entitlement { resource: Some(user("u1")), id: id.into(), ..Default::default() }
}

fn grant() -> Grant {
    let entitlement = Some(entitlement("user:u1:member"));
    Grant { entitlement, principal: Some(user("u2")), id: "g".into(), ..Default::default() }
}

fn refusal<M: Message + Name>(message: &M) -> String {
    check(message).unwrap_err().to_string()
}

// MSG-10
#[test]
fn requests_within_their_limits_pass() {
    check(&GrantManagerServiceRevokeRequest { grant: Some(grant()), annotations: vec![] }).unwrap();
    check(&ResourceTypesServiceListResourceTypesRequest::default()).unwrap();
    check(&GrantsServiceListGrantsRequest {
        resource: Some(user("u1")),
        page_size: 250,
        ..Default::default()
    })
    .unwrap();
    check(&BatonServiceGetTaskRequest { host_id: "h".into() }).unwrap();
    check(&BatonServiceGetTasksRequest {
        host_id: "ü".repeat(256),
        page_size: 100,
        known_task_ids: vec![TASK.into()],
        annotations: vec![],
    })
    .unwrap();
}

#[test]
fn a_missing_message_is_named() {
    assert_eq!(
        refusal(&GrantManagerServiceGrantRequest::default()),
        "`entitlement` of c1.connector.v2.GrantManagerServiceGrantRequest is missing"
    );
    assert_eq!(
        refusal(&BatonServiceHelloRequest { host_id: "h".into(), ..Default::default() }),
        "`connector_metadata` of c1.connectorapi.baton.v1.BatonServiceHelloRequest is missing"
    );
}

#[test]
fn a_field_deep_inside_is_named_with_its_path() {
    let mut request = GrantManagerServiceRevokeRequest { grant: Some(grant()), annotations: vec![] };
    request.grant.as_mut().unwrap().principal.as_mut().unwrap().id.as_mut().unwrap().resource = String::new();

    assert_eq!(
        refusal(&request),
        "`grant.principal.id.resource` of c1.connector.v2.GrantManagerServiceRevokeRequest has 0 bytes; it may have 1 to 1024"
    );
}

#[rstest]
#[case::page_size(
    251,
    "",
    "`page_size` of c1.connector.v2.GrantsServiceListGrantsRequest has to be 250 at most"
)]
#[case::sync_id(
    0,
    &"x".repeat(1025),
    "`active_sync_id` of c1.connector.v2.GrantsServiceListGrantsRequest has 1025 bytes; it may have 1 to 1024"
)]
fn bounds_are_told(#[case] page_size: u32, #[case] active_sync_id: &str, #[case] message: &str) {
    let active_sync_id = active_sync_id.to_owned();
    let resource = Some(user("u1"));
    let request =
        GrantsServiceListGrantsRequest { resource, page_size, active_sync_id, ..Default::default() };

    assert_eq!(refusal(&request), message);
}

#[test]
fn bytes_and_characters_are_counted_apart() {
    let of_characters = BatonServiceGetTaskRequest { host_id: "ü".repeat(257) };
    let of_bytes =
        ResourcesServiceListResourcesRequest { resource_type_id: "ü".repeat(513), ..Default::default() };

    assert!(refusal(&of_characters).ends_with("has 257 characters; it may have 1 to 256"));
    assert!(refusal(&of_bytes).ends_with("has 1026 bytes; it may have 1 to 1024"));
}

#[test]
fn each_task_id_of_a_list_is_checked() {
    let heartbeat = |task_id: &str, task_ids: Vec<String>| BatonServiceHeartbeatRequest {
        host_id: "h".into(),
        task_id: task_id.into(),
        annotations: vec![],
        task_ids,
    };

    check(&heartbeat(TASK, vec![TASK.into()])).unwrap();
    assert!(refusal(&heartbeat("", vec![])).starts_with("`task_id` of"));
    assert!(refusal(&heartbeat(TASK, vec![TASK.into(), "x".into()])).starts_with("`task_ids[1]` of"));
    assert!(
        refusal(&heartbeat(TASK, vec![TASK.into(); 101])).ends_with("has 101 items; it may have 100 at most")
    );
}

#[test]
fn a_page_of_no_tasks_is_refused() {
    let request = BatonServiceGetTasksRequest { host_id: "h".into(), ..Default::default() };

    assert!(refusal(&request).ends_with("has to be 1 to 100"));
}

#[test]
fn an_upload_has_exactly_one_kind_of_part() {
    let part = |msg| BatonServiceUploadAssetRequest { msg };
    let eof = |length| upload::UploadEof { sha256_checksum: vec![0; length], annotations: vec![] };
    let data = |length| upload::UploadData { data: vec![0; length] };

    check(&part(Some(upload::Msg::Eof(eof(32))))).unwrap();
    check(&part(Some(upload::Msg::Data(data(1_048_576))))).unwrap();
    assert!(refusal(&part(None)).contains("`msg` of"));
    assert!(
        refusal(&part(Some(upload::Msg::Eof(eof(31))))).ends_with("has 31 bytes; it may have exactly 32")
    );
    assert!(refusal(&part(Some(upload::Msg::Data(data(0))))).starts_with("`data.data` of"));
    assert!(refusal(&part(Some(upload::Msg::Data(data(1_048_577))))).starts_with("`data.data` of"));
}

#[test]
fn an_ended_task_has_an_outcome_and_few_annotations() {
    let request = |final_state| BatonServiceFinishTaskRequest {
        host_id: "h".into(),
        task_id: TASK.into(),
        status: None,
        final_state,
    };
    let many = vec![annotations::pack(&SkipGrants {}); 17];
    let error = finish::Error { annotations: many, ..Default::default() };

    check(&request(Some(finish::FinalState::Success(finish::Success::default())))).unwrap();
    assert!(refusal(&request(None)).contains("`final_state` of"));
    assert!(refusal(&request(Some(finish::FinalState::Error(error)))).starts_with("`error.annotations` of"));
}

#[test]
fn words_addresses_and_enums_are_checked() {
    let sync = |engine: &str| task::SyncFullTask { storage_engine: engine.into(), ..Default::default() };
    check(&sync("sqlite")).unwrap();
    check(&sync("")).unwrap();
    assert!(refusal(&sync("mysql")).ends_with("has to be one of: pebble, sqlite"));

    let link = |url: &str| ExternalLink { url: url.into() };
    check(&link("https://example.com")).unwrap();
    assert!(refusal(&link("http://example.com")).ends_with("has to start with `https://`"));
    assert!(refusal(&link("https:// ")).ends_with("has to be a URL with scheme and host"));

    let email = |address: &str| UserTrait {
        emails: vec![user_trait::Email { address: address.into(), is_primary: true }],
        ..Default::default()
    };
    check(&email("ann@example.com")).unwrap();
    assert!(refusal(&email("ann")).starts_with("`emails[0].address` of"));

    let purpose = |purpose| Entitlement { purpose, ..entitlement("e") };
    check(&purpose(3)).unwrap();
    assert!(refusal(&purpose(4)).ends_with("has to be one of the values of its enum"));
}

#[test]
fn items_that_come_twice_are_named() {
    let expandable =
        GrantExpandable { entitlement_ids: vec!["a".into(), "b".into(), "a".into()], ..Default::default() };

    assert!(refusal(&expandable).starts_with("`entitlement_ids[2]` of"));
}

#[test]
fn the_wait_for_an_action_is_a_day_at_most() {
    let wait = |seconds, nanos| InvokeActionRequest {
        inline_wait: Some(prost_types::Duration { seconds, nanos }),
        ..Default::default()
    };

    check(&wait(86400, 0)).unwrap();
    assert!(check(&wait(86400, 1)).is_err());
    assert!(check(&wait(0, -1)).is_err());
}

#[test]
fn keys_and_values_of_a_map_are_checked_and_not_repeated() {
    let request = |key: &str| SetManyRequest {
        sync_id: TASK.into(),
        values: [(key.to_owned(), vec![])].into(),
        ..Default::default()
    };
    let secret = "ann@example.com".repeat(40);

    check(&request("k")).unwrap();
    assert!(refusal(&request("")).starts_with("`values[…]` of"));
    assert!(!refusal(&request(&secret)).contains("ann"));
}

#[test]
fn tasks_are_checked_through_their_kind() {
    let events = task::ListEventsTask { cursor: "x".repeat(4097), ..Default::default() };
    let task = Task { task_type: Some(task::TaskType::ListEvents(events)), ..Default::default() };

    assert!(refusal(&task).starts_with("`list_events.cursor` of"));
}

// The pattern of a Hello's task id is written so that any text passes; we hold to what is written.
#[test]
fn a_hello_passes_with_and_without_a_task_id() {
    let hello = |task_id: &str| BatonServiceHelloRequest {
        host_id: "h".into(),
        task_id: task_id.into(),
        connector_metadata: Some(ConnectorMetadata { display_name: "Segment".into(), ..Default::default() }),
        os_info: Some(OsInfo { hostname: "x".repeat(256), ..Default::default() }),
        ..Default::default()
    };

    check(&hello("")).unwrap();
    check(&hello(TASK)).unwrap();
    let mut long = hello("");
    long.os_info.as_mut().unwrap().platform = "x".repeat(257);
    assert!(refusal(&long).starts_with("`os_info.platform` of"));
}
