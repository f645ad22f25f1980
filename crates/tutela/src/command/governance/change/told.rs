//! Plans and ends of changes as they are told, wherever the change is made.

use governance::change::{AccessPlanContents, Action, ChangeResult};
use governance::source::{Job, PlannedJob};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::exit::Exit;
use crate::output::{self, Output};

/// The plan for a person.
pub(in crate::command::governance) fn shown(contents: &AccessPlanContents, digest: &str) -> String {
    let change = &contents.change;
    let name = |name: &Option<String>, id: String| match name {
        Some(name) if *name != id => format!("{name} ({id})"),
        Some(_) | None => id,
    };
    let entitlement =
        change.entitlement.clone().map(|id| name(&change.entitlement_name, id)).unwrap_or_default();
    let resource = name(&change.resource_name, change.resource.to_string());
    let principal =
        change.principal.as_ref().map(|id| name(&change.principal_name, id.to_string())).unwrap_or_default();
    let mut lines = match change.action {
        Action::Grant => vec![format!("give   {entitlement}"), format!("to     {principal}")],
        Action::Revoke => vec![format!("take   {entitlement}"), format!("from   {principal}")],
        Action::Delete => vec![format!("remove {resource}")],
        Action::Create => {
            let params = change.params.iter().map(|(name, value)| format!(" {name}={value}"));
            vec![format!("make   {}{}", change.resource.kind, params.collect::<String>())]
        }
    };
    if let Some(request) = &contents.request {
        lines.push(format!("sends  {} {}", request.method, request.url));
        lines.extend(request.body.as_ref().map(|body| format!("       {body}")));
    }
    lines.extend(contents.job.iter().flat_map(runs));
    for besides in &contents.besides {
        let whose = match (&besides.principal, &besides.holders_of) {
            (Some(principal), _) => principal.to_string(),
            (None, Some(of)) => format!("everybody who holds {of}"),
            (None, None) => "others".to_owned(),
        };
        lines.push(format!("takes besides {} from {whose}", besides.entitlement));
    }
    for through in &contents.still_through {
        lines.push(format!("still reachable through {} ({})", through.display_name, through.name));
    }
    lines.push(format!("plan   {digest}"));
    // Whoever chose a name is not to write a line of the plan that somebody agrees to.
    lines.iter().map(|line| model::visible(line)).collect::<Vec<_>>().join("\n")
}

/// What is run, for whoever reads a plan.
fn runs(job: &PlannedJob) -> Vec<String> {
    let does = match &job.job {
        Job::Grant { entitlement, principal } => format!("grants {entitlement} to {principal}"),
        Job::Revoke { grant } => format!("revokes {grant}"),
        Job::Delete { resource } => format!("deletes {resource}"),
    };
    vec![format!("runs   {} ({})", job.program, job.sha256), format!("       {does}")]
}

/// How a change ended.
pub(in crate::command::governance) struct Told<'a> {
    /// Key of the connection.
    pub(in crate::command::governance) connection: &'a str,
    /// In a word.
    pub(in crate::command::governance) result: ChangeResult,
    /// Its plan; null if nothing had to be done.
    pub(in crate::command::governance) plan: Value,
    /// What became of it; null if nothing had to be done.
    pub(in crate::command::governance) report: Value,
}

/// What of a report is told to people.
#[derive(Debug, Default, Deserialize)]
struct Details {
    #[serde(default)]
    through: Vec<Through>,
    note: Option<String>,
    detail: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Through {
    display_name: String,
}

impl Told<'_> {
    /// Tells it, and what that means for the command.
    pub(in crate::command::governance) fn print(&self, output: Output) -> Exit {
        match output.format() {
            Format::Json => output::json(&self.data()),
            Format::Table => self.tell(),
        }
        self.exit()
    }

    /// Tells until when the access is there, and who takes it then.
    pub(in crate::command::governance) fn print_until(
        &self,
        (end, until): (&str, &str),
        taker: &str,
        output: Output,
    ) {
        match output.format() {
            Format::Json => {
                let mut data = self.data();
                if let Some(members) = data.as_object_mut() {
                    members.insert("end".to_owned(), json!(end));
                    members.insert("until".to_owned(), json!(until));
                }
                output::json_line(&data);
            }
            Format::Table => output::text(&model::visible(&format!(
                "{}: the access is there until {until}; {taker} takes it then",
                self.result.as_str()
            ))),
        }
    }

    /// It for programs.
    fn data(&self) -> Value {
        json!({
            "connection": self.connection,
            "result": self.result.as_str(),
            "plan": self.plan,
            "report": self.report,
        })
    }

    /// What it means for the command.
    pub(in crate::command::governance) fn exit(&self) -> Exit {
        match self.result {
            ChangeResult::Already | ChangeResult::Confirmed | ChangeResult::StillReachable => Exit::Done,
            ChangeResult::DoneButNotVisible => Exit::Incomplete,
            ChangeResult::Failed | ChangeResult::Unknown => Exit::Failed,
        }
    }

    fn tell(&self) {
        let Details { through, note, detail } = Details::deserialize(&self.report).unwrap_or_default();
        let text = match self.result {
            ChangeResult::Already => "it is so already; nothing was sent".to_owned(),
            ChangeResult::Confirmed => "done, and confirmed by reading".to_owned(),
            ChangeResult::StillReachable => {
                let names: Vec<&str> = through.iter().map(|one| one.display_name.as_str()).collect();
                format!("done; still reachable through {}", names.join(", "))
            }
            ChangeResult::DoneButNotVisible => "done, and not visible yet".to_owned(),
            ChangeResult::Failed => "failed".to_owned(),
            ChangeResult::Unknown => "unknown".to_owned(),
        };
        output::text(&model::visible(&text));
        if let Some(note) = note {
            let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
            output::complain(&model::visible(&format!("{note}{detail}")));
        }
    }
}
