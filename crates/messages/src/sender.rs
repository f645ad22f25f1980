//! Sends what is due.

use std::future::Future;
use std::time::Duration;

use futures::future::{join, join_all};
use jiff::{SignedDuration, Timestamp};
use store::{ClaimedMessage, MessagePerson, MessageTo, StoreError, WakeListener};
use tokio::sync::{Mutex, watch};

use crate::mail::Letter;
use crate::messages::Messages;
use crate::template::{TemplateName, Written};

/// How long to wait after each failure; after the last the message is given up.
const WAITS: [Duration; 10] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(4),
    Duration::from_hours(8),
    Duration::from_hours(8),
];
/// How long a message that is over is still listed.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often old messages are removed.
const SWEEP: SignedDuration = SignedDuration::from_hours(1);
/// Shortest time between two looks that nothing but a wake-up asked for.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest time between two looks.
const LOOK: Duration = Duration::from_secs(5);

/// How a [`Sender`] works.
#[derive(Debug, Clone)]
pub struct SenderSettings {
    /// Its name, for the store.
    pub name: String,
    /// How many messages it sends at once.
    pub slots: usize,
    /// How long it may take for one; longer than sending ever takes.
    pub lease: Duration,
}

/// Sends messages that are due. Any number may run; a message is sent by one.
#[derive(Debug, Clone)]
pub struct Sender {
    messages: Messages,
    settings: SenderSettings,
}

/// What the slot has whose turn it is to look.
struct Turn {
    listener: Option<WakeListener>,
    swept: Timestamp,
}

/// Why a message did not leave: a fixed word, and whether it may later.
struct Held {
    class: &'static str,
    may_help_again: bool,
}

impl SenderSettings {
    /// A sender with this name.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), slots: 8, lease: Duration::from_mins(7) }
    }
}

impl Sender {
    /// A sender of these messages.
    pub fn new(messages: Messages, settings: SenderSettings) -> Self {
        Self { messages, settings }
    }

    /// Sends all that is due now; says how many messages it handled.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn send_due(&self) -> Result<usize, StoreError> {
        let slots = (0..self.settings.slots).map(|_| async {
            let mut handled = 0;
            while let Some(message) = self.claim().await? {
                self.handle(message).await?;
                handled += 1;
            }
            Ok::<usize, StoreError>(handled)
        });
        let handled = join_all(slots).await;
        handled.into_iter().sum()
    }

    /// Sends messages until `stop` is ready; those under way are finished first.
    ///
    /// # Cancel safety
    /// Dropping the future may leave messages that left and are not known to have: another sender sends
    /// them again when their lease ends, with the same id.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let (stopped, _) = watch::channel(false);
        let turn = Mutex::new(Turn { listener: None, swept: Timestamp::UNIX_EPOCH });
        let slots = (0..self.settings.slots).map(|_| self.slot(&turn, stopped.subscribe()));
        let told = async {
            stop.await;
            stopped.send_replace(true);
        };
        join(join_all(slots), told).await;
    }

    /// Sends one message after the other.
    async fn slot(&self, turn: &Mutex<Turn>, mut stopped: watch::Receiver<bool>) {
        loop {
            let message = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                message = self.next(turn) => message,
            };
            if let Err(error) = self.handle(message).await {
                warn(&error);
            }
        }
    }

    /// The next message; one slot looks at a time, the others are sending, or wait for their turn.
    async fn next(&self, turn: &Mutex<Turn>) -> ClaimedMessage {
        let mut turn = turn.lock().await;
        loop {
            self.sweep(&mut turn.swept).await;
            match self.claim().await {
                Ok(Some(message)) => return message,
                Ok(None) => {}
                Err(error) => warn(&error),
            }
            if turn.listener.is_none() {
                let listener = self.messages.store().wake_listener().await;
                turn.listener = listener.map_err(|error| warn(&error)).ok();
            }
            let clock = self.messages.clock();
            clock.sleep(PAUSE).await;
            match &mut turn.listener {
                Some(listener) => listener.wait(LOOK).await,
                None => clock.sleep(LOOK).await,
            }
        }
    }

    async fn claim(&self) -> Result<Option<ClaimedMessage>, StoreError> {
        self.messages.store().message_claim(&self.settings.name, self.settings.lease).await
    }

    async fn sweep(&self, swept: &mut Timestamp) {
        let now = self.messages.clock().now();
        if now.duration_since(*swept) < SWEEP {
            return;
        }
        *swept = now;
        let before = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        if let Err(error) = self.messages.store().message_sweep(before).await {
            warn(&error);
        }
    }

    async fn handle(&self, message: ClaimedMessage) -> Result<(), StoreError> {
        let store = self.messages.store();
        let now = self.messages.clock().now();
        if message.expires_at.is_some_and(|until| until <= now) {
            return taken_over(store.message_give_up(&message, "expired").await);
        }
        let sent = match &message.to {
            MessageTo::Person(_) | MessageTo::Staff => return self.route(&message).await,
            MessageTo::Mailbox(address) => self.mail(&message, address).await?,
            MessageTo::Telephone(number) => self.text(&message, number).await?,
            MessageTo::Webhook { name, person } => self.call(&message, (name, person.as_ref())).await,
        };
        let (id, kind, attempt) = (&message.id, message.kind.as_str(), message.attempt);
        let Err(Held { class, may_help_again }) = sent else {
            tracing::info!(message = %id, kind, attempt, "a message left");
            return taken_over(store.message_sent(&message).await);
        };
        let position = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let wait = WAITS.get(position).filter(|_| may_help_again);
        let Some(wait) = wait.and_then(|wait| SignedDuration::try_from(*wait).ok()) else {
            tracing::error!(message = %id, kind, attempt, class, "a message was given up");
            return taken_over(store.message_give_up(&message, class).await);
        };
        tracing::warn!(message = %id, kind, attempt, class, "a message did not leave and is tried again");
        let at = self.messages.clock().now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        taken_over(store.message_retry(&message, at, class).await)
    }

    async fn route(&self, message: &ClaimedMessage) -> Result<(), StoreError> {
        let ways = self.messages.ways().await?.of(message.kind, &message.to);
        let routed = self.messages.store().message_route(message, &ways).await;
        if matches!(routed, Ok(0)) && message.to != MessageTo::Staff {
            let (id, kind) = (&message.id, message.kind.as_str());
            tracing::error!(message = %id, kind, "a message has no way to leave; set a mail server");
        }
        taken_over(routed.map(|_| ()))
    }

    async fn mail(&self, message: &ClaimedMessage, address: &str) -> Result<Result<(), Held>, StoreError> {
        let Some(post) = self.messages.post().await? else {
            return Ok(Err(Held { class: "no_mail_server", may_help_again: true }));
        };
        let Some(written) = self.written(message).await? else {
            return Ok(Err(Held { class: "template", may_help_again: true }));
        };
        let at = self.messages.clock().now();
        let letter = Letter { id: message.id.as_str(), to: address, written: &written, at };
        let sent = post.send(&letter).await;
        Ok(sent.map_err(|error| Held { class: error.class(), may_help_again: error.may_help_again() }))
    }

    async fn text(&self, message: &ClaimedMessage, number: &str) -> Result<Result<(), Held>, StoreError> {
        let Some(carrier) = self.messages.texter().await? else {
            return Ok(Err(Held { class: "no_text_service", may_help_again: true }));
        };
        let Some(written) = self.written(message).await? else {
            return Ok(Err(Held { class: "template", may_help_again: true }));
        };
        let at = self.messages.clock().now();
        let letter = Letter { id: message.id.as_str(), to: number, written: &written, at };
        let sent = carrier.send(&letter).await;
        Ok(sent.map_err(|error| Held { class: error.class(), may_help_again: error.may_help_again() }))
    }

    /// What a message says; `None` if its template cannot be filled in.
    async fn written(&self, message: &ClaimedMessage) -> Result<Option<Written>, StoreError> {
        let mut values = message.values.clone();
        if let Some(about) = &message.about {
            values.entry("about").or_insert_with(|| about.as_str().into());
        }
        let template = self.messages.template(TemplateName::of(message.kind, &values)).await?;
        let written = match &message.to {
            MessageTo::Telephone(_) => template.write_as_text(&values),
            MessageTo::Person(_) | MessageTo::Staff | MessageTo::Mailbox(_) | MessageTo::Webhook { .. } => {
                template.write(&values)
            }
        };
        Ok(written.ok())
    }

    async fn call(
        &self,
        message: &ClaimedMessage,
        (name, person): (&str, Option<&MessagePerson>),
    ) -> Result<(), Held> {
        let Some(endpoint) = self.messages.endpoint(name) else {
            return Err(Held { class: "no_webhook", may_help_again: true });
        };
        endpoint
            .call(message, person, self.messages.clock().now())
            .await
            .map_err(|error| Held { class: error.class(), may_help_again: error.may_help_again() })
    }
}

/// Whoever took the message over goes on with it.
fn taken_over(result: Result<(), StoreError>) -> Result<(), StoreError> {
    match result {
        Err(StoreError::Fenced { .. }) => Ok(()),
        other => other,
    }
}

fn warn(error: &StoreError) {
    tracing::warn!(error = %error, "messages wait: the state database did not do what was asked");
}
