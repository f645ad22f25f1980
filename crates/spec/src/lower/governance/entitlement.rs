use super::super::Finding;
use super::Access;
use super::names::{plain_names, resource_names};
use super::write::{Rest, WriteNames};
use crate::connector_file::governance::{
    EntitlementSource, EntitlementText, Entitlements, ListPlace, Purpose, Slug,
};
use crate::expression::Expression;
use crate::raw::{self, PurposeWord};

impl Access<'_, '_> {
    /// The entitlements of one kind.
    pub(super) fn entitlements(&mut self, place: &str, raw: Vec<raw::Entitlement>) -> Vec<Entitlements> {
        let mut lists: Vec<(String, ListPlace)> = Vec::new();
        let mut slugs: Vec<String> = Vec::new();
        let mut lowered: Vec<Entitlements> = Vec::new();
        for (index, entitlement) in raw.into_iter().enumerate() {
            let place = format!("{place}[{index}]");
            if let Some(slug) = entitlement.slug.as_ref().filter(|_| is_plain(&entitlement)) {
                if slugs.contains(slug) {
                    let message = format!("entitlement `{slug}` is declared for the second time");
                    let help =
                        "give it another `slug`; several lists of holders stand in one `grants: [ … ]`";
                    self.lowering
                        .error(&format!("{place}.slug"), Finding::new("spec::duplicate_slug", message, help));
                }
                slugs.push(slug.clone());
            }
            // A part that is missing was reported; a place is kept for what comes after it.
            lowered.extend(self.entitlement(&place, entitlement, (lowered.len(), &mut lists)));
        }
        lowered
    }

    fn entitlement(
        &mut self,
        place: &str,
        mut raw: raw::Entitlement,
        (position, lists): (usize, &mut Vec<(String, ListPlace)>),
    ) -> Option<Entitlements> {
        let at = |key: &str| format!("{place}.{key}");
        if raw.for_each.is_some() && raw.list.is_some() {
            let message = "`for_each` and `list` exclude each other";
            let finding = Finding::new("spec::source_of_resources", message, "keep one of the two");
            self.lowering.key_error(&at("list"), finding);
        }
        if raw.for_each.is_none() && raw.when.is_some() {
            let message = "`when` says for which resources of another kind, and there is no `for_each`";
            let finding = Finding::new("spec::misplaced_key", message, "add `for_each`, or remove it");
            self.lowering.key_error(&at("when"), finding);
        }
        let (variables, slug_variables): (&[&str], &[&str]) = if raw.for_each.is_some() {
            (&["resource", "each"], &["each"])
        } else if raw.list.is_some() {
            (&["resource", "item"], &["resource", "item"])
        } else {
            (&["resource"], &[])
        };
        let slug = if is_plain(&raw) {
            self.plain_slug(&at("slug"), raw.slug.take()).map(Slug::Text)
        } else {
            self.expression(&at("slug"), raw.slug.take(), slug_variables).map(Slug::Computed)
        };
        let derived = raw.for_each.is_some();
        let source = self.entitlement_source(place, &mut raw);
        let text = EntitlementText {
            display_name: self.expression(&at("display_name"), raw.display_name, variables),
            description: self.expression(&at("description"), raw.description, variables),
            purpose: purpose(raw.purpose),
            grantable_to: self.known_kinds(&at("grantable_to"), raw.grantable_to),
        };
        let mut grants = Vec::new();
        for (index, list) in raw.grants.map(|grants| grants.items).unwrap_or_default().into_iter().enumerate()
        {
            let here = ListPlace { entitlement: position, list: grants.len() };
            // Equal texts of the file give equal descriptions, aliases and anchors resolved.
            let request = list.request.as_ref().map(|request| format!("{request:?}")).unwrap_or_default();
            let same_list = lists.iter().find(|(known, _)| *known == request).map(|(_, place)| *place);
            if same_list.is_none() {
                lists.push((request, here));
            }
            let place = format!("{place}.grants[{index}]");
            grants.extend(self.entitlement_grants(&place, list, same_list));
        }
        let names = WriteNames {
            variables: if derived {
                vec!["resource", "principal", "entitlement", "from"]
            } else {
                vec!["resource", "principal", "entitlement"]
            },
            from: if derived { plain_names("from") } else { Vec::new() },
            rest: Rest::NoEach,
        };
        let grant = raw.grant.and_then(|write| self.access_write(&at("grant"), write, &names));
        let revoke = raw.revoke.and_then(|write| self.access_write(&at("revoke"), write, &names));
        Some(Entitlements { source: source?, slug: slug?, text, grants, grant, revoke })
    }

    fn entitlement_source(&mut self, place: &str, raw: &mut raw::Entitlement) -> Option<EntitlementSource> {
        if let Some(of) = raw.for_each.take() {
            let known = self.known_kind(&format!("{place}.for_each"), &of);
            let when = self.governed_condition(&format!("{place}.when"), raw.when.take(), &["each"]);
            return known.then_some(EntitlementSource::Derived { of, when });
        }
        let Some(list) = raw.list.take() else { return Some(EntitlementSource::Static) };
        let request_place = format!("{place}.list.request");
        let unavailable = self
            .lowering
            .statuses(&format!("{place}.list.unavailable"), list.unavailable.unwrap_or_default());
        let request = self.listing(&request_place, list.request?, &resource_names("resource"));
        Some(EntitlementSource::Listed { request: Box::new(request), unavailable })
    }

    fn plain_slug(&mut self, place: &str, slug: Option<String>) -> Option<String> {
        let slug = slug?;
        if slug.is_empty() {
            let finding = Finding::new("spec::bad_slug", "the slug is empty", "write a word, as in `member`");
            self.lowering.error(place, finding);
        } else if let Some(inside) =
            Expression::compile(&slug).ok().as_ref().and_then(Expression::literal_text)
        {
            let message = "the slug is plain text here, and these quotes would be part of it";
            let finding = Finding::new("spec::bad_slug", message, format!("write `slug: {inside}`"));
            self.lowering.error(place, finding);
        }
        Some(slug)
    }
}

/// Whether the slug is plain text, the same on every resource.
fn is_plain(raw: &raw::Entitlement) -> bool {
    raw.for_each.is_none() && raw.list.is_none()
}

pub(super) fn purpose(word: Option<PurposeWord>) -> Purpose {
    match word {
        Some(PurposeWord::Assignment) | None => Purpose::Assignment,
        Some(PurposeWord::Permission) => Purpose::Permission,
        Some(PurposeWord::Ownership) => Purpose::Ownership,
    }
}
