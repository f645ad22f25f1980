use super::Lowering;
use crate::connector_file::ClientConfig;
use crate::raw::{self, TextOrParam};
use crate::template::Template;

impl Lowering<'_> {
    pub(super) fn client_config(&mut self, place: &str, raw: raw::ClientConfig) -> ClientConfig {
        let host = raw.host.map_or_else(|| Template::parse(""), template);
        if !host.is_empty() {
            self.hosts.push((format!("{place}.host"), host.clone()));
        }
        // The client's `retry` is checked once here; requests take it over in `request`.
        let _ = raw.retry.map(|retry| self.retry(&format!("{place}.retry"), retry));
        let authentication = raw.authentication.and_then(|authentication| {
            self.authentication(&format!("{place}.authentication"), authentication)
        });
        ClientConfig { protocol: raw.protocol.unwrap_or_default(), host, authentication }
    }
}

/// Both spellings of a text: the older `{connector_param: name}` is `<name>`.
pub(super) fn template(text: TextOrParam) -> Template {
    match text {
        TextOrParam::Text(text) => Template::parse(&text),
        TextOrParam::Param { connector_param } => Template::parse(&format!("<{connector_param}>")),
    }
}
