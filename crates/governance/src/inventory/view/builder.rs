//! Taking rows.

use std::collections::HashMap;

use protos::annotations;
use protos::c1::connector::v2::entitlement::PurposeValue;
use protos::c1::connector::v2::resource_type::Trait;
use protos::c1::connector::v2::{
    Entitlement, Grant, GrantExpandable, GroupTrait, Resource, ResourceId, ResourceType, UserTrait,
};
use spec::connector_file::governance::Purpose;

use super::rows::{AccountRow, EntitlementRow, KindRow, Listed, NONE, Range, ResourceRow};
use super::texts::{Text, TextWriter};
use super::{KindState, account_row};
use crate::inventory::InventoryError;
use crate::sink::{SinkError, SyncSink};

/// Makes an [`Inventory`](super::Inventory) of rows.
///
/// Rows may come in any order. Of grants that follow from others those that follow from what is here are found
/// again and need not be given; a told one that does not is kept, and marked as told.
#[derive(Default)]
pub struct InventoryBuilder {
    pub(super) texts: TextWriter,
    pub(super) kinds: Vec<KindRow>,
    kind_numbers: HashMap<Box<str>, u32>,
    listed_kinds: u32,
    pub(super) kind_states: Vec<KindState>,
    pub(super) resources: Vec<ResourceRow>,
    /// By kind, then by id.
    resource_numbers: Vec<HashMap<Box<str>, u32>>,
    pub(super) accounts: Vec<AccountRow>,
    /// Addresses, names to sign in with and numbers of employees of the accounts.
    pub(super) words: Vec<Text>,
    pub(super) entitlements: Vec<EntitlementRow>,
    pub(super) entitlement_numbers: HashMap<Box<str>, u32>,
    pub(super) grants: Vec<GrantRow>,
    /// Ids of entitlements and kinds that grants name.
    pub(super) names: Vec<Text>,
}

/// A grant as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct GrantRow {
    pub(super) entitlement: u32,
    pub(super) principal: u32,
    /// Its id, unless it is the usual one.
    pub(super) id: Text,
    pub(super) origin: GrantOrigin,
    /// Whoever holds these holds it too.
    pub(super) expand: Range,
    /// Only principals of these kinds do so.
    pub(super) expand_types: Range,
    pub(super) is_shallow: bool,
}

/// Whether the application says that it is direct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrantOrigin {
    Direct,
    /// It names other entitlements that it follows from, and not its own.
    Told(Range),
}

impl InventoryBuilder {
    /// Nothing taken yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how current a kind is. One of which nothing is said is complete, as of the whole.
    pub fn kind_state(&mut self, state: KindState) {
        self.kind_states.push(state);
    }

    fn kind(&mut self, id: &str) -> Result<u32, InventoryError> {
        if let Some(number) = self.kind_numbers.get(id) {
            return Ok(*number);
        }
        let number = place(self.kinds.len())?;
        let text = self.texts.add(id)?;
        self.kinds.push(KindRow {
            id: text,
            name: Text::EMPTY,
            is_user: false,
            is_group: false,
            is_role: false,
            place: NONE,
        });
        self.resource_numbers.push(HashMap::new());
        self.kind_numbers.insert(id.into(), number);
        Ok(number)
    }

    /// The number of a kind that something names; one that nothing is of has a number of its own.
    pub(super) fn find_kind(&self, id: &str) -> Option<u32> {
        self.kind_numbers.get(id).copied()
    }

    pub(super) fn renumber_kinds(&mut self, new: &[u32]) {
        for number in self.kind_numbers.values_mut() {
            *number = new.get(*number as usize).copied().unwrap_or(NONE);
        }
    }

    /// The number of a resource; a row that only has its id, until it comes.
    fn resource_number(&mut self, id: &ResourceId) -> Result<u32, InventoryError> {
        if id.resource_type.is_empty() || id.resource.is_empty() {
            return Err(InventoryError::NoId { what: "resource" });
        }
        let kind = self.kind(&id.resource_type)?;
        let numbers = self.resource_numbers.get_mut(kind as usize);
        let numbers = numbers.expect("each kind has a table, made with it");
        if let Some(number) = numbers.get(id.resource.as_str()) {
            return Ok(*number);
        }
        let number = place(self.resources.len())?;
        numbers.insert(id.resource.as_str().into(), number);
        let text = self.texts.add(&id.resource)?;
        self.resources.push(ResourceRow {
            kind,
            id: text,
            name: Text::EMPTY,
            description: Text::EMPTY,
            parent: NONE,
            account: NONE,
            listed: Listed::Nowhere,
        });
        Ok(number)
    }

    /// The number of an entitlement; a row that only has its id and resource, until it comes.
    fn entitlement_number(&mut self, row: &Entitlement) -> Result<u32, InventoryError> {
        if row.id.is_empty() {
            return Err(InventoryError::NoId { what: "entitlement" });
        }
        if let Some(number) = self.entitlement_numbers.get(row.id.as_str()) {
            return Ok(*number);
        }
        let on = row.resource.as_ref().and_then(|resource| resource.id.as_ref());
        let resource = self.resource_number(on.unwrap_or(&ResourceId::default()))?;
        let number = place(self.entitlements.len())?;
        let id = self.texts.add(&row.id)?;
        self.entitlements.push(EntitlementRow {
            resource,
            id,
            name: Text::EMPTY,
            slug: Text::EMPTY,
            description: Text::EMPTY,
            purpose: None,
            listed: Listed::Nowhere,
        });
        self.entitlement_numbers.insert(row.id.as_str().into(), number);
        Ok(number)
    }

    fn add_resource_type(&mut self, row: &ResourceType) -> Result<(), InventoryError> {
        if row.id.is_empty() {
            return Err(InventoryError::NoId { what: "resource type" });
        }
        let number = self.kind(&row.id)?;
        let name = self.texts.add(&row.display_name)?;
        let has = |wanted: Trait| row.traits.contains(&(wanted as i32));
        let (is_user, is_group, is_role) = (has(Trait::User), has(Trait::Group), has(Trait::Role));
        if let Some(kind) = self.kinds.get_mut(number as usize) {
            let place = if kind.place == NONE { self.listed_kinds } else { kind.place };
            self.listed_kinds = self.listed_kinds.max(place + 1);
            *kind = KindRow { name, is_user, is_group, is_role, place, ..*kind };
        }
        Ok(())
    }

    fn add_resource(&mut self, row: &Resource) -> Result<(), InventoryError> {
        let number = self.resource_number(row.id.as_ref().unwrap_or(&ResourceId::default()))?;
        let parent = row.parent_resource_id.as_ref().filter(|parent| !parent.resource.is_empty());
        let parent = parent.map_or(Ok(NONE), |parent| self.resource_number(parent))?;
        let (name, description) = (self.texts.add(&row.display_name)?, self.texts.add(&row.description)?);
        // A trait that cannot be read is like one that is not there: nothing is known of it.
        let user = annotations::find::<UserTrait>(&row.annotations).ok().flatten();
        let is_group = annotations::contains::<GroupTrait>(&row.annotations);
        let known = self.resources.get(number as usize).map_or(NONE, |row| row.account);
        let account = match user {
            None => known,
            Some(user) => {
                let account = account_row::read((number, row), &user, (&mut self.texts, &mut self.words))?;
                if let Some(slot) = self.accounts.get_mut(known as usize) {
                    *slot = account;
                    known
                } else {
                    self.accounts.push(account);
                    place(self.accounts.len() - 1)?
                }
            }
        };
        if let Some(slot) = self.resources.get_mut(number as usize) {
            // The application named it in a list of grants; no list of its own has it.
            let stub = row.creation_source == STUB;
            let listed = if stub { Listed::ForGrants } else { Listed::Here };
            *slot = ResourceRow { name, description, parent, account, listed, ..*slot };
            if is_group && let Some(kind) = self.kinds.get_mut(slot.kind as usize) {
                kind.is_group = true;
            }
        }
        Ok(())
    }

    fn add_entitlement(&mut self, row: &Entitlement) -> Result<(), InventoryError> {
        let number = self.entitlement_number(row)?;
        let on = row.resource.as_ref().and_then(|resource| resource.id.as_ref());
        let entitlement = EntitlementRow {
            resource: self.resource_number(on.unwrap_or(&ResourceId::default()))?,
            id: self.texts.add(&row.id)?,
            name: self.texts.add(&row.display_name)?,
            slug: self.texts.add(&row.slug)?,
            description: self.texts.add(&row.description)?,
            purpose: match row.purpose() {
                PurposeValue::Unspecified => None,
                PurposeValue::Assignment => Some(Purpose::Assignment),
                PurposeValue::Permission => Some(Purpose::Permission),
                PurposeValue::Ownership => Some(Purpose::Ownership),
            },
            listed: Listed::Here,
        };
        if let Some(slot) = self.entitlements.get_mut(number as usize) {
            *slot = entitlement;
        }
        Ok(())
    }

    fn add_grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), InventoryError> {
        let nothing = Entitlement::default();
        let entitlement = self.entitlement_number(row.entitlement.as_ref().unwrap_or(&nothing))?;
        let holder = row.principal.as_ref().and_then(|principal| principal.id.as_ref());
        let holder = holder.ok_or(InventoryError::NoId { what: "principal" })?;
        let principal = self.resource_number(holder)?;
        let entitlement_id = row.entitlement.as_ref().map(|row| row.id.as_str()).unwrap_or_default();
        let usual = protos::grant_id(entitlement_id, holder).is_ok_and(|usual| usual == row.id);
        let id = if usual { Text::EMPTY } else { self.texts.add(&row.id)? };
        let sources = row.sources.as_ref().map(|sources| &sources.sources);
        let origin = match sources {
            Some(sources) if !sources.is_empty() && !sources.contains_key(entitlement_id) => {
                let mut ids: Vec<&str> = sources.keys().map(String::as_str).collect();
                ids.sort_unstable();
                GrantOrigin::Told(self.named(ids)?)
            }
            Some(_) | None => GrantOrigin::Direct,
        };
        // Files of older writers keep it among the annotations (baton DB-8).
        let within = if expandable.is_none() {
            annotations::find::<GrantExpandable>(&row.annotations).ok().flatten()
        } else {
            None
        };
        let nobody = GrantExpandable::default();
        let expand = expandable.or(within.as_ref()).unwrap_or(&nobody);
        let grant = GrantRow {
            entitlement,
            principal,
            id,
            origin,
            expand: self.named(expand.entitlement_ids.iter().map(String::as_str))?,
            expand_types: self.named(expand.resource_type_ids.iter().map(String::as_str))?,
            is_shallow: expand.shallow,
        };
        place(self.grants.len())?;
        self.grants.push(grant);
        Ok(())
    }

    fn named<'a>(&mut self, ids: impl IntoIterator<Item = &'a str>) -> Result<Range, InventoryError> {
        let start = place(self.names.len())?;
        for id in ids {
            let text = self.texts.add(id)?;
            self.names.push(text);
        }
        Ok(Range { start, end: place(self.names.len())? })
    }
}

impl SyncSink for InventoryBuilder {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        self.add_resource_type(row).map_err(SinkError::new)
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        self.add_resource(row).map_err(SinkError::new)
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        self.add_entitlement(row).map_err(SinkError::new)
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        self.add_grant(row, expandable).map_err(SinkError::new)
    }
}

impl std::fmt::Debug for InventoryBuilder {
    /// Counts alone: names are those of people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InventoryBuilder")
            .field("resources", &self.resources.len())
            .field("entitlements", &self.entitlements.len())
            .field("grants", &self.grants.len())
            .finish_non_exhaustive()
    }
}

/// What rows say that were made for a grant alone.
const STUB: i32 = protos::c1::connector::v2::resource::CreationSource::ConnectorListGrantsPrincipalJit as i32;

/// The number of what stands at this place.
pub(super) fn place(at: usize) -> Result<u32, InventoryError> {
    u32::try_from(at).ok().filter(|number| *number < u32::MAX - 1).ok_or(InventoryError::TooLarge)
}
