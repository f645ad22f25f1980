use super::super::Finding;
use super::Access;
use super::names::{plain_names, resource_names};
use crate::connector_file::governance::{ListedResources, ResourceGet, UserTrait};
use crate::raw;

impl Access<'_, '_> {
    /// `is_account` says that the kind has the trait `user`.
    pub(super) fn resource_list(
        &mut self,
        place: &str,
        raw: raw::ResourceList,
        is_account: bool,
    ) -> Option<ListedResources> {
        let at = |key: &str| format!("{place}.{key}");
        let per = raw.per.filter(|id| self.known_kind(&at("per"), id));
        let values = raw.values.unwrap_or_default();
        let mut variables = vec!["item"];
        let mut placeholders = Vec::new();
        if per.is_some() || self.lowering.is_written(&at("per")) {
            variables.push("parent");
            placeholders.extend(plain_names("parent"));
        }
        if !values.is_empty() {
            variables.push("value");
            placeholders.push("value".to_owned());
        }
        let variables = variables.as_slice();
        if !is_account && raw.user.is_some() {
            let message = "`user` describes accounts, and this kind does not have the trait";
            let finding = Finding::new("spec::misplaced_key", message, "add `traits: [user]` to the kind");
            self.lowering.key_error(&at("user"), finding);
        }

        let request = raw.request.map(|request| self.listing(&at("request"), request, &placeholders));
        let unavailable = self.lowering.statuses(&at("unavailable"), raw.unavailable.unwrap_or_default());
        let when = self.governed_condition(&at("when"), raw.when, variables);
        let id = self.expression(&at("id"), raw.id, variables);
        let display_name = self.expression(&at("display_name"), raw.display_name, variables);
        let description = self.expression(&at("description"), raw.description, variables);
        let parent = raw.parent.and_then(|parent| self.typed_id(&at("parent"), parent, variables));
        let external_link = self.expression(&at("external_link"), raw.external_link, variables);
        let profile = self.named_expressions(&at("profile"), raw.profile, variables);
        let user = raw.user.map(|user| self.user_trait(&at("user"), user, variables));
        Some(ListedResources {
            request: request?,
            per,
            values,
            unavailable,
            when,
            id: id?,
            display_name,
            description,
            parent,
            external_link,
            profile,
            user: user.map(Box::new),
        })
    }

    fn user_trait(&mut self, place: &str, raw: raw::UserTrait, variables: &[&str]) -> UserTrait {
        let mut member = |key: &str, text| self.expression(&format!("{place}.{key}"), text, variables);
        UserTrait {
            email: member("email", raw.email),
            emails: member("emails", raw.emails),
            login: member("login", raw.login),
            status: member("status", raw.status),
            status_details: member("status_details", raw.status_details),
            account_type: member("account_type", raw.account_type),
            last_login: member("last_login", raw.last_login),
            created_at: member("created_at", raw.created_at),
            employee_ids: member("employee_ids", raw.employee_ids),
            mfa: member("mfa", raw.mfa),
            sso: member("sso", raw.sso),
        }
    }

    pub(super) fn resource_get(&mut self, place: &str, raw: raw::ResourceGet) -> Option<ResourceGet> {
        let when = self.governed_condition(&format!("{place}.when"), raw.when, &["item"]);
        let request_place = format!("{place}.request");
        let raw_request = raw.request?;
        if raw_request.pagination.is_some() {
            let message = "`pagination` is about lists, and this request asks for one resource";
            self.lowering.key_error(
                &format!("{request_place}.pagination"),
                Finding::new("spec::misplaced_key", message, "remove it here"),
            );
        }
        let request = self.listing(&request_place, raw_request, &resource_names("resource"));
        Some(ResourceGet { request, when })
    }
}
