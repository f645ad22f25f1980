//! Connections of a server.

use model::{ConnectionKey, visible};
use serde_json::{Value, json};
use spec::{CheckOptions, SourceFile};

use super::list::{Entry, show as show_list};
use super::test::{Line, show as show_test};
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::OnServer;
use crate::output::Output;
use crate::runtime;
use crate::summary::hosts;

/// Lists the connections of a server.
pub(super) fn list(address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        let mut entries = Vec::new();
        for connection in server.client().list("connection").await? {
            entries.push(entry(&server, &connection).await?);
        }
        show_list(entries, output);
        Ok(Exit::Done)
    })
}

/// Has a connection tried by its server.
pub(super) fn test(key: &str, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        connection(&server, key).await?;
        let reply = server.client().get(&format!("{}/test", path_of(key)?)).await?;
        let status = text(&reply, "test_status");
        let reason = text(&reply, "failure_reason");
        // What cannot be tried is no failure, and says so.
        let detail = if status == "skipped" { "not tried: there is nothing to try" } else { &reason };
        let line = Line::of_server(status != "failed", detail);
        let passed = line.is_fine();
        show_test(&[line], passed, output);
        Ok(if passed { Exit::Done } else { Exit::Failed })
    })
}

/// A connection of a server.
///
/// # Errors
/// Bad input if it has none of this key.
pub(super) async fn connection(server: &OnServer, key: &str) -> Result<Value, Failure> {
    let found = server.client().find(&path_of(key)?).await?;
    if let Some(found) = found {
        return Ok(found);
    }
    let all = server.client().list("connection").await?;
    let keys: Vec<&str> = all.iter().filter_map(|one| one.get("key")?.as_str()).collect();
    let keys = if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
    Err(Failure::BadInput(format!(
        "the server at {} has no connection `{key}`; it has: {}",
        server.client().address(),
        visible(&keys)
    )))
}

/// The path of a connection; a text that is no key leads nowhere else.
pub(super) fn path_of(key: &str) -> Result<String, Failure> {
    let parsed = key.parse::<ConnectionKey>().ok().filter(|_| !matches!(key, "." | ".."));
    let key = parsed.ok_or_else(|| Failure::BadInput("this is no key of a connection".to_owned()))?;
    Ok(format!("connection/{key}"))
}

async fn entry(server: &OnServer, connection: &Value) -> Result<Entry, Failure> {
    let key = text(connection, "key");
    let connection_type = text(connection, "connection_type");
    let is_application = connection_type == "saas";
    let document = if is_application {
        server.client().find(&format!("{}/saas_config", path_of(&key)?)).await?
    } else {
        None
    };
    let secrets = connection.get("secrets").and_then(Value::as_object);
    let file = document.and_then(|document| {
        let source = SourceFile::new(key.clone(), document.to_string());
        spec::check_connector(&source, &CheckOptions::default()).value
    });
    let named = |name: &str| connection.pointer(&format!("/saas_config/{name}")).and_then(Value::as_str);
    Ok(Entry {
        connector: named("type").map_or_else(|| connection_type.clone(), str::to_owned),
        application: named("name").map_or_else(|| text(connection, "name"), str::to_owned),
        masking_strict: connection.get("masking_strict") != Some(&json!(false)),
        access: if text(connection, "access") == "write" { "write" } else { "read" },
        hosts: file.as_ref().map(hosts).unwrap_or_default(),
        secrets: secrets.map(|secrets| secrets.keys().cloned().collect()).unwrap_or_default(),
        key,
    })
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
