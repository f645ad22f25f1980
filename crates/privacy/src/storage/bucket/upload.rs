use std::io::{self, Write};

use bytes::Bytes;
use egress::SendError;
use object_store::aws::AmazonS3;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path as ObjectPath;
use object_store::{
    Attributes, GetOptions, MultipartId, ObjectStore as _, ObjectStoreExt as _, PutMultipartOptions,
    PutOptions, PutPayload,
};
use tokio::sync::mpsc;

use super::uploads::Note;
use crate::Report;
use crate::package::PackageError;
use crate::storage::feed::{Feed, PART_BYTES};
use crate::storage::service::Service;
use crate::storage::{BucketProblem, Left};

/// Parts of one object, at most.
const MOST_PARTS: usize = 10_000;

/// Bytes of one package, at most.
const MOST_BYTES: u64 = MOST_PARTS as u64 * PART_BYTES as u64;

/// One object on its way into a bucket.
pub(super) struct Upload<'a> {
    client: &'a AmazonS3,
    /// Knows why a call of the client failed.
    service: &'a Service,
    path: &'a ObjectPath,
    attributes: Attributes,
    state: State,
}

enum State {
    /// Nothing was sent.
    Fresh,
    /// The whole was sent at once; what became of it is not known.
    Whole,
    Parts {
        id: MultipartId,
        parts: Vec<PartId>,
        /// Says where the parts are, should this program be killed.
        note: Note,
    },
}

/// Why an upload did not come to its end.
pub(super) enum Stopped {
    /// The server's fault, or the way to it.
    Bucket(BucketProblem),
    /// The note about it cannot be written, so no part was sent.
    Note(io::Error),
    /// The package could not be made.
    Writer(PackageError),
    /// The program is stopping.
    Task,
}

impl<'a> Upload<'a> {
    pub(super) fn new(
        (client, service): (&'a AmazonS3, &'a Service),
        path: &'a ObjectPath,
        attributes: Attributes,
    ) -> Self {
        Self { client, service, path, attributes, state: State::Fresh }
    }

    /// Why the last call failed.
    fn failed(&self) -> Stopped {
        Stopped::Bucket(self.service.problem())
    }

    /// Uploads what `write` writes. The object appears when everything was written and sent.
    pub(super) async fn run(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> Result<Report, PackageError> + Send + 'static,
        note: impl Fn(&MultipartId) -> io::Result<Note>,
    ) -> Result<(Report, u64), Stopped> {
        let (mut feed, parts) = Feed::new();
        let writer = tokio::task::spawn_blocking(move || {
            let report = write(&mut feed)?;
            let bytes = feed.finish().map_err(PackageError::Stream)?;
            Ok((report, bytes))
        });
        // Ends with the writer, or drops the channel, which ends the writer.
        let sent = self.parts(parts, note).await;
        let written = writer.await;
        let last = sent?;
        let (report, bytes) = written.map_err(|_| Stopped::Task)?.map_err(Stopped::Writer)?;
        self.finish(last, bytes).await?;
        Ok((report, bytes))
    }

    /// Sends all parts but the last, and gives that.
    async fn parts(
        &mut self,
        mut parts: mpsc::Receiver<Bytes>,
        note: impl Fn(&MultipartId) -> io::Result<Note>,
    ) -> Result<Bytes, Stopped> {
        let mut waiting = None;
        while let Some(part) = parts.recv().await {
            if let Some(before) = waiting.replace(part) {
                self.part(before, &note).await?;
            }
        }
        Ok(waiting.unwrap_or_default())
    }

    async fn part(
        &mut self,
        part: Bytes,
        note: &impl Fn(&MultipartId) -> io::Result<Note>,
    ) -> Result<(), Stopped> {
        if let State::Fresh = self.state {
            let options = PutMultipartOptions { attributes: self.attributes.clone(), ..Default::default() };
            let id = self.client.create_multipart_opts(self.path, options).await;
            let id = id.map_err(|_| self.failed())?;
            let note = note(&id).map_err(Stopped::Note)?;
            self.state = State::Parts { id, parts: Vec::new(), note };
        }
        self.put_part(part).await
    }

    async fn put_part(&mut self, part: Bytes) -> Result<(), Stopped> {
        let State::Parts { id, parts, .. } = &mut self.state else { return Ok(()) };
        if parts.len() >= MOST_PARTS {
            return Err(Stopped::Bucket(BucketProblem::TooLarge { most_bytes: MOST_BYTES }));
        }
        match self.client.put_part(self.path, id, parts.len(), PutPayload::from(part)).await {
            Ok(sent) => {
                parts.push(sent);
                Ok(())
            }
            Err(_) => Err(self.failed()),
        }
    }

    async fn finish(&mut self, last: Bytes, bytes: u64) -> Result<(), Stopped> {
        self.put_part(last.clone()).await?;
        let sent = match &self.state {
            State::Fresh | State::Whole => {
                self.state = State::Whole;
                let options = PutOptions { attributes: self.attributes.clone(), ..Default::default() };
                self.client.put_opts(self.path, PutPayload::from(last), options).await
            }
            State::Parts { id, parts, .. } => {
                self.client.complete_multipart(self.path, id, parts.clone()).await
            }
        };
        if sent.is_ok() {
            self.forget();
            return Ok(());
        }
        let problem = self.service.problem();
        // An answer that was lost is not a package that was lost.
        if !is_refusal(&problem) && self.is_there(bytes).await {
            self.forget();
            return Ok(());
        }
        Err(Stopped::Bucket(problem))
    }

    async fn is_there(&self, bytes: u64) -> bool {
        let head = GetOptions { head: true, ..GetOptions::default() };
        self.client.get_opts(self.path, head).await.is_ok_and(|found| found.meta.size == bytes)
    }

    fn forget(&mut self) {
        if let State::Parts { note, .. } = std::mem::replace(&mut self.state, State::Fresh) {
            note.remove();
        }
    }

    /// Takes back what was sent, and says what is left all the same.
    pub(super) async fn undo(&mut self, stopped: &Stopped) -> Left {
        match std::mem::replace(&mut self.state, State::Fresh) {
            State::Fresh => Left::Nothing,
            State::Whole if matches!(stopped, Stopped::Bucket(problem) if is_refusal(problem)) => {
                Left::Nothing
            }
            State::Whole => match self.client.delete(self.path).await {
                Ok(()) => Left::Nothing,
                Err(_) => Left::Object,
            },
            State::Parts { id, note, .. } => {
                if self.client.abort_multipart(self.path, &id).await.is_ok() {
                    note.remove();
                    return Left::Nothing;
                }
                tracing::warn!("parts of an upload stay until the next delivery to the same storage");
                Left::Parts
            }
        }
    }
}

/// Whether the server, or the way to it, certainly took nothing.
fn is_refusal(problem: &BucketProblem) -> bool {
    match problem {
        BucketProblem::Denied { .. } | BucketProblem::NoBucket | BucketProblem::TooLarge { .. } => true,
        BucketProblem::Status { status, .. } => (400..500).contains(status),
        BucketProblem::Answer => false,
        BucketProblem::Call(error) => matches!(
            error,
            SendError::HostRefused { .. }
                | SendError::HostNotAllowed { .. }
                | SendError::Unresolvable { .. }
                | SendError::Connect { .. }
                | SendError::Tls { .. }
                | SendError::BadUrl { .. }
        ),
    }
}
