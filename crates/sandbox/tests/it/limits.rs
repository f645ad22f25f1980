use std::sync::Arc;
use std::time::Duration;

use sandbox::segment::{Limits, SegmentOptions};
use testkit::TestClock;

use crate::client::Client;

async fn limited(clock: &TestClock) -> Client {
    let options =
        SegmentOptions { limits: Limits::On, clock: Arc::new(clock.clone()), ..SegmentOptions::default() };
    Client::start(options).await
}

// rule: segment-api A14
// rule: segment-api A15
// rule: segment-api A16
#[tokio::test]
async fn the_61st_write_of_a_minute_is_refused_with_the_time_to_wait() {
    let clock = TestClock::new();
    let client = limited(&clock).await;

    let mut last = client.public("POST", "/groups", r#"{"name":"g0"}"#).await;
    for number in 1..60 {
        last = client.public("POST", "/groups", &format!(r#"{{"name":"g{number}"}}"#)).await;
    }
    clock.advance(Duration::from_millis(17_500));
    let refused = client.public("POST", "/groups", r#"{"name":"one more"}"#).await;
    let reads = client.public("GET", "/groups", "").await;
    clock.advance(Duration::from_millis(42_500));
    let later = client.public("POST", "/groups", r#"{"name":"one more"}"#).await;

    assert_eq!((last.status(), last.header("x-ratelimit-remaining")), (200, Some("0")));
    assert_eq!(last.header("x-ratelimit-reset"), Some("Thu, 15 Jan 2026 12:01:00 GMT"));
    assert_eq!((refused.status(), refused.header("retry-after")), (429, Some("43")));
    assert_eq!(refused.json()["errors"][0]["data"]["msBeforeNext"], 42_500);
    assert_eq!((reads.status(), later.status()), (200, 200));
}

// rule: segment-api B9
#[tokio::test]
async fn profiles_take_100_calls_a_second_and_say_no_time_to_wait() {
    let clock = TestClock::new();
    let client = limited(&clock).await;

    for _ in 0..100 {
        assert_eq!(client.profile("email:dee%40example.com/metadata").await.status(), 200);
    }
    let refused = client.profile("email:dee%40example.com/metadata").await;
    clock.advance(Duration::from_secs(1));
    let later = client.profile("email:dee%40example.com/metadata").await;

    assert_eq!((refused.status(), later.status()), (429, 200));
    assert_eq!(refused.json()["error"]["code"], "rate_limit_error");
    assert!(refused.header("retry-after").is_none());
}

// rule: segment-api C9
#[tokio::test]
async fn the_config_api_takes_200_calls_a_minute() {
    let clock = TestClock::new();
    let client = limited(&clock).await;

    for _ in 0..200 {
        client.config("GET", "/v1beta/workspaces/", "").await;
    }
    let refused = client.config("GET", "/v1beta/workspaces/", "").await;

    assert_eq!((refused.status(), refused.json()["code"].clone()), (429, 8.into()));
}

#[tokio::test]
async fn without_limits_nothing_is_refused() {
    let client = Client::default().await;

    for number in 0..70 {
        let made = client.public("POST", "/groups", &format!(r#"{{"name":"g{number}"}}"#)).await;
        assert_eq!(made.status(), 200);
    }
}
