//! Connectors of a server.

use connections::{Template, kept_form};
use http::Method;
use model::{ConnectionKey, visible};
use serde::Serialize;
use serde_json::Value;
use spec::{CheckOptions, DomainValidation, SourceFile};

use super::list::{entry, show};
use crate::client::{ServerAddress, said};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::ConnectorSources;
use crate::on_server::OnServer;
use crate::output::Output;
use crate::remote::{list as listed, text};
use crate::runtime;

/// What a server says of a file that it is asked about and does not keep.
#[derive(Debug, Serialize)]
pub(super) struct ServersWord {
    /// Whether it would take it.
    pub(super) accepted: bool,
    /// What is wrong, or what works otherwise than its author may think: place and text.
    pub(super) says: Vec<String>,
}

/// Lists the connectors that a server offers.
pub(super) fn list(address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        let mut entries = Vec::new();
        for template in templates(&server).await? {
            let name = text(&template, "type");
            let source = file(&server, &name, "config").await?;
            let checked = spec::check_connector(&source, &CheckOptions::default());
            let file = checked.value.ok_or_else(|| {
                Failure::Failed(format!(
                    "the server's connector `{}` has a form that this program does not know",
                    visible(&name)
                ))
            })?;
            entries.push(entry(&name, file));
        }
        show(entries, output);
        Ok(Exit::Done)
    })
}

/// The files of a connector that a server offers.
///
/// # Errors
/// Bad input if it has none of this type.
pub(super) fn template(
    name: &str,
    address: &ServerAddress,
    output: Output,
) -> Result<ConnectorSources, Failure> {
    let is_path = name.starts_with('.') || name.contains(std::path::MAIN_SEPARATOR);
    if is_path {
        return Err(Failure::BadInput(format!(
            "`{name}` is a path, and a server offers connectors by their type; show a file without `--server`"
        )));
    }
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        let known: Vec<String> = templates(&server).await?.iter().map(|one| text(one, "type")).collect();
        if !known.iter().any(|known| known == name) {
            return Err(Failure::BadInput(format!(
                "the server at {} offers no connector `{name}`; it offers: {}",
                server.client().address(),
                visible(&known.join(", "))
            )));
        }
        Ok(ConnectorSources {
            connector: file(&server, name, "config").await?,
            dataset: Some(file(&server, name, "dataset").await?),
        })
    })
}

/// Asks a server whether it would take these files; `None` for one that this program refuses already.
pub(super) fn ask(
    pairs: &[ConnectorSources],
    address: &ServerAddress,
    output: Output,
) -> Result<Vec<Option<ServersWord>>, Failure> {
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        let mut words = Vec::with_capacity(pairs.len());
        for pair in pairs {
            words.push(word(&server, &pair.connector).await?);
        }
        Ok(words)
    })
}

async fn word(server: &OnServer, source: &SourceFile) -> Result<Option<ServersWord>, Failure> {
    let Some((key, document)) = as_kept(source) else { return Ok(None) };
    let path = format!("connection/{key}/validate_saas_config");
    let answer = server.client().call((Method::PUT, &path), Some(&document)).await?;
    if answer.status == http::StatusCode::UNPROCESSABLE_ENTITY {
        return Ok(Some(ServersWord { accepted: false, says: lines(&answer.body, "/detail") }));
    }
    let body = answer.done(&path)?;
    Ok(Some(ServersWord { accepted: true, says: lines(&body, "/validation_details/warnings") }))
}

/// A file as a server would keep it, under the key that it says or, where that is left open, under its type.
fn as_kept(source: &SourceFile) -> Option<(ConnectionKey, Value)> {
    let file = spec::check_connector(source, &CheckOptions::default()).value?;
    let key = file.fides_key.parse().ok().or_else(|| file.connector_type.as_str().parse().ok())?;
    let (_, document) = kept_form(source, &key, DomainValidation::default())?;
    Some((key, document))
}

/// Findings, one a line.
fn lines(body: &Value, place: &str) -> Vec<String> {
    match body.pointer(place) {
        Some(Value::Array(findings)) => {
            let one = |finding: &Value| said(&serde_json::json!({ "detail": [finding] }));
            findings.iter().map(one).collect()
        }
        Some(_) => vec![said(body)],
        None => Vec::new(),
    }
}

async fn templates(server: &OnServer) -> Result<Vec<Value>, Failure> {
    let all = server.client().get("connector-templates").await?;
    Ok(listed(&serde_json::json!({ "all": all }), "all").cloned().collect())
}

async fn file(server: &OnServer, name: &str, part: &str) -> Result<SourceFile, Failure> {
    // It is one of the types that the server named.
    let mut path = String::from("connector-templates/");
    path.extend(url::form_urlencoded::byte_serialize(name.as_bytes()));
    let bytes = server.client().bytes(&format!("{path}/{part}")).await?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::Failed(format!("the server's connector `{}` is no text", visible(name))))?;
    // Scripts stand beside the file in the library; a server takes none that somebody brings.
    let scripts = Template::find(name).map(Template::scripts).unwrap_or_default();
    let scripts = scripts.into_iter().map(|(name, text)| SourceFile::new(name, text)).collect();
    Ok(SourceFile::new(format!("{name}/{part}.yml"), text).with_scripts(scripts))
}
