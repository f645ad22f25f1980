use std::fmt;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::service::ServiceSettings;
use super::values::Values;
use super::{CommandLineError, Inputs, Problem};

/// The one job of a process (baton C-6).
#[derive(Debug)]
pub enum Mode {
    /// Serve a control plane until somebody ends it.
    Service(Box<ServiceSettings>),
    /// Read everything once, into the file.
    Sync,
    /// Grant an entitlement.
    Grant {
        /// Its id.
        entitlement: String,
        /// To whom.
        principal: ResourceRef,
    },
    /// Take a grant back.
    Revoke {
        /// Its id.
        grant: String,
    },
    /// Print events.
    EventFeed {
        /// Which feed; `None` = the connector's own.
        feed: Option<String>,
        /// From when on.
        start_at: Timestamp,
        /// Where the last reading ended.
        cursor: Option<String>,
    },
    /// Make an account.
    CreateAccount(AccountRequest),
    /// Remove a resource.
    Delete(ResourceRef),
    /// Change the credentials of a resource.
    Rotate(ResourceRef),
    /// Make the difference of two syncs of the file.
    Diff {
        /// The older.
        base: String,
        /// The newer.
        applied: String,
    },
    /// Make one file of several.
    Compact {
        /// That file.
        output: PathBuf,
        /// The several, each with the sync that counts; never empty.
        parts: Vec<SyncPart>,
    },
}

/// A resource by type and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceRef {
    /// Its type.
    pub resource_type: String,
    /// Its id.
    pub id: String,
}

/// A file and a sync in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncPart {
    /// The file.
    pub file: PathBuf,
    /// The sync's id.
    pub sync_id: String,
}

/// An account to be made (baton C-11).
#[derive(Clone, PartialEq)]
pub struct AccountRequest {
    /// What the account is made of; holds `login` and `email` if they were given.
    pub profile: Map<String, Value>,
    /// Its type; `None` = the connector's own.
    pub resource_type: Option<String>,
}

/// Shows names only: an account is a person's.
impl fmt::Debug for AccountRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.profile.keys().collect();
        f.debug_struct("AccountRequest")
            .field("profile", &names)
            .field("resource_type", &self.resource_type)
            .finish()
    }
}

/// Tasks that connectors made from files do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignTask {
    /// Tickets.
    Tickets {
        /// The flag that asks for it.
        flag: &'static str,
    },
    /// Actions of an application.
    Actions {
        /// The flag that asks for it.
        flag: &'static str,
    },
}

impl fmt::Display for ForeignTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (flag, what) = match self {
            Self::Tickets { flag } => (flag, "tickets"),
            Self::Actions { flag } => (flag, "actions"),
        };
        write!(f, "`--{flag}` is not supported by connector files: they have no {what}; leave it out")
    }
}

impl Mode {
    /// Whether it changes the application.
    pub(super) fn is_change(&self) -> bool {
        match self {
            Self::Grant { .. }
            | Self::Revoke { .. }
            | Self::CreateAccount(_)
            | Self::Delete(_)
            | Self::Rotate(_) => true,
            Self::Service(_)
            | Self::Sync
            | Self::EventFeed { .. }
            | Self::Diff { .. }
            | Self::Compact { .. } => false,
        }
    }

    /// The job that the values ask for, by the order of C-6.
    pub(super) fn choose(values: &Values, inputs: &Inputs) -> Result<Self, CommandLineError> {
        if let Some(client_id) = values.text("client-id") {
            return Ok(Self::Service(Box::new(ServiceSettings::check(client_id, values, inputs)?)));
        }
        if let Some(entitlement) = values.text("grant-entitlement") {
            let principal =
                resource(values, ("grant-entitlement", "grant-principal"), "grant-principal-type")?;
            return Ok(Self::Grant { entitlement: entitlement.to_owned(), principal });
        }
        if let Some(grant) = values.text("revoke-grant") {
            return Ok(Self::Revoke { grant: grant.to_owned() });
        }
        // Declared as a text, read as a switch.
        if values.is_on("event-feed")? {
            let day = SignedDuration::from_hours(24);
            let start_at = values.instant("event-feed-start-at")?;
            return Ok(Self::EventFeed {
                feed: values.text("event-feed-id").map(str::to_owned),
                start_at: start_at.unwrap_or(inputs.now.saturating_sub(day).unwrap_or(Timestamp::MIN)),
                cursor: values.text("event-feed-cursor").map(str::to_owned),
            });
        }
        if let Some(account) = AccountRequest::find(values)? {
            return Ok(Self::CreateAccount(account));
        }
        refuse(values, &ACTIONS_FIRST)?;
        if values.text("delete-resource").is_some() {
            let what = resource(values, ("delete-resource", "delete-resource"), "delete-resource-type")?;
            return Ok(Self::Delete(what));
        }
        if values.text("rotate-credentials").is_some() {
            let what =
                resource(values, ("rotate-credentials", "rotate-credentials"), "rotate-credentials-type")?;
            return Ok(Self::Rotate(what));
        }
        refuse(values, &TICKETS_AND_REST)?;
        if values.is_on("diff-syncs")? {
            let (base, applied) = (values.text("base-sync-id"), values.text("applied-sync-id"));
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            return Ok(Self::Diff { base: text(base), applied: text(applied) });
        }
        if values.is_on("compact-syncs")? {
            return compact(values);
        }
        Ok(Self::Sync)
    }
}

const ACTIONS_FIRST: [ForeignTask; 2] =
    [ForeignTask::Actions { flag: "invoke-action" }, ForeignTask::Actions { flag: "list-action-schemas" }];
/// The last two are declared by other runtimes, which then do a sync; nobody means that.
const TICKETS_AND_REST: [ForeignTask; 6] = [
    ForeignTask::Tickets { flag: "create-ticket" },
    ForeignTask::Tickets { flag: "bulk-create-ticket" },
    ForeignTask::Tickets { flag: "list-ticket-schemas" },
    ForeignTask::Tickets { flag: "get-ticket" },
    ForeignTask::Actions { flag: "list-resource-actions" },
    ForeignTask::Actions { flag: "invoke-resource-action" },
];

fn refuse(values: &Values, tasks: &[ForeignTask]) -> Result<(), CommandLineError> {
    let asked = tasks.iter().find(|task| match task {
        ForeignTask::Tickets { flag } | ForeignTask::Actions { flag } => values.is_set(flag),
    });
    asked.map_or(Ok(()), |task| Err(CommandLineError::Unsupported(*task)))
}

/// The resource whose id is the flag `id`; without its type, nobody knows which is meant (baton C-9).
fn resource(values: &Values, (asks, id): (&str, &str), kind: &str) -> Result<ResourceRef, Problem> {
    match (values.text(kind), values.text(id)) {
        (Some(kind), Some(id)) => Ok(ResourceRef { resource_type: kind.to_owned(), id: id.to_owned() }),
        (None, _) => Err(Problem::Action { field: asks.to_owned(), needs: vec![kind.to_owned()] }),
        (_, None) => Err(Problem::Action { field: asks.to_owned(), needs: vec![id.to_owned()] }),
    }
}

impl AccountRequest {
    fn find(values: &Values) -> Result<Option<Self>, Problem> {
        let login = values.text("create-account-login");
        let email = values.text("create-account-email");
        let profile = values.text("create-account-profile");
        if login.is_none() && email.is_none() && profile.is_none() {
            return Ok(None);
        }
        let mut profile = match profile.map(serde_json::from_str::<Map<String, Value>>) {
            None => Map::new(),
            Some(Ok(profile)) => profile,
            Some(Err(_)) => {
                return Err(values.problem(
                    "create-account-profile",
                    "must be a JSON object, like {\"first_name\": \"Ana\"}",
                ));
            }
        };
        for (name, text) in [("login", login), ("email", email)] {
            if let Some(text) = text.filter(|_| !profile.contains_key(name)) {
                profile.insert(name.to_owned(), Value::String(text.to_owned()));
            }
        }
        let is_there = |name| profile.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !is_there("login") && !is_there("email") {
            let needs = ["create-account-login", "create-account-email"].map(str::to_owned).to_vec();
            return Err(Problem::Action { field: "create-account-profile".to_owned(), needs });
        }
        let resource_type = values.text("create-account-resource-type").map(str::to_owned);
        Ok(Some(Self { profile, resource_type }))
    }
}

fn compact(values: &Values) -> Result<Mode, CommandLineError> {
    let (files, syncs) = (values.list("compact-file-paths"), values.list("compact-sync-ids"));
    if files.len() != syncs.len() {
        let rule =
            format!("must have one entry for each of the {} entries of `compact-file-paths`", files.len());
        return Err(values.problem("compact-sync-ids", &rule).into());
    }
    let pair = |(file, sync_id): (String, String)| SyncPart { file: file.into(), sync_id };
    let output = values.text("compact-output-path").unwrap_or_default().into();
    Ok(Mode::Compact { output, parts: files.into_iter().zip(syncs).map(pair).collect() })
}
