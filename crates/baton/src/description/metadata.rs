use std::collections::HashMap;

use protos::c1::connector::v2::connector_account_creation_schema::{Field, StringField, field};
use protos::c1::connector::v2::{
    Capability, CapabilityDetailCredentialOption, ConnectorAccountCreationSchema, ConnectorCapabilities,
    ConnectorMetadata, CredentialDetails, CredentialDetailsAccountProvisioning,
};
use spec::connector_file::ConnectorFile;
use spec::connector_file::governance::CreateParam;

use super::capabilities;
use crate::command_line::Permission;

/// Longest description, in bytes.
const LONGEST: usize = 4096;

/// What a process says of its connector (baton M-8).
///
/// One that may change nothing does not say that it can: a control plane looks here before it asks for it (baton
/// P-17).
pub fn metadata(file: &ConnectorFile, provisioning: Permission) -> ConnectorMetadata {
    let description = file.description.trim();
    let description = &description[..description.floor_char_boundary(LONGEST)];
    let help_url = file.user_guide.clone().filter(|url| url.starts_with("https://"));
    let account = match provisioning {
        Permission::Allowed => account_params(file),
        Permission::Refused => None,
    };
    ConnectorMetadata {
        display_name: file.name.clone(),
        help_url: help_url.unwrap_or_default(),
        description: description.to_owned(),
        capabilities: Some(permitted(file, provisioning)),
        account_creation_schema: account.map(schema),
        ..ConnectorMetadata::default()
    }
}

/// What may be done, by kind and at all.
fn permitted(file: &ConnectorFile, provisioning: Permission) -> ConnectorCapabilities {
    let mut told = capabilities(file);
    if provisioning == Permission::Refused {
        for kind in &mut told.resource_type_capabilities {
            let reading = [Capability::Sync as i32, Capability::TargetedSync as i32];
            kind.capabilities.retain(|one| reading.contains(one));
        }
    }
    let all = told.resource_type_capabilities.iter().flat_map(|kind| kind.capabilities.iter().copied());
    let mut all: Vec<i32> = all.collect();
    all.sort_unstable();
    all.dedup();
    if all.contains(&(Capability::AccountProvisioning as i32)) {
        let none = CapabilityDetailCredentialOption::NoPassword as i32;
        let accounts = CredentialDetailsAccountProvisioning {
            supported_credential_options: vec![none],
            preferred_credential_option: none,
        };
        told.credential_details = Some(CredentialDetails {
            capability_account_provisioning: Some(accounts),
            ..CredentialDetails::default()
        });
    }
    told.connector_capabilities = all;
    told
}

fn account_params(file: &ConnectorFile) -> Option<&[CreateParam]> {
    let kinds = &file.governance.as_deref()?.resource_types;
    let create = kinds.iter().filter_map(|kind| kind.create.as_ref()).find(|create| create.is_account)?;
    Some(&create.params)
}

fn schema(params: &[CreateParam]) -> ConnectorAccountCreationSchema {
    let field = |(order, param): (usize, &CreateParam)| {
        let field = Field {
            display_name: param.label.clone(),
            required: param.required,
            description: param.description.clone().unwrap_or_default(),
            order: i32::try_from(order).unwrap_or(i32::MAX),
            field: Some(field::Field::StringField(StringField { default_value: None })),
            ..Field::default()
        };
        (param.name.clone(), field)
    };
    let field_map: HashMap<_, _> = params.iter().enumerate().map(field).collect();
    ConnectorAccountCreationSchema { field_map: field_map.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flag::tests::library;

    fn names(capabilities: impl Iterator<Item = Capability>) -> Vec<&'static str> {
        capabilities.map(|one| one.as_str_name().trim_start_matches("CAPABILITY_")).collect()
    }

    // rule: baton M-8, P-17
    #[test]
    fn who_may_change_nothing_says_so_and_the_message_keeps_its_limits() {
        let segment = library("segment");

        let [allowed, refused] =
            [Permission::Allowed, Permission::Refused].map(|provisioning| metadata(&segment, provisioning));

        for told in [&allowed, &refused] {
            assert_eq!(protos::limits::check(told), Ok(()));
            assert_eq!(told.display_name, "Segment");
        }
        let told = allowed.capabilities.unwrap();
        let all = names(told.connector_capabilities());
        assert_eq!(all, ["PROVISION", "SYNC", "ACCOUNT_PROVISIONING", "RESOURCE_DELETE", "TARGETED_SYNC"]);
        assert!(told.credential_details.is_some());
        assert!(allowed.account_creation_schema.unwrap().field_map["email"].required);
        let told = refused.capabilities.unwrap();
        let reading = ["SYNC", "TARGETED_SYNC"];
        assert_eq!(names(told.connector_capabilities()), reading);
        assert!(told.resource_type_capabilities.iter().all(|kind| names(kind.capabilities()) == reading));
        assert!(told.credential_details.is_none() && refused.account_creation_schema.is_none());
    }
}
