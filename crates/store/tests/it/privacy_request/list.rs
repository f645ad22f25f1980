use std::time::Duration;

use jiff::Timestamp;
use model::Clock as _;
use rstest::rstest;
use store::{
    Lookup, LookupField, NewPrivacyRequest, PrivacyRequestFilter, PrivacyRequestOrder,
    PrivacyRequestSort as Sort, PrivacyRequestStatus as Status, RuleAction, StoreError, TimeRange, Window,
};

use super::{POLICY, email, holds, new_request};
use crate::bench::{Backend, Bench};

fn all() -> PrivacyRequestFilter {
    PrivacyRequestFilter::default()
}

fn field(value: &str) -> Lookup {
    Lookup { field: LookupField::CustomField, name: "plan".to_owned(), value: value.to_owned() }
}

impl Bench {
    /// Three requests, a minute apart: `a`, `b`, `c` by the caller's own id.
    async fn three(&self) {
        self.request_policy().await;
        let made = |name: &str| NewPrivacyRequest {
            external_id: Some(format!("{name}-ticket")),
            identities: holds(&format!("{name}@example.com")),
            lookups: vec![email(&format!("{name}@example.com"))],
            ..new_request()
        };
        let mut a = made("a");
        a.location = Some("US-CA".to_owned());
        a.lookups.push(field("gold"));
        let mut b = made("b");
        b.location = Some("US".to_owned());
        b.due_at = Some(self.clock.now());
        b.status = Status::Error;
        let mut c = made("c");
        c.location = Some("USX".to_owned());
        c.due_at = Some(self.clock.now());
        for new in [a, b, c] {
            self.clock.advance(Duration::from_mins(1));
            self.make_request(new).await;
        }
    }

    async fn names(&self, filter: &PrivacyRequestFilter) -> String {
        let listed = self.store.privacy_request_list(filter, Window::ALL).await.unwrap();
        assert_eq!(listed.total, u64::try_from(listed.items.len()).unwrap());
        assert_eq!(self.store.privacy_request_count(filter, 100).await.unwrap(), listed.total);
        let name = |request: &store::PrivacyRequest| {
            request.external_id.as_deref().and_then(|id| id.split('-').next().map(str::to_owned))
        };
        listed.items.iter().filter_map(name).collect()
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn each_filter_finds_what_it_says(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.three().await;
    let everything = bench.store.privacy_request_list(&all(), Window::ALL).await.unwrap().items;
    let id = |at: usize| everything[at].id.to_string();
    let now = bench.clock.now();
    let between = |from: i64, to: i64| TimeRange {
        after: Some(now + jiff::SignedDuration::from_secs(from)),
        before: Some(now + jiff::SignedDuration::from_secs(to)),
    };

    let cases = vec![
        ("nothing", all(), "cba"),
        ("oldest first", PrivacyRequestFilter { order: PrivacyRequestOrder::OldestFirst, ..all() }, "abc"),
        ("part of an id", PrivacyRequestFilter { id_part: Some(id(0)[8..].to_owned()), ..all() }, "c"),
        ("not a pattern", PrivacyRequestFilter { id_part: Some("pri%".to_owned()), ..all() }, ""),
        ("ids", PrivacyRequestFilter { ids: vec![id(1), "pri_x".to_owned()], ..all() }, "b"),
        ("other ids", PrivacyRequestFilter { excluded: vec![id(1)], ..all() }, "ca"),
        ("status", PrivacyRequestFilter { statuses: vec![Status::Error, Status::Denied], ..all() }, "b"),
        ("identity", PrivacyRequestFilter { identities: vec![email("A@Example.com ")], ..all() }, "a"),
        (
            "one of two identities",
            PrivacyRequestFilter {
                identities: vec![email("a@example.com"), email("c@example.com")],
                ..all()
            },
            "ca",
        ),
        (
            "another kind of identity",
            PrivacyRequestFilter {
                identities: vec![Lookup { name: "external_id".to_owned(), ..email("a@example.com") }],
                ..all()
            },
            "",
        ),
        (
            "any identity",
            PrivacyRequestFilter { any_identity: Some("b@example.com".to_owned()), ..all() },
            "b",
        ),
        ("custom field", PrivacyRequestFilter { custom_fields: vec![field("Gold")], ..all() }, "a"),
        ("not an identity", PrivacyRequestFilter { any_identity: Some("gold".to_owned()), ..all() }, ""),
        ("part of an identity", PrivacyRequestFilter { fuzzy: Some("B@Exam".to_owned()), ..all() }, "b"),
        ("part of several", PrivacyRequestFilter { fuzzy: Some("@example".to_owned()), ..all() }, "cba"),
        ("no part of any", PrivacyRequestFilter { fuzzy: Some("zzz".to_owned()), ..all() }, ""),
        ("beginning of an id", PrivacyRequestFilter { fuzzy: Some(id(2)[..36].to_owned()), ..all() }, "a"),
        ("created", PrivacyRequestFilter { created: between(-90, -30), ..all() }, "b"),
        ("errored", PrivacyRequestFilter { errored: between(-90, 0), ..all() }, "b"),
        ("completed", PrivacyRequestFilter { completed: between(-900, 0), ..all() }, ""),
        ("started", PrivacyRequestFilter { started: between(-900, 0), ..all() }, ""),
        ("external id", PrivacyRequestFilter { external_id: Some("b-t".to_owned()), ..all() }, "b"),
        ("country", PrivacyRequestFilter { location: Some("US".to_owned()), ..all() }, "ba"),
        ("part of a country", PrivacyRequestFilter { location: Some("US-CA".to_owned()), ..all() }, "a"),
        ("action", PrivacyRequestFilter { actions: vec![RuleAction::Access], ..all() }, "cba"),
        ("other action", PrivacyRequestFilter { actions: vec![RuleAction::Erasure], ..all() }, ""),
        ("policy", PrivacyRequestFilter { policy: Some(POLICY.to_owned()), ..all() }, "cba"),
        ("overdue", PrivacyRequestFilter { overdue_at: Some(now), ..all() }, "c"),
        ("not overdue yet", PrivacyRequestFilter { overdue_at: Some(Timestamp::UNIX_EPOCH), ..all() }, ""),
        ("no text", PrivacyRequestFilter { external_id: Some("a\0".to_owned()), ..all() }, ""),
        ("whole id", PrivacyRequestFilter { id_part: Some(id(2)), ..all() }, "a"),
        ("injection", PrivacyRequestFilter { location: Some("' OR '1'='1".to_owned()), ..all() }, ""),
        (
            "two at once",
            PrivacyRequestFilter {
                statuses: vec![Status::Pending],
                location: Some("US".to_owned()),
                ..all()
            },
            "a",
        ),
    ];
    for (what, filter, expected) in cases {
        assert_eq!(bench.names(&filter).await, expected, "{what}");
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn deleted_and_unlisted_requests_are_shown_when_asked_for(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.three().await;
    let listed = bench.store.privacy_request_list(&all(), Window::ALL).await.unwrap().items;
    bench.edit(&listed[1], |change| change.request.deleted_at = Some(bench.clock.now())).await.unwrap();
    bench.clock.advance(Duration::from_mins(1));
    let unlisted = NewPrivacyRequest {
        source: Some("Consent Webhook".to_owned()),
        external_id: Some("d-ticket".to_owned()),
        ..new_request()
    };
    bench.make_request(unlisted).await;

    let with = |with_deleted, with_unlisted| PrivacyRequestFilter { with_deleted, with_unlisted, ..all() };
    assert_eq!(bench.names(&with(false, false)).await, "ca");
    assert_eq!(bench.names(&with(true, false)).await, "cba");
    assert_eq!(bench.names(&with(false, true)).await, "dca");
    assert_eq!(bench.names(&with(true, true)).await, "dcba");
}

/// A list that is cut would say that there are no others, and whoever acts on all that are found would
/// act on some.
#[tokio::test]
async fn a_part_that_stands_in_too_many_requests_is_refused_and_narrowed_it_is_found() {
    let bench = Backend::Sqlite.start().await.unwrap();
    bench.request_policy().await;
    for _ in 0..501 {
        bench.clock.advance(Duration::from_secs(1));
        bench.make_request(NewPrivacyRequest { identities: holds("a@example.com"), ..new_request() }).await;
    }
    let part = PrivacyRequestFilter { fuzzy: Some("example".to_owned()), ..all() };
    let after = Some(bench.clock.now() - jiff::SignedDuration::from_secs(100));
    let narrowed = PrivacyRequestFilter { created: TimeRange { after, before: None }, ..part.clone() };

    let refused = bench.store.privacy_request_list(&part, Window::ALL).await.unwrap_err();
    let found = bench.store.privacy_request_list(&narrowed, Window::ALL).await.unwrap();

    assert!(matches!(refused, StoreError::TooMany { most: 500, .. }), "{refused}");
    assert_eq!(found.total, 100);
}

// rule: fides-api 11.3
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn each_field_sorts_with_times_that_have_not_come_at_the_end(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.three().await;
    let everything = bench.store.privacy_request_list(&all(), Window::ALL).await.unwrap().items;
    let now = bench.clock.now();
    bench
        .edit(&everything[2], |change| {
            change.request.started_at = Some(now);
            change.request.reviewed_by = Some("zoe".to_owned());
        })
        .await
        .unwrap();
    bench
        .edit(&everything[1], |change| {
            change.request.finished_at = Some(now);
            change.request.reviewed_by = Some("Zoe".to_owned());
        })
        .await
        .unwrap();

    let cases = [
        (Sort::CreatedAt, "abc"),
        (Sort::RequestedAt, "abc"),
        (Sort::StartedAt, "a.."),
        (Sort::FinishedAt, "b.."),
        (Sort::DueAt, "bca"),
        (Sort::Status, "bac"),
        (Sort::ExternalId, "abc"),
        (Sort::Location, "bac"),
        (Sort::ReviewedBy, "cba"),
    ];
    for (sort, expected) in cases {
        for statuses in [Vec::new(), Status::ALL.to_vec()] {
            let ascending =
                PrivacyRequestFilter { sort, statuses, order: PrivacyRequestOrder::OldestFirst, ..all() };
            let descending =
                PrivacyRequestFilter { order: PrivacyRequestOrder::NewestFirst, ..ascending.clone() };
            let (up, down) = (bench.names(&ascending).await, bench.names(&descending).await);
            let back: String = down.chars().rev().collect();
            assert_eq!(up, back, "{sort:?}: what is equal is in one order, too");
            let known = expected.trim_end_matches('.');
            assert_eq!(&up[..known.len()], known, "{sort:?}");
        }
    }
}
