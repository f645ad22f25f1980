//! PostgreSQL goes away and comes back; several servers meet an empty database at once.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::cluster::{Cluster, End};
use crate::fleet::{self, Caller, Fleet, Kind};
use crate::program::Program;
use crate::running::{Reply, Running, call, root_token};
use crate::segment_office::{self as office, Wish};
use crate::sweep_database::Place;

const LIMIT: Duration = Duration::from_mins(3);

/// Calls until the answer is as wanted.
async fn until(caller: &Caller, line: &str, is_wanted: impl Fn(&Reply) -> bool) -> Reply {
    loop {
        if let Some(reply) = caller.call_once(line, None).await
            && is_wanted(&reply)
        {
            return reply;
        }
        tokio::task::yield_now().await;
    }
}

/// A server and a worker go on by themselves when their database was away, twice, while people ask and
/// requests are worked off.
#[rstest]
#[case::told(End::Fast)]
#[case::failed(End::Immediate)]
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_restarted_under_load_loses_nothing(#[case] how: End) {
    let Some(mut cluster) = Cluster::start() else { return };
    let vendor = office::vendor().await;
    let program = Arc::new(office::program(&vendor));
    let kinds = [Kind::Serve, Kind::Worker];
    let mut fleet = Fleet::start(Arc::clone(&program), &kinds, &["--state", &cluster.url()]).await;
    let caller = fleet.caller().await;
    office::set_up(&caller, &vendor).await;

    let asking = caller.clone();
    let asked =
        tokio::spawn(async move { office::ask(&asking, Wish::MIX.iter().copied().cycle().take(24)).await });
    let mut away = Vec::new();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        cluster.end(how);
        let ready = until(&caller, "GET /ready", |reply| reply.status != 200).await;
        let live = until(&caller, "GET /live", |_| true).await;
        let health = until(&caller, "GET /health", |_| true).await;
        // It waits for the database, and is answered when that is back, or told to come again.
        let waiting = caller.clone();
        let list =
            tokio::spawn(async move { until(&waiting, "GET /api/v1/privacy-request", |_| true).await });
        tokio::task::block_in_place(|| cluster.begin());
        away.push((ready, live, health, list.await.unwrap()));
        until(&caller, "GET /ready", |reply| reply.status == 200).await;
    }
    let asked = asked.await.unwrap();
    let statuses = office::settled(&caller, &vendor, LIMIT).await;

    for (ready, live, health, list) in away {
        assert_eq!((ready.status, live.status, health.status), (503, 200, 503));
        assert!([200, 503].contains(&list.status), "{}", list.text);
        assert!(ready.text.contains("the database"), "{}", ready.text);
        for text in [&ready.text, &health.text] {
            assert!(!text.contains("postgres") && !text.contains("127.0.0.1"), "{text}");
        }
    }
    assert!(fleet.all_run(), "none of them was started again:\n{}", fleet.said());
    assert_eq!(statuses.len(), asked.len(), "each was made once");
    let mut wrongs = office::wrongs_of(&vendor, &asked);
    for one in &asked {
        wrongs.extend(office::wrong_with(&caller, &program, one).await);
    }
    assert_eq!(wrongs, Vec::<String>::new(), "{}", fleet.said());
    let troubles = caller.troubles();
    assert!(!troubles.keys().any(|trouble| trouble.starts_with("500")), "{troubles:?}");
}

/// Each with a data folder of its own, as on hosts of their own, and the same key.
fn hosts(count: usize) -> Vec<Program> {
    let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [7; 32]);
    (0..count).map(|_| fleet::program().with_environment("TUTELA_KEY", &key)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_meet_an_empty_database_at_once_bring_it_up_together() {
    let Some(place) = Place::on_server("empty") else { return };
    place.renew().await;
    let hosts = hosts(4);
    let url = place.url();

    let running: Vec<Running> = std::thread::scope(|scope| {
        let starting: Vec<_> =
            hosts.iter().map(|host| scope.spawn(|| Running::start(host, &["--state", &url]))).collect();
        starting.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let token = root_token(&running[0], "canary-root-secret").await;
    let made = json!([{"name": "Shop", "key": "shop", "connection_type": "manual", "access": "read"}]);
    call(&running[0], "PATCH /api/v1/connection", Some(&token), Some(&made)).await;
    let mut seen = Vec::new();
    for server in &running {
        let health = call(server, "GET /health", None, None).await;
        let connection = call(server, "GET /api/v1/connection/shop", Some(&token), None).await;
        seen.push((health.status, connection.status));
    }
    let owners = place.texts("SELECT username FROM login").await;
    let policies = place.texts("SELECT key FROM policy ORDER BY key").await;
    for server in running {
        server.end().expect(0);
    }

    assert_eq!(seen, vec![(200, 200); 4]);
    assert_eq!(owners, ["olga"]);
    assert_eq!(policies, ["default_access_policy", "default_consent_policy", "default_erasure_policy"]);
    place.drop_all().await;
}
