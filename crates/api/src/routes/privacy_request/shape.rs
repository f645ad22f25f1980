//! Makes what callers see of privacy requests.

use std::collections::HashMap;

use model::PrivacyRequestId;
use privacy::policy_book::PolicyBook;
use privacy::request::{PrivacyRequests, RequestError};
use serde_json::{Value, json};
use store::{Listed, LoginId, Policy, PrivacyRequest, PrivacyRequestStatus, RuleAction};

use super::filter::Show;
use super::reply::{PersonReply, ProgressReply, RequestReply, action_required, days_left, resume_endpoint};
use super::{identity, log};
use crate::ApiError;
use crate::paging::{PageOf, Paging};
use crate::routes::policy::policy_reply;
use crate::state::ApiState;

/// Makes replies; what several requests have in common is read once.
pub(super) struct Shaper<'a> {
    state: &'a ApiState,
    requests: PrivacyRequests,
    show: Show,
    policies: HashMap<String, Known>,
    people: HashMap<String, Option<PersonReply>>,
}

/// A policy, and what is shown of it.
struct Known {
    policy: Option<Policy>,
    reply: Option<Value>,
}

impl<'a> Shaper<'a> {
    pub(super) fn new(state: &'a ApiState, show: Show) -> Self {
        let requests = state.requests().clone();
        Self { state, requests, show, policies: HashMap::new(), people: HashMap::new() }
    }

    /// A page of requests.
    pub(super) async fn page(
        &mut self,
        paging: Paging,
        listed: Listed<PrivacyRequest>,
    ) -> Result<PageOf<RequestReply>, ApiError> {
        let mut items = Vec::with_capacity(listed.items.len());
        for request in listed.items {
            items.push(self.shape(request).await?);
        }
        Ok(paging.of(Listed { items, total: listed.total }, |reply| reply))
    }

    /// One request.
    pub(super) async fn shape(&mut self, request: PrivacyRequest) -> Result<RequestReply, ApiError> {
        let id = &request.id;
        let identity = if self.show.identities { self.identity(id).await? } else { None };
        let fields = if self.show.custom_fields { self.custom_fields(id).await? } else { None };
        let (results, tasks) = if self.show.verbose {
            let logs = log::all(self.state, id).await?;
            (Some(log::grouped(&logs)), Some(log::states(&logs)))
        } else {
            (None, None)
        };
        let policy = self.policy(&request.policy).await?.reply.clone();
        Ok(RequestReply {
            id: id.to_string(),
            created_at: request.created_at,
            started_processing_at: request.started_at,
            reviewed_at: request.reviewed_at,
            reviewer: self.person(request.reviewed_by.as_deref()).await?,
            submitter: self.person(request.submitted_by.as_deref()).await?,
            finished_processing_at: request.finished_at,
            identity_verified_at: request.identity_verified_at,
            paused_at: request.paused_at,
            status: request.status.as_str(),
            identity,
            custom_privacy_request_fields: fields,
            policy,
            action_required_details: action_required(&request),
            resume_endpoint: resume_endpoint(&request),
            days_left: request.due_at.map(|due| days_left(due, self.state.clock().now())),
            progress: self.show.progress.then(|| ProgressReply::of(&request)),
            external_id: request.external_id,
            reviewed_by: request.reviewed_by,
            submitted_by: request.submitted_by,
            custom_privacy_request_fields_approved_by: request.custom_fields_approved_by,
            custom_privacy_request_fields_approved_at: request.custom_fields_approved_at,
            source: request.source,
            location: request.location,
            property_id: request.property_id,
            deleted_at: request.deleted_at,
            deleted_by: request.deleted_by,
            finalized_at: request.finalized_at,
            finalized_by: request.finalized_by,
            duplicate_request_group_id: request.duplicate_group,
            results,
            task_status_by_dataset: tasks,
        })
    }

    /// The actions of a request's policy, each once, in the order of the rules.
    pub(super) async fn actions(&mut self, key: &str) -> Result<Vec<RuleAction>, ApiError> {
        let mut actions = Vec::new();
        for rule in self.policy(key).await?.policy.iter().flat_map(|policy| &policy.rules) {
            if !actions.contains(&rule.action) {
                actions.push(rule.action);
            }
        }
        Ok(actions)
    }

    /// Who signs in under this id, if anybody does.
    pub(super) async fn person(&mut self, id: Option<&str>) -> Result<Option<PersonReply>, ApiError> {
        let Some(id) = id else { return Ok(None) };
        if let Some(known) = self.people.get(id) {
            return Ok(known.clone());
        }
        let found = match LoginId::parse(id) {
            Some(login) => self.state.store().login_find(&login).await?,
            None => None,
        };
        let person =
            found.map(|login| PersonReply { id: login.id.as_str().to_owned(), username: login.username });
        self.people.insert(id.to_owned(), person.clone());
        Ok(person)
    }

    async fn policy(&mut self, key: &str) -> Result<&Known, ApiError> {
        if !self.policies.contains_key(key) {
            let book = PolicyBook::new(self.state.store().clone());
            let policy = self.state.store().policy_find(key).await?;
            let reply = match &policy {
                Some(policy) => Some(policy_reply(&book, policy.clone()).await?),
                None => None,
            };
            self.policies.insert(key.to_owned(), Known { policy, reply });
        }
        Ok(self.policies.entry(key.to_owned()).or_insert(Known { policy: None, reply: None }))
    }

    /// Kind → `{label, value}`; none once it was destroyed.
    pub(super) async fn identity(&self, id: &PrivacyRequestId) -> Result<Option<Value>, ApiError> {
        match self.requests.identities(id).await {
            Ok(held) => {
                let labels =
                    held.iter().filter_map(|(kind, one)| Some((kind.to_owned(), one.label.clone()?)));
                Ok(Some(identity::shown(&held.all(), &labels.collect())))
            }
            Err(RequestError::Forgotten { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Name → `{label, value}`.
    pub(super) async fn custom_fields(&self, id: &PrivacyRequestId) -> Result<Option<Value>, ApiError> {
        let fields = self.requests.custom_fields(id).await?;
        Ok((!fields.is_empty()).then(|| json!(fields)))
    }
}

/// The status in words for people.
pub(super) fn status_words(status: PrivacyRequestStatus) -> String {
    let words = status.as_str().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
