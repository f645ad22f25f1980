use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use egress::{HttpReply, Retry};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use model::{IncompleteReason, Row};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::send::Rejected;

/// Largest file that is kept; with its row it is in memory more than once.
const MOST_BYTES: usize = 8 << 20;
/// Longest name that is kept, in characters.
const LONGEST_NAME: usize = 120;
/// The name of a file that has none (saas-config 23.15).
const NAMELESS: &str = "polling_result";
/// The member of a row that lists its files (saas-config 23.15).
const MEMBER: &str = "retrieved_attachments";

/// A file that a job made. `Debug` is left out: name and contents are personal data.
pub(crate) struct ResultFile {
    name: String,
    content_type: String,
    contents: bytes::Bytes,
}

impl ResultFile {
    /// The file in an answer of `path`.
    pub(super) fn of(path: &str, reply: &HttpReply) -> Result<Self, Rejected> {
        let bytes = reply.body.len();
        if bytes > MOST_BYTES {
            let problem = format!(
                "the result is a file of {bytes} bytes, and at most {MOST_BYTES} are kept; ask for less of it"
            );
            return Err(Rejected { reason: IncompleteReason::Malformed, problem, retry: Retry::No });
        }
        let of_path = path.rsplit('/').next().unwrap_or_default();
        let of_path = percent_decode_str(of_path).decode_utf8_lossy();
        let name = plain(&named(&disposition(reply)).unwrap_or_default());
        let name = name.or_else(|| plain(&of_path)).unwrap_or_else(|| NAMELESS.to_owned());
        Ok(Self { name, content_type: kind(reply), contents: reply.body.clone() })
    }

    /// The row that stands for it, with the file in it: whoever has the row has the file.
    pub(crate) fn row(&self) -> Row {
        let url = format!("data:{};base64,{}", self.content_type, STANDARD.encode(&self.contents));
        let file = json!({
            "file_name": self.name,
            "content_type": self.content_type,
            "file_size": self.contents.len(),
            "download_url": url,
        });
        Row::from_iter([(MEMBER.to_owned(), Value::Array(vec![file]))])
    }
}

/// The header that says how an answer is to be shown; empty without it.
pub(super) fn disposition(reply: &HttpReply) -> String {
    let header = reply.headers.get(CONTENT_DISPOSITION);
    header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

/// The file name in such a header; the form that says its encoding goes first (RFC 6266).
fn named(disposition: &str) -> Option<String> {
    let mut plain = None;
    for part in disposition.split(';') {
        let Some((key, value)) = part.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match key.trim().to_ascii_lowercase().as_str() {
            "filename*" => {
                let encoded = value.splitn(3, '\'').nth(2).unwrap_or(value);
                return Some(percent_decode_str(encoded).decode_utf8_lossy().into_owned());
            }
            "filename" => plain = Some(value.to_owned()),
            _ => {}
        }
    }
    plain
}

/// The name without folders and without what no name has; `None` if nothing is left.
fn plain(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
    let kept = kept.trim().trim_start_matches('.').to_owned();
    (!kept.is_empty()).then_some(kept)
}

/// The kind of content, without its parameters.
fn kind(reply: &HttpReply) -> String {
    let header = reply.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/+-.".contains(letter);
    if kind.contains('/') && kind.chars().all(is_plain) {
        kind
    } else {
        "application/octet-stream".to_owned()
    }
}
