//! The audit log of a server.

use std::io::Write as _;
use std::path::Path;

use crypto::PublicKey;
use serde::Deserialize;
use serde_json::Value;
use store::{AuditLine, Checkpoint};
use tempfile::NamedTempFile;

use super::export::{lines, no_checkpoint};
use crate::client::{Client, ServerAddress};
use crate::failure::Failure;
use crate::on_server::OnServer;
use crate::output::Output;

/// How often a download that breaks off is begun anew.
const ATTEMPTS: u32 = 3;

/// The whole log of a server, in a file without a name.
#[derive(Debug)]
pub(super) struct Downloaded {
    pub(super) log: NamedTempFile,
    /// The key that the server signs with.
    pub(super) keys: Vec<PublicKey>,
    /// Entries that have no number yet.
    pub(super) waiting: u64,
}

/// How long a server says that its log is.
#[derive(Debug, Deserialize)]
struct Standing {
    entries: u64,
    waiting: u64,
    signed: Option<u64>,
    public_key: String,
}

/// Fetches the whole log into a file of `folder` that is gone if nothing comes of it.
///
/// # Errors
/// A failure if it does not arrive whole.
pub(super) async fn download(
    address: &ServerAddress,
    folder: &Path,
    output: Output,
) -> Result<Downloaded, Failure> {
    let server = OnServer::open(address, output).await?;
    let mut attempt = 1;
    loop {
        match once(server.client(), folder).await {
            Err(Failure::Failed(why)) if attempt < ATTEMPTS => {
                tracing::info!(why, "the audit log is fetched anew");
                attempt += 1;
            }
            fetched => return fetched,
        }
    }
}

async fn once(client: &Client, folder: &Path) -> Result<Downloaded, Failure> {
    // Before the log: what it vouches for has to be there afterwards.
    let standing = standing(client).await?;
    let keys = vec![key(&standing)?];
    let unwritable = |error: std::io::Error| Failure::unwritable(folder, &error);
    let mut log = NamedTempFile::new_in(folder).map_err(unwritable)?;
    let mut stream = client.stream("audit-log/export").await?;
    while let Some(chunk) = stream.chunk().await? {
        log.write_all(&chunk).map_err(unwritable)?;
    }
    log.flush().map_err(unwritable)?;
    let waiting = standing.waiting;
    tokio::task::spawn_blocking(move || {
        check_whole(log.path(), &standing)?;
        Ok(Downloaded { log, keys, waiting })
    })
    .await
    .unwrap_or_else(|_| Err(Failure::Failed("the audit log was not looked at; run again".to_owned())))
}

/// Fails unless the file has every entry and checkpoint that the server said it has. A way that drops the end
/// of an answer without a word is noticed so.
fn check_whole(log: &Path, standing: &Standing) -> Result<(), Failure> {
    let torn =
        || Failure::Failed("the server's audit log did not arrive whole; run the command again".to_owned());
    let (mut entries, mut signed) = (0, None);
    for line in lines(log)? {
        let line = line.map_err(|_| torn())?;
        match &line {
            AuditLine::Entry(_) => entries += 1,
            AuditLine::Checkpoint(_) => signed = signed.max(line.stated_size()),
        }
    }
    if entries < standing.entries || signed < standing.signed { Err(torn()) } else { Ok(()) }
}

/// The newest signed checkpoint, exactly as it was signed.
///
/// # Errors
/// A failure if there is none.
pub(super) async fn checkpoint(address: &ServerAddress, output: Output) -> Result<Vec<u8>, Failure> {
    let server = OnServer::open(address, output).await?;
    let client = server.client();
    if standing(client).await?.signed.is_none() {
        return Err(no_checkpoint());
    }
    let bytes = client.bytes("audit-log/checkpoint").await?;
    let torn =
        || Failure::Failed("the server's checkpoint did not arrive whole; run the command again".to_owned());
    Checkpoint::stated_size(&bytes).map(|_| bytes).ok_or_else(torn)
}

/// The newest entries, the oldest of them first: number and content.
///
/// # Errors
/// A failure if they are not given.
pub(super) async fn newest(
    address: &ServerAddress,
    most: u64,
    output: Output,
) -> Result<Vec<(u64, Value)>, Failure> {
    const PAGE: u64 = 100;
    let server = OnServer::open(address, output).await?;
    let client = server.client();
    let entries = standing(client).await?.entries;
    let from = entries.saturating_sub(most);
    let mut found = Vec::new();
    for page in (from / PAGE + 1)..=entries.div_ceil(PAGE) {
        let body = client.get(&format!("audit-log?page={page}&size={PAGE}")).await?;
        let items = body.get("items").and_then(Value::as_array).into_iter().flatten();
        found.extend(
            items.filter_map(|item| Some((item.get("number")?.as_u64()?, item.get("entry")?.clone()))),
        );
    }
    found.retain(|(number, _)| *number >= from);
    Ok(found)
}

/// The public key that a server signs checkpoints and certificates with.
///
/// # Errors
/// A failure if it does not say.
pub(crate) async fn public_keys(address: &ServerAddress, output: Output) -> Result<Vec<PublicKey>, Failure> {
    let server = OnServer::open(address, output).await?;
    Ok(vec![key(&standing(server.client()).await?)?])
}

async fn standing(client: &Client) -> Result<Standing, Failure> {
    let reply = client.get("audit-log/state").await?;
    serde_json::from_value(reply).map_err(|_| {
        Failure::Failed(format!(
            "what the server at {} says of its audit log has a form that this program does not know",
            client.address()
        ))
    })
}

fn key(standing: &Standing) -> Result<PublicKey, Failure> {
    standing.public_key.parse().map_err(|_| Failure::Failed("the server's public key is none".to_owned()))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// A log of two entries that a checkpoint vouches for.
    fn whole() -> Vec<String> {
        let payload = STANDARD.encode(json!({"size": 2}).to_string());
        let envelope = json!({"payload": payload}).to_string();
        let entry = |number: u64| json!({"number": number, "entry": {"id": number}}).to_string();
        vec![entry(0), entry(1), json!({"checkpoint": envelope}).to_string()]
    }

    #[rstest]
    #[case::whole(|lines: Vec<String>| lines.join("\n"), true)]
    #[case::last_line_lost(|lines: Vec<String>| lines[..2].join("\n"), false)]
    #[case::entry_lost(|lines: Vec<String>| [lines[0].clone(), lines[2].clone()].join("\n"), false)]
    #[case::cut_in_a_line(|lines: Vec<String>| { let text = lines.join("\n"); text[..text.len() - 3].to_owned() }, false)]
    #[case::nothing(|_| String::new(), false)]
    fn a_log_that_lost_its_end_on_the_way_is_not_taken(
        #[case] damage: fn(Vec<String>) -> String,
        #[case] expected: bool,
    ) {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(damage(whole()).as_bytes()).unwrap();
        let standing = Standing { entries: 2, waiting: 0, signed: Some(2), public_key: String::new() };

        assert_eq!(check_whole(file.path(), &standing).is_ok(), expected);
    }
}
