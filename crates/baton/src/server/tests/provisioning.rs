use prost::Message as _;
use protos::annotations;
use protos::c1::connector::v2 as wire;
use protos::c1::ratelimit::v1 as ratelimit;
use protos::google::rpc::{ErrorInfo, Status as Details};
use tonic::Code;
use wire::account_manager_service_client::AccountManagerServiceClient;
use wire::action_service_client::ActionServiceClient;
use wire::grant_manager_service_client::GrantManagerServiceClient;
use wire::resource_deleter_service_client::ResourceDeleterServiceClient;
use wire::resource_manager_service_client::ResourceManagerServiceClient;
use wire::tickets_service_client::TicketsServiceClient;

use super::driver::Served;
use super::fake::{entitlement, grant, id, resource};
use crate::command_line::Permission;

fn ask() -> wire::GrantManagerServiceGrantRequest {
    wire::GrantManagerServiceGrantRequest {
        entitlement: Some(entitlement("role", "r1")),
        principal: Some(resource("user", "u1")),
        annotations: Vec::new(),
    }
}

// rule: baton M-15
#[tokio::test]
async fn nothing_is_changed_unless_provisioning_is_enabled() {
    let served = Served::start(Permission::Refused);
    let channel = served.channel().await;

    let granted = GrantManagerServiceClient::new(channel.clone()).grant(ask()).await.unwrap_err();
    let deleted = ResourceManagerServiceClient::new(channel)
        .delete_resource(wire::DeleteResourceRequest {
            resource_id: Some(id("user", "u1")),
            parent_resource_id: None,
        })
        .await
        .unwrap_err();

    assert_eq!(
        (granted.code(), granted.message()),
        (Code::FailedPrecondition, "provisioning is not enabled")
    );
    assert_eq!(deleted.code(), Code::FailedPrecondition);
    assert_eq!(served.fake.orders(), Vec::<String>::new());
    served.stop().await;
}

// rule: baton M-2, MSG-10, MSG-11
#[tokio::test]
async fn changes_reach_the_connector_and_its_answers_the_driver() {
    let served = Served::start(Permission::Allowed);
    let channel = served.channel().await;
    let mut client = GrantManagerServiceClient::new(channel.clone());

    let first = client.grant(ask()).await.unwrap().into_inner();
    let second = client.grant(ask()).await.unwrap().into_inner();
    let revoke = wire::GrantManagerServiceRevokeRequest {
        grant: Some(grant(("role", "r1"), ("user", "u1"))),
        annotations: Vec::new(),
    };
    let declined = client.revoke(revoke.clone()).await.unwrap_err();
    let mut inherited = revoke;
    if let Some(grant) = &mut inherited.grant {
        annotations::append(&mut grant.annotations, &wire::GrantImmutable::default());
    }
    let inherited = client.revoke(inherited).await.unwrap_err();
    let bare = client.grant(wire::GrantManagerServiceGrantRequest::default()).await.unwrap_err();

    let is_already = |answer: &wire::GrantManagerServiceGrantResponse| {
        annotations::contains::<wire::GrantAlreadyExists>(&answer.annotations)
    };
    assert_eq!((is_already(&first), is_already(&second)), (false, true));
    assert_eq!(declined.code(), Code::FailedPrecondition);
    let details = Details::decode(declined.details()).unwrap().details;
    let info = annotations::find::<ErrorInfo>(&details).unwrap().unwrap();
    assert_eq!(info.reason, "grant_cancelled");
    assert_eq!((inherited.code(), bare.code()), (Code::FailedPrecondition, Code::InvalidArgument));

    let account = wire::AccountInfo { login: "new@example.com".to_owned(), ..Default::default() };
    let account = wire::CreateAccountRequest { account_info: Some(account), ..Default::default() };
    AccountManagerServiceClient::new(channel.clone()).create_account(account).await.unwrap();
    let made = wire::CreateResourceRequest { resource: Some(resource("group", "g2")) };
    ResourceManagerServiceClient::new(channel.clone()).create_resource(made).await.unwrap();
    let gone =
        wire::DeleteResourceV2Request { resource_id: Some(id("user", "u2")), parent_resource_id: None };
    ResourceDeleterServiceClient::new(channel).delete_resource_v2(gone).await.unwrap();
    assert_eq!(
        served.fake.orders(),
        [
            "grant role:r1:member to u1",
            "grant role:r1:member to u1",
            "revoke role:r1:member:user:u1",
            "account new@example.com",
            "resource",
            "delete u2"
        ]
    );
    served.stop().await;
}

// rule: baton M-2, ER-7
#[tokio::test]
async fn what_a_connector_file_has_not_is_unimplemented_and_the_limiter_lets_through() {
    let served = Served::start(Permission::Allowed);
    let channel = served.channel().await;

    let tickets = TicketsServiceClient::new(channel.clone())
        .list_ticket_schemas(wire::TicketsServiceListTicketSchemasRequest::default())
        .await
        .unwrap_err();
    let actions = ActionServiceClient::new(channel.clone())
        .list_action_schemas(wire::ListActionSchemasRequest::default())
        .await
        .unwrap_err();
    let limit = ratelimit::rate_limiter_service_client::RateLimiterServiceClient::new(channel)
        .r#do(ratelimit::DoRequest { request_token: "7".to_owned(), ..Default::default() })
        .await
        .unwrap()
        .into_inner();

    assert_eq!((tickets.code(), actions.code()), (Code::Unimplemented, Code::Unimplemented));
    assert_eq!(limit.request_token, "7");
    assert_eq!(limit.description.unwrap().status(), ratelimit::rate_limit_description::Status::Ok);
    served.stop().await;
}
