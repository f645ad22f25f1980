use super::{Finding, Lowering};
use crate::connector_file::{ParamSource, ParamValue};
use crate::raw::{self, DirectionWord};
use crate::reference::{Direction, FieldReference, ReferenceSource};

impl Lowering<'_> {
    pub(super) fn param_values(&mut self, place: &str, values: Vec<raw::ParamValue>) -> Vec<ParamValue> {
        let mut lowered = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            lowered.extend(self.param_value(&format!("{place}[{index}]"), value));
        }
        lowered
    }

    /// `None` if the value has no source, which is reported.
    fn param_value(&mut self, place: &str, raw: raw::ParamValue) -> Option<ParamValue> {
        let name = raw.name.unwrap_or_default();
        let identity = raw.identity.filter(|identity| !identity.is_empty());
        let references = raw.references.filter(|references| !references.is_empty());
        let connector_param = raw.connector_param.filter(|param| !param.is_empty());
        let present = [
            ("identity", identity.is_some()),
            ("references", references.is_some()),
            ("connector_param", connector_param.is_some()),
        ];
        let sources: Vec<&str> =
            present.iter().filter(|(_, is_there)| *is_there).map(|(key, _)| *key).collect();
        if sources.len() != 1 {
            let message = format!(
                "Must have exactly one of 'identity', 'references', or 'connector_param' in param value `{name}`"
            );
            let code = "spec::param_value_sources";
            if let Some(second) = self.last_written(place, &sources) {
                self.key_error(&second, Finding::new(code, message, "keep one of the sources"));
            } else {
                let help = "add `identity: email`, `references: […]` or `connector_param: …`";
                self.key_error(place, Finding::new(code, message, help));
            }
        }
        let references =
            references.map(|references| self.references(&format!("{place}.references"), references));
        let source = match (identity, references, connector_param) {
            (Some(identity), _, _) => ParamSource::Identity(identity),
            (None, Some(references), _) => ParamSource::References(references),
            (None, None, Some(param)) => ParamSource::ConnectorParam(param),
            (None, None, None) => return None,
        };
        Some(ParamValue { name, source, unpack: raw.unpack.unwrap_or_default() })
    }

    /// Of several sources the one that stands last in the text.
    fn last_written(&self, place: &str, sources: &[&str]) -> Option<String> {
        let places = sources.iter().map(|key| format!("{place}.{key}"));
        places.max_by_key(|place| self.spans.nearest_key(place).start)
    }

    fn references(&mut self, place: &str, references: Vec<raw::Reference>) -> Vec<ReferenceSource> {
        let mut lowered = Vec::new();
        for (index, reference) in references.into_iter().enumerate() {
            match reference {
                raw::Reference::External(name) => lowered.push(ReferenceSource::External(name)),
                raw::Reference::Field(field) => {
                    let place = format!("{place}[{index}]");
                    if field.direction == Some(DirectionWord::To) {
                        let message = "References can only have a direction of 'from', found 'to'";
                        self.error(
                            &format!("{place}.direction"),
                            Finding::new("spec::direction_to", message, "write `direction: from`"),
                        );
                    }
                    lowered.extend(self.field_reference(&place, field).map(ReferenceSource::Field));
                }
            }
        }
        lowered
    }

    /// A reference to a field; `None` if collection or field are missing in it.
    pub(super) fn field_reference(
        &mut self,
        place: &str,
        raw: raw::FieldReference,
    ) -> Option<FieldReference> {
        let direction = match raw.direction {
            Some(DirectionWord::From) => Direction::From,
            Some(DirectionWord::To) => Direction::To,
            None => Direction::Either,
        };
        let dataset = raw.dataset.unwrap_or_default();
        let field = raw.field?;
        let mut parts = field.split('.').map(str::to_owned);
        let collection = parts.next().unwrap_or_default();
        let path: Vec<String> = parts.collect();
        if collection.is_empty() || path.is_empty() || path.iter().any(String::is_empty) {
            let message = format!("`{field}` is no reference to a field");
            let help = "write the collection's name, a dot, and the path of the field, as in `users.id`";
            self.error(&format!("{place}.field"), Finding::new("spec::bad_reference", message, help));
            return None;
        }
        Some(FieldReference { dataset, collection, path, direction })
    }

    /// saas-config 9.7 to 9.9.
    pub(super) fn grouped_inputs(&mut self, place: &str, names: &[String], values: &[ParamValue]) {
        if names.is_empty() {
            return;
        }
        let place = format!("{place}.grouped_inputs");
        let mut grouped: Vec<&[ReferenceSource]> = Vec::new();
        let mut sound = true;
        for (index, name) in names.iter().enumerate() {
            let item = format!("{place}[{index}]");
            let Some(value) = values.iter().find(|value| value.name == *name) else {
                let message = format!("grouped input `{name}` must also be declared as param_values");
                let known: Vec<&str> = values.iter().map(|value| value.name.as_str()).collect();
                let help = format!("param values are {}", known.join(", "));
                self.error(&item, Finding::new("spec::group_not_declared", message, &help));
                sound = false;
                continue;
            };
            match &value.source {
                ParamSource::Identity(_) => {}
                ParamSource::ConnectorParam(_) => {
                    let message =
                        format!("grouped input `{name}` must either be reference fields or identity fields");
                    let help = "take it out of the group: a connector param is the same for every row";
                    self.error(&item, Finding::new("spec::group_of_connector_param", message, help));
                    sound = false;
                }
                ParamSource::References(references) => match references.first() {
                    Some(ReferenceSource::External(_)) => {
                        let message = format!(
                            "grouped input `{name}`: groups do not currently support external references"
                        );
                        let help = "take it out of the group, or name the field directly";
                        self.error(&item, Finding::new("spec::group_of_external_reference", message, help));
                        sound = false;
                    }
                    Some(ReferenceSource::Field(_)) => grouped.push(references),
                    None => sound = false,
                },
            }
        }
        if sound {
            self.one_collection(&place, &grouped);
        }
    }

    fn one_collection(&mut self, place: &str, grouped: &[&[ReferenceSource]]) {
        let first_of = |references: &&[ReferenceSource]| match references.first() {
            Some(ReferenceSource::Field(field)) => Some(field.collection.clone()),
            Some(ReferenceSource::External(_)) | None => None,
        };
        let mut collections: Vec<String> = grouped.iter().filter_map(first_of).collect();
        collections.sort_unstable();
        collections.dedup();
        let help = "group only fields of one collection; identities may join them";
        if collections.len() != 1 {
            let message = if collections.is_empty() {
                "grouped inputs must all reference the same collection, and these reference none".to_owned()
            } else {
                format!(
                    "grouped inputs must all reference the same collection, not {}",
                    collections.join(" and ")
                )
            };
            self.error(place, Finding::new("spec::group_of_several_collections", message, help));
            return;
        }
        // Fides does not look at datasets and further references; such a file loads and misbehaves.
        let mut all =
            grouped.iter().flat_map(|references| references.iter()).filter_map(|source| match source {
                ReferenceSource::Field(field) => Some((&field.dataset, &field.collection)),
                ReferenceSource::External(_) => None,
            });
        let first = all.next();
        if all.any(|one| Some(one) != first) {
            let message =
                "grouped inputs reference several collections; values of different rows will be combined";
            self.warning(place, Finding::new("spec::group_of_several_collections", message, help));
        }
    }
}
