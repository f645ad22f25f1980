use std::time::Duration;

use crypto::Secret;
use model::Clock as _;
use rstest::rstest;
use store::{CodeChange, CodeCheck, NewCode, NewPrivacyRequest, PrivacyRequest};

use super::new_request;
use crate::bench::{Backend, Bench};

const LIMIT: u32 = 3;

impl Bench {
    fn code(&self, kind: &str, code: &str) -> NewCode {
        let expires_at = self.clock.now() + jiff::SignedDuration::from_mins(10);
        NewCode { kind: kind.to_owned(), code: Secret::new(code.to_owned()), expires_at }
    }

    async fn coded(&self) -> PrivacyRequest {
        self.request_policy().await;
        let codes = vec![self.code("email", "111111"), self.code("phone_number", "222222")];
        self.make_request(NewPrivacyRequest { codes, ..new_request() }).await
    }

    async fn give(&self, request: &PrivacyRequest, code: &str) -> CodeCheck {
        self.store.privacy_request_code_check(&request.id, code, LIMIT).await.unwrap()
    }
}

fn right(kind: &str) -> CodeCheck {
    CodeCheck::Right { kind: kind.to_owned() }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_code_tells_which_identity_it_was_sent_to_and_is_used_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = bench.coded().await;

    assert_eq!(bench.give(&request, "222222").await, right("phone_number"));
    let used = |change: &mut store::PrivacyRequestChange| {
        change.codes = CodeChange::Used("phone_number".to_owned());
    };
    let request = bench.edit(&request, used).await.unwrap();

    assert!(bench.edit(&request, used).await.is_err());
    assert_eq!(bench.give(&request, "222222").await, CodeCheck::Wrong);
    assert_eq!(bench.give(&request, "111111").await, right("email"));
    assert_eq!(bench.store.privacy_request_codes_open(&request.id).await.unwrap(), ["email"]);
}

// rule: privacy-requests W-11
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn after_the_limit_even_the_right_code_is_refused_and_of_no_use(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = bench.coded().await;
    for _ in 0..LIMIT {
        assert_eq!(bench.give(&request, "000000").await, CodeCheck::Wrong);
    }

    assert_eq!(bench.give(&request, "111111").await, CodeCheck::Spent);
    assert_eq!(bench.give(&request, "111111").await, CodeCheck::Absent);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_code_that_is_sent_again_brings_no_new_attempts_until_the_one_before_ends(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let request = bench.coded().await;
    let send = async |request: &PrivacyRequest, code: &str| {
        let codes = vec![bench.code("email", code), bench.code("phone_number", code)];
        bench.edit(request, |change| change.codes = CodeChange::Sent(codes)).await.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(bench.give(&request, "000000").await, CodeCheck::Wrong);
    }

    bench.clock.advance(Duration::from_mins(5));
    let request = send(&request, "333333").await;
    let third = bench.give(&request, "000000").await;
    let spent = bench.give(&request, "333333").await;
    let request = send(&request, "444444").await;
    let still_spent = bench.give(&request, "444444").await;
    bench.clock.advance(Duration::from_mins(5));
    let request = send(&request, "555555").await;
    let anew = bench.give(&request, "555555").await;

    assert_eq!((third, spent, still_spent), (CodeCheck::Wrong, CodeCheck::Spent, CodeCheck::Absent));
    assert!(matches!(anew, CodeCheck::Right { .. }), "{anew:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn attempts_at_the_same_time_all_count(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = bench.coded().await;

    let attempts: Vec<_> = (0..10)
        .map(|number| {
            let (store, id) = (bench.store.clone(), request.id.clone());
            let code = format!("90000{number}");
            tokio::spawn(async move { store.privacy_request_code_check(&id, &code, LIMIT).await.unwrap() })
        })
        .collect();
    let mut wrong = 0;
    for attempt in attempts {
        wrong += usize::from(attempt.await.unwrap() == CodeCheck::Wrong);
    }

    assert_eq!(wrong, 3);
    assert_eq!(bench.give(&request, "111111").await, CodeCheck::Absent);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_code_ends_with_its_time_and_a_new_one_takes_its_place(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = bench.coded().await;
    bench.clock.advance(Duration::from_mins(10));
    assert_eq!(bench.give(&request, "111111").await, CodeCheck::Absent);

    let again = vec![bench.code("email", "333333")];
    let request = bench.edit(&request, |change| change.codes = CodeChange::Sent(again)).await.unwrap();

    assert_eq!(bench.give(&request, "111111").await, CodeCheck::Wrong);
    assert_eq!(bench.give(&request, "333333").await, right("email"));
    let request = bench.edit(&request, |change| change.codes = CodeChange::Clear).await.unwrap();
    assert_eq!(bench.give(&request, "333333").await, CodeCheck::Absent);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_code_of_one_request_is_none_of_another(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let request = bench.coded().await;
    let codes = vec![bench.code("email", "444444")];
    let other = bench.make_request(NewPrivacyRequest { codes, ..new_request() }).await;

    assert_eq!(bench.give(&other, "111111").await, CodeCheck::Wrong);
    assert_eq!(bench.give(&request, "444444").await, CodeCheck::Wrong);
    assert_eq!(bench.give(&other, "444444").await, right("email"));
}
