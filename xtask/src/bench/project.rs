//! The project folders that the measurements run in.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::bench::program::Simulator;

/// Reads all workspace users, `count` a page.
const USERS: &str = r#"saas_config:
  fides_key: <instance_fides_key>
  name: Users
  type: bench_users
  description: Pages of workspace users
  version: 1.0.0
  connector_params: [{ name: domain }, { name: token, sensitive: true }]
  client_config:
    protocol: https
    host: <domain>
    authentication: { strategy: bearer, configuration: { token: <token> } }
  test_request: { method: GET, path: / }
  endpoints:
    - name: users
      requests:
        read:
          method: GET
          path: /users
          headers: [{ name: X-Asked-For, value: <email> }]
          query_params: [{ name: "pagination[count]", value: COUNT }]
          param_values: [{ name: email, identity: email }]
          data_path: data.users
          pagination:
            strategy: cursor
            configuration: { cursor_param: "pagination[cursor]", field: data.pagination.next }
"#;

/// Reads four collections of a person.
const PEOPLE: &str = r"saas_config:
  fides_key: <instance_fides_key>
  name: People
  type: bench_people
  description: Four collections of a person
  version: 1.0.0
  connector_params: [{ name: domain }, { name: space }, { name: secret, sensitive: true }]
  client_config:
    protocol: https
    host: <domain>
    authentication: { strategy: basic, configuration: { username: <secret> } }
  test_request: { method: GET, path: / }
  endpoints:
    - { name: metadata, requests: { read: { method: GET, path: PROFILE/metadata, param_values: VALUES } } }
    - { name: traits, requests: { read: { method: GET, path: PROFILE/traits, param_values: VALUES, data_path: traits } } }
    - { name: external_ids, requests: { read: { method: GET, path: PROFILE/external_ids, param_values: VALUES, data_path: data } } }
    - { name: events, requests: { read: { method: GET, path: PROFILE/events, param_values: VALUES, data_path: data } } }
";

/// A folder for runs, gone with this value.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// An empty folder below the build folder.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let path = crate::cargo::target()?.join("bench").join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A project that reads users by pages of `count` rows.
    pub(crate) fn users(&self, simulator: &Simulator, count: usize) -> Result<()> {
        let secrets = format!("token: {}", simulator.get("/tokens/access_token")?);
        self.write(&USERS.replace("COUNT", &count.to_string()), &secrets, simulator)
    }

    /// A project that reads four collections of a person.
    pub(crate) fn people(&self, simulator: &Simulator) -> Result<()> {
        let secrets = format!(
            "space: {}, secret: {}",
            simulator.get("/space")?,
            simulator.get("/tokens/access_secret")?
        );
        let file = PEOPLE
            .replace("PROFILE", "/v1/spaces/<space>/collections/users/profiles/email:<email>")
            .replace("VALUES", "[{ name: space, connector_param: space }, { name: email, identity: email }]");
        self.write(&file, &secrets, simulator)
    }

    /// A project with one PostgreSQL database, and more text at the end.
    pub(crate) fn database(&self, dataset: &str, url: &str, more: &str) -> Result<()> {
        let project = format!(
            "connections:\n  - key: shop\n    connector: postgres\n    dataset: ./shop.yml\n    access: write\n    \
             secrets: {{ url: \"{url}\" }}\negress:\n  allow: [\"127.0.0.1/32\"]\n{more}"
        );
        fs::write(self.path.join("shop.yml"), dataset)?;
        fs::write(self.path.join("tutela.yml"), project)?;
        Ok(())
    }

    /// A connection to the simulated workspace by the connector of the library.
    pub(crate) fn access(&self, simulator: &Simulator) -> Result<()> {
        let (url, token) = (simulator.get("/url")?, simulator.get("/tokens/access_token")?);
        let project = format!(
            "connections:\n  - key: segment\n    connector: segment\n    access: read\n    secrets: {{ domain: \
             api.segmentapis.com, access_token: \"{token}\" }}\negress:\n  allow: [\"127.0.0.1/32\"]\n  routes: {{ \
             api.segmentapis.com: \"{url}\" }}\n"
        );
        fs::write(self.path.join("tutela.yml"), project)?;
        Ok(())
    }

    fn write(&self, connector: &str, secrets: &str, simulator: &Simulator) -> Result<()> {
        let url = simulator.get("/url")?;
        let project = format!(
            "connections:\n  - key: bench\n    connector: ./bench.yml\n    access: read\n    \
             secrets: {{ domain: api.example.com, {secrets} }}\n\
             egress:\n  allow: [\"127.0.0.1/32\"]\n  routes: {{ \"api.example.com\": \"{url}\" }}\n"
        );
        fs::write(self.path.join("bench.yml"), connector)?;
        fs::write(self.path.join("tutela.yml"), project)?;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Below target/; `cargo clean` takes what stays.
        let _ = fs::remove_dir_all(&self.path);
    }
}
