mod files;

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::RunId;
use privacy::{PlanRequest, PrivacyService, RaisedLimits, Verdict};
use sandbox::segment::{SegmentOptions, SegmentSandbox};

use crate::command::certificate;
use crate::command::privacy::{self as request, apply, apply::Applied, identity, plan, status, verify};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::project::ProjectFile;
use crate::runtime;
use crate::service::{self, actor};
use crate::state::{StateArgument, StateSettings};

/// What the demo does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela demo --once
  tutela demo --out ./tutela-demo

Starts the Segment simulator, makes a sample shop database and a project for both, asks for ana@example.com,
plans her erasure, approves and applies the plan, looks again and shows the certificate. Without --once the
simulator stays, to try other commands on it, until Ctrl-C.")]
pub(crate) struct Demo {
    /// Leave when the certificate is there.
    #[arg(long)]
    once: bool,
    /// Folder for everything that the demo writes; made if it is not there.
    #[arg(long, default_value = "tutela-demo")]
    out: PathBuf,
}

/// Whom the demo asks about.
const IDENTITY: &str = "email=ana@example.com";
const POLICY: &str = "erase_customer";
/// Longer than any destination of the simulator takes.
const MONTH: Duration = Duration::from_hours(31 * 24);

/// Runs simulator, request and erasure in one process.
pub(crate) fn run(demo: &Demo, output: Output) -> Result<Exit, Failure> {
    runtime::run(async {
        let sandbox = SegmentSandbox::start(SegmentOptions::default())
            .await
            .map_err(|error| Failure::Failed(format!("the simulator found no free port: {error}")))?;
        let exit = tell(&demo.out, &sandbox, output).await?;
        if !demo.once {
            output::complain(&hint(&demo.out));
            runtime::interrupted().await;
        }
        sandbox.shutdown();
        Ok(exit)
    })
}

/// The whole story, step by step.
async fn tell(folder: &Path, sandbox: &SegmentSandbox, output: Output) -> Result<Exit, Failure> {
    let project = files::write(folder, sandbox.description()).await?;
    let state = StateArgument::of_folder(folder.join(".tutela")).settings(&project)?;
    output::complain(&format!(
        "A simulated Segment runs at {}. {} is a sample shop: customers, orders, subscriptions.\n\
         The project with both: {}\n\n\
         1. What do we hold about {IDENTITY}? (tutela privacy access)\n",
        sandbox.url(),
        folder.join("shop.db").display(),
        project.display()
    ));
    let package = folder.join("package");
    let exit = request::access_one((&project, &state), &[IDENTITY.to_owned()], &package, output).await?;
    if exit != Exit::Done {
        return Ok(exit);
    }
    let file = ProjectFile::load(&project, output)?;
    let service = service::open(&file, &state, output).await?;
    let applied = erase(folder, &service, sandbox, output).await?;
    if applied.1 != Exit::Done {
        return Ok(applied.1);
    }
    prove(folder, &service, &state, (&applied.0, output)).await
}

/// Plan, approval, apply, and the days that Segment takes.
async fn erase(
    folder: &Path,
    service: &PrivacyService,
    sandbox: &SegmentSandbox,
    output: Output,
) -> Result<(RunId, Exit), Failure> {
    output::complain(
        "\n2. What would be sent to erase her? (tutela privacy plan)\n   Everything is read again; nothing is written.\n",
    );
    let request = PlanRequest {
        policy: POLICY.to_owned(),
        identities: identity::parse_all(&[IDENTITY.to_owned()])?,
        rectify: Vec::new(),
        raised: RaisedLimits::default(),
        actor: actor(),
    };
    let made = plan::make(service, request, output).await?;
    let plan_file = folder.join("plan.json");
    plan::write(&plan_file, &made)?;
    let run = made.contents().run.clone();
    let exit = plan::show(&made, Some(&plan_file), output);
    if exit != Exit::Done {
        return Ok((run, exit));
    }
    output::complain(&format!(
        "\n3. Approved: exactly the plan with this digest, {}. It is sent now, each write once.\n   (tutela privacy apply)\n",
        made.digest()
    ));
    show_applied(service, &made, output).await?;
    output::complain(
        "\n4. Segment works on a deletion for days, and so do the tools it feeds. The simulator's clock goes on by a month,\n   \
         and the same command looks again.\n",
    );
    sandbox.advance(MONTH);
    let exit = show_applied(service, &made, output).await?;
    Ok((run, exit))
}

async fn show_applied(
    service: &PrivacyService,
    plan: &::privacy::plan::Plan,
    output: Output,
) -> Result<Exit, Failure> {
    match apply::carry_out(service, plan, None, output).await? {
        Applied::Stopped => Ok(Exit::Incomplete),
        Applied::Status(found) => {
            status::show(&found, output);
            Ok(match found.verdict() {
                Verdict::Good => Exit::Done,
                Verdict::Incomplete => Exit::Incomplete,
                Verdict::Failed => Exit::Failed,
            })
        }
    }
}

/// Looks again and shows the certificate.
async fn prove(
    folder: &Path,
    service: &PrivacyService,
    state: &StateSettings,
    (run, output): (&RunId, Output),
) -> Result<Exit, Failure> {
    output::complain("\n5. Is it true? Everything is read again and compared. (tutela privacy verify)\n");
    let verified = verify::look_again(service, run, None, output).await?;
    let file = verify::write(folder, run, &verified)?;
    verify::show(&verified, &file, output);
    output::complain(
        "\n6. The certificate holds no personal data. Anybody with the public key can check it, offline.\n   \
         (tutela certificate verify)\n",
    );
    certificate::verify(&file, &state.public_keys()?, output)?;
    output::complain(&format!("\nIts page for reading: {}", file.with_extension("html").display()));
    Ok(if verified.is_proven() { Exit::Done } else { Exit::Incomplete })
}

fn hint(folder: &Path) -> String {
    let project = folder.join("tutela.yml");
    let project = project.display();
    format!(
        "\nThe simulator runs until Ctrl-C. Open {}/package/index.html, or try in another terminal:\n  \
         tutela connection test segment --project {project}\n  \
         tutela privacy plan --project {project} --policy {POLICY} --identity email=bo@example.com --out plan.json\n  \
         tutela privacy plan --project {project} --policy correct_customer --identity email=cleo@example.com --rectify customers.city=Mombasa\n  \
         tutela audit verify --project {project}",
        folder.display()
    )
}
