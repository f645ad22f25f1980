use std::sync::LazyLock;

use axum::response::{Html, IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;
use jiff::Timestamp;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use privacy::policy_book::PolicyBook;
use serde::Serialize;
use store::{PortalVisit, PrivacyRequest, PrivacyRequestStatus, RuleAction};

use super::Browser;
use super::kept::{Found, packages_of};
use crate::ApiError;
use crate::state::ApiState;

/// What the pages may do: show themselves and send their forms, nothing else.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", include_str!("page.html"))?;
    Ok(environment)
});

/// One page of the portal.
pub(super) struct Page {
    title: String,
    form: String,
    note: Option<&'static str>,
    view: View,
}

/// What the template takes: texts only.
#[derive(Serialize)]
struct Shown<'a> {
    title: &'a str,
    form: &'a str,
    note: Option<&'static str>,
    places: Vec<Place>,
    #[serde(flatten)]
    view: &'a View,
}

/// What a page shows.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "view")]
pub(super) enum View {
    /// The form by which requests are made.
    Intake { policies: Vec<Offered> },
    /// How far a request is.
    Request {
        id: String,
        received: String,
        status: &'static str,
        due: Option<String>,
        asks_for_code: bool,
        asks_again: bool,
        can_download: bool,
        is_unreachable: bool,
        expires: Option<String>,
    },
    /// A request that this browser may not see, or that is not there.
    Unknown { id: String },
    /// What a link in a message leads to.
    Package { token: String, is_good: bool },
}

/// A policy that people can choose.
#[derive(Serialize)]
pub(super) struct Offered {
    pub(super) key: String,
    label: String,
}

/// A place that people can choose.
#[derive(Serialize)]
struct Place {
    code: &'static str,
    name: &'static str,
}

const PLACES: [(&str, &str); 36] = [
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("BR", "Brazil"),
    ("BG", "Bulgaria"),
    ("US-CA", "California"),
    ("HR", "Croatia"),
    ("CY", "Cyprus"),
    ("CZ", "Czechia"),
    ("DK", "Denmark"),
    ("EE", "Estonia"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("GR", "Greece"),
    ("HU", "Hungary"),
    ("IS", "Iceland"),
    ("IE", "Ireland"),
    ("IT", "Italy"),
    ("KR", "Korea"),
    ("LV", "Latvia"),
    ("LI", "Liechtenstein"),
    ("LT", "Lithuania"),
    ("LU", "Luxembourg"),
    ("MT", "Malta"),
    ("NL", "Netherlands"),
    ("NO", "Norway"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("RO", "Romania"),
    ("SK", "Slovakia"),
    ("SI", "Slovenia"),
    ("ES", "Spain"),
    ("SE", "Sweden"),
    ("CH", "Switzerland"),
    ("GB", "United Kingdom"),
    ("US", "United States, outside of California"),
];

/// Whether a code is on the list, or nothing was chosen.
pub(super) fn is_place(code: &str) -> bool {
    code.is_empty() || PLACES.iter().any(|(known, _)| *known == code)
}

/// The policies that people can choose from.
pub(super) async fn policies(state: &ApiState) -> Result<Vec<Offered>, ApiError> {
    let book = PolicyBook::new(state.store().clone());
    let mut offered = Vec::new();
    for key in &state.settings().configured.server.portal.policies {
        let Ok(policy) = book.get(key).await else {
            tracing::warn!(policy = key, "`portal.policies` names a policy that is not there");
            continue;
        };
        let has = |action| policy.rules.iter().any(|rule| rule.action == action);
        let label = match (has(RuleAction::Access), has(RuleAction::Erasure)) {
            (true, false) => "A copy of my data".to_owned(),
            (false, true) => "That my data are deleted".to_owned(),
            (true, true) => "A copy of my data, and then that they are deleted".to_owned(),
            (false, false) => policy.name,
        };
        offered.push(Offered { key: policy.key, label });
    }
    Ok(offered)
}

/// An id as a page shows it: what somebody typed is cut.
pub(super) fn shown_id(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).take(60).collect()
}

impl View {
    /// What a browser sees of a request. Whether there are data to fetch is told only after a code.
    pub(super) async fn request(
        state: &ApiState,
        (request, visit): (&PrivacyRequest, PortalVisit),
    ) -> Result<Self, ApiError> {
        let found = match visit.verified_at {
            Some(_) => packages_of(state, request, None).await?,
            None => Found::Packages(Vec::new()),
        };
        Ok(Self::shown((request, visit), &found))
    }

    /// The same with what was found of its data.
    pub(super) fn shown((request, visit): (&PrivacyRequest, PortalVisit), found: &Found) -> Self {
        let (expires, is_unreachable) = match found {
            Found::Packages(packages) => (packages.iter().map(|package| package.expires_at).min(), false),
            Found::Unreachable => (None, visit.downloaded_at.is_none()),
        };
        let can_download = expires.is_some() && visit.downloaded_at.is_none();
        let may_have_data = request.status == PrivacyRequestStatus::Complete && visit.verified_at.is_none();
        Self::Request {
            id: request.id.as_str().to_owned(),
            received: day(request.requested_at),
            status: in_words(request.status),
            due: request.due_at.filter(|_| request.finished_at.is_none()).map(day),
            asks_for_code: request.status == PrivacyRequestStatus::IdentityUnverified,
            asks_again: may_have_data || (expires.is_some() && !can_download),
            can_download,
            is_unreachable,
            expires: expires.map(day),
        }
    }
}

impl Page {
    pub(super) fn new(state: &ApiState, browser: &Browser, view: View) -> Self {
        let title = state.settings().configured.server.portal.title.clone();
        Self { title, form: browser.form(), note: None, view }
    }

    /// With a sentence above everything else.
    pub(super) fn with(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    fn render(&self) -> Result<String, minijinja::Error> {
        let templates = TEMPLATES.as_ref().map_err(|error| {
            minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, error.to_string())
        })?;
        let places = PLACES.iter().map(|(code, name)| Place { code, name }).collect();
        let Self { title, form, note, view } = self;
        let shown = Shown { title, form, note: *note, places, view };
        templates.get_template("page")?.render(Serde(&shown))
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        match self.render() {
            Ok(text) => {
                let mut response = Html(text).into_response();
                let policy = HeaderValue::from_static(PAGE_POLICY);
                response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
                response
            }
            Err(error) => ApiError::Private(Box::new(error)).into_response(),
        }
    }
}

fn day(moment: Timestamp) -> String {
    moment.strftime("%-d %B %Y").to_string()
}

/// How far a request is, for the person it is about.
fn in_words(status: PrivacyRequestStatus) -> &'static str {
    use PrivacyRequestStatus as S;
    match status {
        S::IdentityUnverified => "We wait for you to show that the address is yours.",
        S::Pending | S::AwaitingPreApproval | S::PreApprovalNotEligible => "It has arrived and is looked at.",
        S::Duplicate => "You have asked for the same before; that request is worked on.",
        S::Approved | S::InProcessing | S::PendingExternal | S::AwaitingEmailSend => "It is worked on.",
        S::RequiresInput | S::Paused | S::RequiresManualFinalization | S::Error => {
            "It is worked on; somebody takes care of a part of it by hand."
        }
        S::Denied => "It was refused. You were told why, or will be.",
        S::Complete => "It is done.",
        S::Canceled => "It was withdrawn.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_can_be_read() {
        assert!(TEMPLATES.is_ok(), "{:?}", TEMPLATES.as_ref().err());
    }

    #[test]
    fn an_id_is_shown_without_anything_that_could_be_markup() {
        assert_eq!(shown_id("pri_<b>&\"'1"), "pri_b1");
        assert_eq!(shown_id(&"x".repeat(1_000)).len(), 60);
    }
}
