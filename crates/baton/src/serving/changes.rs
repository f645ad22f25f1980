//! Tasks that change who has access, and what is answered to them.

use governance::change::{AccessChange, ChangeReport, ChangeResult, ResourceName};
use protos::annotations;
use protos::c1::connector::v2::create_account_response::{
    AlreadyExistsResult, InProgressResult, Result as Made,
};
use protos::c1::connector::v2::credential_options::Options;
use protos::c1::connector::v2::{
    AccountInfo, CreateAccountResponse, CreateResourceResponse, DeleteResourceResponse, Entitlement, Grant,
    GrantAlreadyExists, GrantAlreadyRevoked, GrantManagerServiceGrantResponse,
    GrantManagerServiceRevokeResponse, Resource, ResourceDoesNotExist, ResourceId,
};
use serde_json::{Map, Value};
use tonic::Code;

use super::connector::FileConnector;
use super::failure::failure;
use crate::command_line::AccountRequest;
use crate::one_shot::{OneShotError, follows_from_others, is_of_another, new_account};
use crate::service::{
    AccountOrder, Change, DeleteOrder, GrantOrder, Provisioner, ResourceOrder, RevokeOrder, TaskContext,
    TaskFailure,
};

/// Whether something had to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Now,
    Before,
}

impl FileConnector {
    async fn change(&self, change: &AccessChange, context: &TaskContext) -> Result<Done, TaskFailure> {
        let report = self.changes.apply(change).await.map_err(|error| failure(&error))?;
        let result = report.result.as_str();
        tracing::info!(task = %context.task_id, run = %report.run, result, attempts = report.attempts, "change ends");
        context.log.note(format_args!("change: {result}, {} attempts", report.attempts));
        settled(&report)
    }

    async fn create(&self, order: &AccountOrder, context: &TaskContext) -> Result<Done, TaskFailure> {
        match order.credential_options.as_ref().and_then(|options| options.options.as_ref()) {
            None | Some(Options::NoPassword(_) | Options::Sso(_)) => {}
            Some(Options::RandomPassword(_) | Options::EncryptedPassword(_)) => {
                let text = "this connector makes no passwords: ask for an account without one";
                return Err(TaskFailure::new(Code::InvalidArgument, text));
            }
        }
        let account = request(&order.account, order.resource_type.clone());
        let file = &self.connector.connection().file;
        let change = new_account(file, &account).map_err(|error| failure(&error))?;
        self.change(&change, context).await
    }
}

impl Provisioner for FileConnector {
    fn grant<'a>(
        &'a self,
        order: &'a GrantOrder,
        context: &'a TaskContext,
    ) -> Change<'a, GrantManagerServiceGrantResponse> {
        Box::pin(async move {
            if order.entitlement.resource.as_ref().is_some_and(is_of_another) {
                return Err(failure(&OneShotError::OfAnother));
            }
            let principal = name(order.principal.id.as_ref(), "principal")?;
            let change = AccessChange::Grant { entitlement: order.entitlement.id.clone(), principal };
            let done = self.change(&change, context).await?;
            let mut answer = GrantManagerServiceGrantResponse::default();
            if done == Done::Before {
                annotations::append(&mut answer.annotations, &GrantAlreadyExists::default());
            }
            answer.grants.extend(made_grant(order));
            Ok(answer)
        })
    }

    fn revoke<'a>(
        &'a self,
        order: &'a RevokeOrder,
        context: &'a TaskContext,
    ) -> Change<'a, GrantManagerServiceRevokeResponse> {
        Box::pin(async move {
            let grant = &order.grant;
            if follows_from_others(grant) {
                return Err(failure(&OneShotError::Inherited { grant: grant.id.clone() }));
            }
            let principal = grant.principal.as_ref().and_then(|principal| principal.id.as_ref());
            let principal = name(principal, "principal")?;
            let entitlement = grant.entitlement.as_ref().map(|entitlement| entitlement.id.clone());
            let entitlement =
                entitlement.filter(|id| !id.is_empty()).ok_or_else(|| missing("entitlement"))?;
            let done = self.change(&AccessChange::Revoke { entitlement, principal }, context).await?;
            let mut answer = GrantManagerServiceRevokeResponse::default();
            if done == Done::Before {
                annotations::append(&mut answer.annotations, &GrantAlreadyRevoked::default());
            }
            Ok(answer)
        })
    }

    /// Applications invite: which account comes of it, the next sync shows (baton M-9).
    fn create_account<'a>(
        &'a self,
        order: &'a AccountOrder,
        context: &'a TaskContext,
    ) -> Change<'a, CreateAccountResponse> {
        Box::pin(async move {
            let result = match self.create(order, context).await? {
                Done::Now => {
                    Made::InProgress(InProgressResult { resource: None, is_create_account_result: true })
                }
                Done::Before => Made::AlreadyExists(AlreadyExistsResult {
                    resource: None,
                    is_create_account_result: true,
                }),
            };
            Ok(CreateAccountResponse { result: Some(result), ..CreateAccountResponse::default() })
        })
    }

    /// Connector files say how accounts are made, and of nothing else which id it gets.
    fn create_resource<'a>(
        &'a self,
        _order: &'a ResourceOrder,
        _context: &'a TaskContext,
    ) -> Change<'a, CreateResourceResponse> {
        let text = "this connector makes accounts and no other resources";
        Box::pin(std::future::ready(Err(TaskFailure::new(Code::Unimplemented, text))))
    }

    fn delete_resource<'a>(
        &'a self,
        order: &'a DeleteOrder,
        context: &'a TaskContext,
    ) -> Change<'a, DeleteResourceResponse> {
        Box::pin(async move {
            let resource = name(Some(&order.resource), "resource_id")?;
            let done = self.change(&AccessChange::Delete { resource }, context).await?;
            let mut answer = DeleteResourceResponse::default();
            if done == Done::Before {
                annotations::append(&mut answer.annotations, &ResourceDoesNotExist::default());
            }
            Ok(answer)
        })
    }
}

/// What the application took is done, also if it does not show it yet: who asks again might send it again.
fn settled(report: &ChangeReport) -> Result<Done, TaskFailure> {
    match report.result {
        ChangeResult::Already => Ok(Done::Before),
        ChangeResult::Confirmed | ChangeResult::StillReachable => Ok(Done::Now),
        ChangeResult::DoneButNotVisible => {
            tracing::warn!(run = %report.run, "the application took a change and does not show it yet");
            Ok(Done::Now)
        }
        ChangeResult::Failed | ChangeResult::Unknown => Err(failure(&OneShotError::Unsettled {
            result: report.result,
            detail: report.detail.clone().unwrap_or_default(),
            note: report.note.clone().unwrap_or_default(),
        })),
    }
}

/// The grant that was made, by its ids: readers join on them (baton MSG-8).
fn made_grant(order: &GrantOrder) -> Option<Grant> {
    let only = |resource: &Resource| Resource { id: resource.id.clone(), ..Resource::default() };
    Some(Grant {
        id: protos::grant_id(&order.entitlement.id, order.principal.id.as_ref()?).ok()?,
        entitlement: Some(Entitlement {
            id: order.entitlement.id.clone(),
            resource: order.entitlement.resource.as_ref().map(only),
            ..Entitlement::default()
        }),
        principal: Some(only(&order.principal)),
        ..Grant::default()
    })
}

fn name(id: Option<&ResourceId>, part: &str) -> Result<ResourceName, TaskFailure> {
    let id = id.filter(|id| !id.resource_type.is_empty() && !id.resource.is_empty());
    let id = id.ok_or_else(|| missing(part))?;
    Ok(ResourceName::new(&id.resource_type, &id.resource))
}

fn missing(part: &str) -> TaskFailure {
    TaskFailure::new(Code::InvalidArgument, format!("`{part}` has no id"))
}

/// The account as one-shot mode knows it (baton C-11).
fn request(account: &AccountInfo, resource_type: Option<String>) -> AccountRequest {
    // The JSON form of the whole has that of its profile, which is a plain object.
    let mut profile =
        match protos::json::to_value(account).ok().and_then(|mut all| Some(all.get_mut("profile")?.take())) {
            Some(Value::Object(profile)) => profile,
            Some(_) | None => Map::new(),
        };
    let main = account.emails.iter().find(|email| email.is_primary).or(account.emails.first());
    let email = main.map(|email| email.address.as_str()).unwrap_or_default();
    for (name, text) in [("login", account.login.as_str()), ("email", email)] {
        if !text.is_empty() && !profile.contains_key(name) {
            profile.insert(name.to_owned(), text.into());
        }
    }
    AccountRequest { profile, resource_type }
}

#[cfg(test)]
mod tests {
    use protos::c1::connector::v2::account_info::Email;

    use super::*;

    fn email(address: &str, is_primary: bool) -> Email {
        Email { address: address.to_owned(), is_primary }
    }

    // rule: baton C-11, MSG-6
    #[test]
    fn an_account_is_known_by_its_main_address_and_the_profile_counts_first() {
        let account = AccountInfo {
            emails: vec![email("second@example.com", false), email("first@example.com", true)],
            login: "first".to_owned(),
            ..AccountInfo::default()
        };

        let asked = request(&account, Some("invite".to_owned()));

        assert_eq!(asked.profile["email"], "first@example.com");
        assert_eq!(asked.profile["login"], "first");
        assert_eq!(asked.resource_type.as_deref(), Some("invite"));
    }
}
