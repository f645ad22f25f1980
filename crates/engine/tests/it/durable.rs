//! Runs that outlive their process.

mod changed;
mod database;
mod keep;
mod steering;

use std::time::Duration;

use engine::{RowsError, RunError, RunOutcome, Status};
use model::CollectionAddress;
use rstest::rstest;
use sandbox::server::Answer;
use serde_json::json;
use sqlx::Connection as _;
use store::StoreError;

use crate::stage::Stage;
use crate::writes::bench::Backend;

pub(crate) use keep::{Keep, told};

/// People by e-mail, orders of each by offset, visits by cursor, and a list that never ends by itself.
const SHOP: &str = "
    - name: people
      requests:
        read:
          method: GET
          path: /people
          query_params: [{name: email, value: <email>}]
          param_values: [{name: email, identity: email}]
    - name: orders
      requests:
        read:
          method: GET
          path: /people/<pid>/orders
          query_params: [{name: page, value: 1}]
          param_values:
            - name: pid
              references: [{dataset: acme, field: people.id, direction: from}]
          pagination:
            strategy: offset
            configuration: {incremental_param: page, increment_by: 1}
    - name: visits
      requests:
        read:
          method: GET
          path: /visits
          data_path: data
          query_params: [{name: email, value: <email>}]
          param_values: [{name: email, identity: email}]
          pagination:
            strategy: cursor
            configuration: {cursor_param: after, field: paging.after}
    - name: loops
      requests:
        read:
          method: GET
          path: /loops
          query_params: [{name: email, value: <email>}, {name: page, value: 1}]
          param_values: [{name: email, identity: email}]
          pagination:
            strategy: offset
            configuration: {incremental_param: page, increment_by: 1}
";

const SHOP_DATA: &str = "
      - name: people
        fields: [{name: id}, {name: email}]
      - name: orders
        fields: [{name: id}]
      - name: visits
        fields: [{name: id}]
      - name: loops
        fields: [{name: id}]
";

/// Pages of the shop: 1 + 3 × 3 + 4 + 3.
const PAGES: usize = 17;

pub(crate) async fn shop() -> Stage {
    shop_at(Duration::ZERO).await
}

/// The same, where each answer takes so long.
async fn shop_at(delay: Duration) -> Stage {
    let stage = Stage::new(SHOP, SHOP_DATA).await;
    stage.saas.on("GET", "/people").then(
        Answer::json(
            200,
            &json!([{"id": 1, "email": "ana@example.com"}, {"id": 2, "email": "bo@example.com"}, {"id": 3}]),
        )
        .after(delay),
    );
    stage.saas.on("GET", "/people/*/orders").with(move |call| {
        let person = call.path.split('/').nth(2).unwrap();
        let page = number(&call.query, "page=");
        let rows = if page > 2 { json!([]) } else { json!([{"id": format!("{person}.{page}")}]) };
        Answer::json(200, &rows).after(delay)
    });
    stage.saas.on("GET", "/visits").with(move |call| {
        let page = number(&call.query, "after=");
        let next = (page < 3).then(|| page + 1);
        Answer::json(200, &json!({"data": [{"id": page, "at": 1.10}], "paging": {"after": next}}))
            .after(delay)
    });
    stage.saas.on("GET", "/loops").with(move |call| {
        // Whatever is asked for after the second page, the first one comes again.
        let page = number(&call.query, "page=");
        Answer::json(200, &json!([{"id": if page > 2 { 1 } else { page }}])).after(delay)
    });
    stage
}

fn number(query: &str, name: &str) -> u64 {
    query.split('&').find_map(|pair| pair.strip_prefix(name)).map_or(0, |text| text.parse().unwrap())
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_run_that_breaks_off_after_any_page_ends_the_same(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let expected = Keep::unbroken(&stage).await;

    for pages in 1..=PAGES {
        let run = keep.run(None).await;
        let ended = keep.until(keep.plan(&stage, &run), pages).await;
        assert!(ended.is_none(), "it ended before page {pages}");
        let store = keep.again().await;
        let outcome = engine::run(Keep::plan_with(&stage, &run, store), &|_| {}).await.unwrap();
        assert_eq!(told(outcome).await, expected, "broken off after page {pages}");
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_run_that_breaks_off_again_and_again_ends_the_same(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let expected = Keep::unbroken(&stage).await;
    let run = keep.run(None).await;

    let mut rounds = 0;
    let outcome = loop {
        rounds += 1;
        assert!(rounds < 200, "the run comes no further");
        if let Some(ended) = keep.until(keep.plan(&stage, &run), 2).await {
            break ended.unwrap();
        }
    };

    assert_eq!(told(outcome).await, expected);
    assert!(rounds > 3, "it broke off {rounds} times");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_run_that_is_over_is_not_read_again(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let run = keep.run(None).await;
    let first = told(engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap()).await;
    let calls = stage.saas.calls().len();
    keep.store.run_finish(&run, None).await.unwrap();

    let second = engine::run(Keep::plan_with(&stage, &run, keep.again().await), &|_| {}).await.unwrap();

    assert_eq!(told(second).await, first);
    assert_eq!(stage.saas.calls().len(), calls, "no call was made");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_was_read_is_asked_for_again_only_where_the_run_broke_off(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    // Longer for each page than pages wait for others to be kept with.
    let stage = shop_at(Duration::from_millis(80)).await;
    let run = keep.run(None).await;
    assert!(keep.until(keep.plan(&stage, &run), 12).await.is_none());

    let outcome = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();

    // Each of the four collections may have had calls and pages under way.
    let again = stage.saas.calls().len() - PAGES;
    assert!(again <= 8, "{again} pages were asked for twice");
    assert!(outcome.collections.len() == 4);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn two_processes_share_a_run_and_see_the_same(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let expected = Keep::unbroken(&stage).await;
    let before = stage.saas.calls().len();
    let run = keep.run(None).await;
    let other = Keep::plan_with(&stage, &run, keep.again().await);

    let (one, two) =
        tokio::join!(engine::run(keep.plan(&stage, &run), &|_| {}), engine::run(other, &|_| {}),);

    assert_eq!(told(one.unwrap()).await, expected);
    assert_eq!(told(two.unwrap()).await, expected);
    assert_eq!(stage.saas.calls().len() - before, before, "each page was asked for once");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_task_that_failed_once_is_read_by_whoever_comes_next(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let expected = Keep::unbroken(&stage).await;
    let run = keep.run(None).await;
    assert!(keep.until(keep.plan(&stage, &run), 1).await.is_none());
    let tasks = keep.store.task_list(&run).await.unwrap();

    for task in tasks.iter().filter(|task| task.outcome.is_none()) {
        let name = store::TaskName { run: &run, kind: "read", name: &task.name };
        let claimed = keep.store.task_claim_named(name, "failing", engine::LEASE).await.unwrap();
        let Some(claimed) = claimed else { continue };
        let failure = store::TaskFailure { class: "store", retry_at: Some(jiff::Timestamp::UNIX_EPOCH) };
        keep.store.task_fail(&claimed.lease, failure).await.unwrap();
    }
    let outcome = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();

    assert_eq!(told(outcome).await, expected);
}

// The twin of the tests above: a page that is lost between two processes does not pass unseen.
#[tokio::test]
async fn planted_defect_a_state_ahead_of_its_pages_is_damage() {
    let keep = Keep::start(Backend::Sqlite).await.unwrap();
    let stage = shop().await;
    let run = keep.run(None).await;
    assert!(keep.until(keep.plan(&stage, &run), 12).await.is_none());
    let url = format!("sqlite://{}", keep.folder.path().join("state.db").display());
    let mut sql = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let lost =
        sqlx::query("DELETE FROM page WHERE rowid = (SELECT MIN(rowid) FROM page WHERE row_count > 0)");
    assert_eq!(lost.execute(&mut sql).await.unwrap().rows_affected(), 1);

    let error = match engine::run(keep.plan(&stage, &run), &|_| {}).await {
        Ok(outcome) => first_error(outcome).await.expect("a page is missing"),
        Err(RunError::Rows(error)) => error,
        Err(other) => panic!("{other:?}"),
    };

    assert!(matches!(of_store(&error), StoreError::Damaged { .. }), "{error:?}");
}

// What this process has just put into the store is not read back, unless somebody asks for it there.
#[rstest]
#[case::in_hand(true)]
#[case::planted_defect_they_lie_in_the_store_alone(false)]
#[tokio::test]
async fn few_rows_that_were_read_just_now_are_in_hand(#[case] in_hand: bool) {
    let keep = Keep::start(Backend::Sqlite).await.unwrap();
    let stage = shop().await;
    let expected = Keep::unbroken(&stage).await;
    let run = keep.run(None).await;
    let outcome = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();
    let outcome = if in_hand { outcome.in_hand(&keep.store, &run).await.unwrap() } else { outcome };
    let url = format!("sqlite://{}", keep.folder.path().join("state.db").display());
    let mut sql = sqlx::SqliteConnection::connect(&url).await.unwrap();

    assert!(sqlx::query("DELETE FROM page").execute(&mut sql).await.unwrap().rows_affected() > 0);

    if in_hand {
        assert_eq!(told(outcome).await, expected);
    } else {
        assert!(matches!(of_store(&first_error(outcome).await.unwrap()), StoreError::Damaged { .. }));
    }
}

// architecture §13.7: destroying the key of a run destroys its rows, those in memory too
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn rows_of_a_run_that_was_forgotten_are_in_nobodys_hand(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let run = keep.run(None).await;
    let outcome = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();

    keep.again().await.run_forget(&run, store::Actor::system()).await.unwrap();
    let refused = outcome.in_hand(&keep.store, &run).await;

    assert!(matches!(refused, Err(StoreError::Forgotten { .. })), "{refused:?}");
}

// Another process forgets a run whose rows are being written out.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn rows_that_are_forgotten_while_they_are_read_end_with_an_error(#[case] backend: Backend) {
    let Some(keep) = Keep::start(backend).await else { return };
    let stage = shop().await;
    let run = keep.run(None).await;
    let outcome = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();
    let visits = outcome.collections[&CollectionAddress::new("acme", "visits")].sealed.clone();
    let begun = tokio::task::spawn_blocking(move || {
        let first = visits.pages().next().unwrap().map(|rows| rows.len());
        (visits, first)
    });
    let (visits, first) = begun.await.unwrap();

    keep.again().await.run_forget(&run, store::Actor::system()).await.unwrap();

    assert!(first.unwrap() > 0 && !visits.is_empty());
    let error = first_error(outcome).await.expect("the rows are gone");
    assert!(matches!(of_store(&error), StoreError::Forgotten { .. }), "{error:?}");
    let as_text = tokio::task::spawn_blocking(move || visits.pages().next_text());
    assert!(as_text.await.unwrap().unwrap().is_err());
}

/// The first error of all that was read.
async fn first_error(outcome: RunOutcome) -> Option<RowsError> {
    let found = tokio::task::spawn_blocking(move || {
        let mut pages = outcome.collections.values().flat_map(|collection| collection.sealed.pages());
        pages.find_map(Result::err)
    });
    found.await.unwrap()
}

fn of_store(error: &RowsError) -> &StoreError {
    match error {
        RowsError::Store { source, .. } => source,
        RowsError::Spool(_) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn rows_that_were_forgotten_are_not_made_up() {
    let keep = Keep::start(Backend::Sqlite).await.unwrap();
    let stage = shop().await;
    let run = keep.run(None).await;
    let outcome = engine::run(keep.plan(&stage, &run), &|_| {}).await.unwrap();
    assert!(outcome.collections.values().all(|collection| collection.status != Status::Failed));
    keep.store.run_forget(&run, store::Actor::system()).await.unwrap();

    let again = engine::run(keep.plan(&stage, &run), &|_| {}).await;

    assert!(matches!(again, Err(RunError::Rows(_) | RunError::Store(_))), "{again:?}");
}
