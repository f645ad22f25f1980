//! Vendors that stand in a dataset: which rows name them for a request, found by its custom fields
//! (privacy-requests W-23).

mod fault;
mod table;

use std::collections::BTreeSet;

use model::Row;
use serde_json::{Map, Value};
use spec::reference::FieldReference;
use spec::secrets::parse_external_reference;
use store::Store;

pub(crate) use self::fault::LookupFault;
use self::table::VendorTable;
use super::{ADDRESS, NAME, Vendor};
use crate::request::is_email;
use crate::worker::Services;

/// Most rows that one request may lead to: personal data would go to each of their vendors.
const MOST_ROWS: usize = 1_000;

/// Where the vendors of a connection stand.
#[derive(Debug)]
pub(crate) struct VendorLookup {
    /// What its secrets say; nothing if they cannot be used.
    fields: Option<VendorFields>,
}

/// The fields of a dataset that name vendors.
#[derive(Debug, Clone)]
struct VendorFields {
    address: FieldReference,
    name: FieldReference,
}

/// The vendors of a dataset, ready to be looked up.
#[derive(Debug)]
pub(crate) struct OpenLookup {
    table: VendorTable,
    fields: VendorFields,
}

/// What was found for one request.
#[derive(Debug)]
pub(crate) struct FoundVendors {
    /// The vendors.
    pub(crate) vendors: BTreeSet<Vendor>,
    /// Rows that name no address to write to.
    pub(crate) unusable: usize,
    /// Where the addresses should stand.
    pub(crate) place: String,
}

impl VendorLookup {
    /// As the secrets of a connection say it. References that cannot be read are told when they are used.
    pub(super) fn of(secrets: &Map<String, Value>) -> Self {
        let field = |name: &str| parse_external_reference(name, secrets.get(name)?).ok();
        let both = field(ADDRESS).zip(field(NAME)).filter(|(address, name)| {
            (&address.dataset, &address.collection) == (&name.dataset, &name.collection)
        });
        Self { fields: both.map(|(address, name)| VendorFields { address, name }) }
    }

    /// Makes the dataset ready. Calls nobody.
    ///
    /// # Errors
    /// [`LookupFault`] if it cannot be used as it is set up.
    pub(crate) async fn open(
        &self,
        store: &Store,
        services: Option<&dyn Services>,
    ) -> Result<OpenLookup, LookupFault> {
        let fields = self.fields.clone().ok_or(LookupFault::Secrets)?;
        let services = services.ok_or(LookupFault::NoServices)?;
        let table = VendorTable::open((store, services), &fields).await?;
        Ok(OpenLookup { table, fields })
    }
}

impl OpenLookup {
    /// The vendors that rows name which have the values of these custom fields: all of them, where a
    /// request has several of the fields that rows are found by.
    ///
    /// # Errors
    /// [`LookupFault`] if there is nothing to look up by, no row, too many, or no answer.
    pub(crate) async fn find(&self, custom_fields: &Row) -> Result<FoundVendors, LookupFault> {
        let rows = self.table.rows(custom_fields).await?;
        let mut found = FoundVendors {
            vendors: BTreeSet::new(),
            unusable: 0,
            place: self.table.address.field(self.fields.address.path.join(".")).to_string(),
        };
        for row in rows {
            let row = Value::Object(row);
            let (addresses, names) =
                (texts(&row, &self.fields.address.path), texts(&row, &self.fields.name.path));
            found.unusable += usize::from(addresses.is_empty());
            for address in addresses {
                if is_email(&address) {
                    // It stands in one line of a message.
                    let name = names.first().map(String::as_str).unwrap_or_default();
                    let name = name.chars().filter(|one| !one.is_control()).collect();
                    found.vendors.insert(Vendor { name, address });
                } else {
                    found.unusable += 1;
                }
            }
        }
        Ok(found)
    }
}

/// The texts at the end of a path that say something; a list holds several.
fn texts(row: &Value, path: &[String]) -> Vec<String> {
    let mut texts = Vec::new();
    graph::collect_values(row, path, &mut |value| {
        let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
        if !text.is_empty() {
            texts.push(text);
        }
    });
    texts
}
