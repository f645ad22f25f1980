use std::collections::BTreeSet;
use std::sync::Arc;

use engine::Canceller;
use futures::StreamExt as _;
use protos::annotations;
use protos::c1::connector::v2 as wire;
use tonic::{Code, Status};
use wire::connector_service_client::ConnectorServiceClient;
use wire::entitlements_service_client::EntitlementsServiceClient;
use wire::grants_service_client::GrantsServiceClient;
use wire::resource_getter_service_client::ResourceGetterServiceClient;
use wire::resource_types_service_client::ResourceTypesServiceClient;
use wire::resources_service_client::ResourcesServiceClient;

use super::driver::{Channel, Served, handshake};
use super::fake::{Fake, USERS, id};
use crate::command_line::Permission;
use crate::server::{Listening, peer, tls};

type Rows<T> = Result<(Vec<T>, u32), Status>;

async fn types(channel: &Channel, sync: &str) -> Result<Vec<String>, Status> {
    let mut client = ResourceTypesServiceClient::new(channel.clone());
    let ask = wire::ResourceTypesServiceListResourceTypesRequest {
        active_sync_id: sync.to_owned(),
        ..Default::default()
    };
    let listed = client.list_resource_types(ask).await?.into_inner();
    assert_eq!(listed.next_page_token, "");
    Ok(listed.list.into_iter().map(|kind| kind.id).collect())
}

/// All pages of a list, and how many there were.
async fn resources(
    channel: &Channel,
    sync: &str,
    of: (&str, Option<wire::ResourceId>),
) -> Rows<wire::Resource> {
    let mut client = ResourcesServiceClient::new(channel.clone());
    let (mut rows, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let ask = wire::ResourcesServiceListResourcesRequest {
            resource_type_id: of.0.to_owned(),
            parent_resource_id: of.1.clone(),
            page_token: token,
            active_sync_id: sync.to_owned(),
            ..Default::default()
        };
        let page = client.list_resources(ask).await?.into_inner();
        rows.extend(page.list);
        pages += 1;
        token = page.next_page_token;
        if token.is_empty() {
            return Ok((rows, pages));
        }
    }
}

async fn grants(channel: &Channel, sync: &str, on: wire::Resource) -> Rows<wire::Grant> {
    let mut client = GrantsServiceClient::new(channel.clone());
    let (mut rows, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let ask = wire::GrantsServiceListGrantsRequest {
            resource: Some(on.clone()),
            page_size: 250,
            page_token: token,
            active_sync_id: sync.to_owned(),
            ..Default::default()
        };
        let page = client.list_grants(ask).await?.into_inner();
        rows.extend(page.list);
        pages += 1;
        token = page.next_page_token;
        if token.is_empty() {
            return Ok((rows, pages));
        }
    }
}

// rule: baton W-4, S-8 to S-11, M-7, M-5
#[tokio::test]
async fn a_driver_reads_every_row_once_from_one_reading() {
    let served = Served::start(Permission::Refused);
    let channel = served.channel().await;
    let sync = "2abcdefghijklmnopqrstuvwxyz";

    assert_eq!(types(&channel, sync).await.unwrap(), ["group", "office", "role", "user"]);
    let (offices, _) = resources(&channel, sync, ("office", None)).await.unwrap();
    let announced = annotations::list::<wire::ChildResourceType>(&offices[0].annotations).unwrap();
    assert_eq!(announced[0].resource_type_id, "user");
    let (guests, _) = resources(&channel, sync, ("user", None)).await.unwrap();
    let (users, pages) = resources(&channel, sync, ("user", Some(id("office", "o1")))).await.unwrap();
    let names = |rows: &[wire::Resource]| -> Vec<String> {
        rows.iter().map(|row| row.id.as_ref().unwrap().resource.clone()).collect()
    };
    assert_eq!(names(&guests), ["guest"]);
    assert_eq!(
        (names(&users).into_iter().collect::<BTreeSet<_>>().len(), users.len(), pages),
        (USERS, USERS, 6)
    );

    let mut client = EntitlementsServiceClient::new(channel.clone());
    let ask = wire::EntitlementsServiceListEntitlementsRequest {
        resource: Some(super::fake::resource("role", "r1")),
        active_sync_id: sync.to_owned(),
        ..Default::default()
    };
    let listed = client.list_entitlements(ask).await.unwrap().into_inner().list;
    assert_eq!(listed.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["role:r1:member"]);
    let templates = wire::EntitlementsServiceListStaticEntitlementsRequest {
        resource_type_id: "role".to_owned(),
        ..Default::default()
    };
    let templates = client.list_static_entitlements(templates).await.unwrap().into_inner();
    assert_eq!(templates, wire::EntitlementsServiceListStaticEntitlementsResponse::default());

    let (members, pages) = grants(&channel, sync, super::fake::resource("group", "g1")).await.unwrap();
    assert_eq!((members.len(), pages), (USERS, 3));
    // What follows from others is left to the driver, with what it needs to find it.
    let (holders, _) = grants(&channel, sync, super::fake::resource("role", "r1")).await.unwrap();
    assert_eq!(holders.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["role:r1:member:group:g1"]);
    let expandable = annotations::find::<wire::GrantExpandable>(&holders[0].annotations).unwrap().unwrap();
    assert_eq!(expandable.entitlement_ids, ["group:g1:member"]);
    assert_eq!(served.fake.readings(), 1);
    served.stop().await;
}

// rule: baton S-21, M-4
#[tokio::test]
async fn each_sync_is_read_once_and_a_driver_that_names_none_begins_one_with_its_types() {
    let served = Served::start(Permission::Refused);
    let channel = served.channel().await;

    for (sync, readings) in [("one", 1), ("two", 2), ("one", 2), ("", 3), ("", 4)] {
        types(&channel, sync).await.unwrap();
        resources(&channel, sync, ("role", None)).await.unwrap();
        assert_eq!(served.fake.readings(), readings, "{sync}");
    }

    let cleanup =
        wire::ConnectorServiceCleanupRequest { active_sync_id: "one".to_owned(), ..Default::default() };
    ConnectorServiceClient::new(channel.clone()).cleanup(cleanup).await.unwrap();
    types(&channel, "one").await.unwrap();
    assert_eq!(served.fake.readings(), 5);
    served.stop().await;
}

// rule: baton ER-2, MSG-10, architecture law 4
#[tokio::test]
async fn a_reading_that_fails_is_an_error_of_the_list_and_begun_again_by_the_next() {
    let served = Served::start(Permission::Refused);
    let channel = served.channel().await;
    served.fake.fail(1);

    let failed = types(&channel, "one").await.unwrap_err();
    let listed = types(&channel, "one").await.unwrap();

    assert_eq!(
        (failed.code(), failed.message()),
        (Code::Unavailable, "users could not be read to their end")
    );
    assert_eq!((listed.len(), served.fake.readings()), (4, 2));
    served.stop().await;
}

// rule: issue 6, service mode: cancellation
#[tokio::test]
async fn a_reading_is_ended_with_the_server_and_puts_away_what_it_has_open() {
    let served = Served::start(Permission::Refused);
    let channel = served.channel().await;
    let fake = Arc::clone(&served.fake);
    fake.dawdle();
    let stop = async {
        while fake.readings() == 0 {
            tokio::task::yield_now().await;
        }
        served.stop().await;
    };

    let (listed, ()) = tokio::join!(types(&channel, "one"), stop);

    assert_eq!(listed.unwrap_err().code(), Code::Cancelled);
    assert_eq!(fake.orders(), ["reading put away"]);
}

// rule: issue 6, service mode: cancellation; the end is the server's to see, whoever is polled first
#[tokio::test]
async fn connections_do_not_end_when_the_server_is_asked_to_stop() {
    let (listening, _) = Listening::anywhere();
    let acceptor = tls::acceptor(handshake().credential()).unwrap();
    let (canceller, stop) = Canceller::new();
    let mut peers = std::pin::pin!(peer::accept(listening, acceptor, stop).unwrap());

    canceller.cancel();
    let next = tokio::time::timeout(std::time::Duration::from_millis(50), peers.next()).await;

    assert!(next.is_err(), "the stream ended");
}

// rule: baton M-5, R-3
#[tokio::test]
async fn a_token_of_another_list_is_refused_and_one_of_an_earlier_process_begins_the_list() {
    let key = crypto::sha256(b"the settings of the connector");
    let start =
        || Served::start_with(Fake::default(), (Permission::Refused, crypto::HashKey::from_bytes(&key)));
    let (earlier, later) = (start(), start());
    let page = async |served: &Served, kind: &str, token: &str| {
        let ask = wire::ResourcesServiceListResourcesRequest {
            resource_type_id: kind.to_owned(),
            parent_resource_id: Some(id("office", "o1")),
            page_token: token.to_owned(),
            active_sync_id: "one".to_owned(),
            ..Default::default()
        };
        let listed = ResourcesServiceClient::new(served.channel().await).list_resources(ask).await;
        listed.map(tonic::Response::into_inner)
    };
    let first = page(&earlier, "user", "").await.unwrap();

    let again = page(&later, "user", &first.next_page_token).await.unwrap();
    let wrong = page(&earlier, "group", &first.next_page_token).await.unwrap_err();
    let second = page(&earlier, "user", &first.next_page_token).await.unwrap();

    assert_eq!(wrong.code(), Code::InvalidArgument);
    assert_eq!(again.list, first.list);
    assert_ne!(second.list, first.list);
    earlier.stop().await;
    later.stop().await;
}

// rule: baton M-4, MSG-10
#[tokio::test]
async fn metadata_credentials_and_single_resources_are_answered() {
    let served = Served::start(Permission::Refused);
    let channel = served.channel().await;
    let mut client = ConnectorServiceClient::new(channel.clone());

    let metadata =
        client.get_metadata(wire::ConnectorServiceGetMetadataRequest {}).await.unwrap().into_inner();
    let valid = client.validate(wire::ConnectorServiceValidateRequest {}).await.unwrap().into_inner();
    served.fake.refuse_credentials();
    let invalid = client.validate(wire::ConnectorServiceValidateRequest {}).await.unwrap_err();

    assert_eq!(metadata.metadata.unwrap().display_name, "Office");
    assert!(valid.sdk_version.starts_with("tutela/"));
    assert_eq!(invalid.code(), Code::Unauthenticated);

    let mut client = ResourceGetterServiceClient::new(channel);
    let mut get = async |resource_id: Option<wire::ResourceId>| {
        let ask = wire::ResourceGetterServiceGetResourceRequest { resource_id, ..Default::default() };
        client.get_resource(ask).await.map(|answer| answer.into_inner().resource.unwrap().display_name)
    };
    assert_eq!(get(Some(id("user", "u7"))).await.unwrap(), "u7");
    assert_eq!(get(Some(id("user", "u9999"))).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(get(Some(id("", "u7"))).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(get(None).await.unwrap_err().code(), Code::InvalidArgument);
    served.stop().await;
}
