use crate::condition::Condition;
use crate::connector_file::ConnectorFile;
use crate::connector_file::governance::{
    Activity, EntitlementGrants, EntitlementSource, EntitlementText, Entitlements, Governance,
    GovernanceWrite, GrantTarget, HeldGrants, ListedResources, ResourceSource, Slug, TypedId, UserTrait,
};
use crate::expression::Expression;

/// Names that the expressions and conditions of `governance` and `activity` use, settings among them.
pub(in crate::lint) fn variables(file: &ConnectorFile) -> Vec<String> {
    let mut names = Names::default();
    if let Some(governance) = &file.governance {
        names.governance(governance);
    }
    if let Some(activity) = &file.activity {
        names.activity(activity);
    }
    names.0
}

#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn expressions<'a>(&mut self, all: impl IntoIterator<Item = &'a Expression>) {
        self.0.extend(all.into_iter().flat_map(Expression::variables));
    }

    fn condition(&mut self, condition: Option<&Condition>) {
        self.0.extend(condition.into_iter().flat_map(Condition::variables));
    }

    fn governance(&mut self, governance: &Governance) {
        self.condition(governance.when.as_ref());
        for kind in &governance.resource_types {
            if let ResourceSource::Listed(listed) = &kind.source {
                self.list(listed);
            }
            self.condition(kind.get.as_ref().and_then(|get| get.when.as_ref()));
            kind.entitlements.iter().for_each(|entitlements| self.entitlements(entitlements));
            kind.grants.iter().for_each(|held| self.held(held));
            let create = kind.create.as_ref().map(|create| &create.write);
            self.writes(create.into_iter().chain(&kind.delete));
        }
        governance.guards.iter().for_each(|guard| self.condition(guard.when.as_ref()));
    }

    fn list(&mut self, list: &ListedResources) {
        self.condition(list.when.as_ref());
        let texts = [&list.display_name, &list.description, &list.external_link];
        self.expressions(texts.into_iter().flatten().chain([&list.id]));
        self.expressions(list.profile.iter().map(|(_, expression)| expression));
        self.typed(list.parent.as_ref());
        if let Some(user) = &list.user {
            let UserTrait {
                email,
                emails,
                login,
                status,
                status_details,
                account_type,
                last_login,
                created_at,
                employee_ids,
                mfa,
                sso,
            } = user.as_ref();
            let who = [email, emails, login, account_type, employee_ids];
            let state = [status, status_details, last_login, created_at, mfa, sso];
            self.expressions(who.into_iter().chain(state).flatten());
        }
    }

    fn entitlements(&mut self, entitlements: &Entitlements) {
        match &entitlements.source {
            EntitlementSource::Derived { when, .. } => self.condition(when.as_ref()),
            EntitlementSource::Static | EntitlementSource::Listed { .. } => {}
        }
        match &entitlements.slug {
            Slug::Computed(expression) => self.expressions([expression]),
            Slug::Text(_) => {}
        }
        self.text(&entitlements.text);
        for EntitlementGrants { when, principal, .. } in &entitlements.grants {
            self.condition(when.as_ref());
            self.typed(Some(principal));
        }
        self.writes(entitlements.grant.iter().chain(&entitlements.revoke));
    }

    fn held(&mut self, held: &HeldGrants) {
        self.expressions(held.each.iter().chain(&held.inner));
        self.condition(held.when.as_ref());
        self.typed(Some(&held.resource));
        match &held.target {
            GrantTarget::Slug(expression) | GrantTarget::From(expression) => self.expressions([expression]),
        }
        held.entitlement.iter().for_each(|text| self.text(text));
        self.writes(held.grant.iter().chain(&held.revoke));
    }

    fn text(&mut self, text: &EntitlementText) {
        self.expressions(text.display_name.iter().chain(&text.description));
    }

    fn writes<'a>(&mut self, writes: impl Iterator<Item = &'a GovernanceWrite>) {
        for write in writes {
            self.expressions(write.vars.iter().map(|(_, expression)| expression));
            self.expressions(&write.rest);
        }
    }

    fn typed(&mut self, typed: Option<&TypedId>) {
        self.expressions(typed.into_iter().flat_map(|typed| [&typed.resource_type, &typed.id]));
    }

    fn activity(&mut self, activity: &Activity) {
        self.condition(activity.when.as_ref());
        self.expressions([&activity.id, &activity.time, &activity.action]);
        self.typed(Some(&activity.actor));
        self.typed(activity.resource.as_ref());
        self.expressions(activity.actor_email.iter().chain(&activity.resource_name));
    }
}
