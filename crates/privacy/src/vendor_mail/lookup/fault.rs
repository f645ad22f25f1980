use datastore::DatabaseError;
use model::CollectionAddress;
use store::StoreError;
use thiserror::Error;

/// Why nobody knows which vendors to write to. Names of fields and places only, no value.
#[derive(Debug, Error)]
pub(crate) enum LookupFault {
    /// The secrets name no fields.
    #[error(
        "`recipient_email_address` and `third_party_vendor_name` do not name two fields of one collection; put the \
         connection's secrets, each as `dataset` and `field: collection.field`"
    )]
    Secrets,
    /// This process reads no databases.
    #[error("this server reads no databases; ask one that carries privacy requests out")]
    NoServices,
    /// No connection has the dataset.
    #[error("no connection has the dataset `{dataset}`; link it to its database")]
    NoDataset {
        /// Its key.
        dataset: String,
    },
    /// The dataset cannot be read now.
    #[error("the dataset `{dataset}` cannot be read: {reason}")]
    Unusable {
        /// Its key.
        dataset: String,
        /// Why.
        reason: String,
    },
    /// The dataset is that of an application.
    #[error("the dataset `{dataset}` is none of a database; vendors are looked up in databases only")]
    NoDatabase {
        /// Its key.
        dataset: String,
    },
    /// The dataset lacks the collection, or leaves it out.
    #[error(
        "the dataset has no collection `{address}`, or says `skip_processing` of it; correct the dataset"
    )]
    NoCollection {
        /// Where it should be.
        address: CollectionAddress,
    },
    /// Nothing says what rows are found by.
    #[error(
        "no field of `{address}` has a `custom_request_field`; give it to the field that rows are found by"
    )]
    NoCustomField {
        /// The collection.
        address: CollectionAddress,
    },
    /// The request does not say what rows are found by.
    #[error(
        "the request has none of the custom fields that rows of `{address}` are found by (`{names}`); a server keeps \
         them with `execution.allow_custom_privacy_request_field_collection`"
    )]
    NotGiven {
        /// The collection.
        address: CollectionAddress,
        /// The custom fields.
        names: String,
    },
    /// The database does not give the rows.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The reading broke off.
    #[error("`{address}` was not read to its end: {reason}")]
    Unread {
        /// The collection.
        address: CollectionAddress,
        /// Why.
        reason: String,
    },
    /// More rows than a person could have meant.
    #[error(
        "more than {most} rows of `{address}` are found by the custom fields of the request (`{names}`), which is \
         too many vendors to write to; find them by a field that says more"
    )]
    TooMany {
        /// The collection.
        address: CollectionAddress,
        /// The custom fields.
        names: String,
        /// How many may be found.
        most: usize,
    },
    /// No row has what the request says.
    #[error(
        "no row of `{address}` is found by the custom fields of the request (`{names}`); add the row, or correct it"
    )]
    NoRow {
        /// The collection.
        address: CollectionAddress,
        /// The custom fields.
        names: String,
    },
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}
