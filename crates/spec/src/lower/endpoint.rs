use super::request::Kind;
use super::{Finding, Lowering};
use crate::connector_file::{Endpoint, Request};
use crate::raw;

impl Lowering<'_> {
    /// Of endpoints with one name the last is kept, as Fides does (saas-config 3.4).
    pub(super) fn endpoints(&mut self, endpoints: Vec<raw::Endpoint>) -> Vec<Endpoint> {
        let mut lowered: Vec<Endpoint> = Vec::new();
        for (index, endpoint) in endpoints.into_iter().enumerate() {
            let place = format!("endpoints[{index}]");
            let endpoint = self.endpoint(&place, endpoint);
            if !endpoint.name.is_empty() && lowered.iter().any(|known| known.name == endpoint.name) {
                let message = format!(
                    "endpoint `{}` is defined for the second time; the earlier one has no effect",
                    endpoint.name
                );
                let help = "give it another name, or put both reads into one endpoint";
                self.warning(
                    &format!("{place}.name"),
                    Finding::new("spec::duplicate_endpoint", message, help),
                );
                lowered.retain(|known| known.name != endpoint.name);
            }
            lowered.push(endpoint);
        }
        lowered
    }

    fn endpoint(&mut self, place: &str, raw: raw::Endpoint) -> Endpoint {
        let requests = raw.requests.unwrap_or_default();
        let read: Vec<Request> = requests
            .read
            .map(|read| read.items)
            .unwrap_or_default()
            .into_iter()
            .enumerate()
            .map(|(index, request)| {
                self.request(&format!("{place}.requests.read[{index}]"), request, Kind::Read)
            })
            .collect();
        self.same_groups(&read);
        let update = self.variants(&format!("{place}.requests.update"), requests.update, Kind::Masking);
        let delete = self.variants(&format!("{place}.requests.delete"), requests.delete, Kind::Masking);
        let verify = raw.verify.map(|verify| self.verify(&format!("{place}.verify"), verify));
        let rectify = raw.rectify.map(|rectify| self.rectify(&format!("{place}.rectify"), rectify));
        Endpoint {
            name: raw.name.unwrap_or_default(),
            read,
            update,
            delete,
            skip_processing: raw.skip_processing.unwrap_or_default(),
            after: self.collections(&format!("{place}.after"), raw.after),
            erase_after: self.collections(&format!("{place}.erase_after"), raw.erase_after),
            verify,
            rectify,
        }
    }

    /// One request, or a list of variants that `when` tells apart.
    pub(super) fn variants(
        &mut self,
        place: &str,
        requests: Option<raw::OneOrMany<raw::Request>>,
        kind: Kind,
    ) -> Vec<Request> {
        let items = requests.map(|requests| requests.items).unwrap_or_default();
        let is_list = items.len() > 1;
        let lowered: Vec<Request> = items
            .into_iter()
            .enumerate()
            .map(|(index, request)| {
                let place = if is_list { format!("{place}[{index}]") } else { place.to_owned() };
                self.request(&place, request, kind)
            })
            .collect();
        if let Some((_, earlier)) = lowered.split_last() {
            for request in earlier.iter().filter(|request| request.when.is_none()) {
                let message = "a variant without `when` always applies, so those after it are never sent";
                let help = "add `when: …` to it, or move it to the end of the list";
                self.error(&request.place, Finding::new("spec::variant_without_when", message, help));
            }
        }
        lowered
    }

    /// saas-config 8.4.
    fn same_groups(&mut self, read: &[Request]) {
        let Some((first, others)) = read.split_first() else { return };
        for request in others.iter().filter(|request| request.grouped_inputs != first.grouped_inputs) {
            let message = "`grouped_inputs` for every read request must be the same";
            let help = format!("write `grouped_inputs: [{}]`", first.grouped_inputs.join(", "));
            self.error(
                &format!("{}.grouped_inputs", request.place),
                Finding::new("spec::different_groups", message, &help),
            );
        }
    }

    /// Entries of `after` and `erase_after`: `dataset.collection` (saas-config 8.3).
    pub(super) fn collections(&mut self, place: &str, entries: Option<Vec<String>>) -> Vec<(String, String)> {
        let mut collections = Vec::new();
        for (index, entry) in entries.unwrap_or_default().into_iter().enumerate() {
            if let Some(collection) = self.collection(&entry) {
                collections.push(collection);
            } else {
                let message = format!("`{entry}` must be specified in the form (dataset.collection)");
                let help = "write the dataset's key, one dot, and the collection's name";
                let finding = Finding::new("spec::bad_collection", message, help);
                self.error(&format!("{place}[{index}]"), finding);
            }
        }
        collections
    }

    fn collection(&self, entry: &str) -> Option<(String, String)> {
        // A connection's key may hold dots where a key in a file may not.
        let own = self.options.instance_key.as_ref().map(model::ConnectionKey::as_str);
        let rest = own.and_then(|key| Some((key, entry.strip_prefix(key)?.strip_prefix('.')?)));
        let (dataset, collection) = match rest {
            Some(parts) => parts,
            None => entry.split_once('.')?,
        };
        let is_key = |text: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '<' | '>');
            !text.is_empty() && text.chars().all(allowed)
        };
        let own_dataset = rest.is_some() || is_key(dataset);
        (own_dataset && is_key(collection)).then(|| (dataset.to_owned(), collection.to_owned()))
    }

    /// Endpoints named under `verify` must exist and read something.
    pub(super) fn verifying_endpoints(&mut self, endpoints: &[Endpoint]) {
        for (place, name) in std::mem::take(&mut self.verified_by) {
            if !endpoints.iter().any(|endpoint| endpoint.name == name && !endpoint.read.is_empty()) {
                let message = format!("`verify` names `{name}`, which is no endpoint with a read request");
                let names: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
                self.error(
                    &place,
                    Finding::new(
                        "spec::unknown_endpoint",
                        message,
                        format!("endpoints are {}", names.join(", ")),
                    ),
                );
            }
        }
    }
}
