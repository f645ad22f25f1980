use std::path::Path;
use std::time::Duration;

use http::{Method, StatusCode};
use sandbox::segment::SegmentSandbox;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::accounts::Accounts;
use super::files::Written;
use crate::client::{Client, ServerAddress};
use crate::command::certificate;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::project::ProjectFile;
use crate::remote::{Declared, Difference, SentSecrets};
use crate::state::StateSettings;

/// Whom the demo asks about.
const EMAIL: &str = "ana@example.com";
const ACCESS: &str = "default_access_policy";
const ERASURE: &str = "erase_customer";
/// Longer than any destination of the simulator takes.
const MONTH: Duration = Duration::from_hours(31 * 24);
/// How long a step of the demo may take; each takes a moment.
const LONGEST: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The story: one person's two requests, over HTTP.
pub(super) struct Journey<'a> {
    pub(super) folder: &'a Path,
    pub(super) sandbox: &'a SegmentSandbox,
    pub(super) address: &'a ServerAddress,
    pub(super) accounts: &'a Accounts,
    pub(super) output: Output,
}

impl Journey<'_> {
    pub(super) async fn tell(&self, written: &Written, place: &StateSettings) -> Result<Exit, Failure> {
        let owner = self.accounts.sign_in_owner(self.address).await?;
        output::complain(&format!(
            "A simulated Segment runs at {}, and a server at {}.\n\n\
             1. The project with Segment and a sample shop database is sent to the server. (tutela project push)\n",
            self.sandbox.url(),
            self.address.server
        ));
        self.set_up(&owner, written).await?;
        let (planner, approver) = self.accounts.make(&owner, self.address).await?;
        output::complain(&format!(
            "\n2. What do we hold about {EMAIL}? (POST /api/v1/privacy-request/authenticated)\n"
        ));
        let id = make(&planner, ACCESS).await?;
        wait(&planner, &id, |request| status(request) == "complete").await?;
        let package = package_of(&written.data, &id)?;
        output::text(&format!("request {id}: complete\npackage: {}", package.display()));
        self.erase((&planner, &approver), place).await
    }

    /// Sends the project, and says where packages go.
    async fn set_up(&self, owner: &Client, written: &Written) -> Result<(), Failure> {
        let file = ProjectFile::load(&written.project, self.output)?;
        let declared = Declared::of_project(&file, self.output)?;
        let difference = Difference::of(&Declared::of_server(owner).await?, &declared);
        difference.push(owner, (&file, &declared), SentSecrets::OfNew).await?;
        for line in difference.lines() {
            output::text(&line);
        }
        let storage = json!({"type": "local", "format": "html", "details": {"naming": "request_id"}});
        owner.put((Method::PUT, "storage/default"), &storage).await?;
        let active = json!({"storage": {"active_default_storage_type": "local"}});
        owner.put((Method::PATCH, "config"), &active).await?;
        Ok(())
    }

    /// Plan, approval by another person, the days that Segment takes, and the certificate.
    async fn erase(
        &self,
        (planner, approver): (&Client, &Client),
        place: &StateSettings,
    ) -> Result<Exit, Failure> {
        output::complain(
            "\n3. She wants it erased. What would be sent? Nothing is written yet. (GET …/plan)\n",
        );
        let id = make(planner, ERASURE).await?;
        // Under dual control every plan waits for somebody else than the one who made the request.
        wait(planner, &id, |request| status(request) == "requires_input").await?;
        let plan = planner.get(&format!("privacy-request/{id}/plan")).await?;
        show_plan(&plan);
        let digest = plan.get("digest").and_then(Value::as_str).unwrap_or_default();
        let path = format!("privacy-request/{id}/approve");
        let approval = json!({ "digest": digest });
        let own = planner.call((Method::POST, &path), Some(&approval)).await?;
        if own.status != StatusCode::FORBIDDEN {
            return Err(Failure::Failed("who plans could approve, though dual control is on".to_owned()));
        }
        output::complain(
            "\n4. Who plans may not approve; somebody else does, exactly the plan with this digest. (POST …/approve)\n",
        );
        approver.put((Method::POST, &path), &approval).await?;
        wait(planner, &id, |request| waits_for_jobs(request) || is_over(request)).await?;
        output::complain(
            "\n5. Segment works on a deletion for days, and so do the tools it feeds. The simulator's clock goes on by a \
             month,\n   and the server looks again.\n",
        );
        self.sandbox.advance(MONTH);
        let ended = self.follow(planner, &id).await?;
        output::text(&format!("request {id}: {ended}"));
        self.prove(planner, &id, place).await
    }

    /// Has the server look at what is under way until it is over.
    async fn follow(&self, client: &Client, id: &str) -> Result<String, Failure> {
        let started = Instant::now();
        loop {
            let request = client.get(&format!("privacy-request/{id}")).await?;
            if is_over(&request) {
                return Ok(status(&request).to_owned());
            }
            if waits_for_jobs(&request) {
                client
                    .call((Method::POST, &format!("privacy-request/{id}/requeue")), Some(&Value::Null))
                    .await?;
            }
            in_time(started, id)?;
            sleep(5 * LOOK_EVERY).await;
        }
    }

    async fn prove(&self, client: &Client, id: &str, place: &StateSettings) -> Result<Exit, Failure> {
        output::complain(
            "\n6. Is it true? Everything was read again and compared. The certificate holds no personal data. Anybody\n   \
             with the public key can check it, offline. (tutela certificate verify)\n",
        );
        let certificate = client.get(&format!("privacy-request/{id}/certificate")).await?;
        let file = self.folder.join("certificate.json");
        // Its one form, byte for byte.
        let mut bytes = crypto::canonical_json(&certificate);
        bytes.push(b'\n');
        std::fs::write(&file, bytes).map_err(|error| Failure::unwritable(&file, &error))?;
        let exit = certificate::verify(&file, &place.public_keys()?, self.output)?;
        let request = client.get(&format!("privacy-request/{id}")).await?;
        Ok(if status(&request) == "complete" { exit } else { Exit::Incomplete })
    }
}

/// Makes a request about her; its id.
async fn make(client: &Client, policy: &str) -> Result<String, Failure> {
    let new = json!([{"policy_key": policy, "identity": {"email": EMAIL}, "location": "DE"}]);
    let reply = client.put((Method::POST, "privacy-request/authenticated"), &new).await?;
    let id = reply.pointer("/succeeded/0/id").and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| {
        let why = reply.pointer("/failed/0/message").and_then(Value::as_str).unwrap_or("it does not say why");
        Failure::Failed(format!("the server did not take the request: {why}"))
    })
}

/// Waits until a request is as wanted.
async fn wait(client: &Client, id: &str, is_there: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
    let started = Instant::now();
    loop {
        let request = client.get(&format!("privacy-request/{id}")).await?;
        if is_there(&request) {
            return Ok(request);
        }
        if ["error", "denied", "canceled"].contains(&status(&request)) {
            let attention = request.get("progress").cloned().unwrap_or_default();
            return Err(Failure::Failed(format!("request {id} is {}: {attention}", status(&request))));
        }
        in_time(started, id)?;
        sleep(LOOK_EVERY).await;
    }
}

fn in_time(started: Instant, id: &str) -> Result<(), Failure> {
    if started.elapsed() < LONGEST {
        return Ok(());
    }
    Err(Failure::Failed(format!("request {id} takes longer than {} seconds", LONGEST.as_secs())))
}

fn status(request: &Value) -> &str {
    request.get("status").and_then(Value::as_str).unwrap_or_default()
}

fn is_over(request: &Value) -> bool {
    ["complete", "error", "requires_manual_finalization"].contains(&status(request))
}

/// Whether nobody works on it because applications still do.
fn waits_for_jobs(request: &Value) -> bool {
    let attention = request.pointer("/progress/attention").and_then(Value::as_str);
    status(request) == "in_processing" && attention == Some("job_open")
}

fn show_plan(plan: &Value) {
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    output::text(&format!("digest: {}", text(plan, "digest")));
    let operations = plan.pointer("/plan/operations").and_then(Value::as_array).into_iter().flatten();
    for operation in operations {
        let collections = operation.get("collections").and_then(Value::as_array).into_iter().flatten();
        let collections: Vec<&str> = collections.filter_map(Value::as_str).collect();
        let order = operation.get("order").cloned().unwrap_or_default();
        output::text(&format!("  {order}. {}: {}", text(operation, "connection"), collections.join(", ")));
    }
}

/// The file of a request's package.
fn package_of(data: &Path, id: &str) -> Result<std::path::PathBuf, Failure> {
    let packages = privacy::storage::list(data).map_err(|error| Failure::failed(&error))?;
    let begins = format!("{id}-");
    let found = packages.into_iter().find(|one| one.name.starts_with(&begins)).map(|one| one.place);
    match found {
        Some(privacy::storage::RecordedPlace::File { file }) => Ok(file),
        Some(privacy::storage::RecordedPlace::Object { .. }) | None => {
            Err(Failure::Failed(format!("request {id} left no package")))
        }
    }
}
