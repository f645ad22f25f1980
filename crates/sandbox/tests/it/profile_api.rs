use sandbox::segment::{CursorShape, SegmentOptions};
use serde_json::{Map, Value, json};

use crate::client::{Client, encode};

/// Reads a list of a profile by `cursor.next`; gives the pages' `key`.
async fn pages(client: &Client, rest: &str, key: &str, limit: usize) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut next = String::new();
    loop {
        let reply = client.profile(&format!("{rest}?limit={limit}{next}")).await;
        assert_eq!(reply.status(), 200, "{rest}: {}", reply.json());
        let body = reply.json();
        pages.push(body[key].clone());
        if body["cursor"]["has_more"] != true {
            return pages;
        }
        next = format!("&next={}", encode(body["cursor"]["next"].as_str().unwrap()));
    }
}

fn merged(pages: &[Value]) -> Map<String, Value> {
    pages.iter().flat_map(|page| page.as_object().unwrap().clone()).collect()
}

// rule: segment-api C13
#[tokio::test]
async fn ana_is_found_by_user_id_and_bo_by_email_only() {
    let client = Client::default().await;

    let ana = client.profile("user_id:ana%40example.com/metadata").await;
    let ana_by_email = client.profile("email:ana%40example.com/metadata").await;
    let bo = client.profile("user_id:bo%40example.com/metadata").await;
    let bo_by_email = client.profile("email:bo%40example.com/metadata").await;

    assert_eq!(ana.json()["segment_id"], ana_by_email.json()["segment_id"]);
    assert!(ana.header("request-id").is_some());
    assert_eq!((bo.status(), bo.json()["error"]["code"].clone()), (404, json!("not_found")));
    assert_eq!(bo_by_email.status(), 200);
}

// rule: segment-api B18
#[tokio::test]
async fn traits_are_paged_over_their_names() {
    let client = Client::default().await;

    let by_17 = pages(&client, "email:ana%40example.com/traits", "traits", 17).await;
    let at_once = pages(&client, "email:ana%40example.com/traits", "traits", 200).await;

    assert!(by_17.len() > 2, "{} pages", by_17.len());
    assert_eq!(merged(&by_17), merged(&at_once));
    assert_eq!(at_once[0]["user_id"], "ana@example.com");
    assert!(at_once[0]["favorite color?"].is_string());
}

// rule: segment-api B18
#[tokio::test]
async fn classes_includes_and_verbose_shape_the_traits() {
    let client = Client::default().await;
    let at =
        async |query: &str| client.profile(&format!("email:bo%40example.com/traits?{query}")).await.json();

    let audiences = at("class=audience").await;
    let some = at("include=email,plan%20%26%20tier").await;
    let verbose = at("include=email&verbose=true").await;

    assert_eq!(audiences["traits"].as_object().unwrap().len(), 2);
    assert_eq!(some["traits"].as_object().unwrap().len(), 2);
    assert_eq!(verbose["traits"]["email"]["value"], "bo@example.com");
}

// rule: segment-api B20
#[tokio::test]
async fn events_are_the_last_14_days_newest_first_and_filtered() {
    let client = Client::default().await;

    let all: Vec<Value> = pages(&client, "email:ana%40example.com/events", "data", 100)
        .await
        .iter()
        .flat_map(|page| page.as_array().unwrap().clone())
        .collect();
    let first = client.profile("email:ana%40example.com/events?limit=1&sort=asc").await.json();
    let named =
        client.profile("email:ana%40example.com/events?limit=200&include=Search%2C%20Performed").await.json();
    client.inspect("POST", "time", r#"{"advance_s": 604800}"#).await;
    let later = pages(&client, "email:ana%40example.com/events", "data", 200).await;

    let times: Vec<&str> = all.iter().map(|event| event["timestamp"].as_str().unwrap()).collect();
    assert_eq!(all.len(), 230);
    assert!(times.is_sorted_by(|one, other| one > other));
    assert!(times.iter().all(|time| *time >= "2026-01-01T12:00:00Z"));
    assert_eq!(first["data"][0]["timestamp"], times[229]);
    assert_eq!(named["data"], Value::Null, "an empty list is null");
    assert!(later.iter().map(|page| page.as_array().unwrap().len()).sum::<usize>() < 230);
}

// rule: segment-api B14
#[tokio::test]
async fn each_cursor_shape_is_as_documented() {
    let mut client = Client::default().await;
    client.host = "profiles.segment.com".to_owned();
    let mut urls = Vec::new();
    for shape in ["absolute", "relative", "route_parameters", "without_query", "set_at_end"] {
        client.inspect("POST", "settings", &format!(r#"{{"cursors": "{shape}"}}"#)).await;
        let more = client.profile("email:ana%40example.com/traits?limit=17").await.json();
        let last = client.profile("email:dee%40example.com/links").await.json();
        assert_eq!((&more["cursor"]["has_more"], &last["cursor"]["has_more"]), (&json!(true), &json!(false)));
        urls.push((
            more["cursor"]["url"].as_str().unwrap().to_owned(),
            last["cursor"]["url"].as_str().unwrap().to_owned(),
        ));
    }

    assert!(urls[0].0.starts_with("https://profiles.segment.com/v1/spaces/"));
    assert!(urls[0].0.contains("?limit=17&next=") && urls[0].1.is_empty());
    assert!(urls[1].0.starts_with("/v1/spaces/") && urls[1].0.contains("&next="));
    assert!(urls[2].0.contains("%3Acollection=users&%3Aid="));
    assert!(!urls[3].0.contains('?'));
    assert!(!urls[4].1.is_empty());
}

#[tokio::test]
async fn following_cursor_urls_reads_what_following_next_reads() {
    for shape in [CursorShape::Absolute, CursorShape::Relative, CursorShape::RouteParameters] {
        let client = Client::start(SegmentOptions { cursors: shape, ..SegmentOptions::default() }).await;
        let expected = merged(&pages(&client, "email:ana%40example.com/traits", "traits", 17).await);
        let space = &client.segment.description().space;

        let mut found = Vec::new();
        let mut target =
            format!("/v1/spaces/{space}/collections/users/profiles/email:ana%40example.com/traits?limit=17");
        while !target.is_empty() {
            let body = client.profile_target(&target).await.json();
            found.push(body["traits"].clone());
            let url = body["cursor"]["url"].as_str().unwrap();
            target = url.strip_prefix(&client.segment.url()).unwrap_or(url).to_owned();
        }

        assert_eq!(merged(&found), expected, "{shape:?}");
    }
}

// rule: segment-api B4
// rule: segment-api B5
#[tokio::test]
async fn identifiers_are_decoded_as_the_service_does() {
    let client = Client::default().await;

    for (identifier, status) in [
        ("email:o%27neil%2Bnews%40example.com", 200),
        ("email:o%27neil+news%40example.com", 404),
        ("email:ANA%40example.com", 404),
        ("user_id:legacy%2F42%3Fx%3D1%26y%3D50%25", 200),
        ("user_id:legacy/42", 404),
        ("anonymous_id:nobody", 404),
        ("ana%40example.com", 400),
    ] {
        assert_eq!(client.profile(&format!("{identifier}/metadata")).await.status(), status, "{identifier}");
    }
}

// rule: segment-api B12
#[tokio::test]
async fn limits_of_lists_are_checked_and_external_ids_paged() {
    let client = Client::default().await;

    let links = client.profile("email:ana%40example.com/links?limit=21").await;
    let traits = client.profile("email:ana%40example.com/traits?limit=201").await;
    let by_ten = pages(&client, "email:ana%40example.com/external_ids", "data", 10).await;
    let users = pages(&client, "email:cleo%40example.com/external_ids", "data", 200).await;

    assert_eq!((links.status(), traits.status()), (400, 400));
    assert_eq!(by_ten.len(), 3);
    let is_user_id = |entry: &&Value| entry["type"] == "user_id";
    assert_eq!(users[0].as_array().unwrap().iter().filter(is_user_id).count(), 3);
}

// rule: segment-api B2
#[tokio::test]
async fn a_wrong_secret_and_a_wrong_space_are_told_apart() {
    let client = Client::default().await;
    let path = "/v1/spaces/spa_other/collections/users/profiles/email:ana%40example.com/metadata";

    let wrong_space = client.profile_target(path).await;
    let wrong_secret = client.send(("GET", path), &crate::client::basic("nothing"), "").await;

    assert_eq!((wrong_space.status(), wrong_secret.status()), (404, 401));
    assert_eq!(wrong_secret.json()["error"]["code"], "authentication_error");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let one = Client::default().await;
    let same = Client::default().await;
    let other = Client::start(SegmentOptions { seed: 2, ..SegmentOptions::default() }).await;

    for rest in
        ["email:ana%40example.com/traits?limit=200", "user_id:person-7%40example.com/events?limit=200"]
    {
        let body = |reply: crate::client::Reply| String::from_utf8(reply.body).unwrap();
        let first = body(one.profile(rest).await);

        assert_eq!(first, body(same.profile(rest).await).as_str());
        assert_ne!(first, body(other.profile(rest).await));
    }
    let users = one.public("GET", "/users?pagination.count=200", "").await.body;
    assert_eq!(users, same.public("GET", "/users?pagination.count=200", "").await.body);
    assert_ne!(
        one.segment.description().tokens.access_token,
        other.segment.description().tokens.access_token
    );
}

#[tokio::test]
async fn pages_may_be_shorter_than_asked_for() {
    let client = Client::start(SegmentOptions { page_entries: 2, ..SegmentOptions::default() }).await;

    for (list, data) in
        [("traits", "traits"), ("events", "data"), ("external_ids", "data"), ("links", "data")]
    {
        let target = format!("email:cleo%40example.com/{list}");
        let whole = Client::default().await.profile(&format!("{target}?limit=20")).await.json();

        let found = pages(&client, &target, data, 20).await;

        assert!(found.len() > 1, "{list}");
        assert_eq!(whole["cursor"]["limit"], 20);
    }
}
