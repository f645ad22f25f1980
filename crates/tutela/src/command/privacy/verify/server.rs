//! The same by a server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::PrivacyRequestId;
use privacy::Verified;
use privacy::certificate::Certificate;
use serde_json::{Value, json};

use super::{Verify, show, write};
use crate::client::ServerAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::{OnServer, no_server};
use crate::output::{self, Output};
use crate::runtime;

/// Has it looked again and writes the certificate.
pub(super) fn run(verify: &Verify, address: &ServerAddress, output: Output) -> Result<Exit, Failure> {
    if verify.quiet_period.is_some() {
        return Err(no_server(
            "the quiet period is the server's: set `execution.verify_after` in its server.yml",
        ));
    }
    let id = verify.run.request()?;
    runtime::run_until_interrupted(async {
        let server = OnServer::open(address, output).await?;
        server.standing(id).await?;
        let reply = server.act((id, "certificate"), &json!(null)).await?;
        let problems = reply.get("problems").and_then(Value::as_array).into_iter().flatten();
        let problems = problems.filter_map(|one| one.as_str().map(str::to_owned)).collect();
        let verified = fetch(&server, id, problems).await?;
        let file = write(&verify.out, id.as_str(), &verified)?;
        show(&verified, &file, output);
        output::complain(&format!(
            "its signature is checked with the server's public key: tutela certificate verify {} --key FILE",
            file.display()
        ));
        Ok(if verified.is_proven() { Exit::Done } else { Exit::Incomplete })
    })
}

/// The certificate as the server keeps it, byte for byte, and its page.
pub(in crate::command::privacy) async fn fetch(
    server: &OnServer,
    id: &PrivacyRequestId,
    problems: Vec<String>,
) -> Result<Verified, Failure> {
    let path = format!("privacy-request/{id}/certificate");
    let file = server.client().bytes(&path).await?;
    let certificate = said(&file).ok_or_else(|| {
        Failure::Failed("the server's certificate is none that this program knows".to_owned())
    })?;
    let html = server.client().bytes(&format!("{path}?format=html")).await?;
    let html = String::from_utf8_lossy(&html).into_owned();
    Ok(Verified { certificate, file, html, problems })
}

/// What a certificate says. Its signature is for those to check who have the key from elsewhere.
fn said(file: &[u8]) -> Option<Certificate> {
    let envelope: Value = serde_json::from_slice(file).ok()?;
    let payload = STANDARD.decode(envelope.get("payload")?.as_str()?).ok()?;
    serde_json::from_slice(&payload).ok()
}
