mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::Canceller;
use model::RunId;
use privacy::{PrivacyService, Verified, VerifyError, VerifyOptions};
use serde_json::json;

use crate::arguments::Format;
use crate::command::certificate::{self, word};
use crate::duration::duration;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::on_server::Named;
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;
use crate::service::{ServiceArgument, actor, forget_expired};

pub(super) use self::server::fetch;

/// Which run, and how long to wait.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy verify run_…
  tutela privacy verify run_… --quiet-period 10m --out ./certificates
  tutela privacy verify pri_… --server https://tutela.example.com --out ./certificates

Reads everything again and compares. Writes RUN.certificate.json, which is signed, and RUN.certificate.html,
which is for reading. Ends with 0 only if everything is proven, else with 3; the certificate says what is
not.")]
pub(crate) struct Verify {
    #[command(flatten)]
    service: ServiceArgument,
    /// The run, as `tutela privacy plan` printed it; the number of the request with `--server`.
    run: Named,
    /// How long nothing may have been written before; what the project file says as `verify_after` if
    /// this is left out.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    quiet_period: Option<Duration>,
    /// Folder for the certificate.
    #[arg(long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    out: PathBuf,
}

/// Looks again and writes the certificate.
pub(crate) fn run(verify: &Verify, output: Output) -> Result<Exit, Failure> {
    files::check_folder("--out", &verify.out)?;
    if let Some(address) = verify.service.server.address()? {
        return server::run(verify, &address, output);
    }
    let run = verify.run.run()?;
    runtime::run(async {
        let service = verify.service.open(output).await?;
        let verified = look_again(&service, run, verify.quiet_period, output).await;
        forget_expired(&service).await;
        let verified = verified?;
        let file = write(&verify.out, run.as_str(), &verified)?;
        show(&verified, &file, output);
        Ok(if verified.is_proven() { Exit::Done } else { Exit::Incomplete })
    })
}

/// Looks again; Ctrl-C stops it.
pub(crate) async fn look_again(
    service: &PrivacyService,
    run: &RunId,
    quiet_period: Option<Duration>,
    output: Output,
) -> Result<Verified, Failure> {
    let (canceller, cancellation) = Canceller::new();
    let progress = ProgressLine::of_person(output);
    let on_progress = |event| progress.note(&event);
    let options = VerifyOptions { quiet_period, cancellation, ..VerifyOptions::new(actor()) };
    let work = Box::pin(service.verify(run, options, &on_progress));
    let verified = runtime::cancelled_when_interrupted(&canceller, work).await;
    progress.finish();
    verified.map_err(|error| match &error {
        VerifyError::NotKnownHere { .. } | VerifyError::NotApplied { .. } => Failure::bad_input(&error),
        error if error.is_refusal() => Failure::refused(error),
        error => Failure::failed(error),
    })
}

/// Writes the certificate and its page; gives the path of the first.
pub(crate) fn write(folder: &Path, name: &str, verified: &Verified) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    let place = |ending: &str| folder.join(format!("{name}.certificate.{ending}"));
    let put = |path: PathBuf, contents: &[u8]| {
        std::fs::write(&path, contents).map_err(|error| Failure::unwritable(&path, &error)).map(|()| path)
    };
    put(place("html"), verified.html.as_bytes())?;
    put(place("json"), &verified.file)
}

/// Shows what is proven and what is not.
pub(crate) fn show(verified: &Verified, file: &Path, output: Output) {
    let certificate = &verified.certificate;
    match output.format() {
        Format::Json => output::json(&json!({
            "run": certificate.run.to_string(),
            "proven": verified.is_proven(),
            "conclusion": certificate.conclusion,
            "verification": { "state": certificate.verification.state() },
            "certificate": file,
            "problems": verified.problems,
        })),
        Format::Table => {
            output::text(&format!("looked again: {}", word(&certificate.verification.state())));
            certificate::draw(certificate);
            output::text(&format!("certificate: {}", file.display()));
            for problem in &verified.problems {
                output::complain(&format!("warning: {problem}"));
            }
        }
    }
}
