//! Following a request by the server's events, whatever becomes of the connection.

use std::time::Duration;

use bytes::Bytes;
use engine::Cancellation;
use model::PrivacyRequestId;
use tokio::time::{Instant, sleep, timeout_at};

use super::{OnServer, Standing, Stands};
use crate::client::{Opened, Stream};
use crate::failure::Failure;
use crate::output;
use crate::progress::ProgressLine;

/// Waits between tries to reach a server that does not answer, growing.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// How long a server may say nothing until whoever waits is told.
const PATIENCE: Duration = Duration::from_mins(5);
/// Between two looks where the server gives no events.
const LOOK: Duration = Duration::from_secs(2);
/// The longest event.
const LONGEST_EVENT: usize = 1024 * 1024;

/// What following came to.
#[derive(Debug)]
pub(crate) enum Followed {
    /// It stands where it was followed to.
    There(Standing),
    /// Whoever waited had no more time; how far it was.
    TimeUp(Standing),
    /// A person stopped waiting. The request goes on.
    Interrupted,
}

/// Until when a request is followed.
pub(crate) struct Until<'a> {
    /// Whether this is it.
    pub(crate) is_there: &'a (dyn Fn(Stands) -> bool + Sync),
    /// The end of patience of whoever waits.
    pub(crate) deadline: Option<Instant>,
    /// Told by who does not want to wait any more.
    pub(crate) cancellation: Cancellation,
}

impl OnServer {
    /// Follows a request. A connection that breaks is made again and again; what happened meanwhile is
    /// seen then.
    ///
    /// # Errors
    /// Bad input if the server does not have the request; a failure if it does not let the caller look, or
    /// has not answered for five minutes.
    pub(crate) async fn follow(
        &self,
        id: &PrivacyRequestId,
        until: Until<'_>,
        progress: &ProgressLine,
    ) -> Result<Followed, Failure> {
        let (latest, patience) = (Standing::default(), Patience::of(Instant::now()));
        let mut following = Following { on: self, id, until, progress, latest, patience };
        let cancellation = following.until.cancellation.clone();
        let far = Instant::now() + Duration::from_hours(24 * 365);
        let deadline = following.until.deadline.unwrap_or(far);
        tokio::select! {
            followed = timeout_at(deadline, following.go()) => match followed {
                Ok(there) => Ok(Followed::There(there?)),
                Err(_) => Ok(Followed::TimeUp(self.standing(id).await?)),
            },
            () = cancellation.cancelled() => Ok(Followed::Interrupted),
        }
    }
}

struct Following<'a> {
    on: &'a OnServer,
    id: &'a PrivacyRequestId,
    until: Until<'a>,
    progress: &'a ProgressLine,
    latest: Standing,
    patience: Patience,
}

/// When a server was heard last, and how long to wait until it is asked again.
#[derive(Debug)]
struct Patience {
    heard: Instant,
    wait: Duration,
}

impl Patience {
    fn of(now: Instant) -> Self {
        Self { heard: now, wait: FIRST_WAIT }
    }

    /// It said something, if only that it is still there.
    fn hears(&mut self, now: Instant) {
        self.heard = now;
    }

    /// The wait until the next try, growing; `None` if nothing was heard for too long.
    fn is_broken(&mut self, now: Instant) -> Option<Duration> {
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST_WAIT);
        (now.duration_since(self.heard) <= PATIENCE).then_some(wait)
    }
}

/// How one connection ended.
enum End {
    There(Standing),
    /// Nothing is wrong; it is asked again.
    Over,
    Broken(Failure),
}

impl Following<'_> {
    async fn go(&mut self) -> Result<Standing, Failure> {
        loop {
            match self.once().await? {
                End::There(standing) => return Ok(standing),
                End::Over => {
                    self.patience = Patience::of(Instant::now());
                    sleep(FIRST_WAIT).await;
                }
                End::Broken(failure) => {
                    let wait = self.patience.is_broken(Instant::now());
                    let wait = wait.ok_or_else(|| self.gone(&failure))?;
                    if wait == FIRST_WAIT {
                        let text = "the connection to the server broke off; the request goes on, and so does the wait";
                        output::complain(text);
                    }
                    tracing::info!(request = %self.id, "the server is asked again");
                    sleep(wait).await;
                }
            }
        }
    }

    /// One connection, or one look.
    async fn once(&mut self) -> Result<End, Failure> {
        match self.on.client.events(&format!("privacy-request/{}/events", self.id)).await {
            Ok(Opened::Stream(stream)) => Ok(self.listen(*stream).await),
            Ok(Opened::Other(answer)) if answer.status.is_server_error() => {
                Ok(End::Broken(answer.done("events").err().unwrap_or_else(silent)))
            }
            // It has too many followers, or something between keeps events back: looking does as well.
            Ok(Opened::Other(_)) => match self.on.standing(self.id).await {
                Ok(standing) => {
                    if let Some(there) = self.take(standing) {
                        return Ok(End::There(there));
                    }
                    sleep(LOOK).await;
                    Ok(End::Over)
                }
                Err(failure @ Failure::Failed(_)) => Ok(End::Broken(failure)),
                Err(failure) => Err(failure),
            },
            Err(failure @ Failure::Failed(_)) => Ok(End::Broken(failure)),
            Err(failure) => Err(failure),
        }
    }

    async fn listen(&mut self, mut stream: Stream) -> End {
        let mut events = Events::default();
        loop {
            match stream.chunk().await {
                Ok(None) => return End::Over,
                Ok(Some(chunk)) => {
                    self.patience.hears(Instant::now());
                    for standing in events.take(&chunk) {
                        if let Some(there) = self.take(standing) {
                            return End::There(there);
                        }
                    }
                }
                Err(failure) => return End::Broken(failure),
            }
        }
    }

    fn take(&mut self, standing: Standing) -> Option<Standing> {
        self.progress.note_request(&standing.progress());
        if standing != self.latest {
            self.patience = Patience::of(Instant::now());
        }
        self.latest = standing;
        (self.until.is_there)(self.latest.stands()).then(|| self.latest.clone())
    }

    fn gone(&self, failure: &Failure) -> Failure {
        let why = match failure {
            Failure::BadInput(text) | Failure::Failed(text) | Failure::Refused(text) => text.as_str(),
            Failure::Shown(_) => "",
        };
        Failure::Failed(format!(
            "{why}\nit has not answered for {} minutes; once it does, look at the request: {}",
            PATIENCE.as_secs() / 60,
            self.on.look_later(self.id)
        ))
    }
}

fn silent() -> Failure {
    Failure::Failed("the server gives no events".to_owned())
}

/// Events out of the pieces that they come in, as the HTML standard defines them.
#[derive(Debug, Default)]
struct Events {
    line: Vec<u8>,
    data: String,
}

impl Events {
    /// What is complete with this piece.
    fn take(&mut self, chunk: &Bytes) -> Vec<Standing> {
        let mut found = Vec::new();
        for byte in chunk {
            match byte {
                b'\n' => found.extend(self.end_line()),
                byte if self.line.len() < LONGEST_EVENT => self.line.push(*byte),
                _ => {}
            }
        }
        found
    }

    fn end_line(&mut self) -> Option<Standing> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.strip_suffix('\r').unwrap_or(&line);
        if line.is_empty() {
            return serde_json::from_str(&std::mem::take(&mut self.data)).ok();
        }
        if let Some(data) = line.strip_prefix("data:")
            && self.data.len() + data.len() < LONGEST_EVENT
        {
            self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            self.data.push('\n');
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pieces: &[&str]) -> Vec<String> {
        let mut events = Events::default();
        let found = pieces.iter().flat_map(|piece| events.take(&Bytes::from((*piece).to_owned())));
        found.map(|standing| standing.status).collect()
    }

    #[test]
    fn patience_ends_with_a_server_that_is_silent_and_not_with_a_connection_that_breaks() {
        let begun = Instant::now();
        let mut patience = Patience::of(begun);
        let after = |minutes| begun + Duration::from_mins(minutes);

        let first = patience.is_broken(after(1));
        let second = patience.is_broken(after(4));
        // Nothing new, for longer than that; but it is there.
        patience.hears(after(14));
        let later = patience.is_broken(after(15));
        let silent = patience.is_broken(after(20));

        assert_eq!((first, second, later), (Some(FIRST_WAIT), Some(FIRST_WAIT * 2), Some(FIRST_WAIT * 4)));
        assert_eq!(silent, None);
    }

    #[test]
    fn events_are_the_same_in_whatever_pieces_they_come() {
        let text = ": still here\n\nevent: progress\nid: 1\ndata: {\"status\": \"approved\"}\n\n\
                    data: {\"status\":\r\ndata: \"complete\"}\r\n\r\n";

        let whole = taken(&[text]);
        let bytes: Vec<String> = text.chars().map(String::from).collect();
        let single = taken(&bytes.iter().map(String::as_str).collect::<Vec<_>>());

        assert_eq!(whole, ["approved", "complete"]);
        assert_eq!(single, whole);
    }

    #[test]
    fn what_is_no_event_of_ours_is_passed_over_and_an_endless_one_is_not_kept() {
        let endless = "x".repeat(3 * LONGEST_EVENT);

        let found = taken(&["data: nonsense\n\n", &endless, "\n\ndata: {\"status\": \"error\"}\n\n"]);

        assert_eq!(found, ["error"]);
    }
}
