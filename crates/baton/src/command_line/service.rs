use std::sync::Arc;

use super::settings::Permission;
use super::values::{Values, truth};
use super::{CommandLineError, Inputs, Origin, Problem};
use crate::credential::{ApiHost, ClientId, ClientSecret, Credential, HostId};

/// How a control plane is served (baton §13). The flag `file` and all one-shot flags are passed over (C-7).
#[derive(Debug)]
pub struct ServiceSettings {
    /// What proves who we are.
    pub credential: Arc<Credential>,
    /// Where calls go.
    pub host: ApiHost,
    /// Which process of the connector this is.
    pub host_id: HostId,
    /// Whether tasks may change who has access.
    pub provisioning: Permission,
    /// Whether tasks may make tickets.
    pub ticketing: Permission,
    /// Tasks side by side, 1 to 100.
    pub task_concurrency: usize,
    /// Whether the last uploaded file is kept.
    pub keep_previous_sync: Permission,
    /// Whether tasks are fetched several at once (baton P-13).
    pub get_tasks: Permission,
}

impl ServiceSettings {
    pub(super) fn check(client_id: &str, values: &Values, inputs: &Inputs) -> Result<Self, CommandLineError> {
        let mut problems = Vec::new();
        let settings = collect(client_id, values, inputs, &mut problems);
        settings.filter(|_| problems.is_empty()).ok_or(CommandLineError::Invalid(problems))
    }
}

/// The settings, or `None` with the problems that stand in the way.
fn collect(
    client_id: &str,
    values: &Values,
    inputs: &Inputs,
    problems: &mut Vec<Problem>,
) -> Option<ServiceSettings> {
    let mut keep = Keep(problems);
    let client_id =
        keep.value(client_id.parse::<ClientId>().map_err(|e| values.problem("client-id", &e.to_string())));
    // Without a secret, its absence is a broken relation and said already.
    let secret = values.secret("client-secret");
    let client_secret = secret.and_then(|secret| {
        let read = ClientSecret::parse(&secret);
        keep.value(read.map_err(|error| values.problem("client-secret", &error.to_string())))
    });
    let host = match inputs.variable("BATON_C1_API_HOST") {
        None => client_id.as_ref().map(|id| id.host().clone()),
        Some(host) => {
            keep.value(host.parse::<ApiHost>().map_err(|e| by_variable("BATON_C1_API_HOST", &e.to_string())))
        }
    };
    let host_id = HostId::of_process(inputs.variable("BATON_HOST_ID"));
    let host_id = keep.value(host_id.map_err(|error| by_variable("BATON_HOST_ID", &error.to_string())));
    let get_tasks = inputs.variable("BATON_GET_TASKS").map_or(Some(false), truth);
    let get_tasks =
        keep.value(get_tasks.ok_or_else(|| by_variable("BATON_GET_TASKS", "must be true or false")));
    let provisioning = keep.value(values.is_on("provisioning"));
    let ticketing = keep.value(values.is_on("ticketing"));
    let keep_previous_sync = keep.value(values.is_on("keep-previous-sync-c1z"));
    let task_concurrency = keep.value(values.number("task-concurrency"));
    Some(ServiceSettings {
        credential: Arc::new(Credential { client_id: client_id?, client_secret: client_secret? }),
        host: host?,
        host_id: host_id?,
        provisioning: Permission::of(provisioning?),
        ticketing: Permission::of(ticketing?),
        task_concurrency: usize::try_from(task_concurrency?).unwrap_or(1),
        keep_previous_sync: Permission::of(keep_previous_sync?),
        get_tasks: Permission::of(get_tasks?),
    })
}

/// Keeps problems, so that all of them are said.
struct Keep<'a>(&'a mut Vec<Problem>);

impl Keep<'_> {
    fn value<T>(&mut self, found: Result<T, Problem>) -> Option<T> {
        found.map_err(|problem| self.0.push(problem)).ok()
    }
}

/// A problem with a variable that is no flag.
fn by_variable(name: &str, rule: &str) -> Problem {
    let field = name.trim_start_matches("BATON_").to_ascii_lowercase().replace('_', "-");
    Problem::Value { field, origin: Origin::Environment(name.to_owned()), rule: rule.to_owned() }
}
