//! Where Tutela keeps its own state, and the keys that open it (architecture §13.8, §13.9).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto::{KeyRing, KeySource, MasterKey, PublicKey};
use datastore::OwnState;
use model::{Clock, RandomIds};
use privacy::SIGNING_KEY_FILE;
use store::{Access, ErasureJournal, Store, StoreError, StoreParts, StorePlace};
use url::Url;

use crate::failure::Failure;
use crate::files;
use crate::output;

/// Flags of all commands that keep or look at state.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StateArgument {
    /// Data folder; `.tutela` beside the project file if nothing else is said.
    #[arg(long, value_name = "DIR", env = "TUTELA_DATA")]
    data: Option<PathBuf>,
    /// PostgreSQL database that keeps the state instead of a file in the data folder.
    #[arg(long, value_name = "URL", env = "TUTELA_STATE", hide_env_values = true)]
    state: Option<String>,
}

/// Where the state is.
#[derive(Debug, Clone)]
pub(crate) struct StateSettings {
    /// The data folder.
    pub(crate) folder: PathBuf,
    place: StorePlace,
    own_state: Option<OwnState>,
}

/// The state, open.
#[derive(Debug)]
pub(crate) struct State {
    /// Runs, plans, ledger, audit log.
    pub(crate) store: Store,
    /// Opens the erasure journal.
    pub(crate) keys: KeyRing,
    /// Erasures that were carried out.
    pub(crate) journal: ErasureJournal,
}

impl StateArgument {
    /// The state of a server: in this folder, or in the database that the URL names.
    pub(crate) fn of_server(folder: PathBuf, state: Option<String>) -> Self {
        Self { data: Some(folder), state }
    }

    /// What flags and environment say; the default lies beside `project`.
    ///
    /// # Errors
    /// Bad input if the URL names no database that can hold the state.
    pub(crate) fn settings(&self, project: &Path) -> Result<StateSettings, Failure> {
        let given = self.data.clone().filter(|folder| !folder.as_os_str().is_empty());
        let folder = given.unwrap_or_else(|| beside(project).join(".tutela"));
        let url = self.state.as_deref().filter(|url| !url.trim().is_empty());
        let place = match url {
            None => StorePlace::File(folder.join("state.db")),
            Some(url) => match StorePlace::parse(url).map_err(|error| Failure::bad_input(&error))? {
                StorePlace::Postgres(url) => StorePlace::Postgres(url),
                StorePlace::File(_) => {
                    return Err(Failure::BadInput(
                        "`--state` takes a `postgres://` URL; a file is always `state.db` of the data folder \
                         (`--data`)"
                            .to_owned(),
                    ));
                }
            },
        };
        Ok(StateSettings { folder, place, own_state: url.and_then(own_state) })
    }
}

impl StateSettings {
    /// The server that holds the state, if one does: no connection may lead there.
    pub(crate) fn own_state(&self) -> Option<OwnState> {
        self.own_state.clone()
    }

    /// Opens the state to work with it; made at first use.
    ///
    /// # Errors
    /// A failure that says what to do if folder, key or database cannot be used.
    pub(crate) async fn open(&self, clock: Arc<dyn Clock>) -> Result<State, Failure> {
        self.make_folder()?;
        self.clean(&*clock);
        let state = self.open_as(Access::Write, clock).await?;
        self.publish(&state.store.public_key())?;
        Ok(state)
    }

    /// Makes the data folder, for its owner alone.
    ///
    /// # Errors
    /// A failure if it cannot be made.
    pub(crate) fn make_folder(&self) -> Result<(), Failure> {
        files::make_own_folder(&self.folder).map_err(|error| Failure::unwritable(&self.folder, &error))
    }

    /// Removes packages that have expired, and drafts of packages that a killed program left behind.
    pub(crate) fn clean(&self, clock: &dyn Clock) {
        if let Err(error) = privacy::storage::clean(&self.folder, clock.now()) {
            // It is no reason to refuse today's work; the next start tries again.
            output::complain(&format!("warning: old packages stay for now: {error}"));
        }
    }

    /// Opens the state to look only; nothing is made.
    ///
    /// # Errors
    /// Bad input if there is none, a failure if it cannot be read.
    pub(crate) async fn look(&self, clock: Arc<dyn Clock>) -> Result<State, Failure> {
        self.check_there()?;
        self.open_as(Access::Read, clock).await
    }

    /// Fails unless there may be a state.
    ///
    /// # Errors
    /// Bad input that says which folder was looked into.
    pub(crate) fn check_there(&self) -> Result<(), Failure> {
        if self.is_there() {
            return Ok(());
        }
        Err(Failure::BadInput(format!(
            "there is no state in {}; name the data folder with `--data`",
            self.folder.display()
        )))
    }

    /// Where the state itself is kept.
    pub(crate) fn place(&self) -> &StorePlace {
        &self.place
    }

    /// Whether there may be a state: a file is looked for, a server is not asked.
    pub(crate) fn is_there(&self) -> bool {
        match &self.place {
            StorePlace::File(path) => path.is_file(),
            StorePlace::Postgres(_) => true,
        }
    }

    async fn open_as(&self, access: Access, clock: Arc<dyn Clock>) -> Result<State, Failure> {
        let key = self.master_key()?;
        let again = copy(&key)?;
        let others = other_keys(|name| std::env::var(name).ok())?;
        let store = Store::open(StoreParts {
            place: self.place.clone(),
            keys: ring(key, &others)?,
            clock,
            ids: Arc::new(RandomIds),
            access,
            max_bytes: None,
        })
        .await
        .map_err(|error| failure(&error))?;
        let journal = ErasureJournal::new(self.folder.join("erasures.journal"));
        Ok(State { store, keys: ring(again, &others)?, journal })
    }

    fn master_key(&self) -> Result<MasterKey, Failure> {
        let own_file = own_key_file();
        let place = own_file.as_ref().map(PathBuf::clone).unwrap_or_default();
        let source = KeySource::from_environment(|name| std::env::var(name).ok(), place);
        let own = match &source {
            // Only then a home folder is needed; accounts of services have none.
            KeySource::Own(_) => Some(own_file?),
            KeySource::Text(_) | KeySource::File(_) | KeySource::Command(_) => None,
        };
        if let Some(path) = &own
            && let (Ok(folder), Some(parent)) = (self.folder.canonicalize(), path.parent())
            && parent.canonicalize().is_ok_and(|parent| parent.starts_with(&folder))
        {
            return Err(Failure::BadInput(format!(
                "the master key would lie in the data folder {}, beside what it protects; choose another `--data`",
                self.folder.display()
            )));
        }
        let is_new = own.as_ref().is_some_and(|path| !path.exists());
        let key = source.load().map_err(|error| Failure::bad_input(&error))?;
        if let Some(path) = own.filter(|_| is_new) {
            output::complain(&format!(
                "a master key was made: {}\nkeep a copy of it in a safe place; without it nothing in the data folder can \
                 be read again",
                path.display()
            ));
        }
        Ok(key)
    }

    /// Puts the public half of the signing key where `certificate verify` finds it.
    fn publish(&self, key: &PublicKey) -> Result<(), Failure> {
        let path = self.folder.join(SIGNING_KEY_FILE);
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        let text = key.to_string();
        if known.lines().any(|line| line.trim() == text) {
            return Ok(());
        }
        let gap = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
        std::fs::write(&path, format!("{known}{gap}{text}\n"))
            .map_err(|error| Failure::unwritable(&path, &error))
    }

    /// The public keys of the installation; none if it has made none yet.
    ///
    /// # Errors
    /// Bad input if the file holds something else.
    pub(crate) fn public_keys(&self) -> Result<Vec<PublicKey>, Failure> {
        let path = self.folder.join(SIGNING_KEY_FILE);
        if path.is_file() { public_keys(&path) } else { Ok(Vec::new()) }
    }
}

/// Reads public keys, one a line.
///
/// # Errors
/// Bad input if the file cannot be read or holds something else.
pub(crate) fn public_keys(path: &Path) -> Result<Vec<PublicKey>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::unreadable(path, &error))?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.parse().map_err(|error| Failure::BadInput(format!("{}: {error}", path.display()))))
        .collect()
}

/// A store's error; what a person's disk or rights cause is no mystery.
pub(crate) fn failure(error: &StoreError) -> Failure {
    match error {
        StoreError::NotFound { .. } | StoreError::Place { .. } => Failure::bad_input(error),
        _ => Failure::failed(error),
    }
}

/// The folder that a file lies in.
pub(crate) fn beside(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// Keys that open what they sealed, and seal nothing: those before a rotation, or the one after it.
fn other_keys(variable: impl Fn(&str) -> Option<String>) -> Result<Vec<MasterKey>, Failure> {
    const FILE: &str = "TUTELA_OTHER_KEYS_FILE";
    let Some(path) = variable(FILE).filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(Vec::new());
    };
    let text = std::fs::read_to_string(&path).map_err(|error| Failure::unreadable(&path, &error))?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            MasterKey::from_base64(line).map_err(|error| {
                Failure::BadInput(format!("line {number} of {} ({FILE}): {error}", path.display()))
            })
        })
        .collect()
}

fn ring(key: MasterKey, others: &[MasterKey]) -> Result<KeyRing, Failure> {
    others.iter().try_fold(KeyRing::new(key), |ring, other| Ok(ring.with_older(copy(other)?)))
}

fn copy(key: &MasterKey) -> Result<MasterKey, Failure> {
    MasterKey::from_base64(key.to_base64().expose()).map_err(|error| Failure::failed(&error))
}

/// The user's own master key.
fn own_key_file() -> Result<PathBuf, Failure> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let configuration = variable("XDG_CONFIG_HOME")
        .or_else(|| variable("APPDATA"))
        .or_else(|| variable("HOME").map(|home| home.join(".config")));
    configuration.map(|folder| folder.join("tutela").join("master.key")).ok_or_else(|| {
        Failure::BadInput(
            "there is no home folder for the master key; give it as TUTELA_KEY, TUTELA_KEY_FILE or TUTELA_KEY_COMMAND"
                .to_owned(),
        )
    })
}

fn own_state(url: &str) -> Option<OwnState> {
    let url = Url::parse(url).ok()?;
    Some(OwnState {
        host: url.host_str()?.to_owned(),
        port: url.port().unwrap_or(5432),
        database: url.path().trim_start_matches('/').to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use model::SystemClock;

    use super::*;

    fn argument(data: Option<&Path>, state: Option<&str>) -> StateArgument {
        StateArgument { data: data.map(Path::to_owned), state: state.map(str::to_owned) }
    }

    #[test]
    fn the_data_folder_lies_beside_the_project_unless_it_is_named() {
        let default = argument(None, None).settings(Path::new("shop/tutela.yml")).unwrap();
        let bare = argument(None, None).settings(Path::new("tutela.yml")).unwrap();
        let named = argument(Some(Path::new("/data")), None).settings(Path::new("tutela.yml")).unwrap();

        assert_eq!(default.folder, Path::new("shop/.tutela"));
        assert_eq!(bare.folder, Path::new("./.tutela"));
        assert_eq!(named.folder, Path::new("/data"));
    }

    #[test]
    fn a_server_that_holds_the_state_is_known_and_a_file_is_no_server() {
        let url = "postgres://tutela:canary@db.example.com/state";

        let settings = argument(None, Some(url)).settings(Path::new("tutela.yml")).unwrap();
        let refused = argument(None, Some("sqlite:state.db")).settings(Path::new("tutela.yml"));

        let own = settings.own_state().unwrap();
        assert_eq!((own.host.as_str(), own.port, own.database.as_str()), ("db.example.com", 5432, "state"));
        assert!(!format!("{settings:?}").contains("canary"));
        assert!(matches!(refused, Err(Failure::BadInput(_))));
    }

    #[tokio::test]
    async fn looking_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let settings = argument(Some(&data), None).settings(Path::new("tutela.yml")).unwrap();

        let found = settings.look(Arc::new(SystemClock)).await;

        assert!(matches!(found, Err(Failure::BadInput(_))));
        assert!(!data.exists());
    }
}
