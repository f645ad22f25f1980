//! The sections `governance` and `activity` (architecture §5).
//!
//! Parts of the section name each other in any order, so what can be named is collected first ([`Section`]).

mod activity;
mod entitlement;
mod grant;
mod kinds;
mod list;
mod names;
mod requests;
mod write;

use self::grant::Holder;
use self::kinds::Section;
use super::{Finding, Lowering};
use crate::connector_file::ConnectorFile;
use crate::connector_file::governance::{
    Activity, Governance, Guard, ResourceSource, ResourceType, Skips, StaticResource, Trait,
};
use crate::raw::{self, SkipWord, TraitWord};

/// Lowers the two sections: what they may name, and where findings go.
struct Access<'l, 's> {
    lowering: &'l mut Lowering<'s>,
    section: Section<'l>,
}

impl Lowering<'_> {
    /// `file` is everything else of the file.
    pub(super) fn governance(&mut self, file: &ConnectorFile, raw: raw::Governance) -> Governance {
        let section = Section::of(file, &raw);
        let file_retry = self.default_retry.clone();
        let governance = Access { lowering: &mut *self, section }.governance(raw);
        self.default_retry = file_retry;
        governance
    }

    /// `file` is the rest of the file, its section `governance` as written.
    pub(super) fn activity(
        &mut self,
        file: &ConnectorFile,
        governance: Option<&raw::Governance>,
        raw: raw::Activity,
    ) -> Option<Activity> {
        let section = match governance {
            Some(governance) => Section::of(file, governance),
            None => Section::without_kinds(file),
        };
        Access { lowering: self, section }.activity(raw)
    }
}

impl Access<'_, '_> {
    fn governance(mut self, raw: raw::Governance) -> Governance {
        self.kinds();
        let when = self.lowering.condition_on_params("governance.when", raw.when);
        let client_config = raw.client_config.map(|client| {
            self.lowering.default_retry.clone_from(&client.retry);
            self.lowering.client_config("governance.client_config", client)
        });
        let types = raw.resource_types.unwrap_or_default().into_iter().enumerate();
        let resource_types = types
            .map(|(index, kind)| {
                self.resource_type(index, &format!("governance.resource_types[{index}]"), kind)
            })
            .collect();
        let guards = raw.guards.unwrap_or_default().into_iter().enumerate();
        let guards: Vec<Guard> = guards
            .filter_map(|(index, guard)| self.guard(&format!("governance.guards[{index}]"), guard))
            .collect();
        self.unique_guards(&guards);
        Governance { when, client_config, requires: raw.requires, resource_types, guards }
    }

    fn resource_type(&mut self, index: usize, place: &str, raw: raw::ResourceType) -> ResourceType {
        let id = raw.id.unwrap_or_default();
        let required = raw.required.unwrap_or_default();
        let traits: Vec<Trait> = raw.traits.unwrap_or_default().into_iter().map(lower_trait).collect();
        let per = raw.list.as_ref().and_then(|list| list.per.clone());
        self.one_source(place, raw.list.is_some(), raw.r#static.is_some());
        if required && let Some(list) = &raw.list {
            self.required_is_available(place, &id, list);
        }
        let listed = raw.list.and_then(|list| {
            self.resource_list(&format!("{place}.list"), list, traits.contains(&Trait::User))
        });
        let named = raw.r#static.unwrap_or_default();
        let named = self.static_resources(&format!("{place}.static"), named);
        let source =
            listed.map_or(ResourceSource::Static(named), |listed| ResourceSource::Listed(Box::new(listed)));
        let grants = raw.grants.unwrap_or_default();
        if matches!(&source, ResourceSource::Static(resources) if !resources.is_empty()) && !grants.is_empty()
        {
            let message = "`grants` reads the items of a `list`, and this kind has none";
            let help = "say who holds it at the entitlement, with `grants` there";
            self.lowering
                .key_error(&format!("{place}.grants"), Finding::new("spec::misplaced_key", message, help));
        }
        let get = raw.get.and_then(|get| self.resource_get(&format!("{place}.get"), get));
        let entitlements = raw.entitlements.unwrap_or_default();
        let entitlements = self.entitlements(&format!("{place}.entitlements"), entitlements);
        let grants = grants.into_iter().enumerate();
        let grants = grants
            .filter_map(|(rule, held)| {
                let holder = Holder { kind: index, has_parent: per.is_some() };
                self.held_grants(&format!("{place}.grants[{rule}]"), held, holder)
            })
            .collect();
        ResourceType {
            name: raw.name.unwrap_or_else(|| id.clone()),
            id,
            traits,
            required,
            skips: skips(&raw.skip.unwrap_or_default()),
            source,
            get,
            entitlements,
            grants,
            create: raw.create.and_then(|create| self.resource_create(&format!("{place}.create"), create)),
            delete: raw.delete.and_then(|delete| self.removal(&format!("{place}.delete"), delete)),
        }
    }

    /// Resources are listed or named, never both.
    fn one_source(&mut self, place: &str, listed: bool, named: bool) {
        match (listed, named) {
            (true, true) => {
                let message = "`list` and `static` exclude each other";
                self.lowering.key_error(
                    &format!("{place}.static"),
                    Finding::new("spec::source_of_resources", message, "keep one of the two"),
                );
            }
            (false, false)
                if !self.lowering.was_reported(place, "list")
                    && !self.lowering.was_reported(place, "static") =>
            {
                let message = "nothing says where the resources of this kind come from";
                let help = "add `list: { request: …, id: item.id }`, or name them under `static`";
                self.lowering.key_error(place, Finding::new("spec::source_of_resources", message, help));
            }
            (true, false) | (false, true | false) => {}
        }
    }

    fn required_is_available(&mut self, place: &str, id: &str, list: &raw::ResourceList) {
        if list.unavailable.as_ref().is_some_and(|statuses| !statuses.is_empty()) {
            let message = format!("`{id}` is `required`, so its list cannot be `unavailable`");
            let help = "remove `unavailable`: the answer is then an error that names what is required";
            self.lowering.key_error(
                &format!("{place}.list.unavailable"),
                Finding::new("spec::required_unavailable", message, help),
            );
        }
    }

    fn static_resources(&mut self, place: &str, raw: Vec<raw::StaticResource>) -> Vec<StaticResource> {
        let mut resources: Vec<StaticResource> = Vec::new();
        for (index, resource) in raw.into_iter().enumerate() {
            let id = resource.id.unwrap_or_default();
            if !id.is_empty() && resources.iter().any(|known| known.id == id) {
                let message = format!("resource `{id}` is named for the second time");
                let finding = Finding::new("spec::duplicate_resource", message, "give it another `id`");
                self.lowering.error(&format!("{place}[{index}].id"), finding);
            }
            let display_name = resource.display_name.unwrap_or_else(|| id.clone());
            resources.push(StaticResource { id, display_name, description: resource.description });
        }
        resources
    }

    fn guard(&mut self, place: &str, raw: raw::Guard) -> Option<Guard> {
        let when = self.governed_condition(&format!("{place}.when"), raw.when, &["resource"]);
        let (resource_type, slug, holders) = (raw.resource_type?, raw.slug?, raw.holders?);
        self.known_kind(&format!("{place}.holders"), &holders);
        if self.known_kind(&format!("{place}.resource_type"), &resource_type) {
            self.known_slug(&format!("{place}.slug"), &[resource_type.as_str()], &slug);
        }
        Some(Guard {
            id: raw.id?,
            resource_type,
            when,
            slug,
            keep: raw.keep.and_then(|keep| u64::try_from(keep).ok())?,
            holders,
            message: raw.message?,
        })
    }

    fn unique_guards(&mut self, guards: &[Guard]) {
        for (index, guard) in guards.iter().enumerate() {
            if guards.iter().take(index).any(|known| known.id == guard.id) {
                let message = format!("guard `{}` is declared for the second time", guard.id);
                let finding = Finding::new("spec::duplicate_guard", message, "give it another `id`");
                self.lowering.error(&format!("governance.guards[{index}].id"), finding);
            }
        }
    }
}

fn lower_trait(word: TraitWord) -> Trait {
    match word {
        TraitWord::User => Trait::User,
        TraitWord::Group => Trait::Group,
        TraitWord::Role => Trait::Role,
        TraitWord::App => Trait::App,
        TraitWord::Secret => Trait::Secret,
    }
}

fn skips(words: &[SkipWord]) -> Skips {
    Skips {
        entitlements: words.contains(&SkipWord::Entitlements),
        grants: words.contains(&SkipWord::Grants),
        anomaly_detection: words.contains(&SkipWord::AnomalyDetection),
    }
}
