use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

/// The program in a folder of its own.
#[derive(Debug)]
pub(crate) struct Program {
    folder: tempfile::TempDir,
    /// The user's configuration folder: the master key lies there.
    configuration: tempfile::TempDir,
    environment: Vec<(String, String)>,
    /// What it is started by, if not by itself.
    starter: Vec<String>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            configuration: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
            starter: Vec::new(),
        }
    }

    /// Started by this, which is given the program and its arguments.
    pub(crate) fn with_starter(mut self, starter: &[&str]) -> Self {
        self.starter = starter.iter().map(|&part| part.to_owned()).collect();
        self
    }

    pub(crate) fn with_environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Runs it in its folder, without what the surroundings set for it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Starts it the same way, its outputs kept, for tests that stop it half-way.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_tutela").to_owned();
        let mut words = self.starter.iter().cloned().chain([program]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(arguments);
        self.in_its_place(&mut command);
        command
    }

    /// Sets folder and environment of a command as for the program itself.
    pub(crate) fn in_its_place<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(self.folder.path());
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("TUTELA_") || name == "RUST_LOG")
        {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.configuration.path());
        command.envs(self.environment.iter().cloned())
    }

    /// Changes its state behind its back.
    pub(crate) async fn change_state(&self, statements: &[&str]) {
        let mut state = self.state().await;
        for sql in statements {
            sqlx::query(AssertSqlSafe(*sql)).execute(&mut state).await.unwrap();
        }
        state.close().await.unwrap();
    }

    /// Sets back all times in its state: everything in it happened long ago.
    pub(crate) async fn age_state(&self) {
        const TIMES: &str = "SELECT tables.name, columns.name FROM sqlite_schema AS tables \
                             JOIN pragma_table_info(tables.name) AS columns \
                             WHERE tables.type = 'table' \
                             AND (columns.name LIKE '%!_at' ESCAPE '!' OR columns.name LIKE 'lease!_%' ESCAPE '!')";
        let mut state = self.state().await;
        for row in sqlx::query(TIMES).fetch_all(&mut state).await.unwrap() {
            let (table, column): (String, String) = (row.get(0), row.get(1));
            let sql = format!("UPDATE {table} SET {column} = 1 WHERE {column} IS NOT NULL");
            sqlx::query(AssertSqlSafe(sql)).execute(&mut state).await.unwrap();
        }
        state.close().await.unwrap();
    }

    /// The number that a query of its state gives.
    pub(crate) async fn number_in_state(&self, sql: &'static str) -> i64 {
        let mut state = self.state().await;
        let number = sqlx::query_scalar(sql).fetch_one(&mut state).await.unwrap();
        state.close().await.unwrap();
        number
    }

    async fn state(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        let path = self.folder().join(".tutela/state.db");
        AnyConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
    }

    /// Every file below its folder, by path.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        files
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails with both outputs unless the code is this.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "standard output:\n{}\nstandard error:\n{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }

    /// Fails unless the complaints hold all of these.
    #[track_caller]
    pub(crate) fn complains(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing in:\n{}", self.stderr);
        }
    }
}

/// A folder beside the repository that a developer may have and a clone has not.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    path.canonicalize().ok()
}
