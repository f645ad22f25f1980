use serde_json::Value;

use super::{Finding, Lowering};
use crate::check::DomainValidation;
use crate::connector_file::{ConnectorParam, ExternalReference, Required, Service};
use crate::raw::{self, ServiceWord};

impl Lowering<'_> {
    pub(super) fn connector_params(&mut self, params: Vec<raw::ConnectorParam>) -> Vec<ConnectorParam> {
        self.param_names = params.iter().filter_map(|param| param.name.clone()).collect();
        let mut lowered: Vec<ConnectorParam> = Vec::new();
        for (index, param) in params.into_iter().enumerate() {
            let place = format!("connector_params[{index}]");
            let param = self.connector_param(&place, param);
            if !param.name.is_empty() && lowered.iter().any(|known| known.name == param.name) {
                let message = format!("connector param `{}` is declared for the second time", param.name);
                self.warning(
                    &format!("{place}.name"),
                    Finding::new("spec::duplicate_param", message, "keep one of the two"),
                );
            }
            lowered.push(param);
        }
        lowered
    }

    fn connector_param(&mut self, place: &str, raw: raw::ConnectorParam) -> ConnectorParam {
        if raw.required == Some(false) && raw.required_for.is_some() {
            let message = "`required: false` and `required_for` exclude each other";
            let finding = Finding::new("spec::required_twice", message, "keep one of the two");
            self.key_error(&format!("{place}.required_for"), finding);
        }
        let required = self.required(place, raw.required, raw.required_when);
        let param = ConnectorParam {
            name: raw.name.unwrap_or_default(),
            label: raw.label,
            description: raw.description,
            default_value: raw.default_value.filter(|value| !value.is_null()),
            options: raw.options.unwrap_or_default(),
            multiselect: raw.multiselect.unwrap_or_default(),
            sensitive: raw.sensitive.unwrap_or_default(),
            is_endpoint: raw.r#type.as_deref() == Some("endpoint"),
            allowed_values: raw.allowed_values,
            required,
            required_for: raw.required_for.map(service),
        };
        self.default_value(place, &param);
        param
    }

    fn required(&mut self, place: &str, required: Option<bool>, when: Option<String>) -> Required {
        let when_place = format!("{place}.required_when");
        if required.is_some() && when.is_some() {
            let message = "`required` and `required_when` exclude each other";
            self.key_error(&when_place, Finding::new("spec::required_twice", message, "keep one of the two"));
        }
        match (self.condition_on_params(&when_place, when), required) {
            (Some(condition), _) => Required::When(condition),
            (None, Some(false)) => Required::Never,
            (None, Some(true) | None) => Required::Always,
        }
    }

    /// The checks of saas-config 4.2; the first that fails is reported.
    fn default_value(&mut self, place: &str, param: &ConnectorParam) {
        let name = &param.name;
        let default_place = format!("{place}.default_value");
        let options = param.options.join(", ");
        if !param.options.is_empty() {
            match &param.default_value {
                Some(Value::String(text)) if !param.options.contains(text) => {
                    let message = format!("default value `{text}` of `{name}` is not a valid option");
                    self.error(
                        &default_place,
                        Finding::new(
                            "spec::default_not_an_option",
                            message,
                            format!("write one of {options}"),
                        ),
                    );
                    return;
                }
                Some(Value::Array(_)) if !param.multiselect => {
                    let message = format!("default value of `{name}` must be a single value");
                    let help = "write one option, or add `multiselect: true`";
                    self.error(&default_place, Finding::new("spec::default_is_a_list", message, help));
                    return;
                }
                Some(Value::Array(items)) => {
                    let known = |item: &Value| {
                        item.as_str().is_some_and(|text| param.options.iter().any(|o| o == text))
                    };
                    let unknown: Vec<String> =
                        items.iter().filter(|item| !known(item)).map(Value::to_string).collect();
                    if !unknown.is_empty() {
                        let message = format!("[{}] are not valid options of `{name}`", unknown.join(", "));
                        let help = format!("write some of {options}");
                        self.error(
                            &default_place,
                            Finding::new("spec::default_not_an_option", message, &help),
                        );
                        return;
                    }
                }
                _ => {}
            }
        }
        if param.multiselect && param.options.is_empty() {
            let message = format!("`multiselect` of `{name}` must be accompanied by an 'options' list");
            let help = "add `options: […]`, or remove `multiselect`";
            self.key_error(
                &format!("{place}.multiselect"),
                Finding::new("spec::multiselect_without_options", message, help),
            );
            return;
        }
        self.default_host(&default_place, param);
    }

    /// saas-config 4.2.5: a default host must be among those that are permitted.
    fn default_host(&mut self, place: &str, param: &ConnectorParam) {
        let Some(patterns) = param.allowed_values.as_deref().filter(|_| param.is_endpoint) else { return };
        let texts: Vec<&str> = match &param.default_value {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let Some(refused) = texts.into_iter().find(|host| !model::host_allowed(patterns, host)) else {
            return;
        };
        let message =
            format!("default host `{refused}` of `{}` is not in the list of allowed values", param.name);
        let help = format!("write a host that matches {}", patterns.join(", "));
        match self.options.domain_validation {
            DomainValidation::Enabled => {
                self.error(place, Finding::new("spec::host_not_allowed", message, help));
            }
            DomainValidation::Monitor => {
                self.warning(place, Finding::new("spec::host_not_allowed", message, help));
            }
            DomainValidation::Disabled => {}
        }
    }
}

pub(super) fn external_references(references: Vec<raw::ExternalReference>) -> Vec<ExternalReference> {
    references
        .into_iter()
        .map(|raw| ExternalReference {
            name: raw.name.unwrap_or_default(),
            label: raw.label,
            description: raw.description,
            required_for: raw.required_for.map(service),
        })
        .collect()
}

fn service(word: ServiceWord) -> Service {
    match word {
        ServiceWord::Privacy => Service::Privacy,
        ServiceWord::Governance => Service::Governance,
    }
}
