//! The installation's own keys: made at the first opening, wrapped by the master key.

use crypto::{HashKey, KeyRing, RunKey, SigningKey};

use crate::StoreError;
use crate::dialect::Access;
use crate::sql::{Pool, query};

pub(crate) struct InstallationKeys {
    pub(crate) hash_key: HashKey,
    pub(crate) signing_key: SigningKey,
}

pub(crate) const HASH_KEY: &str = "hash_key";
pub(crate) const SIGNING_KEY: &str = "signing_key";

/// Of two first openings at once one inserts, and both read what stands there then.
const PUT: &str = "INSERT INTO installation (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
const FIND: &str = "SELECT sealed FROM installation WHERE name = $1";

/// The place that a key of the installation is bound to.
pub(crate) fn place(name: &str) -> Vec<u8> {
    format!("installation|{name}").into_bytes()
}

pub(crate) async fn keys(
    pool: &Pool,
    ring: &KeyRing,
    access: Access,
) -> Result<InstallationKeys, StoreError> {
    let sealed = |source| StoreError::Sealed { what: "a key of the installation", source };
    if access == Access::Write && find(pool, SIGNING_KEY).await?.is_none() {
        put(pool, HASH_KEY, RunKey::random().wrap(ring, &place(HASH_KEY))).await?;
        put(pool, SIGNING_KEY, SigningKey::random().wrap(ring, &place(SIGNING_KEY))).await?;
    }
    let missing = || StoreError::NotFound { what: "installation key", id: SIGNING_KEY.to_owned() };
    let hash = find(pool, HASH_KEY).await?.ok_or_else(missing)?;
    let signing = find(pool, SIGNING_KEY).await?.ok_or_else(missing)?;
    Ok(InstallationKeys {
        hash_key: RunKey::unwrap(ring, &place(HASH_KEY), &hash).map_err(sealed)?.hash_key("installation"),
        signing_key: SigningKey::unwrap(ring, &place(SIGNING_KEY), &signing).map_err(sealed)?,
    })
}

async fn find(pool: &Pool, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = query(FIND).bind(name).fetch_optional(pool).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

async fn put(pool: &Pool, name: &str, sealed: Vec<u8>) -> Result<(), StoreError> {
    query(PUT).bind(name).bind(sealed).execute(pool).await?;
    Ok(())
}
