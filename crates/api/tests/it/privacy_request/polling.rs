//! What is said of collections that an application has a job for.

use jiff::SignedDuration;
use model::Clock as _;
use serde_json::Value;
use store::Polling;

use super::started;
use crate::app::App;

impl App {
    async fn task_status(&self, request: &model::PrivacyRequestId) -> Value {
        self.get(&format!("/api/v1/privacy-request/{request}/tasks")).await.1[0]["status"].clone()
    }
}

// rule: fides-api 11.3
// rule: privacy-requests X-10
// rule: privacy-requests X-22
#[tokio::test]
async fn a_collection_is_polling_as_long_as_its_job_is_asked_about() {
    let app = started().await;
    let (request, held) = app.begin_reading().await;
    let (store, now) = (app.store(), app.clock().now());
    let job = Polling {
        task: held.lease.task.as_str().to_owned(),
        unit: 0,
        run: held.lease.run.clone(),
        name: "crm:letters".to_owned(),
        basis: "one".to_owned(),
        asked_at: now,
        look_at: now + SignedDuration::from_secs(10),
        until: now + SignedDuration::from_hours(720),
        job: "canary-job".to_owned(),
    };

    store.polling_put(&held.lease, &job).await.unwrap();
    app.put_off(&request, &held, "polling").await;
    let waits = app.task_status(&request).await;
    let of = store::TaskName { run: &held.lease.run, kind: "read", name: "crm:letters" };
    let again =
        store.task_claim_named(of, "worker", std::time::Duration::from_secs(5)).await.unwrap().unwrap();
    let looks = app.task_status(&request).await;
    store.polling_drop(&again.lease, 0).await.unwrap();
    store.task_pause(&again.lease, now).await.unwrap();
    let goes_on = app.task_status(&request).await;

    assert_eq!([waits, looks, goes_on], ["polling", "in_processing", "pending"]);
}
