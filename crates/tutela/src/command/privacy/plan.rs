pub(super) mod server;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use engine::Cancellation;
use privacy::plan::Plan;
use privacy::{PlanRequest, PlanningError, RaisedLimits};
use serde_json::Value;

use super::identity;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::on_server::Named;
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;
use crate::service::{ServiceArgument, actor, forget_expired};
use crate::state::beside;

/// What to do, for whom.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy plan --policy erase_customer --identity email=ana@example.com --out plan.json
  tutela privacy plan --policy correct_customer --identity email=ana@example.com --rectify customers.name=Anna --out plan.json
  tutela privacy plan --policy erase_customer --identity email=ana@example.com --max-writes 2000 --out plan.json
  tutela privacy plan --server https://tutela.example.com --policy default_erasure_policy --identity email=ana@example.com --out plan.json

Reads only; no write is sent. Prints every write that would be sent, what is not covered, and the digest
that `tutela privacy apply` takes. Ends with 0, also if nothing is to be done; with 3 if something could not
be read to its end; with 4 if a limit or rows of other people stand in the way.

With --server the server makes a request and plans for it, under a policy of its own; the plan waits there
for approval, whatever the policy says. Ctrl-C leaves the request there; --run with its number (pri_…)
waits for its plan again.")]
pub(crate) struct PlanArguments {
    #[command(flatten)]
    service: ServiceArgument,
    /// Policy of the project file, or of the server.
    #[arg(long, value_name = "KEY", required_unless_present = "run")]
    policy: Option<String>,
    /// What is known about the person, as in `email=ana@example.com`; once for each value.
    #[arg(long = "identity", value_name = "KIND=VALUE", required_unless_present = "run")]
    identities: Vec<String>,
    /// The plan of a request that the server has already.
    #[arg(long, value_name = "REQUEST", conflicts_with_all = ["policy", "identities", "rectify"])]
    run: Option<Named>,
    /// A field and its right value, for a correction; once for each. `FIELD:=JSON` gives a number, a
    /// flag or null.
    #[arg(long, value_name = "FIELD=VALUE")]
    rectify: Vec<String>,
    /// Plan file to write (mode 0600).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    raised: Raised,
}

/// Limits that are raised for this plan only; whoever approves it approves them.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits for this plan")]
pub(crate) struct Raised {
    /// Most writes; each row that a statement changes counts.
    #[arg(long, value_name = "N")]
    max_writes: Option<u64>,
    /// Most people.
    #[arg(long, value_name = "N")]
    max_subjects: Option<u64>,
    /// Largest share of the rows of one table, from 0 to 1.
    #[arg(long, value_name = "SHARE")]
    max_share_of_table: Option<f64>,
    /// Rows of one table that the share never refuses.
    #[arg(long, value_name = "N")]
    min_rows: Option<u64>,
}

impl PlanArguments {
    /// Fields with their right values.
    fn corrections(&self) -> Result<Vec<(String, Value)>, Failure> {
        self.rectify.iter().map(|text| correction(text)).collect()
    }
}

/// Makes a plan, shows it and writes it.
pub(crate) fn run(arguments: &PlanArguments, output: Output) -> Result<Exit, Failure> {
    if let Some(file) = &arguments.out {
        files::check_folder("--out", &beside(file))?;
    }
    if let Some(address) = arguments.service.server.address()? {
        return server::run(arguments, &address, output);
    }
    if let Some(run) = &arguments.run {
        let run = run.run()?;
        return Err(Failure::BadInput(format!("the plan of {run} lies in the file that it was written to")));
    }
    let request = PlanRequest {
        policy: arguments.policy.clone().unwrap_or_default(),
        identities: identity::parse_all(&arguments.identities)?,
        rectify: arguments.corrections()?,
        raised: arguments.raised.limits()?,
        actor: actor(),
    };
    runtime::run(async {
        let service = arguments.service.open(output).await?;
        let plan = make(&service, request, output).await;
        forget_expired(&service).await;
        let plan = plan?;
        if let Some(file) = &arguments.out {
            write(file, &plan)?;
        }
        Ok(show(&plan, (arguments.out.as_deref(), ""), output))
    })
}

/// Makes a plan; what is read is shown as progress. Stopped by a person, it leaves nothing.
pub(crate) async fn make(
    service: &privacy::PrivacyService,
    request: PlanRequest,
    output: Output,
) -> Result<Plan, Failure> {
    let progress = ProgressLine::of_person(output);
    let on_progress = |event| progress.note(&event);
    let planned = tokio::select! {
        planned = service.plan(request, Cancellation::never(), &on_progress) => planned.map_err(|error| failure(&error)),
        () = runtime::interrupted() => {
            Err(Failure::Failed("interrupted; there is no plan, and nothing was sent. Run the command again".to_owned()))
        }
    };
    progress.finish();
    planned
}

/// A planning error as the shell sees it.
pub(crate) fn failure(error: &PlanningError) -> Failure {
    if error.is_refusal() {
        Failure::refused(error)
    } else if error.is_bad_input() {
        Failure::bad_input(error)
    } else {
        Failure::failed(error)
    }
}

/// Writes the plan so that only its owner may read it; a file that is there is replaced as a whole.
pub(crate) fn write(file: &Path, plan: &Plan) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| Failure::unwritable(file, &error);
    // A temporary file has mode 0600, whatever the file had that it replaces.
    let mut draft = tempfile::NamedTempFile::new_in(beside(file)).map_err(unwritable)?;
    draft.write_all(plan.to_json().as_bytes()).map_err(unwritable)?;
    draft.as_file().sync_all().map_err(unwritable)?;
    draft.persist(file).map_err(|error| unwritable(error.error))?;
    Ok(())
}

/// Shows a plan and how to go on: by the command that takes its file, with these flags.
pub(crate) fn show(plan: &Plan, (file, flags): (Option<&Path>, &str), output: Output) -> Exit {
    let contents = plan.contents();
    match output.format() {
        Format::Json => output::text(&plan.to_json()),
        Format::Table => {
            output::text(&plan.to_text());
            output::text(&format!("run: {}\ndigest: {}", contents.run, plan.digest()));
            if let Some(file) = file {
                output::text(&format!("plan: {}", file.display()));
                if !contents.is_empty() {
                    output::complain(&format!(
                        "\nRead the plan. If it is right, carry out exactly this and nothing else:\n  \
                         tutela privacy apply {} --approve {}{flags}",
                        file.display(),
                        plan.digest()
                    ));
                }
            }
        }
    }
    if contents.reads.iter().all(|read| read.complete) {
        return Exit::Done;
    }
    output::complain(
        "incomplete: something could not be read to its end, so there may be more to do than is planned",
    );
    Exit::Incomplete
}

impl Raised {
    fn limits(&self) -> Result<RaisedLimits, Failure> {
        if self.max_share_of_table.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err(Failure::BadInput("`--max-share-of-table` is a number from 0 to 1".to_owned()));
        }
        Ok(RaisedLimits {
            max_writes: self.max_writes,
            max_subjects: self.max_subjects,
            max_share_of_table: self.max_share_of_table,
            min_rows: self.min_rows,
        })
    }
}

/// Reads `field=value` or `field:=json`. Messages never show the value.
fn correction(text: &str) -> Result<(String, Value), Failure> {
    let bad = || Failure::BadInput("a --rectify is not FIELD=VALUE, as in customers.name=Anna".to_owned());
    let (field, value) = text.split_once('=').ok_or_else(bad)?;
    let (field, value) = match field.strip_suffix(':') {
        None => (field, Value::from(value)),
        Some(field) => {
            let value = serde_json::from_str(value).map_err(|_| {
                Failure::BadInput(format!("the value of --rectify {}:=… is not JSON", field.trim()))
            })?;
            (field, value)
        }
    };
    if field.trim().is_empty() { Err(bad()) } else { Ok((field.trim().to_owned(), value)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_correction_is_a_text_unless_it_says_json() {
        assert_eq!(correction("customers.name=7").unwrap(), ("customers.name".into(), json!("7")));
        assert_eq!(correction("customers.age:=7").unwrap(), ("customers.age".into(), json!(7)));
        assert_eq!(correction("note=a=b").unwrap(), ("note".into(), json!("a=b")));
        for bad in ["name", "=x", ":=1", "age:=x"] {
            let error = correction(bad).unwrap_err();
            assert!(matches!(error, Failure::BadInput(_)), "{bad}");
        }
    }
}
