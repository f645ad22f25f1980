use super::file::Opened;
use super::list::draw;
use super::protojson;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// The most of a token that a table shows; JSON has the whole.
const TOKEN_CHARACTERS: usize = 60;

/// The sync runs of a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tutela c1z syncs -f sync.c1z")]
pub(crate) struct Syncs {}

impl Syncs {
    pub(super) fn run(opened: &Opened, output: Output) -> Result<Exit, Failure> {
        match output.format() {
            Format::Json => protojson::print(&c1z::syncs(opened.reader()))?,
            Format::Table => {
                let heading = ["ID", "Started At", "Ended At", "Type", "Parent ID", "Token"];
                draw(heading, opened.reader().runs().iter().map(Ok), |run| {
                    let time = |time: Option<jiff::Timestamp>| {
                        time.map_or_else(|| "-".to_owned(), |time| time.to_string())
                    };
                    [
                        run.id.clone(),
                        time(run.started_at),
                        time(run.ended_at),
                        run.sync_type.clone(),
                        run.parent_sync_id.clone(),
                        run.token.chars().take(TOKEN_CHARACTERS).collect(),
                    ]
                })?;
            }
        }
        Ok(Exit::Done)
    }
}
