use super::super::Finding;
use super::Access;
use super::names::resource_names;
use crate::connector_file::Request;
use crate::connector_file::governance::{CreateParam, GovernanceWrite, ResourceCreate};
use crate::raw;

/// What a change may name.
pub(super) struct WriteNames {
    /// In its `vars`.
    pub(super) variables: Vec<&'static str>,
    /// Placeholders of the resource that the entitlement is derived from.
    pub(super) from: Vec<String>,
    pub(super) rest: Rest,
}

/// Whether `rest` has a meaning.
pub(super) enum Rest {
    /// It has, and sees these.
    Allowed(&'static [&'static str]),
    /// The rule reads no list.
    NoEach,
    /// The list cannot be read anew.
    NoGet,
}

impl Access<'_, '_> {
    /// Gives an entitlement or takes it.
    pub(super) fn access_write(
        &mut self,
        place: &str,
        raw: raw::AccessWrite,
        names: &WriteNames,
    ) -> Option<GovernanceWrite> {
        let mut placeholders = resource_names("resource");
        placeholders.extend(resource_names("principal"));
        placeholders.extend(["principal.email", "principal.login", "entitlement.slug"].map(str::to_owned));
        placeholders.extend(names.from.iter().cloned());
        let vars = self.named_expressions(&format!("{place}.vars"), raw.vars, &names.variables);
        placeholders.extend(vars.iter().map(|(name, _)| format!("vars.{name}")));

        let rest_place = format!("{place}.rest");
        let has_rest = raw.rest.is_some();
        let rest = match &names.rest {
            Rest::Allowed(variables) => self.expression(&rest_place, raw.rest, variables),
            Rest::NoEach | Rest::NoGet if has_rest => {
                let (message, help) = match &names.rest {
                    Rest::NoGet => (
                        "`rest` is what stays of a list that is read anew, and nothing reads it anew",
                        "add `get` to the kind",
                    ),
                    Rest::NoEach | Rest::Allowed(_) => (
                        "`rest` is what stays of the list `each`, and there is none here",
                        "use it in a rule of `grants` that has `each`, or remove it",
                    ),
                };
                self.lowering.key_error(&rest_place, Finding::new("spec::misplaced_rest", message, help));
                None
            }
            Rest::NoEach | Rest::NoGet => None,
        };
        let may_have_rest = has_rest || self.lowering.is_written(&rest_place);
        if may_have_rest {
            placeholders.push("rest".to_owned());
        }
        let request = self.change(&format!("{place}.request"), raw.request?, &placeholders);
        self.rest_is_sent(place, &request, may_have_rest);
        Some(GovernanceWrite { request, vars, rest })
    }

    /// What stays of a list has to be sent, or everything of it would be lost.
    fn rest_is_sent(&mut self, place: &str, request: &Request, has_rest: bool) {
        let mut placeholders =
            crate::lint::texts(request).into_iter().flat_map(|text| text.template.placeholders());
        if has_rest && !placeholders.any(|placeholder| placeholder.name == "rest") {
            let message = "the request never sends `<rest>`, so what stays would be lost";
            let finding = Finding::new("spec::misplaced_rest", message, "write `<rest>` in the body");
            self.lowering.key_error(&format!("{place}.rest"), finding);
        }
    }

    /// Takes a resource away.
    pub(super) fn removal(&mut self, place: &str, raw: raw::AccessWrite) -> Option<GovernanceWrite> {
        let mut placeholders = resource_names("resource");
        let vars = self.named_expressions(&format!("{place}.vars"), raw.vars, &["resource"]);
        placeholders.extend(vars.iter().map(|(name, _)| format!("vars.{name}")));
        if raw.rest.is_some() {
            let message = "`rest` is about what somebody holds, and this takes a resource away";
            let finding = Finding::new("spec::misplaced_rest", message, "remove it here");
            self.lowering.key_error(&format!("{place}.rest"), finding);
        }
        let request = self.change(&format!("{place}.request"), raw.request?, &placeholders);
        Some(GovernanceWrite { request, vars, rest: None })
    }

    /// Makes a resource.
    pub(super) fn resource_create(
        &mut self,
        place: &str,
        raw: raw::ResourceCreate,
    ) -> Option<ResourceCreate> {
        let params = self.create_params(&format!("{place}.params"), raw.params.unwrap_or_default());
        let names: Vec<String> = params.iter().map(|param| param.name.clone()).collect();
        let variables: Vec<&str> = names.iter().map(String::as_str).collect();
        let vars = self.named_expressions(&format!("{place}.vars"), raw.vars, &variables);
        let mut placeholders = names.clone();
        placeholders.extend(vars.iter().map(|(name, _)| format!("vars.{name}")));
        let request = self.change(&format!("{place}.request"), raw.request?, &placeholders);
        let write = GovernanceWrite { request, vars, rest: None };
        Some(ResourceCreate { write, params, is_account: raw.account.unwrap_or_default() })
    }

    fn create_params(&mut self, place: &str, raw: Vec<raw::CreateParam>) -> Vec<CreateParam> {
        let mut params: Vec<CreateParam> = Vec::new();
        for (index, param) in raw.into_iter().enumerate() {
            let name = param.name.unwrap_or_default();
            let name_place = format!("{place}[{index}].name");
            if !name.is_empty() && !is_identifier(&name) {
                let message = format!("`{name}` cannot be a placeholder and a variable");
                let help = "write a letter, then letters, digits and `_`";
                self.lowering.error(&name_place, Finding::new("spec::bad_key", message, help));
            }
            let taken = params.iter().any(|known| known.name == name);
            if taken || self.section.file.find_param(&name).is_some() {
                let whose = if taken { "another param of this list" } else { "a connector param" };
                let message = format!("`{name}` is already the name of {whose}");
                let finding = Finding::new("spec::duplicate_create_param", message, "give it another name");
                self.lowering.error(&name_place, finding);
            }
            params.push(CreateParam {
                label: param.label.unwrap_or_else(|| name.clone()),
                description: param.description,
                required: param.required.unwrap_or_default(),
                name,
            });
        }
        params
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|each| each.is_ascii_alphanumeric() || each == '_')
}
