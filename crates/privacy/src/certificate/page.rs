use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use serde_json::Value;

use super::{Certificate, CertifiedOperation, Evidence, VerificationState, VerifiedRead};
use crate::plan::{NotCovered, PlanAction};

const TEMPLATE: &str = include_str!("certificate.html");

/// What the template takes: texts only.
#[derive(Serialize)]
struct Page<'a> {
    proven: bool,
    weaker: &'static str,
    what: &'static str,
    run: String,
    issued_at: String,
    policy: &'a str,
    plan_digest: String,
    subject: &'a str,
    outcome: String,
    verification: String,
    grade: String,
    quiet_period: String,
    operations: Vec<OperationLine<'a>>,
    reads: Vec<ReadLine>,
    exemptions: Vec<StayLine<'a>>,
    not_covered: Vec<StayLine<'a>>,
    entry_number: Option<String>,
}

#[derive(Serialize)]
struct OperationLine<'a> {
    order: String,
    connection: &'a str,
    collections: String,
    categories: String,
    rows: String,
    outcome: String,
    grade: String,
    destinations: Vec<[String; 3]>,
}

#[derive(Serialize)]
struct ReadLine {
    address: String,
    state: String,
    before: String,
    left: String,
    checked_at: String,
}

#[derive(Serialize)]
struct StayLine<'a> {
    collection: String,
    fields: String,
    rows: String,
    outcome: String,
    explanation: &'a str,
}

impl Certificate {
    /// The certificate as a page for a person, in one file that loads nothing. The page itself
    /// proves nothing and says so: the signed file does.
    ///
    /// # Errors
    /// If the template cannot be rendered, which no contents bring about.
    pub fn to_html(&self) -> Result<String, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.add_template("certificate.html", TEMPLATE)?;
        let page = Page {
            proven: self.conclusion.proven,
            weaker: match self.conclusion.evidence {
                Some(Evidence::Application) => {
                    ", or it is gone by the application's word where nothing can be read"
                }
                Some(Evidence::Lookup) => {
                    ", or, where the mask replaced what it was found by, an application does not find it any more"
                }
                Some(Evidence::Reading | Evidence::Nothing) | None => "",
            },
            what: match self.action {
                PlanAction::Erasure => "Erasure",
                PlanAction::Rectification => "Correction",
            },
            run: self.run.to_string(),
            issued_at: self.issued_at.strftime("%-d %B %Y, %H:%M:%S UTC").to_string(),
            policy: &self.policy,
            plan_digest: self.plan_digest.to_string(),
            subject: &self.subject,
            outcome: self.conclusion.outcome.map_or_else(|| "nothing to do".to_owned(), |one| word(&one)),
            verification: self.conclusion.verification.map(|one| word(&one)).unwrap_or_default(),
            grade: self.conclusion.grade.map(|one| word(&one)).unwrap_or_default(),
            quiet_period: format!("{} s", self.verification.quiet_period_s),
            operations: self.operations.iter().map(operation).collect(),
            reads: self.verification.reads.iter().map(read).collect(),
            exemptions: self.exemptions.iter().map(stay).collect(),
            not_covered: self.not_covered.iter().map(stay).collect(),
            entry_number: self.log.as_ref().map(|log| log.number.to_string()),
        };
        environment.get_template("certificate.html")?.render(Serde(&page))
    }
}

impl VerifiedRead {
    /// What was found, in words for a person; names whose word it is if it was not read again, and why
    /// nothing is known.
    pub fn found(&self) -> String {
        match (self.state, self.evidence) {
            (VerificationState::Gone, Evidence::Application) => "gone, by the application's word".to_owned(),
            (VerificationState::Gone, Evidence::Lookup) => "gone, not found any more".to_owned(),
            (state, Evidence::Nothing | Evidence::Application | Evidence::Lookup | Evidence::Reading) => {
                match &self.explanation {
                    Some(explanation) => format!("{}: {explanation}", word(&state)),
                    None => word(&state),
                }
            }
        }
    }
}

fn operation(operation: &CertifiedOperation) -> OperationLine<'_> {
    let collections: Vec<_> = operation.collections.iter().map(ToString::to_string).collect();
    let categories: Vec<_> = operation.reason.iter().map(|reason| reason.category.as_str()).collect();
    let destination =
        |one: &super::CertifiedDestination| [one.name.clone(), one.status.clone(), word(&one.outcome)];
    OperationLine {
        order: operation.order.to_string(),
        connection: &operation.connection,
        collections: collections.join(", "),
        categories: categories.join(", "),
        rows: operation.rows.to_string(),
        outcome: word(&operation.outcome),
        grade: operation.grade.map(|one| word(&one)).unwrap_or_default(),
        destinations: operation.destinations.iter().map(destination).collect(),
    }
}

fn read(read: &VerifiedRead) -> ReadLine {
    ReadLine {
        address: read.address.to_string(),
        state: read.found(),
        before: read.rows_before.to_string(),
        left: read.rows_left.to_string(),
        checked_at: read.checked_at.strftime("%-d %B %Y, %H:%M:%S UTC").to_string(),
    }
}

fn stay(one: &NotCovered) -> StayLine<'_> {
    StayLine {
        collection: one.collection.to_string(),
        fields: one.fields.join(", "),
        rows: one.rows.to_string(),
        outcome: word(&one.outcome),
        explanation: &one.explanation,
    }
}

/// A name of ours in words.
fn word(name: &impl Serialize) -> String {
    match serde_json::to_value(name) {
        Ok(Value::String(name)) => name.replace('_', " "),
        Ok(_) | Err(_) => String::new(),
    }
}
