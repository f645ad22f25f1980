use crate::client::{Client, basic};

#[tokio::test]
async fn the_host_header_decides_before_the_path() {
    let mut client = Client::default().await;
    let secret = basic(&client.segment.description().tokens.access_secret);
    let token = format!("Authorization: Bearer {}\r\n", client.segment.description().tokens.access_token);

    let mut statuses = Vec::new();
    for (host, target, authorization) in [
        ("api.segmentapis.com", "/", &token),
        ("eu1.api.segmentapis.com", "/users", &token),
        ("profiles.segment.com:443", "/users", &secret),
        ("platform.segmentapis.com", "/users", &token),
    ] {
        client.host = host.to_owned();
        statuses.push(client.send(("GET", target), authorization, "").await.status());
    }

    // The Profile API knows no such path; the Config API's proxy answers 503.
    assert_eq!(statuses, [200, 200, 404, 503]);
}

// rule: segment-api A2
// rule: segment-api B2
// rule: segment-api C1
#[tokio::test]
async fn credentials_of_one_service_are_refused_by_the_others() {
    let client = Client::default().await;
    let description = client.segment.description().clone();
    let profile =
        format!("/v1/spaces/{}/collections/users/profiles/email:ana@example.com/metadata", description.space);
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");

    for (target, authorization) in [
        ("/", bearer(&description.tokens.config_token)),
        ("/", bearer(&description.tokens.access_secret)),
        ("/", String::new()),
        (&profile, bearer(&description.tokens.access_secret)),
        (&profile, basic(&description.tokens.access_token)),
        ("/v1beta/workspaces/", bearer(&description.tokens.access_token)),
    ] {
        assert_eq!(client.send(("GET", target), &authorization, "").await.status(), 401, "{target}");
    }
}
