use protos::c1::connector::v2::ConnectorServiceGetMetadataRequest;
use protos::c1::connector::v2::connector_service_client::ConnectorServiceClient;

use super::driver::{AUTHORITY, DRIVER, STRANGER, Served, connect, handshake};
use crate::command_line::Permission;
use crate::server::{Handshake, ServerError};

// rule: baton W-3
#[tokio::test]
async fn nobody_is_answered_without_a_certificate_of_the_same_authority() {
    let served = Served::start(Permission::Allowed);
    let other: &[u8] = include_bytes!("other_authority.pem");
    let asked = async |authority: &[u8], own: Option<[&[u8]; 2]>| -> Result<(), String> {
        let channel = connect(served.address, (authority, own)).await.map_err(|error| error.to_string())?;
        let mut client = ConnectorServiceClient::new(channel);
        let asked = client.get_metadata(ConnectorServiceGetMetadataRequest {}).await;
        asked.map(drop).map_err(|status| status.to_string())
    };

    assert_eq!(asked(AUTHORITY, Some(DRIVER)).await, Ok(()));
    assert!(asked(AUTHORITY, Some(STRANGER)).await.is_err());
    assert!(asked(AUTHORITY, None).await.is_err());
    // The driver knows the connector too.
    assert!(asked(other, Some(DRIVER)).await.is_err());
    // And those who were refused have taken nobody's place.
    assert_eq!(asked(AUTHORITY, Some(DRIVER)).await, Ok(()));
    served.stop().await;
}

#[test]
fn credentials_that_do_not_work_are_named_without_being_shown() {
    let mut credential = handshake().credential().clone();
    credential.key = b"-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n".to_vec();
    let mut other_key = handshake().credential().clone();
    other_key.key = DRIVER[1].to_vec();

    for credential in [credential, other_key, protos::c1::utls::v1::Credential::default()] {
        let refused = crate::server::tls::acceptor(&credential).map(drop);

        let Err(error @ ServerError::Credential { .. }) = refused else { panic!("taken") };
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    assert!(Handshake::parse(b"").is_err());
}
