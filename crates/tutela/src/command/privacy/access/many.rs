use std::path::Path;

use engine::{Cancellation, Canceller};
use futures::StreamExt as _;
use model::{CollectionAddress, IncompleteReason};
use privacy::{CollectionReport, Report, ReportOutcome};
use serde::Serialize;

use super::server::Errand;
use crate::arguments::Format;
use crate::command::privacy::identity::{Subject, Subjects};
use crate::data_request::{DataRequests, Delivered, Delivery};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;
use crate::table::table;

/// People of a file.
#[derive(Debug)]
pub(super) struct People<'a> {
    /// The subjects file.
    pub(super) file: &'a Path,
    /// How many it names.
    pub(super) count: u64,
    /// Where their folders go.
    pub(super) out: &'a Path,
}

/// Who asks about them.
#[derive(Debug)]
pub(super) enum Asker<'a> {
    /// This program.
    Here(&'a DataRequests),
    /// A server.
    Server(&'a Errand),
}

/// Requests that a server carries out at once for one command.
const MOST_ON_SERVER: usize = 8;

impl Asker<'_> {
    fn people_at_once(&self) -> usize {
        match self {
            Self::Here(requests) => requests.people_at_once(),
            Self::Server(_) => MOST_ON_SERVER,
        }
    }

    async fn deliver(&self, delivery: Delivery, progress: &ProgressLine) -> Result<Delivered, Failure> {
        match self {
            Self::Here(requests) => requests.deliver(delivery, &|event| progress.note(&event)).await,
            Self::Server(errand) => errand.deliver(delivery).await,
        }
    }
}

/// People that are listed one by one when something of theirs is missing.
const MOST_LISTED: usize = 100;

/// Packages that may be lost one after another until nobody else is asked about: their place takes none,
/// and what is read for the next ones would be lost too.
const MOST_LOST_IN_A_ROW: u64 = 10;

/// What came of all of them; no longer than that, however many they are.
#[derive(Debug, Default, Serialize)]
struct Totals {
    people: u64,
    complete: u64,
    incomplete: u64,
    failed: u64,
    not_started: u64,
    rows: u64,
    requests: u64,
    /// The first of those with something missing.
    missing: Vec<Missing>,
    #[serde(skip)]
    first_reason: Option<String>,
    #[serde(skip)]
    lost_in_a_row: u64,
}

/// What came of one person.
#[derive(Debug)]
enum Answer {
    Delivered(Delivered),
    /// The rows could not be kept, or the package could not be made or put into its place.
    Lost(String),
}

/// One person with something missing, named by line.
#[derive(Debug, Serialize)]
struct Missing {
    subject: String,
    reason: String,
}

/// Asks about all of them, several at once, under the same limits.
pub(super) async fn run(requests: &Asker<'_>, people: &People<'_>, output: Output) -> Result<Exit, Failure> {
    let (canceller, cancellation) = Canceller::new();
    let round = Round {
        requests,
        out: people.out,
        cancellation: cancellation.clone(),
        progress: ProgressLine::of_people(people.count, output),
    };
    let mut totals = Totals { people: people.count, ..Totals::default() };
    let subjects = Subjects::open(people.file)?.take_while(move |_| !cancellation.is_cancelled());
    let answers = futures::stream::iter(subjects)
        .map(|subject| round.one(subject))
        .buffer_unordered(requests.people_at_once());
    let interrupted = runtime::interrupted();
    tokio::pin!(answers, interrupted);
    let mut stopping = false;
    loop {
        tokio::select! {
            // First, so that signals are heard before anybody is asked about.
            biased;
            () = &mut interrupted, if !stopping => {
                stopping = true;
                canceller.cancel();
            }
            answer = answers.next() => match answer {
                Some(answer) => {
                    totals.add(answer?);
                    if totals.lost_in_a_row == MOST_LOST_IN_A_ROW {
                        output::complain(&format!(
                            "stopped: the last {MOST_LOST_IN_A_ROW} packages could not be put into their place"
                        ));
                        canceller.cancel();
                    }
                }
                None => break,
            },
        }
    }
    round.progress.finish();
    totals.not_started = people.count - totals.complete - totals.incomplete - totals.failed;
    totals.show(people.out, output)
}

/// The first collection that lacks something by itself, and not because of one above it.
fn first_cause(report: &Report) -> Option<(&CollectionAddress, &CollectionReport)> {
    let incomplete = |(_, collection): &(_, &CollectionReport)| !collection.completeness.complete;
    let causes = |(_, collection): &(_, &CollectionReport)| {
        collection.completeness.reason.is_some_and(|reason| reason != IncompleteReason::Upstream)
    };
    report.collections.iter().find(causes).or_else(|| report.collections.iter().find(incomplete))
}

/// What all of the people share while they are asked about.
struct Round<'a> {
    requests: &'a Asker<'a>,
    out: &'a Path,
    cancellation: Cancellation,
    progress: ProgressLine,
}

impl Round<'_> {
    /// Asks about one of them. What goes wrong with one package says nothing about the others.
    async fn one(&self, subject: Result<Subject, Failure>) -> Result<(String, Answer), Failure> {
        let subject = subject?;
        let name = format!("subject-{:04}", subject.line);
        let delivery = Delivery {
            identities: subject.identities,
            folder: self.out.join(&name),
            cancellation: self.cancellation.clone(),
        };
        let answer = match self.requests.deliver(delivery, &self.progress).await {
            Ok(delivered) => Answer::Delivered(delivered),
            Err(Failure::Failed(reason)) => Answer::Lost(reason),
            Err(failure @ (Failure::BadInput(_) | Failure::Refused(_) | Failure::Shown(_))) => {
                return Err(failure);
            }
        };
        self.progress.person_done();
        Ok((name, answer))
    }
}

impl Totals {
    fn add(&mut self, (subject, answer): (String, Answer)) {
        self.lost_in_a_row = match &answer {
            Answer::Delivered(_) => 0,
            Answer::Lost(_) => self.lost_in_a_row + 1,
        };
        let reason = match answer {
            Answer::Lost(reason) | Answer::Delivered(Delivered::Nothing(reason)) => {
                self.failed += 1;
                reason
            }
            Answer::Delivered(Delivered::Package(package)) => {
                let report = &package.contents;
                self.rows += report.collections.values().map(|collection| collection.rows).sum::<u64>();
                self.requests +=
                    report.collections.values().map(|collection| collection.requests).sum::<u64>();
                match report.outcome {
                    ReportOutcome::Complete => {
                        self.complete += 1;
                        return;
                    }
                    ReportOutcome::Incomplete => self.incomplete += 1,
                }
                first_cause(report).map_or_else(String::new, |(address, collection)| {
                    format!("{address}: {}", collection.completeness.detail.clone().unwrap_or_default())
                })
            }
        };
        if self.first_reason.is_none() {
            self.first_reason = Some(reason.clone());
        }
        if self.missing.len() < MOST_LISTED {
            self.missing.push(Missing { subject, reason });
        }
    }

    fn show(mut self, out: &Path, output: Output) -> Result<Exit, Failure> {
        self.missing
            .sort_by(|a, b| a.subject.len().cmp(&b.subject.len()).then_with(|| a.subject.cmp(&b.subject)));
        if self.failed > 0 && self.complete + self.incomplete == 0 {
            return Err(Failure::Failed(self.first_reason.unwrap_or_default()));
        }
        match output.format() {
            Format::Json => output::json(&self),
            Format::Table => {
                let heading =
                    ["people", "complete", "incomplete", "failed", "not started", "rows", "requests"];
                let counts = [
                    self.people,
                    self.complete,
                    self.incomplete,
                    self.failed,
                    self.not_started,
                    self.rows,
                    self.requests,
                ];
                output::text(&table(
                    heading,
                    [counts.map(|count| count.to_string())],
                    &[0, 1, 2, 3, 4, 5, 6],
                ));
                if !self.missing.is_empty() {
                    let rows =
                        self.missing.iter().map(|missing| [missing.subject.clone(), missing.reason.clone()]);
                    output::text(&table(["subject", "what is missing"], rows, &[]));
                }
                output::text(&format!("packages: {}", out.display()));
            }
        }
        Ok(if self.complete == self.people { Exit::Done } else { Exit::Incomplete })
    }
}
