//! The same by a server.

use std::path::Path;

use engine::{Cancellation, Canceller};
use model::{Identities, PrivacyRequestId};
use privacy::RaisedLimits;
use serde_json::{Value, json};

use super::{Access, many, report};
use crate::arguments::Format;
use crate::client::ServerAddress;
use crate::command::privacy::identity::{self, Subject, Subjects};
use crate::data_request::{Delivered, Delivery, PackageForm, Packed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::{
    Asked, Followed, Needs, OnServer, ServerPolicy, Stands, Until, announce, check_identities, no_server,
};
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;

/// The policy of every server that delivers everything.
const EVERYTHING: &str = "default_access_policy";

/// Requests for data, each made, waited for and fetched.
#[derive(Debug)]
pub(super) struct Errand {
    server: OnServer,
    key: String,
    policy: ServerPolicy,
}

/// What came of one of them.
enum Ended {
    Fetched(Box<Packed>),
    /// It does not go on by itself, or nobody waits for it any more.
    Waits {
        status: String,
        text: String,
    },
}

/// Asks about one person or many.
pub(super) fn run(access: &Access, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    check_form(access.package)?;
    let person: Option<Identities> = match (&access.run, &access.subjects) {
        (None, None) => Some(identity::parse_all(&access.identities)?),
        (Some(run), _) => run.request().map(|_| None)?,
        (None, Some(_)) => None,
    };
    person.as_ref().map(check_identities).transpose()?;
    let count = access.subjects.as_deref().map(check_people).transpose()?;
    if access.run.is_some() && access.policy.is_some() {
        return Err(no_server("a request keeps the policy that it was made under; leave `--policy` out"));
    }
    runtime::run(async {
        let server = OnServer::open(address, output).await?;
        server.check_downloads().await?;
        if let Some(run) = &access.run {
            let id = run.request()?;
            let key = policy_of(&server, id).await?;
            let policy = server.policy(&key, Needs::Packages).await?;
            let errand = Errand { server, key, policy };
            return errand.one(id, &access.out).await;
        }
        let key = access.policy.clone().unwrap_or_else(|| EVERYTHING.to_owned());
        let policy = server.policy(&key, Needs::Access).await?;
        let errand = Errand { server, key, policy };
        match (&access.subjects, count, person) {
            (Some(file), Some(count), _) => {
                let people = many::People { file, count, out: &access.out };
                many::run(&many::Asker::Server(&errand), &people, output).await
            }
            (_, _, person) => {
                let id = errand.make(&person.unwrap_or_default()).await?;
                announce(&id);
                errand.one(&id, &access.out).await
            }
        }
    })
}

/// Checks every line before anything is sent, as far as this program can tell; gives the number of people.
fn check_people(file: &Path) -> Result<u64, Failure> {
    let count = identity::check_file(file)?;
    for subject in Subjects::open(file)? {
        let Subject { line, identities } = subject?;
        check_identities(&identities).map_err(|failure| match failure {
            Failure::BadInput(text) => Failure::BadInput(format!("{}:{line}:1: {text}", file.display())),
            other => other,
        })?;
    }
    Ok(count)
}

fn check_form(form: Option<PackageForm>) -> Result<(), Failure> {
    match form {
        None | Some(PackageForm::Zip) => Ok(()),
        Some(PackageForm::Folder | PackageForm::Json | PackageForm::Csv | PackageForm::Html) => {
            Err(no_server(
                "it packs in the form that its storage destination says; leave `--package` out, and unpack the archive",
            ))
        }
    }
}

async fn policy_of(server: &OnServer, id: &PrivacyRequestId) -> Result<String, Failure> {
    // Says so if there is no such request.
    server.standing(id).await?;
    let request = server.client().get(&format!("privacy-request/{id}")).await?;
    let key = request.pointer("/policy/key").and_then(Value::as_str);
    key.map(str::to_owned).ok_or_else(|| Failure::Failed(format!("request {id} has no policy any more")))
}

impl Errand {
    async fn make(&self, identities: &Identities) -> Result<PrivacyRequestId, Failure> {
        let raised = RaisedLimits::default();
        let asked = Asked { policy: &self.key, identities, needs: Needs::Access, corrections: &[], raised };
        self.server.make(&asked).await
    }

    /// One person of many.
    pub(super) async fn deliver(&self, delivery: Delivery) -> Result<Delivered, Failure> {
        let Delivery { identities, folder, cancellation } = delivery;
        let id = self.make(&identities).await?;
        let progress = ProgressLine::silent();
        match self.wait((&id, &folder), cancellation, &progress).await {
            Ok(Ended::Fetched(package)) => Ok(Delivered::Package(package)),
            Ok(Ended::Waits { text, .. }) | Err(Failure::Refused(text)) => Ok(Delivered::Nothing(text)),
            Err(failure) => Err(failure),
        }
    }

    /// One person alone; Ctrl-C ends the wait and not the request.
    async fn one(&self, id: &PrivacyRequestId, folder: &Path) -> Result<Exit, Failure> {
        let output = self.server.output();
        let progress = ProgressLine::of_person(output);
        let (canceller, cancellation) = Canceller::new();
        let work = self.wait((id, folder), cancellation, &progress);
        let ended = runtime::cancelled_when_interrupted(&canceller, work).await;
        progress.finish();
        match ended? {
            Ended::Fetched(package) => Ok(report::show(&package, output)),
            Ended::Waits { status, text } => {
                match output.format() {
                    Format::Json => output::json(&json!({"request": id, "status": status})),
                    Format::Table => output::text(&format!("request {id}: {status}")),
                }
                output::complain(&text);
                Ok(Exit::Incomplete)
            }
        }
    }

    async fn wait(
        &self,
        (id, folder): (&PrivacyRequestId, &Path),
        cancellation: Cancellation,
        progress: &ProgressLine,
    ) -> Result<Ended, Failure> {
        let until = Until {
            is_there: &|stands| !matches!(stands, Stands::UnderWay | Stands::Jobs | Stands::Quiet),
            deadline: None,
            cancellation,
        };
        let again =
            || format!("tutela privacy access --run {id} --out {} {}", folder.display(), self.server.flag());
        let standing = match self.server.follow(id, until, progress).await? {
            Followed::There(standing) | Followed::TimeUp(standing) => standing,
            Followed::Interrupted => {
                let text = format!(
                    "interrupted; request {id} goes on on the server; wait for it again: {}",
                    again()
                );
                return Ok(Ended::Waits { status: "interrupted".to_owned(), text });
            }
        };
        match standing.stands() {
            Stands::Complete => {
                let rules = &self.policy.access_rules;
                Ok(Ended::Fetched(Box::new(self.server.fetch((id, rules), folder).await?)))
            }
            Stands::Wrong => Err(self.server.why((id, &standing)).await?),
            Stands::Ended => Err(Failure::Refused(format!("request {id} is {}", standing.words()))),
            Stands::UnderWay
            | Stands::Jobs
            | Stands::Quiet
            | Stands::Plan
            | Stands::UnknownWrite
            | Stands::Person
            | Stands::ByHand => {
                let text = format!("{}\nwait for it again: {}", self.server.waits((id, &standing)), again());
                Ok(Ended::Waits { status: standing.status.clone(), text })
            }
        }
    }
}
