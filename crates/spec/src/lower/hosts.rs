use super::{Finding, Lowering};
use crate::connector_file::ConnectorParam;

impl Lowering<'_> {
    /// saas-config 3.7: once hosts are restricted anywhere, every host must come from a restricted param.
    pub(super) fn restricted_hosts(&mut self, params: &[ConnectorParam]) {
        let is_restricted = |param: &ConnectorParam| param.is_endpoint && param.allowed_values.is_some();
        if !params.iter().any(is_restricted) {
            return;
        }
        let names: Vec<&str> =
            params.iter().filter(|param| is_restricted(param)).map(|param| param.name.as_str()).collect();
        let help = format!("write a placeholder of a restricted param, as in `<{}>`", names.join(">` or `<"));
        for (place, host) in std::mem::take(&mut self.hosts) {
            let mut placeholders = host.placeholders().peekable();
            if placeholders.peek().is_none() {
                let message =
                    format!("hosts are restricted, and host `{host}` does not reference any connector param");
                self.error(&place, Finding::new("spec::literal_host", message, &help));
                continue;
            }
            for placeholder in placeholders {
                let name = &placeholder.name;
                match params.iter().find(|param| param.name == *name) {
                    None => {
                        let message = format!("`<{name}>` in the host is not a known connector param");
                        self.error(&place, Finding::new("spec::unknown_host_param", message, &help));
                    }
                    Some(param) if !is_restricted(param) => {
                        let message = format!(
                            "connector param `{name}` in the host does not have allowed_values defined"
                        );
                        self.error(&place, Finding::new("spec::unrestricted_host_param", message, &help));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}
