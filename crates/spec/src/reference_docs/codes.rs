use crate::Severity;

/// One finding that the checks of this crate can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The stable code.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it says about the file.
    pub meaning: &'static str,
    /// What to do about it.
    pub action: &'static str,
}

/// Every code, sorted.
pub const CODES: &[Code] = &[
    Code {
        code: "spec::alias",
        severity: Severity::Error,
        meaning: "an alias stands inside the value that it repeats",
        action: "write the value out",
    },
    Code {
        code: "spec::bad_collection",
        severity: Severity::Error,
        meaning: "an entry of `after` or `erase_after` does not name a collection",
        action: "write the dataset's key, one dot, and the collection's name",
    },
    Code {
        code: "spec::bad_condition",
        severity: Severity::Error,
        meaning: "a condition is not CEL, or too long, or nested too deep",
        action: "write a CEL expression that is true or false",
    },
    Code {
        code: "spec::bad_increment",
        severity: Severity::Error,
        meaning: "the step of `offset` paging is zero or negative",
        action: "write the number by which the param grows",
    },
    Code {
        code: "spec::bad_key",
        severity: Severity::Error,
        meaning: "a key text holds other characters than letters, digits, `_`, `.`, `-`, `<` and `>`",
        action: "rename it",
    },
    Code {
        code: "spec::bad_mapping_key",
        severity: Severity::Error,
        meaning: "a key of a mapping is not a plain text",
        action: "write the key as text",
    },
    Code {
        code: "spec::bad_network",
        severity: Severity::Error,
        meaning: "an entry of `egress.allow` is neither an address nor a network",
        action: "write an address, or a network in CIDR form",
    },
    Code {
        code: "spec::bad_path",
        severity: Severity::Error,
        meaning: "a path cannot be read",
        action: "write keys and positions joined by dots",
    },
    Code {
        code: "spec::bad_proxy",
        severity: Severity::Error,
        meaning: "the proxy is no origin",
        action: "write scheme, host and port",
    },
    Code {
        code: "spec::bad_rate",
        severity: Severity::Error,
        meaning: "the rate of a limit is not more than zero",
        action: "write the number of calls in one period",
    },
    Code {
        code: "spec::bad_reference",
        severity: Severity::Error,
        meaning: "the field of a reference is not a collection and a path",
        action: "write `collection.field`",
    },
    Code {
        code: "spec::bad_route",
        severity: Severity::Error,
        meaning: "an entry of `egress.routes` does not lead from a host to an origin",
        action: "write a host, and scheme, host and port",
    },
    Code {
        code: "spec::bad_status",
        severity: Severity::Error,
        meaning: "a number is no HTTP status code",
        action: "write codes from 100 to 599",
    },
    Code {
        code: "spec::dataset_key",
        severity: Severity::Error,
        meaning: "the key of the dataset differs from that of the connector file",
        action: "use the same key in both",
    },
    Code {
        code: "spec::dataset_reference",
        severity: Severity::Error,
        meaning: "a dataset of a connector has references or identities",
        action: "put them into the connector file, as param values",
    },
    Code {
        code: "spec::default_is_a_list",
        severity: Severity::Error,
        meaning: "the default value of a param with options is a list, and the param takes one",
        action: "write one option, or add `multiselect: true`",
    },
    Code {
        code: "spec::default_not_an_option",
        severity: Severity::Error,
        meaning: "the default value of a param is not among its options",
        action: "write one of the options",
    },
    Code {
        code: "spec::defect",
        severity: Severity::Error,
        meaning: "the program contradicts itself about a file",
        action: "report it together with the file",
    },
    Code {
        code: "spec::different_groups",
        severity: Severity::Error,
        meaning: "read requests of one endpoint group their inputs differently",
        action: "write the same `grouped_inputs` in all",
    },
    Code {
        code: "spec::direction_to",
        severity: Severity::Error,
        meaning: "a reference in a connector file points away from it",
        action: "write `direction: from`",
    },
    Code {
        code: "spec::duplicate_connection",
        severity: Severity::Error,
        meaning: "two connections have the same key",
        action: "give each its own",
    },
    Code {
        code: "spec::duplicate_endpoint",
        severity: Severity::Warning,
        meaning: "two endpoints have the same name, and the earlier one has no effect",
        action: "rename one, or put both reads into one endpoint",
    },
    Code {
        code: "spec::duplicate_key",
        severity: Severity::Error,
        meaning: "a mapping has a key twice",
        action: "remove one of them",
    },
    Code {
        code: "spec::duplicate_name",
        severity: Severity::Error,
        meaning: "two collections of a dataset, or two fields of a collection, have the same name",
        action: "unite the two, or rename one",
    },
    Code {
        code: "spec::duplicate_param",
        severity: Severity::Warning,
        meaning: "two connector params have the same name",
        action: "keep one",
    },
    Code {
        code: "spec::duplicate_policy",
        severity: Severity::Error,
        meaning: "two policies have the same key",
        action: "give each its own",
    },
    Code {
        code: "spec::duplicate_rule",
        severity: Severity::Error,
        meaning: "two rules of a policy have the same key",
        action: "give each its own",
    },
    Code {
        code: "spec::empty_api_key",
        severity: Severity::Error,
        meaning: "an `api_key` authentication adds nothing to requests",
        action: "add headers, query params or a body",
    },
    Code {
        code: "spec::empty_retry",
        severity: Severity::Error,
        meaning: "`retry` names neither a status nor a condition",
        action: "add one of them, or remove it",
    },
    Code {
        code: "spec::expansion_outside_secrets",
        severity: Severity::Error,
        meaning: "`${NAME}` stands outside `secrets`, where it is not expanded",
        action: "write the value itself",
    },
    Code {
        code: "spec::fields_in_scalar",
        severity: Severity::Error,
        meaning: "a field with nested fields has a data type that cannot have them",
        action: "write `object` or `object[]`",
    },
    Code {
        code: "spec::group_not_declared",
        severity: Severity::Error,
        meaning: "a grouped input is no param value of its request",
        action: "add the param value, or correct the name",
    },
    Code {
        code: "spec::group_of_connector_param",
        severity: Severity::Error,
        meaning: "a grouped input is a connector param",
        action: "take it out of the group",
    },
    Code {
        code: "spec::group_of_external_reference",
        severity: Severity::Error,
        meaning: "a grouped input uses an external reference",
        action: "take it out of the group, or name the field",
    },
    Code {
        code: "spec::group_of_several_collections",
        severity: Severity::Error,
        meaning: "grouped inputs come from several collections, or from none",
        action: "take them from one collection",
    },
    Code {
        code: "spec::host_not_allowed",
        severity: Severity::Error,
        meaning: "a default host matches none of the param's patterns; only a warning where hosts are merely monitored",
        action: "write a host that matches",
    },
    Code {
        code: "spec::keys_next_to_override",
        severity: Severity::Error,
        meaning: "a request with an override has keys that an override makes meaningless",
        action: "keep `param_values` and `grouped_inputs` only",
    },
    Code {
        code: "spec::link_without_path",
        severity: Severity::Error,
        meaning: "a link in the body is paged by, and its path is missing",
        action: "add `path`",
    },
    Code {
        code: "spec::link_without_rel",
        severity: Severity::Error,
        meaning: "a link in the headers is paged by, and its relation is missing",
        action: "add `rel: next`",
    },
    Code {
        code: "spec::lint_bare_optional",
        severity: Severity::Warning,
        meaning: "an optional placeholder stands outside double quotes; other engines leave it in the text when it has no value",
        action: "write `\"<name?>\"` in a body; elsewhere nothing needs to be done for Tutela",
    },
    Code {
        code: "spec::lint_circular_order",
        severity: Severity::Warning,
        meaning: "`after` or `erase_after` make endpoints wait for each other",
        action: "take away one of the entries",
    },
    Code {
        code: "spec::lint_circular_reference",
        severity: Severity::Warning,
        meaning: "endpoints need values of each other, so that none can be read first",
        action: "take away one of the references",
    },
    Code {
        code: "spec::lint_collection_without_endpoint",
        severity: Severity::Warning,
        meaning: "the dataset describes a collection that no endpoint reads",
        action: "remove it, correct its name, or add the endpoint",
    },
    Code {
        code: "spec::lint_content_type",
        severity: Severity::Warning,
        meaning: "a body has a content type that cannot be sent",
        action: "use JSON, a form, or plain text",
    },
    Code {
        code: "spec::lint_content_type_form",
        severity: Severity::Warning,
        meaning: "a content type is written in a way that other engines refuse",
        action: "write it in lower case without parameters",
    },
    Code {
        code: "spec::lint_effect_override",
        severity: Severity::Warning,
        meaning: "`effect` overrides what method and place say about a request",
        action: "keep it only if the documentation of the API says so",
    },
    Code {
        code: "spec::lint_endless_paging",
        severity: Severity::Warning,
        meaning: "nothing in the request shows that paging ends",
        action: "set `data_path` or `limit`, or correct the cursor's `field`",
    },
    Code {
        code: "spec::lint_endpoint_without_collection",
        severity: Severity::Warning,
        meaning: "the dataset does not describe what an endpoint returns, so nothing of it is delivered or masked",
        action: "describe the collection",
    },
    Code {
        code: "spec::lint_filter_order",
        severity: Severity::Warning,
        meaning: "a filter compares with a collection that may not have been read yet",
        action: "add `after` to the endpoint",
    },
    Code {
        code: "spec::lint_filter_reference",
        severity: Severity::Warning,
        meaning: "the reference of a filter names no field, so the filter keeps nothing",
        action: "write `dataset.collection.field` with an endpoint of the file",
    },
    Code {
        code: "spec::lint_foreign_reference",
        severity: Severity::Warning,
        meaning: "a request that changes rows takes a value from another collection",
        action: "refer to a field of its own collection",
    },
    Code {
        code: "spec::lint_grouped_reads",
        severity: Severity::Warning,
        meaning: "a second read request uses groups; in other engines the first uses them up",
        action: "make it an endpoint of its own if the file must run elsewhere",
    },
    Code {
        code: "spec::lint_hidden_delete",
        severity: Severity::Warning,
        meaning: "a `delete` request is never sent, because the file has a `data_protection_request`",
        action: "remove one of the two",
    },
    Code {
        code: "spec::lint_missing_collection",
        severity: Severity::Warning,
        meaning: "a reference names an endpoint that does not exist; the graph cannot be built",
        action: "correct the name",
    },
    Code {
        code: "spec::lint_no_primary_key",
        severity: Severity::Warning,
        meaning: "rows cannot be told apart, so they are never changed or deleted",
        action: "mark the key field with `primary_key: true`",
    },
    Code {
        code: "spec::lint_not_erasable",
        severity: Severity::Warning,
        meaning: "personal data is read and no request can erase it",
        action: "add `update`, `delete` or `data_protection_request`",
    },
    Code {
        code: "spec::lint_offset_start",
        severity: Severity::Warning,
        meaning: "the counter of `offset` paging starts at a text",
        action: "write a number without quotes",
    },
    Code {
        code: "spec::lint_open_host",
        severity: Severity::Warning,
        meaning: "the host is chosen freely by whoever sets up a connection",
        action: "restrict the param with `type: endpoint` and `allowed_values`",
    },
    Code {
        code: "spec::lint_param_name_reused",
        severity: Severity::Warning,
        meaning: "read requests of one endpoint use one param name for different sources",
        action: "give each source its own name",
    },
    Code {
        code: "spec::lint_quoted_value",
        severity: Severity::Warning,
        meaning: "a value of the person is placed inside the quotes of a query language",
        action: "use a param that takes the plain value, where the API has one",
    },
    Code {
        code: "spec::lint_request_override",
        severity: Severity::Warning,
        meaning: "a request needs a function of another engine and fails when it runs",
        action: "write the request itself, or a `script`",
    },
    Code {
        code: "spec::lint_secret_in_url",
        severity: Severity::Warning,
        meaning: "a secret is sent in the URL, where logs keep it",
        action: "send it in a header or the body",
    },
    Code {
        code: "spec::lint_self_reference",
        severity: Severity::Warning,
        meaning: "a collection needs its own values to be read",
        action: "refer to another collection, or use an identity",
    },
    Code {
        code: "spec::lint_shadowed_input",
        severity: Severity::Warning,
        meaning: "a param value has the name of a secret that the request uses; in other engines the secret takes its place",
        action: "rename the param value",
    },
    Code {
        code: "spec::lint_short_paging",
        severity: Severity::Warning,
        meaning: "paging always stops after the first page",
        action: "correct `limit` or `has_next`",
    },
    Code {
        code: "spec::lint_unbound_placeholder",
        severity: Severity::Warning,
        meaning: "nothing fills a placeholder: the request fails, or leaves the header or query param out",
        action: "declare a param value, or correct the name",
    },
    Code {
        code: "spec::lint_undeclared_connector_param",
        severity: Severity::Warning,
        meaning: "a request uses a connector param that is not declared",
        action: "declare it, or correct the name",
    },
    Code {
        code: "spec::lint_undeclared_external_reference",
        severity: Severity::Warning,
        meaning: "a request uses an external reference that is not declared",
        action: "declare it, or correct the name",
    },
    Code {
        code: "spec::lint_unencrypted",
        severity: Severity::Warning,
        meaning: "requests are sent without encryption",
        action: "write `https`",
    },
    Code {
        code: "spec::lint_unfiltered_read",
        severity: Severity::Warning,
        meaning: "a request may list everybody when the person lacks one of the identities",
        action: "make one read request for each identity",
    },
    Code {
        code: "spec::lint_unfiltered_write",
        severity: Severity::Warning,
        meaning: "a request that changes data may reach everybody when the person lacks one of the identities",
        action: "take a value of the row, or put the identity into path or body",
    },
    Code {
        code: "spec::lint_unknown_category",
        severity: Severity::Warning,
        meaning: "a data category is not in the taxonomy",
        action: "correct it; or keep it, if it is a category of your own",
    },
    Code {
        code: "spec::lint_unnarrowed_read",
        severity: Severity::Warning,
        meaning: "a read of personal data uses no value of the person, so that everybody's rows are delivered",
        action: "use an identity or a reference, or filter the rows",
    },
    Code {
        code: "spec::lint_unreachable_endpoint",
        severity: Severity::Warning,
        meaning: "no identity leads to an endpoint, so it never runs",
        action: "give it a param value with an identity or a reference",
    },
    Code {
        code: "spec::lint_unused_connector_param",
        severity: Severity::Warning,
        meaning: "nothing uses a connector param",
        action: "remove it, or use it",
    },
    Code {
        code: "spec::lint_unused_external_reference",
        severity: Severity::Warning,
        meaning: "nothing uses an external reference",
        action: "remove it, or use it",
    },
    Code {
        code: "spec::lint_unused_param_value",
        severity: Severity::Warning,
        meaning: "a request declares a param value and does not use it",
        action: "remove it, or write its placeholder",
    },
    Code {
        code: "spec::literal_host",
        severity: Severity::Error,
        meaning: "a host is written out although params restrict the hosts of the file",
        action: "use a placeholder of a restricted param",
    },
    Code {
        code: "spec::merge_key",
        severity: Severity::Error,
        meaning: "`<<` is followed by something that is neither a mapping nor a list of mappings",
        action: "write the keys out",
    },
    Code {
        code: "spec::misplaced_key",
        severity: Severity::Error,
        meaning: "a key stands in a request where it has no meaning",
        action: "remove it there",
    },
    Code {
        code: "spec::missing_completed_value",
        severity: Severity::Error,
        meaning: "a status request does not say which state means done",
        action: "add `status_completed_value`",
    },
    Code {
        code: "spec::missing_key",
        severity: Severity::Error,
        meaning: "a required key is missing",
        action: "add it",
    },
    Code {
        code: "spec::missing_status_path",
        severity: Severity::Error,
        meaning: "a status request does not say where the state is",
        action: "add `status_path`",
    },
    Code {
        code: "spec::multiselect_without_options",
        severity: Severity::Error,
        meaning: "a param takes several options and has none",
        action: "add `options`",
    },
    Code {
        code: "spec::needless_limits",
        severity: Severity::Error,
        meaning: "rate limits are switched off and listed",
        action: "remove the limits, or switch them on",
    },
    Code {
        code: "spec::needless_masking",
        severity: Severity::Error,
        meaning: "an access rule has a masking strategy",
        action: "remove it, or write `action: erasure`",
    },
    Code {
        code: "spec::no_dataset",
        severity: Severity::Error,
        meaning: "the file has no list of datasets at the top",
        action: "start it with `dataset:`",
    },
    Code {
        code: "spec::no_limits",
        severity: Severity::Error,
        meaning: "rate limits are switched on and none is listed",
        action: "add `limits`",
    },
    Code {
        code: "spec::no_method",
        severity: Severity::Error,
        meaning: "a request has no method",
        action: "add `method`",
    },
    Code {
        code: "spec::no_path",
        severity: Severity::Error,
        meaning: "a request has no path",
        action: "add `path`, or `output` in a read request",
    },
    Code {
        code: "spec::no_saas_config",
        severity: Severity::Error,
        meaning: "the file has no connector at the top",
        action: "start it with `saas_config:`",
    },
    Code {
        code: "spec::no_states",
        severity: Severity::Error,
        meaning: "`track` does not say what the states of the job mean",
        action: "add `states`",
    },
    Code {
        code: "spec::no_targets",
        severity: Severity::Error,
        meaning: "a rule targets no data category",
        action: "add categories",
    },
    Code {
        code: "spec::no_type",
        severity: Severity::Warning,
        meaning: "the file has no `type`, as in the older dialect; `fides_key` is taken in its place",
        action: "add `type`",
    },
    Code {
        code: "spec::not_an_array",
        severity: Severity::Error,
        meaning: "`return_all_elements` belongs to a field that is no list",
        action: "give the field a list type, or remove the key",
    },
    Code {
        code: "spec::out_of_range",
        severity: Severity::Error,
        meaning: "a number is below or above what is accepted",
        action: "use a number in the range",
    },
    Code {
        code: "spec::override_twice",
        severity: Severity::Error,
        meaning: "a request has both `script` and `request_override`",
        action: "keep `script`",
    },
    Code {
        code: "spec::param_value_sources",
        severity: Severity::Error,
        meaning: "a param value has no source or several",
        action: "keep exactly one of `identity`, `references` and `connector_param`",
    },
    Code {
        code: "spec::partial_expansion",
        severity: Severity::Warning,
        meaning: "`${NAME}` is only a part of a value and is not expanded",
        action: "make it the whole value",
    },
    Code {
        code: "spec::required_twice",
        severity: Severity::Error,
        meaning: "a param has both `required` and `required_when`",
        action: "keep one of them",
    },
    Code {
        code: "spec::secret_masking_override",
        severity: Severity::Error,
        meaning: "a field overrides masking with a strategy that needs a secret",
        action: "use a strategy without secrets",
    },
    Code {
        code: "spec::several_documents",
        severity: Severity::Error,
        meaning: "the file holds more than one YAML document",
        action: "keep one",
    },
    Code {
        code: "spec::tag",
        severity: Severity::Error,
        meaning: "a YAML tag has no meaning here",
        action: "remove the word after `!`",
    },
    Code {
        code: "spec::too_deep",
        severity: Severity::Error,
        meaning: "values are nested too deep",
        action: "flatten them",
    },
    Code {
        code: "spec::too_large",
        severity: Severity::Error,
        meaning: "the file is larger than any file of its kind",
        action: "check that it is the right one",
    },
    Code {
        code: "spec::too_many_values",
        severity: Severity::Error,
        meaning: "the file holds too many values, often through aliases",
        action: "write less",
    },
    Code {
        code: "spec::unknown_async",
        severity: Severity::Warning,
        meaning: "an asynchronous strategy is not known; the request fails when it runs",
        action: "use `polling` or `callback`",
    },
    Code {
        code: "spec::unknown_authentication",
        severity: Severity::Warning,
        meaning: "an authentication strategy is not built in; calls fail",
        action: "use one of those listed",
    },
    Code {
        code: "spec::unknown_data_type",
        severity: Severity::Error,
        meaning: "a data type does not exist",
        action: "use one of those listed",
    },
    Code {
        code: "spec::unknown_endpoint",
        severity: Severity::Error,
        meaning: "`verify` names no endpoint that is read",
        action: "correct the name",
    },
    Code {
        code: "spec::unknown_format",
        severity: Severity::Error,
        meaning: "the file needs a newer version of the program",
        action: "update, or write `format: 1`",
    },
    Code {
        code: "spec::unknown_host_param",
        severity: Severity::Error,
        meaning: "a placeholder in a host is no connector param, although params restrict the hosts of the file",
        action: "use a restricted param",
    },
    Code {
        code: "spec::unknown_key",
        severity: Severity::Error,
        meaning: "a key that the format does not have; only a warning where the format ignores unknown keys",
        action: "correct it, or remove it",
    },
    Code {
        code: "spec::unknown_param_value",
        severity: Severity::Error,
        meaning: "`batch` names no param value of its request",
        action: "correct the name",
    },
    Code {
        code: "spec::unknown_query_param",
        severity: Severity::Error,
        meaning: "`incremental_param` is no query param of the request",
        action: "add the query param with its first value",
    },
    Code {
        code: "spec::unknown_strategy",
        severity: Severity::Error,
        meaning: "a strategy that does not exist",
        action: "use one of those listed",
    },
    Code {
        code: "spec::unknown_value",
        severity: Severity::Error,
        meaning: "a word that is not among those accepted",
        action: "use one of those listed",
    },
    Code {
        code: "spec::unrestricted_host_param",
        severity: Severity::Error,
        meaning: "a placeholder in a host is a connector param without restriction, although others restrict the hosts of the file",
        action: "give it `type: endpoint` and `allowed_values`",
    },
    Code {
        code: "spec::wrong_type",
        severity: Severity::Error,
        meaning: "a value has the wrong type, for example a number in place of a text",
        action: "write the expected type; quotes make a text",
    },
    Code {
        code: "spec::yaml_syntax",
        severity: Severity::Error,
        meaning: "the file is not YAML",
        action: "correct the place shown",
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_code_of_the_crate_is_described_and_nothing_else() {
        let described: BTreeSet<String> = CODES.iter().map(|code| code.code.to_owned()).collect();

        let mut used = BTreeSet::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);

        assert_eq!(
            described.difference(&used).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "described, not used"
        );
        assert_eq!(
            used.difference(&described).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "used, not described"
        );
        assert!(CODES.is_sorted_by_key(|code| code.code));
    }

    fn collect(folder: &Path, used: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, used);
            } else if !path.ends_with("reference_docs/codes.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code_only = text.split("#[cfg(test)]").next().unwrap_or_default();
                let literals = code_only.split("\"spec::").skip(1).filter_map(|rest| rest.split('"').next());
                used.extend(literals.map(|name| format!("spec::{name}")));
            }
        }
    }
}
