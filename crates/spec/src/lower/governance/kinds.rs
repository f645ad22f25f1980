use super::super::Finding;
use super::Access;
use crate::connector_file::ConnectorFile;
use crate::diagnostic::nearest_of;
use crate::raw;

/// What parts of the section may name.
pub(super) struct Section<'a> {
    /// The rest of the file.
    pub(super) file: &'a ConnectorFile,
    kinds: Vec<Kind>,
}

/// What others may name of one kind of resources.
pub(super) struct Kind {
    pub(super) id: String,
    /// Slugs that are plain text.
    slugs: Vec<String>,
    /// What it has besides.
    others: Others,
    /// Single resources can be asked for.
    pub(super) has_get: bool,
    per: Option<String>,
    makes_accounts: bool,
}

/// Entitlements whose slugs are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// There are none.
    None,
    /// The application lists them.
    Listed,
    /// With `for_each`; perhaps some are listed, too.
    Derived,
}

impl<'a> Section<'a> {
    pub(super) fn of(file: &'a ConnectorFile, raw: &raw::Governance) -> Self {
        let kinds = raw.resource_types.iter().flatten().map(Kind::of).collect();
        Self { file, kinds }
    }

    /// For a file that names no kinds.
    pub(super) fn without_kinds(file: &'a ConnectorFile) -> Self {
        Self { file, kinds: Vec::new() }
    }

    pub(super) fn kind(&self, index: usize) -> Option<&Kind> {
        self.kinds.get(index)
    }

    pub(super) fn find(&self, id: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.id == id)
    }

    pub(super) fn ids(&self) -> Vec<&str> {
        self.kinds.iter().map(|kind| kind.id.as_str()).filter(|id| !id.is_empty()).collect()
    }

    /// Whether `id` leads to itself by `per`, other kinds between or not.
    fn is_circular(&self, id: &str) -> bool {
        let mut at = id;
        for _ in &self.kinds {
            let Some(per) = self.find(at).and_then(|kind| kind.per.as_deref()) else { return false };
            if per == id {
                return true;
            }
            at = per;
        }
        false
    }
}

impl Kind {
    fn of(raw: &raw::ResourceType) -> Self {
        let entitlements = || raw.entitlements.iter().flatten();
        let is_plain =
            |entitlement: &&raw::Entitlement| entitlement.for_each.is_none() && entitlement.list.is_none();
        Self {
            id: raw.id.clone().unwrap_or_default(),
            slugs: entitlements().filter(is_plain).filter_map(|found| found.slug.clone()).collect(),
            others: if entitlements().any(|entitlement| entitlement.for_each.is_some()) {
                Others::Derived
            } else if entitlements().any(|entitlement| entitlement.list.is_some()) {
                Others::Listed
            } else {
                Others::None
            },
            has_get: raw.get.is_some(),
            per: raw.list.as_ref().and_then(|list| list.per.clone()),
            makes_accounts: raw.create.as_ref().and_then(|create| create.account).unwrap_or_default(),
        }
    }
}

impl Access<'_, '_> {
    /// What only shows when all kinds are seen together.
    pub(super) fn kinds(&mut self) {
        if self.section.kinds.is_empty() && !self.lowering.was_reported("governance", "resource_types") {
            let message = "`resource_types` names no kind of resources";
            let finding = Finding::new("spec::no_resource_types", message, "add `- id: user`, and so on");
            self.lowering.key_error("governance.resource_types", finding);
        }
        for (index, kind) in self.section.kinds.iter().enumerate() {
            let place = format!("governance.resource_types[{index}]");
            if kind.id.contains('.') {
                let message = format!("`{}` is no id of a kind: it holds a dot", kind.id);
                let finding = Finding::new("spec::bad_key", message, "use letters, digits, `_` and `-` only");
                self.lowering.error(&format!("{place}.id"), finding);
            }
            let earlier = || self.section.kinds.iter().take(index);
            if !kind.id.is_empty() && earlier().any(|known| known.id == kind.id) {
                let message = format!("resource type `{}` is declared for the second time", kind.id);
                let help = "give it another `id`, or put both into one entry";
                self.lowering.error(
                    &format!("{place}.id"),
                    Finding::new("spec::duplicate_resource_type", message, help),
                );
            }
            if kind.makes_accounts && earlier().any(|known| known.makes_accounts) {
                let message = "another kind is already the one by which somebody gets an account";
                let finding = Finding::new("spec::account_twice", message, "keep one `account: true`");
                self.lowering.error(&format!("{place}.create.account"), finding);
            }
            if self.section.is_circular(&kind.id) {
                let message = format!("the lists of `{}` wait for each other in a circle", kind.id);
                let help = "remove one `per`; a kind is listed once for each resource of a kind above it";
                self.lowering
                    .error(&format!("{place}.list.per"), Finding::new("spec::circular_per", message, help));
            }
        }
    }

    /// Reports `id` unless it is a kind of the section; says whether it is.
    pub(super) fn known_kind(&mut self, place: &str, id: &str) -> bool {
        let known = self.section.find(id).is_some();
        if !known && !id.is_empty() {
            let ids = self.section.ids();
            let help = match nearest_of(id, ids.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("resource types are {}", ids.join(", ")),
            };
            let message = format!("`{id}` is no resource type of this file");
            self.lowering.error(place, Finding::new("spec::unknown_resource_type", message, help));
        }
        known
    }

    /// The ids of `raw` that are kinds; the others are reported.
    pub(super) fn known_kinds(&mut self, place: &str, raw: Option<Vec<String>>) -> Vec<String> {
        let ids = raw.unwrap_or_default().into_iter().enumerate();
        ids.filter(|(index, id)| self.known_kind(&format!("{place}[{index}]"), id))
            .map(|(_, id)| id)
            .collect()
    }

    /// Reports `slug` unless some kind of `kinds` has such an entitlement, or may have it.
    pub(super) fn known_slug(&mut self, place: &str, kinds: &[&str], slug: &str) {
        let kinds: Vec<&Kind> = kinds.iter().filter_map(|id| self.section.find(id)).collect();
        if kinds.is_empty() || kinds.iter().any(|kind| kind.may_have(slug)) {
            return;
        }
        let slugs: Vec<&str> = kinds.iter().flat_map(|kind| &kind.slugs).map(String::as_str).collect();
        let ids: Vec<&str> = kinds.iter().map(|kind| kind.id.as_str()).collect();
        let message = format!("`{}` has no entitlement `{slug}`", ids.join("`, `"));
        let help = match nearest_of(slug, slugs.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if slugs.is_empty() => format!("add `- slug: {slug}` to its `entitlements`"),
            None => format!("its entitlements are {}", slugs.join(", ")),
        };
        self.lowering.error(place, Finding::new("spec::unknown_slug", message, help));
    }

    /// Reports kinds of `kinds` that have no entitlement with `for_each`.
    pub(super) fn derived_on(&mut self, place: &str, kinds: &[String]) {
        for id in kinds {
            if self.section.find(id).is_some_and(|kind| kind.others != Others::Derived) {
                let message = format!("`from` asks for an entitlement with `for_each`, and `{id}` has none");
                let help = format!("add an entitlement with `for_each` to `{id}`, or write `slug`");
                self.lowering.error(place, Finding::new("spec::from_without_for_each", message, help));
                return;
            }
        }
    }
}

impl Kind {
    fn may_have(&self, slug: &str) -> bool {
        self.others != Others::None || self.slugs.iter().any(|known| known == slug)
    }
}
