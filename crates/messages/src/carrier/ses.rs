//! Amazon's e-mail, SES: one JSON document, signed (Signature Version 4).

use bytes::Bytes;
use crypto::{HashKey, Secret, hex, sha256};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use lettre::message::Mailbox;
use serde_json::json;
use url::Url;

use super::{CarrierError, CarrierUnfit, Given, address, header, url, with_json};
use crate::mail::Letter;
use crate::render::Form;

const PATH: [&str; 3] = ["v2", "email", "outbound-emails"];
const SIGNED: &str = "content-type;host;x-amz-date";

#[derive(Debug)]
pub(super) struct Ses {
    pub(super) url: Url,
    host: String,
    region: String,
    from: Mailbox,
    key_id: String,
    key: Secret<String>,
}

impl Ses {
    pub(super) fn new(given: &Given<'_>) -> Result<Self, CarrierUnfit> {
        if given.find_secret("aws_assume_role_arn").is_some() {
            return Err(CarrierUnfit::WayIn("aws_assume_role_arn"));
        }
        if given.secret("auth_method")?.expose() != "secret_keys" {
            return Err(CarrierUnfit::WayIn("auth_method"));
        }
        let region = given.needed("aws_region")?;
        // It becomes a part of the host.
        if !region.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-') {
            return Err(CarrierUnfit::Setting("aws_region"));
        }
        let host = format!("email.{region}.amazonaws.com");
        let url = url(&format!("https://{host}"), &PATH).ok_or(CarrierUnfit::Setting("aws_region"))?;
        let from = match given.detail("email_from") {
            Some(_) => given.sender("email_from")?,
            None => format!("noreply@{}", given.needed("domain")?)
                .parse()
                .map_err(|_| CarrierUnfit::Setting("domain"))?,
        };
        let key_id = given.secret("aws_access_key_id")?.expose().clone();
        let key = given.secret("aws_secret_access_key")?;
        Ok(Self { url, host, region: region.to_owned(), from, key_id, key })
    }

    pub(super) fn call(&self, letter: &Letter<'_>) -> Result<(HeaderMap, Bytes), CarrierError> {
        let part = json!({"Data": letter.written.body, "Charset": "UTF-8"});
        let text = match letter.written.form {
            Form::Text => json!({ "Text": part }),
            Form::Html => json!({ "Html": part }),
        };
        let body = json!({
            "FromEmailAddress": self.from.to_string(),
            "Destination": {"ToAddresses": [address(letter)?]},
            "Content": {"Simple": {
                "Subject": {"Data": letter.written.subject, "Charset": "UTF-8"},
                "Body": text,
                "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
            }},
        });
        let (mut headers, body) = with_json(HeaderMap::new(), &body);
        let (moment, authorization) = self.signed(&body, letter.at);
        let moment = HeaderValue::try_from(moment).map_err(|_| CarrierError::Account { status: 0 })?;
        headers.insert(HeaderName::from_static("x-amz-date"), moment);
        headers.insert(AUTHORIZATION, header(authorization.expose())?);
        Ok((headers, body))
    }

    /// The time of a call, and the header that shows whose it is.
    fn signed(&self, body: &[u8], at: Timestamp) -> (String, Secret<String>) {
        let moment = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = at.strftime("%Y%m%d").to_string();
        let canonical = format!(
            "POST\n/{}\n\ncontent-type:application/json\nhost:{}\nx-amz-date:{moment}\n\n{SIGNED}\n{}",
            PATH.join("/"),
            self.host,
            hex(&sha256(body))
        );
        let scope = format!("{day}/{}/ses/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", hex(&sha256(canonical.as_bytes())));
        let signature = signature(&signing_key(&self.key, [&day, &self.region, "ses"]), &text);
        let header = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED}, Signature={signature}",
            self.key_id
        );
        (moment, Secret::new(header))
    }
}

/// The key of a day, a region and a service.
fn signing_key(key: &Secret<String>, parts: [&str; 3]) -> Secret<Vec<u8>> {
    let first = Secret::new(format!("AWS4{}", key.expose()).into_bytes());
    parts.into_iter().chain(["aws4_request"]).fold(first, |key, part| {
        Secret::new(HashKey::from_bytes(key.expose()).keyed_hash(part.as_bytes()).to_vec())
    })
}

fn signature(key: &Secret<Vec<u8>>, text: &str) -> String {
    hex(&HashKey::from_bytes(key.expose()).keyed_hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published example.
    #[test]
    fn the_published_example_has_the_published_signature() {
        let key = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned());
        let text = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n\
                    bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63";

        let signature = signature(&signing_key(&key, ["20150830", "us-east-1", "service"]), text);

        assert_eq!(signature, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    }
}
