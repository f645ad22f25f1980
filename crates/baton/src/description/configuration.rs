use protos::c1::config::v1::{
    Configuration, Field, StringField, StringFieldOption, StringRules, StringSliceField, field,
};
use serde_json::Value;
use spec::connector_file::{ConnectorParam, Required, Service};

use crate::flag::{ConnectorField, ConnectorFields, FlagKind};

/// The connector's own fields, for whoever draws a form of them (baton M-14).
pub fn configuration(fields: &ConnectorFields) -> Configuration {
    let param = |name: &str| fields.file.find_param(name);
    let described = fields.fields.iter().filter_map(|field| Some(of_field(field, param(&field.param)?)));
    Configuration {
        fields: described.collect(),
        display_name: fields.display_name().to_owned(),
        help_url: fields.file.user_guide.clone().unwrap_or_default(),
        ..Configuration::default()
    }
}

fn of_field(field: &ConnectorField, param: &ConnectorParam) -> Field {
    let has_default = param.default_value.is_some();
    // What only privacy requests need is not asked for.
    let is_asked = param.required_for != Some(Service::Privacy);
    let is_required = matches!(param.required, Required::Always) && !has_default && is_asked;
    Field {
        name: field.flag.name.clone(),
        display_name: param.label.clone().unwrap_or_else(|| param.name.clone()),
        description: param.description.clone().unwrap_or_default(),
        is_required,
        is_secret: field.flag.kind == FlagKind::Secret,
        field: Some(kind(field, param, is_required)),
        ..Field::default()
    }
}

fn kind(field: &ConnectorField, param: &ConnectorParam, is_required: bool) -> field::Field {
    if field.flag.kind == FlagKind::List {
        let texts = match &param.default_value {
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(_) | None => Vec::new(),
        };
        return field::Field::StringSliceField(StringSliceField {
            default_value: texts,
            ..StringSliceField::default()
        });
    }
    let option = |value: &String| StringFieldOption {
        name: value.clone(),
        value: value.clone(),
        display_name: value.clone(),
    };
    let rules = StringRules { is_required, r#in: param.options.clone(), ..StringRules::default() };
    field::Field::StringField(StringField {
        // A default of a secret would be a secret.
        default_value: if field.flag.kind == FlagKind::Secret {
            String::new()
        } else {
            field.flag.default.clone()
        },
        rules: (is_required || !param.options.is_empty()).then_some(rules),
        options: param.options.iter().map(option).collect(),
        ..StringField::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flag::tests::library;

    // rule: baton M-14
    #[test]
    fn segment_needs_a_secret_token_and_nothing_else() {
        let fields = ConnectorFields::of(&library("segment")).unwrap();

        let configuration = configuration(&fields);

        let of = |name: &str| configuration.fields.iter().find(|field| field.name == name).unwrap();
        assert_eq!(configuration.display_name, "Segment");
        assert!(of("access-token").is_required && of("access-token").is_secret);
        let others: Vec<&str> = configuration
            .fields
            .iter()
            .filter(|field| field.is_required && field.name != "access-token")
            .map(|field| field.name.as_str())
            .collect();
        assert_eq!(others, Vec::<&str>::new());
        let Some(field::Field::StringField(domain)) = &of("domain").field else { panic!("a text") };
        assert_eq!(domain.default_value, "api.segmentapis.com");
    }
}
