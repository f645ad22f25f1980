use model::FidesKey;
use privacy::storage_book::{BucketAuth, GcsSetup, LocalSetup, S3Setup, StorageDraft, StorageSetup};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::StorageFormat;
use utoipa::ToSchema;

use crate::body::from_value;
use crate::bulk::Element;
use crate::text::Text;
use crate::{ApiError, Invalid};

/// A place for packages to be made, or what one is from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StorageInput {
    /// Its name, unique.
    #[schema(value_type = String)]
    name: Text,
    /// Its key, unique; made of the name if there is none.
    #[schema(value_type = Option<String>)]
    key: Option<FidesKey>,
    /// What kind of place it is.
    #[serde(rename = "type")]
    kind: KindInput,
    /// Settings of its kind.
    #[schema(value_type = Object)]
    details: Map<String, Value>,
    /// Form of its packages.
    #[serde(default)]
    format: FormatInput,
}

/// The default place of a kind.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DefaultInput {
    /// What kind of place it is.
    #[serde(rename = "type")]
    kind: KindInput,
    /// Settings of its kind.
    #[schema(value_type = Object)]
    details: Map<String, Value>,
    /// Form of its packages.
    #[serde(default)]
    pub(super) format: FormatInput,
}

/// Kinds of places. The last two are known and refused.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum KindInput {
    S3,
    Gcs,
    Local,
    Transcend,
    Ethyca,
}

/// Forms of packages.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum FormatInput {
    #[default]
    Json,
    Csv,
    Html,
}

impl FormatInput {
    pub(super) fn kept(self) -> StorageFormat {
        match self {
            Self::Json => StorageFormat::Json,
            Self::Csv => StorageFormat::Csv,
            Self::Html => StorageFormat::Html,
        }
    }
}

/// A draft and the element as sent; a text instead for a kind that is not supported.
type Drafted = (Result<StorageDraft, String>, Value);

/// All elements as drafts; details that cannot be read are told at once, and then none is done.
pub(super) fn drafts(elements: Vec<Element<StorageInput>>) -> Result<Vec<Drafted>, ApiError> {
    let mut drafts = Vec::with_capacity(elements.len());
    let mut wrong = Vec::new();
    for (position, Element { input, data }) in elements.into_iter().enumerate() {
        let place = [json!("body"), json!(position), json!("details")];
        match setup(input.kind, input.details, &place) {
            Ok(setup) => {
                let StorageInput { key, name, format, .. } = StorageInput { details: Map::new(), ..input };
                let draft =
                    setup.map(|setup| StorageDraft { key, name: name.0, setup, format: format.kept() });
                drafts.push((draft, data));
            }
            Err(invalid) => wrong.push(invalid),
        }
    }
    if wrong.is_empty() { Ok(drafts) } else { Err(ApiError::Invalid(wrong)) }
}

impl DefaultInput {
    /// What the default is to be.
    pub(super) fn setup(self) -> Result<StorageSetup, ApiError> {
        let setup = setup(self.kind, self.details, &[json!("body"), json!("details")]);
        setup.map_err(|invalid| ApiError::Invalid(vec![invalid]))?.map_err(ApiError::Unprocessable)
    }
}

fn setup(
    kind: KindInput,
    details: Map<String, Value>,
    place: &[Value],
) -> Result<Result<StorageSetup, String>, Invalid> {
    let details = Value::Object(details);
    let setup = match kind {
        KindInput::S3 => {
            let setup: S3Setup = from_value(place, &details)?;
            let allowed = [BucketAuth::Automatic, BucketAuth::SecretKeys];
            method(setup.auth_method, (&allowed, "'automatic' or 'secret_keys'"), place)?;
            StorageSetup::S3(setup)
        }
        KindInput::Gcs => {
            let setup: GcsSetup = from_value(place, &details)?;
            let allowed = [BucketAuth::Adc, BucketAuth::ServiceAccountKeys];
            method(setup.auth_method, (&allowed, "'adc' or 'service_account_keys'"), place)?;
            StorageSetup::Gcs(setup)
        }
        KindInput::Local => StorageSetup::Local(from_value::<LocalSetup>(place, &details)?),
        KindInput::Transcend => return Ok(Err(unsupported("transcend"))),
        KindInput::Ethyca => return Ok(Err(unsupported("ethyca"))),
    };
    Ok(Ok(setup))
}

fn method(
    found: BucketAuth,
    (allowed, expected): (&[BucketAuth], &str),
    place: &[Value],
) -> Result<(), Invalid> {
    if allowed.contains(&found) {
        return Ok(());
    }
    let loc = [place, &[json!("auth_method")]].concat();
    Err(Invalid::new("enum", loc, format!("Input should be {expected}")))
}

fn unsupported(kind: &str) -> String {
    format!("storage of type {kind} is not supported; use s3, gcs or local")
}
