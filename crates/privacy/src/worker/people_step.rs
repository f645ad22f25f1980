//! What people are asked to do by hand (privacy-requests W-16 to W-19): they are asked when what conditions
//! ask of was read, and waited for where what they do counts.

use std::collections::HashMap;

use engine::{RunError, RunOutcome};
use graph::{Evaluation, Found, Truth};
use model::Outcome;
use store::{
    Hold, ManualAction, ManualTask, ManualTaskEnd, ManualTaskState, MessageKind, MessagePerson,
    NewManualTask, NewMessage, NewRequestLog, PrivacyRequestStatus, RequestLogKind, RequestStep,
    StoredConnection,
};

use super::halt::Halt;
use super::journey::Journey;
use crate::condition_facts::{self, ConditionFacts};
use crate::configuration::Configuration;
use crate::hold;
use crate::manual_task::{self, NOT_MET, TaskSettings, TaskSnapshot};
use crate::request::{By, Waits};

/// What requests wait for whose tasks people are to do: the word that the store knows, too.
const ATTENTION: &str = "manual_task";
const ASKED: &str = "a person is asked to do it by hand";
const NOT_TOLD: &str = "the conditions of the task cannot be told";

impl Journey<'_> {
    /// Makes the tasks of an action that the request does not have yet. What was read decides about
    /// conditions: for a package, what is given; for an erasure, what its plan was made from. Without it,
    /// what they ask of rows is not known.
    pub(super) async fn ask_people(
        &mut self,
        configuration: &Configuration,
        action: ManualAction,
        outcome: Option<&RunOutcome>,
    ) -> Result<(), Halt> {
        let store = self.store();
        let of_store = |step| move |error: store::StoreError| Halt::of_store(&error, step);
        let failed = of_store(self.step());
        let configured = configuration.task_settings().await.map_err(&failed)?;
        if configured.is_empty() {
            return Ok(());
        }
        let there = store.manual_task_list_of(&self.request.id).await.map_err(&failed)?;
        let earlier = |connection: &StoredConnection| {
            there.iter().find(|task| task.action == action && task.connection == connection.key)
        };
        let holds = match action {
            ManualAction::Access => Vec::new(),
            ManualAction::Erasure => store.hold_list_of(&self.request.id).await.map_err(&failed)?,
        };
        let read = match action {
            ManualAction::Access => None,
            ManualAction::Erasure => self.read_to_erase().await?,
        };
        let outcome = outcome.or(read.as_ref());
        let (mut tasks, mut logs, mut messages) = (Vec::new(), Vec::new(), Vec::new());
        for config in configured {
            let connection = store.connection_find(&config.connection).await.map_err(&failed)?;
            let Some(connection) = connection.filter(|one| manual_task::serves(one, action)) else {
                continue;
            };
            let settings = TaskSettings::of(&config.document);
            let Some(snapshot) = settings.as_ref().and_then(|settings| settings.snapshot(action)) else {
                continue;
            };
            if let Some(task) = earlier(&connection) {
                // The rest that was kept for it went when the plan was looked at again.
                if task.outcome == Some(Outcome::Exempt) {
                    self.keep_rest(&holds).await?;
                }
                continue;
            }
            let fate = self.fate(&connection, (action, &snapshot), (&holds, outcome)).await?;
            let assigned = settings.as_ref().map(TaskSettings::assigned).unwrap_or_default();
            logs.push(fate.log(&connection, action));
            if fate.state == ManualTaskState::Open {
                messages.extend(self.messages(&connection, &assigned).await?);
            }
            tasks.push(NewManualTask {
                connection: connection.key,
                connection_type: connection.connection_type,
                action,
                document: snapshot.document(),
                assigned,
                state: fate.state,
                note: Some(fate.note),
                outcome: fate.outcome,
            });
        }
        if tasks.is_empty() {
            return Ok(());
        }
        let made = store.manual_task_create(&self.hold.lease, &tasks, (logs, messages)).await;
        self.request = made.map_err(&failed)?;
        Ok(())
    }

    /// What was read for the plan, if its rows are still there.
    async fn read_to_erase(&self) -> Result<Option<RunOutcome>, Halt> {
        let Some(run) = &self.request.change_run else { return Ok(None) };
        match engine::kept_reading(self.store(), run, crate::planning::STAGE).await {
            Ok(outcome) => Ok(Some(outcome)),
            Err(RunError::Store(error)) if error.retry() == store::Retry::Yes => {
                Err(Halt::of_store(&error, self.step()))
            }
            // They went with their certificate: whoever was to be asked was asked before.
            Err(_) => Ok(None),
        }
    }

    /// Waits until people have done all tasks of an action; gives all tasks of the request. Those of
    /// connections that do not serve it any more end by themselves.
    pub(super) async fn people_answered(
        &mut self,
        action: ManualAction,
        step: RequestStep,
    ) -> Result<Vec<ManualTask>, Halt> {
        let store = self.store();
        let failed = |error: store::StoreError| Halt::of_store(&error, step);
        let tasks = store.manual_task_list_of(&self.request.id).await.map_err(failed)?;
        let (mut waits, mut were_skipped) = (None, false);
        for task in tasks.iter().filter(|task| task.action == action && manual_task::is_open(task)) {
            let connection = store.connection_find(&task.connection).await.map_err(failed)?;
            if connection.is_none_or(|one| !manual_task::serves(&one, action)) {
                self.skip(task).await.map_err(failed)?;
                were_skipped = true;
            } else if waits != Some(PrivacyRequestStatus::RequiresInput) {
                waits = Some(if manual_task::is_external(task) {
                    PrivacyRequestStatus::PendingExternal
                } else {
                    PrivacyRequestStatus::RequiresInput
                });
            }
        }
        match waits {
            None if were_skipped => store.manual_task_list_of(&self.request.id).await.map_err(failed),
            None => Ok(tasks),
            Some(status) => Err(Halt::waits(Waits { status, step, attention: Some(ATTENTION), until: None })),
        }
    }

    /// Whether people were asked for the package.
    pub(super) async fn was_asked(&self) -> Result<bool, Halt> {
        let tasks = self.store().manual_task_list_of(&self.request.id).await;
        let tasks = tasks.map_err(|error| Halt::of_store(&error, self.step()))?;
        Ok(tasks.iter().any(|task| task.action == ManualAction::Access))
    }

    /// Whether a person left something of an erasure that somebody has to deal with.
    pub(super) async fn people_left_something(&self) -> Result<bool, Halt> {
        let tasks = self.store().manual_task_list_of(&self.request.id).await;
        let tasks = tasks.map_err(|error| Halt::of_store(&error, self.step()))?;
        let left = |task: &ManualTask| {
            task.action == ManualAction::Erasure
                && matches!(task.outcome, Some(Outcome::Unsupported | Outcome::Failed | Outcome::Unknown))
        };
        Ok(tasks.iter().any(left))
    }

    /// What conditions may ask of the request.
    pub(super) async fn condition_facts(&self) -> Result<ConditionFacts, Halt> {
        let requests = &self.parts().requests;
        let failed = |error| Halt::of_request(&error, self.step());
        let identities = requests.identities(&self.request.id).await.map_err(failed)?;
        let custom_fields = if self.request.custom_fields_approved_at.is_some() {
            Some(requests.custom_fields(&self.request.id).await.map_err(failed)?)
        } else {
            None
        };
        Ok(ConditionFacts { members: super::journey::members(&self.request), identities, custom_fields })
    }

    /// What becomes of a task from the beginning.
    async fn fate(
        &self,
        connection: &StoredConnection,
        (action, snapshot): (ManualAction, &TaskSnapshot),
        (holds, outcome): (&[Hold], Option<&RunOutcome>),
    ) -> Result<Fate, Halt> {
        if let Some(hold) = holds.iter().find(|hold| is_about(hold, connection)) {
            self.keep_rest(holds).await?;
            let (state, note) = (ManualTaskState::Skipped, hold::reason(hold));
            return Ok(Fate { state, note, outcome: Some(Outcome::Exempt) });
        }
        let condition = match snapshot.asked.condition() {
            None => return Ok(Fate::asked()),
            Some(Ok(condition)) => condition,
            // It was checked when it was written: another version wrote it.
            Some(Err(fault)) => {
                return Err(Halt::failed(self.step(), "manual_task", &fault.to_string()));
            }
        };
        let facts = self.condition_facts().await?;
        let collected = match outcome {
            Some(outcome) => condition_facts::collect(&condition, outcome).await.map_err(|error| {
                tracing::warn!(request = %self.request.id, %error, "rows could not be read back for a condition");
                Halt::failed(self.step(), "reading", &error.to_string())
            })?,
            None => HashMap::new(),
        };
        let find = |address: &str| -> Found {
            collected.get(address).cloned().unwrap_or_else(|| facts.find(address))
        };
        Ok(Fate::of(&condition.evaluate(&find), action))
    }

    /// What is held is asked for once the hold has ended, by a request of its own.
    pub(super) async fn keep_rest(&self, holds: &[Hold]) -> Result<(), Halt> {
        let kept = hold::keep_rest_of(self.store(), &self.request, holds).await;
        kept.map_err(|error| Halt::of_store(&error, self.step()))
    }

    /// To those who are to do it, at the addresses of their accounts.
    async fn messages(
        &self,
        connection: &StoredConnection,
        assigned: &[store::LoginId],
    ) -> Result<Vec<NewMessage>, Halt> {
        let mut messages = Vec::new();
        for login in assigned {
            let found = self.store().login_find(login).await;
            let found = found.map_err(|error| Halt::of_store(&error, self.step()))?;
            let Some(login) = found.filter(|login| !login.disabled) else { continue };
            let Some(email) = login.person.email_address else { continue };
            let person = MessagePerson { email: Some(email), phone_number: None };
            let due = self.request.due_at.map(|due| due.strftime("%Y-%m-%d").to_string());
            let message = NewMessage::to_person(MessageKind::InputNeeded, person)
                .about(self.request.id.as_str())
                .with("policy", self.request.policy.as_str())
                .with("connection", connection.key.as_str())
                .with("due", due);
            messages.push(message);
        }
        Ok(messages)
    }

    async fn skip(&self, task: &ManualTask) -> Result<(), store::StoreError> {
        let by = By::system();
        let text = format!(
            "Skipping collection {}. The connection '{}' is disabled, gone, or does not serve the {} action.",
            manual_task::address(&task.connection),
            task.connection,
            task.action.as_str(),
        );
        let end = ManualTaskEnd {
            id: &task.id,
            state: ManualTaskState::Skipped,
            note: Some(text.clone()),
            // Nobody erased what was to be erased by hand.
            outcome: (task.action == ManualAction::Erasure).then_some(Outcome::Unsupported),
            answer: None,
            log: manual_task::entry(task, ("skipped", text), &by),
            by: None,
        };
        match self.store().manual_task_end(end, by.actor).await {
            // A person was faster.
            Ok(_) | Err(store::StoreError::Conflict { what: "manual task", .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn is_about(hold: &Hold, connection: &StoredConnection) -> bool {
    hold::is_about(hold, connection.key.as_str())
        || hold.place.as_deref() == Some(manual_task::address(&connection.key).as_str())
}

/// What becomes of a task from the beginning.
struct Fate {
    state: ManualTaskState,
    note: String,
    outcome: Option<Outcome>,
}

impl Fate {
    fn asked() -> Self {
        Self { state: ManualTaskState::Open, note: ASKED.to_owned(), outcome: None }
    }

    /// What is not known is never met. An erasure that nobody is asked for because something is not known
    /// is left to a person all the same.
    fn of(evaluation: &Evaluation, action: ManualAction) -> Self {
        let Evaluation { truth, text } = evaluation;
        let (why, outcome) = match (truth, action) {
            (Truth::Met, _) => return Self::asked(),
            (Truth::NotMet, _) => (NOT_MET, None),
            (Truth::Unknown, ManualAction::Access) => (NOT_TOLD, None),
            (Truth::Unknown, ManualAction::Erasure) => (NOT_TOLD, Some(Outcome::Unsupported)),
        };
        let note = format!("{why}: {text}");
        Self { state: ManualTaskState::Skipped, note, outcome }
    }

    fn log(&self, connection: &StoredConnection, action: ManualAction) -> NewRequestLog {
        let address = manual_task::address(&connection.key);
        let (status, message) = match self.state {
            ManualTaskState::Open => ("awaiting_processing", self.note.clone()),
            ManualTaskState::Complete | ManualTaskState::Skipped => {
                ("skipped", format!("Skipping collection {address}: {}.", self.note))
            }
        };
        NewRequestLog {
            dataset_name: Some(connection.key.to_string()),
            connection_key: Some(connection.key.to_string()),
            collection_name: address.split_once(':').map(|(_, name)| name.to_owned()),
            action_type: Some(action.as_str().to_owned()),
            message: Some(message),
            ..NewRequestLog::new(RequestLogKind::Execution, status)
        }
    }
}
