//! Clients call the paths that other runtimes serve.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use protos::c1::connector::v2 as connector;
use protos::c1::connectorapi::baton::v1 as baton;
use protos::c1::ratelimit::v1 as ratelimit;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::service_fn;

#[tokio::test]
async fn clients_call_the_paths_of_the_format() {
    let paths = Arc::new(Mutex::new(vec![]));
    let seen = Arc::clone(&paths);
    let transport = service_fn(move |request: http::Request<Body>| {
        seen.lock().unwrap().push(request.uri().path().to_owned());
        let mut answer = http::Response::new(Body::default());
        answer.headers_mut().insert("grpc-status", http::HeaderValue::from_static("12"));
        std::future::ready(Ok::<_, Infallible>(answer))
    });

    let part = baton::BatonServiceUploadAssetRequest::default();
    let mut client = baton::baton_service_client::BatonServiceClient::new(transport.clone());
    client.hello(baton::BatonServiceHelloRequest::default()).await.unwrap_err();
    client.upload_asset(tokio_stream::once(part)).await.unwrap_err();
    let mut client = connector::resources_service_client::ResourcesServiceClient::new(transport.clone());
    client.list_resources(connector::ResourcesServiceListResourcesRequest::default()).await.unwrap_err();
    let mut client = connector::asset_service_client::AssetServiceClient::new(transport);
    client.get_asset(connector::AssetServiceGetAssetRequest::default()).await.unwrap_err();

    assert_eq!(
        *paths.lock().unwrap(),
        [
            "/c1.connectorapi.baton.v1.BatonService/Hello",
            "/c1.connectorapi.baton.v1.BatonService/UploadAsset",
            "/c1.connector.v2.ResourcesService/ListResources",
            "/c1.connector.v2.AssetService/GetAsset",
        ]
    );
}

#[test]
fn each_service_of_a_connector_has_a_server() {
    let names: BTreeSet<&str> = [
        connector::action_service_server::ActionServiceServer::<()>::NAME,
        connector::asset_service_server::AssetServiceServer::<()>::NAME,
        connector::schema_service_server::SchemaServiceServer::<()>::NAME,
        connector::connector_service_server::ConnectorServiceServer::<()>::NAME,
        connector::entitlements_service_server::EntitlementsServiceServer::<()>::NAME,
        connector::event_service_server::EventServiceServer::<()>::NAME,
        connector::grants_service_server::GrantsServiceServer::<()>::NAME,
        connector::grant_manager_service_server::GrantManagerServiceServer::<()>::NAME,
        connector::resource_types_service_server::ResourceTypesServiceServer::<()>::NAME,
        connector::resources_service_server::ResourcesServiceServer::<()>::NAME,
        connector::resource_getter_service_server::ResourceGetterServiceServer::<()>::NAME,
        connector::resource_manager_service_server::ResourceManagerServiceServer::<()>::NAME,
        connector::resource_deleter_service_server::ResourceDeleterServiceServer::<()>::NAME,
        connector::credential_manager_service_server::CredentialManagerServiceServer::<()>::NAME,
        connector::account_manager_service_server::AccountManagerServiceServer::<()>::NAME,
        connector::tickets_service_server::TicketsServiceServer::<()>::NAME,
        baton::baton_service_server::BatonServiceServer::<()>::NAME,
        baton::connector_config_service_server::ConnectorConfigServiceServer::<()>::NAME,
        baton::baton_session_service_server::BatonSessionServiceServer::<()>::NAME,
        baton::baton_source_cache_service_server::BatonSourceCacheServiceServer::<()>::NAME,
        ratelimit::rate_limiter_service_server::RateLimiterServiceServer::<()>::NAME,
    ]
    .into();

    let described: Vec<_> = protos::pool().services().collect();
    let described = described.iter().map(prost_reflect::ServiceDescriptor::full_name);
    let served: BTreeSet<&str> = described.filter(|name| !name.starts_with("c1.reader.")).collect();
    assert_eq!(names, served);
}
