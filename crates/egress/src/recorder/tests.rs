use bytes::Bytes;
use http::{HeaderMap, Method};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;
use std::time::Duration;
use testkit::Canary;

use super::*;
use crate::RecordingHints;

fn request(url: &str) -> HttpRequest {
    HttpRequest::read("shop".parse().unwrap(), "users", Method::GET, url.parse().unwrap())
}

fn reply(body: impl Into<Bytes>) -> HttpReply {
    HttpReply { status: 200, headers: HeaderMap::new(), body: body.into(), rate_limit_wait: Duration::ZERO }
}

fn json_reply(body: &Value) -> HttpReply {
    reply(body.to_string())
}

fn hints(substituted: &[&str], keep: &[&str], redact: &[&str]) -> RecordingHints {
    let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    RecordingHints { substituted: own(substituted), keep: own(keep), redact: own(redact) }
}

fn only(recorder: &Recorder) -> Interaction {
    recorder.cassette().interactions.pop().unwrap()
}

/// Every place in which a secret or a person may stand, filled with the canary.
fn laden(canary: &Canary) -> (HttpRequest, HttpReply) {
    let (secret, personal) = (&canary.secret, &canary.personal);
    let encoded = personal.replace('@', "%40");
    let cursor = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        format!("{{\"after\":\"{personal}\"}}"),
    );
    let mut request = request(&format!(
        "https://api.example.com/users/{encoded}/by/email:{encoded}?q={encoded}&api_key={secret}&x={secret}\
         &where=email%3D%27{encoded}%27&cursor={cursor}&{encoded}=1"
    ));
    request.method = Method::POST;
    for name in ["authorization", "x-api-key", "cookie", "x-user"] {
        request.headers.insert(name, format!("{secret} {personal}").parse().unwrap());
    }
    request.headers.insert("content-type", "application/json".parse().unwrap());
    request.body = Some(
        json!({"email": personal, "password": secret, "q": format!("to {personal}")}).to_string().into(),
    );
    request.recording = hints(&[personal], &["next", "cursor", "id", "note", "map"], &[secret]);

    let body = json!({
        "email": personal,
        "name": {"full": [format!("Call {personal} now")]},
        "token": secret,
        "next": format!("https://api.example.com/users?after={encoded}&token={secret}&c={cursor}"),
        "cursor": cursor,
        "id": personal,
        "note": format!("{personal} said {secret}"),
        "map": {personal.as_str(): {"a": 1}},
        "other": {personal.as_str(): secret},
        "html": format!("<a href=\"mailto:{personal}\">{secret}</a>"),
    });
    let mut reply = json_reply(&body);
    for name in ["set-cookie", "x-request-user", "location", "etag", "x-ratelimit-user"] {
        reply.headers.insert(name, format!("{secret} {personal}").parse().unwrap());
    }
    let link = format!("<https://api.example.com/users?page=2&email={encoded}&key={secret}>; rel=\"next\"");
    reply.headers.insert("link", link.parse().unwrap());
    (request, reply)
}

#[test]
fn no_canary_is_found_in_a_recording_of_any_place() {
    let canary = Canary::new("recording");
    let recorder = Recorder::new();
    recorder.identify("email", &Value::String(canary.personal.clone()));
    let (mut request, first) = laden(&canary);

    recorder.record(&request, &first);
    request.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    recorder.record(&request, &reply(format!("<html>{} {}", canary.personal, canary.secret)));

    let text = recorder.cassette().to_text();
    canary.assert_absent([text.as_bytes()]);
    canary.assert_absent([format!("{recorder:?} {:?}", recorder.cassette()).as_bytes()]);
    assert!(text.contains("rel=\\\"next\\\"") && text.contains("page=2"), "{text}");
}

/// The twin: the search does find what is not taken out.
#[test]
fn canary_in_a_recording_would_be_found() {
    let canary = Canary::new("twin");
    let (request, reply) = laden(&canary);
    let mut scrub = Scrub::secrets(&[]);

    let url = scrub.url(&request.url);

    assert!(canary.find_in(url.as_bytes()).is_some());
    assert!(canary.find_in(&reply.body).is_some());
}

#[test]
fn body_of_an_answer_is_replaced_except_below_kept_paths() {
    let recorder = Recorder::new();
    let mut request = request("https://api.example.com/users");
    request.recording = hints(&[], &["data.users.id", "paging"], &[]);
    let body = json!({
        "data": {"users": [{"id": "u_abcdefgh", "name": "Ana Lopez Garcia", "age": 41, "vip": true, "nick": null}]},
        "paging": {"next": "abc", "more": [1, 2]},
    });

    recorder.record(&request, &json_reply(&body));

    let kept = only(&recorder).reply.json.unwrap();
    let user = &kept["data"]["users"][0];
    assert_eq!(user["id"], "u_abcdefgh");
    assert_eq!(kept["paging"], body["paging"]);
    assert_eq!((&user["vip"], &user["nick"]), (&json!(true), &Value::Null));
    assert_ne!(user["name"], "Ana Lopez Garcia");
    assert_eq!(user["name"].as_str().unwrap().len(), "Ana Lopez Garcia".len());
    assert!(user["age"].is_number() && user["age"] != 41);
}

#[test]
fn id_of_an_answer_and_the_call_that_uses_it_share_a_pseudonym() {
    let recorder = Recorder::new();
    recorder.record(
        &request("https://api.example.com/users?email=ana%40example.com"),
        &json_reply(&json!({"id": 4711, "ref": "user/x y&z"})),
    );
    let mut by_id = request("https://api.example.com/users/4711/orders?ref=user%2Fx+y%26z");
    by_id.recording = hints(&["4711", "user/x y&z"], &[], &[]);

    recorder.record(&by_id, &json_reply(&json!([])));

    let cassette = recorder.cassette();
    let answer = cassette.interactions[0].reply.json.as_ref().unwrap();
    let url: Url = cassette.interactions[1].request.url.parse().unwrap();
    assert_eq!(url.path(), format!("/users/{}/orders", answer["id"]));
    assert_eq!(url.query_pairs().next().unwrap().1, answer["ref"].as_str().unwrap());
}

#[test]
fn kept_id_stays_in_the_call_that_uses_it() {
    let recorder = Recorder::new();
    let mut first = request("https://api.example.com/groups");
    first.recording = hints(&[], &["id"], &[]);
    recorder.record(&first, &json_reply(&json!({"id": "grp_12345"})));
    let mut second = request("https://api.example.com/groups/grp_12345");
    second.recording = hints(&["grp_12345"], &[], &[]);

    recorder.record(&second, &json_reply(&json!({})));

    assert_eq!(only(&recorder).request.url, "https://api.example.com/groups/grp_12345");
}

#[test]
fn person_at_a_kept_path_is_replaced_all_the_same() {
    let recorder = Recorder::new();
    recorder.identify("email", &json!("ana@example.com"));
    recorder.identify("user_id", &json!("user-4711"));
    let mut request = request("https://api.example.com/users");
    request.recording = hints(&[], &["id", "owner"], &[]);

    recorder.record(&request, &json_reply(&json!({"id": "users/user-4711", "owner": "bob@example.com"})));

    let kept = only(&recorder).reply.json.unwrap();
    assert_eq!(kept["id"], format!("users/{}", recorder.pseudonym("user-4711")));
    assert_eq!(kept["owner"], recorder.pseudonym("bob@example.com"));
}

#[rstest]
#[case::plain("Ana Lopez", "Ana Lopez")]
#[case::doubled_quotes("Ana O'Neill", "where name = 'Ana O''Neill'")]
#[case::escaped_quotes("Ana O'Neill", "where name = 'Ana O\\'Neill'")]
#[case::nested_json("Ana \"A\" Lopez", "{\"name\": \"Ana \\\"A\\\" Lopez\"}")]
#[case::percent("Ana Lopez", "filter=name%20eq%20Ana%20Lopez")]
#[case::form("Ana Lopez", "name=Ana+Lopez")]
fn known_value_is_found_in_every_form_it_is_written_in(#[case] value: &str, #[case] written: &str) {
    let recorder = Recorder::new();
    let mut request = request("https://api.example.com/");
    request.url.query_pairs_mut().append_pair("q", written);
    request.recording = hints(&[value], &[], &[]);

    recorder.record(&request, &json_reply(&json!({})));

    let url = only(&recorder).request.url;
    assert!(!url.contains("Ana") && !url.contains("Lopez") && !url.contains("Neill"), "{url}");
}

#[test]
fn short_value_is_not_replaced_inside_words_and_versions() {
    let recorder = Recorder::new();
    let mut request = request("https://api.example.com/v1/users/1/item11?by=id:1");
    request.recording = hints(&["1"], &[], &[]);

    recorder.record(&request, &json_reply(&json!({})));

    let one = recorder.pseudonym("1");
    assert_eq!(
        only(&recorder).request.url,
        format!("https://api.example.com/v1/users/{one}/item11?by=id%3A{one}")
    );
}

#[test]
fn quotation_marks_around_an_address_stay() {
    let recorder = Recorder::new();

    recorder
        .record(&request("https://api.example.com/?q=mail='o'neill@example.com'"), &json_reply(&json!({})));

    let url: Url = only(&recorder).request.url.parse().unwrap();
    let expected = format!("mail='{}'", recorder.pseudonym("o'neill@example.com"));
    assert_eq!(url.query_pairs().next().unwrap().1, expected);
}

#[test]
fn answer_that_is_not_json_is_kept_as_its_length() {
    let recorder = Recorder::new();

    recorder.record(&request("https://api.example.com/"), &reply("<html>Ana</html>"));

    let kept = only(&recorder).reply;
    assert_eq!((kept.json, kept.opaque_bytes), (None, Some(16)));
}

#[test]
fn identities_stand_in_the_cassette_under_their_pseudonyms() {
    let recorder = Recorder::new();
    recorder.identify("email", &json!("ana@example.com"));
    recorder.identify("customer", &json!(4711));

    let identities = recorder.cassette().identities;

    assert_eq!(identities["email"], [json!(recorder.pseudonym("ana@example.com"))]);
    assert_eq!(identities["customer"][0].to_string(), recorder.pseudonym("4711"));
}

/// The call for `value`, as a connector would build it: in path, query and body.
fn call_for(value: &str, content_type: &str) -> HttpRequest {
    let mut request = request("https://api.example.com/v1/users?limit=100");
    request.method = Method::POST;
    request.url.path_segments_mut().unwrap().push(&format!("id:{value}")).push("all");
    request.url.query_pairs_mut().append_pair("q", value).append_pair("f", &format!("name eq '{value}'"));
    request.headers.insert("content-type", content_type.parse().unwrap());
    request.body = Some(match content_type {
        "application/json" => json!({"q": value, "limit": 5, "in": [value]}).to_string().into(),
        _ => url::form_urlencoded::Serializer::new(String::new()).append_pair("q", value).finish().into(),
    });
    request.recording = hints(&[value], &[], &[]);
    request
}

proptest! {
    #[test]
    fn call_built_from_a_pseudonym_is_the_call_that_was_recorded(
        value in "[ -~äé漢]{3,24}",
        content_type in prop_oneof![Just("application/json"), Just("application/x-www-form-urlencoded")],
    ) {
        let recorder = Recorder::new();
        recorder.record(&call_for(&value, content_type), &json_reply(&json!({"id": value})));

        let pseudonym = recorder.pseudonym(&value);
        let again = canonical(&mut Scrub::secrets(&[]), &call_for(&pseudonym, content_type));

        let recorded = only(&recorder);
        prop_assert_eq!(&recorded.request.url, &again.url);
        prop_assert_eq!(&recorded.request.body_sha256, &again.body_sha256);
        prop_assert_eq!(recorded.reply.json, Some(json!({"id": pseudonym})));
    }

    #[test]
    fn canonical_form_of_a_canonical_form_is_itself(path in "[!-~ä]{0,20}", query in "[!-~ä]{0,20}") {
        let mut url: Url = "https://api.example.com:8443/".parse().unwrap();
        url.set_path(&path);
        url.set_query(Some(&query));

        let once = Scrub::secrets(&[]).url(&url);
        let twice = Scrub::secrets(&[]).url(&once.parse().unwrap());

        prop_assert_eq!(once, twice);
    }
}

// rule: architecture 13.20
#[test]
fn an_id_that_stood_in_an_answer_is_replaced_where_a_link_leads_by_it() {
    let recorder = Recorder::new();
    let first = request("https://api.example.com/orgs/acme/members");
    let mut reply = json_reply(&json!({"id": 4_242_424, "page": 2}));
    let next = "https://api.example.com/organizations/4242424/members?page=2";
    reply.headers.insert("link", format!("<{next}>; rel=\"next\"").parse().unwrap());
    let other = json_reply(&json!([]));

    recorder.record(&request("https://api.example.com/orgs/acme"), &reply);
    recorder.record(&first, &reply);
    recorder.record(&request(next), &other);

    let cassette = recorder.cassette();
    let [_, by_link, followed] = cassette.interactions.as_slice() else { panic!("three calls") };
    let link = &by_link.reply.headers.iter().find(|(name, _)| name == "link").unwrap().1;
    assert!(link.contains(&followed.request.url), "{link} {}", followed.request.url);
    assert!(!cassette.to_text().contains("4242424"));
    assert!(followed.request.url.ends_with("/members?page=2"), "{}", followed.request.url);
}
