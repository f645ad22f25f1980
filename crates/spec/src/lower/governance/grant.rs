use super::super::Finding;
use super::Access;
use super::entitlement::purpose;
use super::names::{plain_names, resource_names};
use super::write::{Rest, WriteNames};
use crate::connector_file::governance::{
    EntitlementGrants, EntitlementText, GrantTarget, HeldGrants, ListPlace, TypedId,
};
use crate::raw;

/// Whose items say what they hold.
#[derive(Clone, Copy)]
pub(super) struct Holder {
    /// Position of their kind.
    pub(super) kind: usize,
    /// Its list has `per`.
    pub(super) has_parent: bool,
}

impl Access<'_, '_> {
    pub(super) fn typed_id(&mut self, place: &str, raw: raw::TypedId, variables: &[&str]) -> Option<TypedId> {
        let type_place = format!("{place}.type");
        let resource_type = self.expression(&type_place, raw.r#type, variables);
        let id = self.expression(&format!("{place}.id"), raw.id, variables);
        let written = raw.types.as_ref().is_some_and(|types| !types.is_empty());
        let mut types = self.known_kinds(&format!("{place}.types"), raw.types);
        let resource_type = resource_type?;
        match resource_type.literal_text() {
            Some(only) if self.known_kind(&type_place, only) => types = vec![only.to_owned()],
            Some(_) => {}
            None if !written => {
                let message = "`type` is computed, so `types` has to say which kinds it can give";
                let help = format!("add `types: [ … ]` with some of {}", self.section.ids().join(", "));
                self.lowering.error(&type_place, Finding::new("spec::no_types", message, help));
            }
            None => {}
        }
        Some(TypedId { resource_type, types, id: id? })
    }

    pub(super) fn entitlement_grants(
        &mut self,
        place: &str,
        raw: raw::EntitlementGrants,
        same_list: Option<ListPlace>,
    ) -> Option<EntitlementGrants> {
        let at = |key: &str| format!("{place}.{key}");
        let names = resource_names("resource");
        let request = raw.request.map(|request| self.listing(&at("request"), request, &names));
        let unavailable = self.lowering.statuses(&at("unavailable"), raw.unavailable.unwrap_or_default());
        let when = self.governed_condition(&at("when"), raw.when, &["item"]);
        let principal = raw.principal.and_then(|holder| self.typed_id(&at("principal"), holder, &["item"]));
        let expand = raw.expand.unwrap_or_default();
        let kinds = principal.as_ref().map(|holder| holder.types.clone()).unwrap_or_default();
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        for (index, slug) in expand.iter().enumerate() {
            self.known_slug(&format!("{place}.expand[{index}]"), &kinds, slug);
        }
        Some(EntitlementGrants {
            request: request?,
            unavailable,
            when,
            principal: principal?,
            expand,
            same_list,
        })
    }

    pub(super) fn held_grants(
        &mut self,
        place: &str,
        raw: raw::HeldGrants,
        holder: Holder,
    ) -> Option<HeldGrants> {
        let at = |key: &str| format!("{place}.{key}");
        let kind = self.section.kind(holder.kind)?;
        let (kind_id, has_get) = (kind.id.clone(), kind.has_get);
        let base: &[&str] = if holder.has_parent { &["item", "parent"] } else { &["item"] };
        let mut entries: Vec<&str> = Vec::new();
        let each = self.expression(&at("each"), raw.each, base);
        if each.is_some() {
            entries.push("each");
        }
        let with_each: Vec<&str> = base.iter().copied().chain(entries.iter().copied()).collect();
        if raw.inner.is_some() && each.is_none() && !self.lowering.was_reported(place, "each") {
            let message = "`inner` is a list in an `each`, and there is no `each`";
            let finding = Finding::new("spec::misplaced_key", message, "rename it to `each`");
            self.lowering.key_error(&at("inner"), finding);
        }
        let inner = self.expression(&at("inner"), raw.inner, &with_each);
        if inner.is_some() {
            entries.push("inner");
        }
        let variables: Vec<&str> = base.iter().copied().chain(entries.iter().copied()).collect();

        let when = self.governed_condition(&at("when"), raw.when, &variables);
        let resource = raw.resource.and_then(|resource| self.typed_id(&at("resource"), resource, &variables));
        let types = resource.as_ref().map(|resource| resource.types.clone()).unwrap_or_default();
        let described = raw.entitlement.is_some();
        let target = self.grant_target(place, (raw.slug, raw.from), &variables);
        let is_from = matches!(target, Some(GrantTarget::From(_)));
        match &target {
            Some(GrantTarget::From(_)) => self.derived_on(&at("from"), &types),
            Some(GrantTarget::Slug(slug)) => {
                if let Some(slug) = slug.literal_text().filter(|_| !described) {
                    for kind in &types {
                        self.known_slug(&at("slug"), &[kind.as_str()], slug);
                    }
                }
            }
            None => {}
        }
        if described && is_from {
            let message = "with `from` the entitlement reads as its `for_each` says";
            let finding = Finding::new("spec::misplaced_key", message, "remove it here");
            self.lowering.key_error(&at("entitlement"), finding);
        }
        let entitlement =
            raw.entitlement.map(|text| self.entitlement_text(&at("entitlement"), text, &entries));
        let expand = raw.expand.unwrap_or_default();
        for (index, slug) in expand.iter().enumerate() {
            self.known_slug(&format!("{place}.expand[{index}]"), &[kind_id.as_str()], slug);
        }

        let mut names = WriteNames {
            variables: vec!["resource", "principal", "entitlement"],
            from: if is_from { plain_names("from") } else { Vec::new() },
            rest: match (&each, has_get) {
                (None, _) => Rest::NoEach,
                (Some(_), false) => Rest::NoGet,
                (Some(_), true) if inner.is_some() => Rest::Allowed(&["each", "inners", "principal"]),
                (Some(_), true) => Rest::Allowed(&["each", "principal"]),
            },
        };
        if is_from {
            names.variables.push("from");
        }
        for (key, written) in [("grant", raw.grant.is_some()), ("revoke", raw.revoke.is_some())] {
            if written && !has_get {
                let message = format!(
                    "what a `{kind_id}` holds is read from its own item, and nothing asks for a single one"
                );
                let help = "add `get` to the kind: before and after a change the holder is asked for anew";
                self.lowering.key_error(&at(key), Finding::new("spec::no_get", message, help));
            }
        }
        let grant = raw.grant.and_then(|write| self.access_write(&at("grant"), write, &names));
        names.variables.extend(&entries);
        let revoke = raw.revoke.and_then(|write| self.access_write(&at("revoke"), write, &names));
        Some(HeldGrants {
            each,
            inner,
            when,
            resource: resource?,
            target: target?,
            entitlement,
            expand,
            grant,
            revoke,
        })
    }

    fn grant_target(
        &mut self,
        place: &str,
        (slug, from): (Option<String>, Option<String>),
        variables: &[&str],
    ) -> Option<GrantTarget> {
        let both = slug.is_some() && from.is_some();
        let neither = slug.is_none() && from.is_none();
        if both {
            let message = "`slug` and `from` exclude each other";
            self.lowering.key_error(
                &format!("{place}.from"),
                Finding::new("spec::slug_or_from", message, "keep one of the two"),
            );
        } else if neither
            && !self.lowering.was_reported(place, "slug")
            && !self.lowering.was_reported(place, "from")
        {
            let message = "nothing says which entitlement is held";
            let help = "add `slug: '\"member\"'`, or `from` with the id of the resource it is derived from";
            self.lowering.key_error(place, Finding::new("spec::slug_or_from", message, help));
        }
        let slug = self.expression(&format!("{place}.slug"), slug, variables);
        let from = self.expression(&format!("{place}.from"), from, variables);
        slug.map(GrantTarget::Slug).or(from.map(GrantTarget::From))
    }

    fn entitlement_text(
        &mut self,
        place: &str,
        raw: raw::EntitlementText,
        entries: &[&str],
    ) -> EntitlementText {
        let variables: Vec<&str> = ["resource"].into_iter().chain(entries.iter().copied()).collect();
        let at = |key: &str| format!("{place}.{key}");
        EntitlementText {
            display_name: self.expression(&at("display_name"), raw.display_name, &variables),
            description: self.expression(&at("description"), raw.description, &variables),
            purpose: purpose(raw.purpose),
            grantable_to: self.known_kinds(&at("grantable_to"), raw.grantable_to),
        }
    }
}
