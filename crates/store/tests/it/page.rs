use std::task::Poll;

use model::{RandomIds, Row, RunId};
use rstest::rstest;
use serde_json::json;
use store::{NewPage, PackedRows, PagePlace, RateWindow, StoreError};

use crate::bench::{Backend, LEASE, new_run, task};

fn packed(from: u64, count: u64) -> PackedRows {
    PackedRows::pack(&rows(from, count)).unwrap()
}

fn rows(from: u64, count: u64) -> Vec<Row> {
    (from..from + count)
        .map(|id| json!({"id": id, "digits": serde_json::from_str::<serde_json::Value>("12345678901234567890.10").unwrap()}))
        .map(|row| row.as_object().unwrap().clone())
        .collect()
}

fn page(unit: u64, page: u64, rows: &PackedRows) -> NewPage<'_> {
    const STATES: [&[u8]; 3] = [b"state-0", b"state-1", b"state-2"];
    let state = STATES.get(page as usize).unwrap();
    NewPage { unit, page, rows, mark: Some(state), state: Some(state) }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn another_worker_goes_on_from_the_last_page_and_rows_keep_their_digits(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.run(&["a"]).await;
    let first = bench.claim().await;
    bench.store.page_append(&first.lease, &[page(0, 0, &packed(0, 3))]).await.unwrap();
    bench.store.page_append(&first.lease, &[page(0, 1, &packed(3, 2))]).await.unwrap();
    bench.clock.advance(LEASE);

    let second = bench.claim().await;
    bench.again().await.page_append(&second.lease, &[page(1, 0, &packed(5, 1))]).await.unwrap();

    let state =
        async |unit| bench.store.unit_state(&second.lease.run, &second.lease.task, unit).await.unwrap();
    assert_eq!(state(0).await.as_deref(), Some(b"state-1".as_slice()));
    assert_eq!(state(2).await, None);
    let marks = bench.store.unit_marks(&second.lease.run, &second.lease.task, 0).await.unwrap();
    assert_eq!(marks, [b"state-0", b"state-1"]);
    assert_eq!((second.rows, second.pages), (5, 2));
    let mut list = bench.store.page_list(&second.lease.run, &second.lease.task);
    let mut read = Vec::new();
    let mut places = Vec::new();
    while let Some((place, mut rows)) = list.next_page().await.unwrap() {
        places.push(place);
        read.append(&mut rows);
    }
    assert_eq!(read, rows(0, 6));
    assert!(serde_json::to_string(&read).unwrap().contains("12345678901234567890.10"));
    let expected = [(0, 0, 3), (0, 1, 2), (1, 0, 1)].map(|(unit, page, rows)| PagePlace { unit, page, rows });
    assert_eq!(places, expected);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_page_kept_twice_counts_once(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let claimed = bench.claim().await;

    bench.store.page_append(&claimed.lease, &[page(0, 0, &packed(0, 3))]).await.unwrap();
    bench.store.page_append(&claimed.lease, &[page(0, 0, &packed(0, 2))]).await.unwrap();

    let task = &bench.store.task_list(&run).await.unwrap()[0];
    assert_eq!((task.rows, task.pages), (2, 1));
    bench.store.page_clear(&claimed.lease).await.unwrap();
    let task = &bench.store.task_list(&run).await.unwrap()[0];
    assert_eq!((task.rows, task.pages), (0, 0));
    assert!(bench.store.page_list(&run, &claimed.lease.task).next_page().await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_fenced_worker_keeps_no_page_and_moves_no_state(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let silent = bench.claim().await;
    bench.clock.advance(LEASE);
    let taker = bench.claim().await;

    let refused = bench.store.page_append(&silent.lease, &[page(0, 0, &packed(0, 3))]).await;

    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert!(bench.store.page_list(&run, &taker.lease.task).next_page().await.unwrap().is_none());
    assert_eq!(bench.store.task_list(&run).await.unwrap()[0].pages, 0);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn pages_of_one_call_stand_in_their_order_with_the_state_behind_the_last(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let claimed = bench.claim().await;
    let (three, two) = (packed(0, 3), packed(3, 2));
    bench.store.page_append(&claimed.lease, &[page(0, 1, &three)]).await.unwrap();

    // The second is there already, with other rows.
    let first = NewPage { state: None, ..page(0, 0, &three) };
    bench.store.page_append(&claimed.lease, &[first, page(0, 1, &two)]).await.unwrap();
    bench.store.page_append(&claimed.lease, &[]).await.unwrap();

    let task = &bench.store.task_list(&run).await.unwrap()[0];
    assert_eq!((task.rows, task.pages), (5, 2));
    let mut list = bench.store.page_list(&run, &task.id);
    let mut read = Vec::new();
    while let Some((_, mut rows)) = list.next_page().await.unwrap() {
        read.append(&mut rows);
    }
    assert_eq!(read, rows(0, 5));
    let state = bench.store.unit_state(&run, &task.id, 0).await.unwrap();
    assert_eq!(state.as_deref(), Some(b"state-1".as_slice()));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn pages_kept_at_once_are_all_there_and_a_fenced_one_among_them_hurts_nobody(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    // More than one statement takes.
    let names: Vec<String> = (0..20).map(|number| format!("task-{number}")).collect();
    let run = bench.run(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let silent = bench.claim().await;
    bench.clock.advance(LEASE);
    let mut taken = Vec::new();
    for _ in &names {
        taken.push(bench.claim().await);
    }
    let (three, two) = (packed(0, 3), packed(3, 2));

    let mut asked = vec![(&silent.lease, page(0, 0, &three))];
    for claimed in &taken {
        // One of them twice.
        asked.extend(
            [(0, 0, &three), (0, 1, &two), (0, 1, &two)]
                .map(|(unit, number, rows)| (&claimed.lease, page(unit, number, rows))),
        );
    }
    let kept = asked.iter().map(|(lease, page)| bench.store.page_append(lease, std::slice::from_ref(page)));
    let kept = futures::future::join_all(kept).await;

    let refused: Vec<_> = kept.iter().enumerate().filter(|(_, kept)| kept.is_err()).collect();
    assert!(matches!(refused[..], [(0, Err(StoreError::Fenced { .. }))]), "{refused:?}");
    for task in bench.store.task_list(&run).await.unwrap() {
        assert_eq!((task.rows, task.pages), (5, 2), "{}", task.name);
        let mut list = bench.store.page_list(&run, &task.id);
        let mut read = Vec::new();
        while let Some((_, mut rows)) = list.next_page().await.unwrap() {
            read.append(&mut rows);
        }
        assert_eq!(read, rows(0, 5), "{}", task.name);
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_page_whose_neighbour_is_given_up_is_kept(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let claimed = bench.claim().await;
    let one = packed(0, 1);
    // Polled a few times and dropped: somewhere between asking and the commit.
    for polls in 1..16 {
        let (given_up, followed) = (page(0, 0, &one), page(polls, 0, &one));
        let mut leader = Box::pin(bench.store.page_append(&claimed.lease, std::slice::from_ref(&given_up)));
        let mut follower = Box::pin(bench.store.page_append(&claimed.lease, std::slice::from_ref(&followed)));
        let mut ended = None;
        for _ in 0..polls {
            let _ = futures::poll!(leader.as_mut());
            if let Poll::Ready(kept) = futures::poll!(follower.as_mut()) {
                ended = Some(kept);
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(leader);

        let kept = match ended {
            Some(kept) => kept,
            None => tokio::time::timeout(LEASE, follower).await.expect("nobody waits for ever"),
        };

        assert!(kept.is_ok(), "{polls}: {kept:?}");
    }
    let mut list = bench.store.page_list(&run, &claimed.lease.task);
    let mut units = Vec::new();
    while let Some((place, _)) = list.next_page().await.unwrap() {
        units.push(place.unit);
    }
    assert!(units.iter().filter(|unit| **unit > 0).eq(&(1..16).collect::<Vec<_>>()), "{units:?}");
}

#[rstest]
#[case(Backend::Sqlite, "UPDATE page SET page = 7")]
#[case(Backend::Postgres, "UPDATE page SET page = 7")]
#[case(Backend::Sqlite, "UPDATE page SET row_count = 7")]
#[case(Backend::Postgres, "UPDATE page SET row_count = 7")]
#[tokio::test]
async fn a_page_that_was_moved_or_recounted_is_damage(
    #[case] backend: Backend,
    #[case] tampering: &'static str,
) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let claimed = bench.claim().await;
    bench.store.page_append(&claimed.lease, &[page(0, 0, &packed(0, 3))]).await.unwrap();

    sqlx::query(tampering).execute(&bench.sql().await).await.unwrap();

    let error = bench.store.page_list(&run, &claimed.lease.task).next_page().await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_unit_that_starts_over_leaves_the_others_alone(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let lease = bench.claim().await.lease;
    for (unit, number) in [(0, 0), (1, 0), (1, 1)] {
        bench.store.page_append(&lease, &[page(unit, number, &packed(0, 2))]).await.unwrap();
    }

    bench.store.unit_restart(&lease, 1).await.unwrap();

    let task = &bench.store.task_list(&run).await.unwrap()[0];
    assert_eq!((task.rows, task.pages), (2, 1));
    assert_eq!(bench.store.unit_state(&run, &lease.task, 1).await.unwrap(), None);
    assert!(bench.store.unit_state(&run, &lease.task, 0).await.unwrap().is_some());
    assert!(bench.store.unit_marks(&run, &lease.task, 1).await.unwrap().is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn units_that_a_reading_does_not_have_any_more_go_with_their_pages(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let lease = bench.claim().await.lease;
    for (unit, number) in [(0, 0), (1, 0), (2, 0), (2, 1)] {
        bench.store.page_append(&lease, &[page(unit, number, &packed(0, 2))]).await.unwrap();
    }

    bench.store.unit_drop_from(&lease, 1).await.unwrap();

    let task = &bench.store.task_list(&run).await.unwrap()[0];
    assert_eq!((task.rows, task.pages), (2, 1));
    for (unit, is_there) in [(0, true), (1, false), (2, false)] {
        let state = bench.store.unit_state(&run, &lease.task, unit).await.unwrap();
        assert_eq!(state.is_some(), is_there, "unit {unit}");
    }
    bench.clock.advance(LEASE);
    bench.claim().await;
    let refused = bench.store.unit_drop_from(&lease, 0).await;
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_page_without_rows_keeps_its_mark_and_is_not_listed(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let lease = bench.claim().await.lease;
    bench.store.page_append(&lease, &[page(0, 0, &packed(0, 0))]).await.unwrap();
    bench.store.page_append(&lease, &[page(0, 1, &packed(0, 1))]).await.unwrap();

    let mut list = bench.store.page_list(&run, &lease.task);

    assert_eq!(list.next_page().await.unwrap().unwrap().0, PagePlace { unit: 0, page: 1, rows: 1 });
    assert!(list.next_page().await.unwrap().is_none());
    assert_eq!(bench.store.unit_marks(&run, &lease.task, 0).await.unwrap().len(), 2);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_outcome_is_kept_with_the_end_of_its_task_and_only_by_its_holder(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["a"]).await;
    let silent = bench.claim().await.lease;
    bench.clock.advance(LEASE);
    let holder = bench.claim().await.lease;

    let refused = bench.store.read_finish(&silent, &[], (None, b"stale")).await;
    let before = bench.store.read_outcome(&run, &holder.task).await.unwrap();
    bench.store.read_finish(&holder, &[], (None, b"kept")).await.unwrap();

    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert_eq!(before, None);
    let task = bench.store.task_find(&run, "read", "a").await.unwrap().unwrap();
    assert_eq!(task.state, store::TaskState::Done);
    let again = bench.again().await;
    assert_eq!(again.read_outcome(&run, &task.id).await.unwrap().as_deref(), Some(b"kept".as_slice()));
}

// A database server that fails by itself takes back what it had not written yet, and the process that
// read the pages goes on and believes that they are kept.
#[tokio::test]
async fn pages_and_the_ends_of_readings_survive_a_failure_of_the_database_server() {
    let Some(bench) = Backend::Postgres.start().await else { return };
    let sql = bench.sql().await;
    for statement in [
        "CREATE TABLE seen (about TEXT, setting TEXT)",
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen VALUES (TG_TABLE_NAME, current_setting('synchronous_commit')); RETURN NULL; END $$",
        "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON page FOR EACH STATEMENT EXECUTE FUNCTION note()",
        "CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON read_unit FOR EACH STATEMENT EXECUTE FUNCTION note()",
        "CREATE TRIGGER note AFTER INSERT OR UPDATE ON read_outcome FOR EACH STATEMENT EXECUTE FUNCTION note()",
        "CREATE TRIGGER note AFTER INSERT OR UPDATE ON rate_window FOR EACH STATEMENT EXECUTE FUNCTION note()",
    ] {
        sqlx::query(statement).execute(&sql).await.unwrap();
    }
    bench.run(&["a"]).await;
    let claimed = bench.claim().await;

    bench.store.page_append(&claimed.lease, &[page(0, 0, &packed(0, 3))]).await.unwrap();
    bench.store.unit_put(&claimed.lease, 1, b"state").await.unwrap();
    bench.store.unit_restart(&claimed.lease, 0).await.unwrap();
    bench.store.read_finish(&claimed.lease, &[], (None, b"kept")).await.unwrap();
    let window = RateWindow { counter: "segment", period_s: 1, number: 1, rate: 9 };
    bench.store.rate_take(&[window]).await.unwrap();

    let found = "SELECT DISTINCT about || ' ' || setting FROM seen ORDER BY 1";
    let found: Vec<String> = sqlx::query_scalar(found).fetch_all(&sql).await.unwrap();
    // The last one shows that a loosened commit is seen here.
    assert_eq!(found, ["page on", "rate_window off", "read_outcome on", "read_unit on"]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn readings_that_end_at_once_keep_their_last_pages_and_a_fenced_one_among_them_hurts_nobody(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let names: Vec<String> = (0..5).map(|number| format!("task-{number}")).collect();
    let run = bench.run(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let silent = bench.claim().await.lease;
    bench.clock.advance(LEASE);
    let mut leases = vec![silent.clone()];
    for _ in &names {
        leases.push(bench.claim().await.lease);
    }
    let three = packed(0, 3);
    let last = [page(0, 0, &three)];

    let ended = leases.iter().map(|lease| bench.store.read_finish(lease, &last, (None, b"kept")));
    let ended = futures::future::join_all(ended).await;

    let refused: Vec<_> = ended.iter().enumerate().filter(|(_, ended)| ended.is_err()).collect();
    assert!(matches!(refused[..], [(0, Err(StoreError::Fenced { .. }))]), "{refused:?}");
    for task in bench.store.task_list(&run).await.unwrap() {
        assert_eq!((task.state, task.rows, task.pages), (store::TaskState::Done, three.len(), 1));
        let mut list = bench.store.page_list(&run, &task.id);
        assert_eq!(list.next_page().await.unwrap().unwrap().1, rows(0, 3));
        assert!(list.next_page().await.unwrap().is_none());
        let kept = bench.store.read_outcome(&run, &task.id).await.unwrap();
        assert_eq!(kept.as_deref(), Some(b"kept".as_slice()));
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn readings_that_end_at_once_let_what_waits_for_all_of_them_start(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (one, two) = (task("one", &[]), task("two", &[]));
    let child = task("child", &[&one.id, &two.id]);
    let run = RunId::new(&RandomIds);
    bench.store.run_create(new_run(&run), &[child, one, two]).await.unwrap();
    let leases = [bench.claim().await.lease, bench.claim().await.lease];
    assert!(bench.store.task_claim("w", LEASE).await.unwrap().is_none());

    let ended = leases.iter().map(|lease| bench.store.read_finish(lease, &[], (None, b"kept")));
    let ended = futures::future::join_all(ended).await;

    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    assert_eq!(bench.claim().await.name, "child");
}
