use prost_types::value::Kind;
use protos::annotations;
use protos::baton::v1::GrantOutput;
use protos::c1::connector::v2::resource_type::Trait;
use protos::c1::connector::v2::status::ResourceStatus;
use protos::c1::connector::v2::user_trait::Status as UserState;
use protos::c1::connector::v2::user_trait::status::Status;
use protos::c1::connector::v2::{Resource, Status as ResourceState, UserTrait};

use super::Explorer;
use crate::{Filter, ReadError};

/// Columns of an export (baton X-1).
pub const EXPORT_COLUMNS: [&str; 12] = [
    "Type",
    "Last Name",
    "First Name",
    "User ID",
    "User Status",
    "Email Address",
    "Entitlement Display Name",
    "Entitlement",
    "Resource Type",
    "Resource Name",
    "Entitlement Description",
    "Entitlement Slug",
];

/// A grant of a user, by [`EXPORT_COLUMNS`].
pub type ExportLine = [String; 12];

impl Explorer<'_> {
    /// One line for each grant that a user holds.
    pub fn export<'b>(
        &'b self,
        filter: &'b Filter,
    ) -> impl Iterator<Item = Result<ExportLine, ReadError>> + 'b {
        self.grants(filter).filter_map(|grant| grant.and_then(|grant| self.line(grant)).transpose())
    }

    /// The line of a grant; nothing, if no user holds it.
    fn line(&self, grant: GrantOutput) -> Result<Option<ExportLine>, ReadError> {
        let principal = grant.principal.unwrap_or_default();
        let id = principal.id.clone().unwrap_or_default();
        let principal_type = self.finder.resource_type(&id.resource_type)?;
        let declared =
            principal_type.as_ref().is_some_and(|kind| kind.traits.contains(&(Trait::User as i32)));
        // A trait that does not decode is left out like one that is not there; `grants -o json` shows it.
        let user = annotations::find::<UserTrait>(&principal.annotations).ok().flatten();
        if !declared && user.is_none() {
            return Ok(None);
        }
        let user = user.unwrap_or_default();
        let (last_name, first_name) = names(&principal, &user);
        let entitlement = grant.entitlement.unwrap_or_default();
        let resource_type = grant.resource_type.unwrap_or_default();
        Ok(Some([
            principal_type.map(|kind| kind.display_name.clone()).unwrap_or(id.resource_type),
            last_name,
            first_name,
            id.resource,
            status(&principal, &user).to_owned(),
            address(&user),
            entitlement.display_name,
            entitlement.id,
            resource_type.display_name,
            grant.resource.unwrap_or_default().display_name,
            entitlement.description,
            entitlement.slug,
        ]))
    }
}

/// Last and first name; what a person is called as a whole stands as the last name, where nothing tells them apart.
fn names(principal: &Resource, user: &UserTrait) -> (String, String) {
    if let Some(name) = &user.structured_name
        && !(name.family_name.is_empty() && name.given_name.is_empty())
    {
        return (name.family_name.clone(), name.given_name.clone());
    }
    // Newer connectors tell the profile on the resource, older ones in the trait (baton MSG-4).
    let in_profile = |name: &str| {
        let profiles = [principal.profile.as_ref(), user.profile.as_ref()];
        profiles.into_iter().flatten().find_map(|profile| match profile.fields.get(name)?.kind.as_ref()? {
            Kind::StringValue(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        })
    };
    match (in_profile("last_name"), in_profile("first_name")) {
        (None, None) => (principal.display_name.clone(), String::new()),
        (last, first) => (last.unwrap_or_default(), first.unwrap_or_default()),
    }
}

fn status(principal: &Resource, user: &UserTrait) -> &'static str {
    let of_resource = principal.status.as_ref().map(ResourceState::status);
    match of_resource {
        Some(ResourceStatus::Enabled) => return "enabled",
        Some(ResourceStatus::Disabled) => return "disabled",
        Some(ResourceStatus::Deleted) => return "deleted",
        Some(ResourceStatus::Unspecified) | None => {}
    }
    match user.status.as_ref().map(UserState::status) {
        Some(Status::Disabled) => "disabled",
        Some(Status::Deleted) => "deleted",
        // What connectors leave open counts as enabled (baton MSG-6).
        Some(Status::Enabled | Status::Unspecified) | None => "enabled",
    }
}

/// The primary address, or the first one.
fn address(user: &UserTrait) -> String {
    let primary = user.emails.iter().find(|email| email.is_primary);
    primary.or(user.emails.first()).map(|email| email.address.clone()).unwrap_or_default()
}
