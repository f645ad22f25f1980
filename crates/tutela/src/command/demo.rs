mod access;
mod accounts;
mod files;
mod journey;

use std::path::{Path, PathBuf};

use engine::Canceller;
use sandbox::segment::{SegmentOptions, SegmentSandbox};
use spec::SourceFile;
use spec::server_settings::{ServerInputs, server_settings};

use self::accounts::Accounts;
use self::journey::Journey;
use crate::client::ServerAddress;
use crate::command::serve::let_go;
use crate::diagnostics::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::runtime;
use crate::server::{Listening, ServerState, keep_up, router};
use crate::state::StateArgument;

/// What the demo does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela demo --once
  tutela demo --out ./tutela-demo --listen 127.0.0.1:8080

Starts the Segment simulator and a server with a sample shop database, sends it a project with both, and goes
through two requests of ana@example.com over the server's HTTP interface: her data, then its erasure, which one
account plans and another approves. Shows the certificate, and who of the company has access to Segment. Without --once server and simulator stay until Ctrl-C.")]
pub(crate) struct Demo {
    /// Leave when everything was shown.
    #[arg(long)]
    once: bool,
    /// Folder for everything that the demo writes; made if it is not there.
    #[arg(long, default_value = "tutela-demo")]
    out: PathBuf,
    /// Address and port of the server; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: String,
}

/// Runs simulator, server and both requests in one process.
pub(crate) fn run(demo: &Demo, output: Output) -> Result<Exit, Failure> {
    runtime::run(async {
        let sandbox = SegmentSandbox::start(SegmentOptions::default())
            .await
            .map_err(|error| Failure::Failed(format!("the simulator found no free port: {error}")))?;
        let exit = Box::pin(serve(demo, &sandbox, output)).await;
        sandbox.shutdown();
        exit
    })
}

/// Starts the server, tells the story, and ends it.
async fn serve(demo: &Demo, sandbox: &SegmentSandbox, output: Output) -> Result<Exit, Failure> {
    let folder = &std::path::absolute(&demo.out).map_err(|error| Failure::unwritable(&demo.out, &error))?;
    let written = files::write(folder, sandbox.description(), &demo.listen).await?;
    let settings = settings(&written.server, output)?;
    let place = StateArgument::of_server(written.data.clone(), None).settings(&written.server)?;
    let accounts = Accounts::new();
    let state = ServerState::open_owned(settings, place, accounts.owner()).await?;
    let control = state.control()?;
    let router = router(&state, control.clone())?;
    let listening = Listening::open(&state.settings.server).await?;
    let url = listening.url();
    let (stop, cancellation) = Canceller::new();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(listening.serve(router, async move {
        let _ = ended.await;
    }));
    let promises = state.promises(Some(control));
    let upkeep = tokio::spawn(keep_up(state.store.clone(), state.place.clone(), promises));
    let worker = state.worker()?;
    let work = tokio::spawn(async move { worker.run(cancellation).await });
    let address = ServerAddress::of(&url)?;
    let told = Journey { folder, sandbox, address: &address, accounts: &accounts, output };
    let told = told.tell(&written, &state.place).await;
    let told = match told {
        Ok(exit) => {
            let shown =
                Box::pin(access::show(&written, (&state.store, &state.place), (folder, output))).await;
            shown.map(|()| exit)
        }
        Err(failure) => Err(failure),
    };
    if told.is_ok() && !demo.once {
        output::complain(&hint(&url, &accounts, folder));
        runtime::interrupted().await;
    }
    stop.cancel();
    let _ = end.send(());
    let _ = serving.await;
    let_go(work, state.settings.server.shutdown_wait, output).await;
    upkeep.abort();
    state.store.close().await;
    told
}

fn settings(file: &Path, output: Output) -> Result<spec::ServerSettings, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::unreadable(file, &error))?;
    let source = SourceFile::new(file.display().to_string(), text);
    let checked = server_settings(&ServerInputs { file: Some(source.clone()), ..ServerInputs::default() });
    checked.value.ok_or_else(|| {
        let mut sources = Sources::default();
        sources.add_server(&source);
        output.diagnostics(&checked.diagnostics, &sources);
        Failure::Shown(Exit::BadInput)
    })
}

fn hint(url: &str, accounts: &Accounts, folder: &Path) -> String {
    let project = folder.join("tutela.yml");
    format!(
        "\nThe server stays at {url} until Ctrl-C, and so does the simulator.\n\
         \x20 operations: {url}/docs    portal for requesters: {url}/portal\n{accounts}\n\
         The same project works without a server, too:\n\
         \x20 tutela privacy plan --project {project} --policy erase_customer --identity email=bo@example.com --out plan.json",
        project = project.display()
    )
}
