use std::sync::Arc;
use std::time::Duration;

use egress::{Door, Limit, MemoryBudgets, Mode, SendError};
use model::IncompleteReason;
use testkit::{Answer, FakeSaas, TestClock};

use crate::{get, settings};

fn door(clock: &TestClock) -> Door {
    let clock = Arc::new(clock.clone());
    Door::new(settings(), Mode::Live, Arc::new(MemoryBudgets::new(clock.clone())), clock).unwrap()
}

// rule: saas-config 13.16
#[tokio::test]
async fn every_call_counts_and_its_wait_is_reported() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/").then(Answer::status(503));
    let clock = TestClock::new();
    let door = door(&clock);
    let ask = || {
        let mut request = get(saas.base_url());
        request.limits = vec![Limit { key: "shop".into(), rate: 1, period_s: 60 }];
        request
    };

    let first = door.send(ask()).await.unwrap();
    let second = door.send(ask()).await.unwrap();

    assert_eq!(first.rate_limit_wait, Duration::ZERO);
    assert!(second.rate_limit_wait > Duration::from_secs(1));
    assert_eq!(second.rate_limit_wait, clock.slept());
}

// rule: saas-config 13.19
#[tokio::test]
async fn used_up_limit_fails_without_a_call() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/").then(Answer::status(200));
    let door = door(&TestClock::new());
    let ask = || {
        let mut request = get(saas.base_url());
        request.limits = vec![Limit { key: "shop".into(), rate: 1, period_s: 86_400 }];
        request
    };

    door.send(ask()).await.unwrap();
    let error = door.send(ask()).await.unwrap_err();

    assert!(matches!(error, SendError::BudgetTimeout { .. }), "{error:?}");
    assert!(error.to_string().contains("1 calls in 86400 s"), "{error}");
    assert_eq!((error.retry(), error.reason()), (egress::Retry::No, IncompleteReason::Http429));
    assert_eq!(saas.calls().len(), 1);
}

// rule: segment-api A15
#[tokio::test]
async fn refused_call_makes_the_next_one_wait_as_long_as_the_server_says() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/").then(Answer::status(429).header("retry-after", "7")).then(Answer::status(200));
    let clock = TestClock::new();
    let door = door(&clock);

    let refused = door.send(get(saas.base_url())).await.unwrap();
    let next = door.send(get(saas.base_url())).await.unwrap();

    assert_eq!(refused.status, 429);
    assert_eq!((next.status, next.rate_limit_wait), (200, Duration::from_secs(7)));
}
