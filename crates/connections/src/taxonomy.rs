//! The taxonomy of a server: the default one, with what its customer made and changed (fides-api 6.4).

mod default;
mod entry;

use std::collections::HashSet;

use serde_json::Value;
use spec::categories;
use store::{Actor, Put, PutMode, StoreError, TaxonomyKind, TaxonomyRemoval, TaxonomyUser};
use thiserror::Error;

use crate::{Connections, PlaceStep, Problem};

use default::{default_entries, shown_default};
use entry::{Checked, above, check, problem, shown};

/// The data categories that may be used.
#[derive(Debug, Clone)]
pub enum Categories {
    /// Whichever somebody writes: they were looked at before, or are looked at later.
    Any,
    /// The default ones and these.
    Of(HashSet<String>),
}

impl Categories {
    /// Whether this one may.
    pub fn have(&self, key: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of(own) => categories::is_known(key) || own.contains(key),
        }
    }
}

/// Why an entry was not kept or removed; then nothing was changed.
#[derive(Debug, Error)]
pub enum TaxonomyRefused {
    /// There is none of this key.
    #[error("there is no {} `{key}`", .kind.as_str())]
    Absent {
        /// What it would be.
        kind: TaxonomyKind,
        /// The key asked for.
        key: String,
    },
    /// There is one of this key.
    #[error("there is a {} `{key}` already; update it, or take another key", .kind.as_str())]
    Exists {
        /// What it is.
        kind: TaxonomyKind,
        /// The key asked for.
        key: String,
    },
    /// It belongs to the default taxonomy.
    #[error("{} `{key}` belongs to the default taxonomy and stays", .kind.as_str())]
    Default {
        /// What it is.
        kind: TaxonomyKind,
        /// The key asked for.
        key: String,
    },
    /// Something needs it.
    #[error("{} `{key}` is used by {}", .kind.as_str(), user_text(.user))]
    InUse {
        /// What it is.
        kind: TaxonomyKind,
        /// The key asked for.
        key: String,
        /// What needs it.
        user: TaxonomyUser,
    },
    /// The document does not fit.
    #[error("the entry has {} mistakes", .0.len())]
    Invalid(Vec<Problem>),
    /// The store did not do it.
    #[error("the taxonomy could not be kept or read")]
    Store(#[from] StoreError),
}

fn user_text(user: &TaxonomyUser) -> String {
    match user {
        TaxonomyUser::Entry(key) => format!("`{key}`, which lies below it; remove that first"),
        TaxonomyUser::Dataset(key) => format!("dataset `{key}`; give its fields another one first"),
        TaxonomyUser::Target { policy, rule } => {
            format!("a target of rule `{rule}` of policy `{policy}`; remove that target first")
        }
    }
}

impl Connections {
    /// The data categories that datasets and policies of this server may use.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn categories(&self) -> Result<Categories, StoreError> {
        let own = self.store().taxonomy_keys(TaxonomyKind::DataCategory).await?;
        Ok(Categories::Of(own.into_iter().collect()))
    }

    /// All entries of a kind, by key, as clients are shown them.
    ///
    /// # Errors
    /// [`StoreError`] if the store does not answer.
    pub async fn taxonomy_list(&self, kind: TaxonomyKind) -> Result<Vec<Value>, StoreError> {
        let kept = self.store().taxonomy_list(kind).await?;
        let is_kept = |key: &str| kept.iter().any(|document| document.key == key);
        let defaults = default_entries(kind).iter().filter(|entry| !is_kept(entry.key));
        let mut all: Vec<(String, Value)> =
            defaults.map(|entry| (entry.key.to_owned(), shown_default(kind, entry))).collect();
        for document in &kept {
            all.push((document.key.clone(), shown(kind, document)?));
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(all.into_iter().map(|(_, document)| document).collect())
    }

    /// One entry, as clients are shown it.
    ///
    /// # Errors
    /// [`TaxonomyRefused::Absent`].
    pub async fn taxonomy_get(&self, kind: TaxonomyKind, key: &str) -> Result<Value, TaxonomyRefused> {
        let all = self.taxonomy_list(kind).await?;
        let mut found = all.into_iter().filter(|entry| entry.get("fides_key").is_some_and(|own| own == key));
        found.next().ok_or_else(|| TaxonomyRefused::Absent { kind, key: key.to_owned() })
    }

    /// Keeps one entry, and gives it as clients are shown it. A default one keeps its key and its place.
    ///
    /// # Errors
    /// [`TaxonomyRefused`]; nothing was changed.
    pub async fn taxonomy_put(
        &self,
        kind: TaxonomyKind,
        (document, mode): (&Value, PutMode),
        actor: Actor,
    ) -> Result<Value, TaxonomyRefused> {
        let entry = check(kind, document).map_err(TaxonomyRefused::Invalid)?;
        let key = entry.new.key.clone();
        let missing = self.without_parent(kind, std::slice::from_ref(&entry)).await?;
        if let Some((_, problem)) = missing.into_iter().next() {
            return Err(TaxonomyRefused::Invalid(vec![problem]));
        }
        let mode = match (mode, is_default(kind, &key)) {
            (PutMode::Create, true) => return Err(TaxonomyRefused::Exists { kind, key }),
            (PutMode::Update | PutMode::Upsert, true) => PutMode::Upsert,
            (mode, false) => mode,
        };
        match self.store().taxonomy_put(kind, (&[entry.new], mode), actor).await {
            Ok(_) => self.taxonomy_get(kind, &key).await,
            Err(StoreError::Conflict { .. }) => Err(TaxonomyRefused::Exists { kind, key }),
            Err(StoreError::NotFound { .. }) => Err(TaxonomyRefused::Absent { kind, key }),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps entries, whether there are any of their keys or not: all, or none. Parents may stand among
    /// them, in any order.
    ///
    /// # Errors
    /// [`TaxonomyRefused`]; nothing was changed.
    pub async fn taxonomy_put_all(
        &self,
        kind: TaxonomyKind,
        documents: &[Value],
        actor: Actor,
    ) -> Result<Vec<Put>, TaxonomyRefused> {
        let mut entries = Vec::with_capacity(documents.len());
        let mut wrong = Vec::new();
        for (position, document) in documents.iter().enumerate() {
            match check(kind, document) {
                Ok(entry) => entries.push(entry),
                Err(problems) => wrong.extend(problems.into_iter().map(|problem| at(position, problem))),
            }
        }
        if wrong.is_empty() {
            let missing = self.without_parent(kind, &entries).await?;
            wrong.extend(missing.into_iter().map(|(position, problem)| at(position, problem)));
        }
        if !wrong.is_empty() {
            return Err(TaxonomyRefused::Invalid(wrong));
        }
        let new: Vec<_> = entries.into_iter().map(|entry| entry.new).collect();
        let puts = self.store().taxonomy_put(kind, (&new, PutMode::Upsert), actor).await?;
        // One of the default taxonomy was there before, whatever the store kept of it.
        let put = |(put, is_default)| if is_default { Put::Updated } else { put };
        Ok(puts.into_iter().zip(new.iter().map(|new| is_default(kind, &new.key))).map(put).collect())
    }

    /// Removes an entry, and gives it as clients are shown it.
    ///
    /// # Errors
    /// [`TaxonomyRefused`]; nothing was changed.
    pub async fn taxonomy_remove(
        &self,
        kind: TaxonomyKind,
        key: &str,
        actor: Actor,
    ) -> Result<Value, TaxonomyRefused> {
        let document = self.taxonomy_get(kind, key).await?;
        let key = key.to_owned();
        if is_default(kind, &key) {
            return Err(TaxonomyRefused::Default { kind, key });
        }
        match self.store().taxonomy_remove((kind, &key), actor).await? {
            TaxonomyRemoval::Removed => Ok(document),
            TaxonomyRemoval::Absent => Err(TaxonomyRefused::Absent { kind, key }),
            TaxonomyRemoval::InUse(user) => Err(TaxonomyRefused::InUse { kind, key, user }),
        }
    }

    /// Which of these entries lie below one that is not there, by their positions.
    async fn without_parent(
        &self,
        kind: TaxonomyKind,
        entries: &[Checked],
    ) -> Result<Vec<(usize, Problem)>, StoreError> {
        let kept = self.store().taxonomy_keys(kind).await?;
        let is_there = |key: &str| {
            is_default(kind, key)
                || kept.iter().any(|kept| kept == key)
                || entries.iter().any(|entry| entry.new.key == key)
        };
        let orphan = |(position, entry): (usize, &Checked)| {
            let parent = above(kind, &entry.new.key).filter(|parent| !is_there(parent))?;
            let message = format!("there is no `{parent}` that it could lie below; make that first");
            Some((position, problem("value_error", "fides_key", message)))
        };
        Ok(entries.iter().enumerate().filter_map(orphan).collect())
    }
}

fn is_default(kind: TaxonomyKind, key: &str) -> bool {
    default_entries(kind).iter().any(|entry| entry.key == key)
}

fn at(position: usize, problem: Problem) -> Problem {
    let place = std::iter::once(PlaceStep::Position(position)).chain(problem.place).collect();
    Problem { place, ..problem }
}
