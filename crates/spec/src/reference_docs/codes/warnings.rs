use super::{Code, warning};

/// Findings that let the file through, sorted.
pub(super) const WARNINGS: &[Code] = &[
    warning(
        "spec::duplicate_endpoint",
        "two endpoints have the same name, and the earlier one has no effect",
        "rename one, or put both reads into one endpoint",
    ),
    warning("spec::duplicate_param", "two connector params have the same name", "keep one"),
    warning(
        "spec::lint_bare_optional",
        "an optional placeholder stands outside double quotes; other engines leave it in the text when it has no value",
        "write `\"<name?>\"` in a body; elsewhere nothing needs to be done for Tutela",
    ),
    warning(
        "spec::lint_circular_order",
        "`after` or `erase_after` make endpoints wait for each other",
        "take away one of the entries",
    ),
    warning(
        "spec::lint_circular_reference",
        "endpoints need values of each other, so that none can be read first",
        "take away one of the references",
    ),
    warning(
        "spec::lint_collection_without_endpoint",
        "the dataset describes a collection that no endpoint reads",
        "remove it, correct its name, or add the endpoint",
    ),
    warning(
        "spec::lint_content_type",
        "a body has a content type that cannot be sent",
        "use JSON, a form, or plain text",
    ),
    warning(
        "spec::lint_content_type_form",
        "a content type is written in a way that other engines refuse",
        "write it in lower case without parameters",
    ),
    warning(
        "spec::lint_effect_override",
        "`effect` overrides what method and place say about a request",
        "keep it only if the documentation of the API says so",
    ),
    warning(
        "spec::lint_endless_paging",
        "nothing in the request shows that paging ends",
        "set `data_path` or `limit`, or correct the cursor's `field`",
    ),
    warning(
        "spec::lint_endpoint_without_collection",
        "the dataset does not describe what an endpoint returns, so nothing of it is delivered or masked",
        "describe the collection",
    ),
    warning(
        "spec::lint_filter_order",
        "a filter compares with a collection that may not have been read yet",
        "add `after` to the endpoint",
    ),
    warning(
        "spec::lint_filter_reference",
        "the reference of a filter names no field, so the filter keeps nothing",
        "write `dataset.collection.field` with an endpoint of the file",
    ),
    warning(
        "spec::lint_foreign_reference",
        "a request that changes rows takes a value from another collection",
        "refer to a field of its own collection",
    ),
    warning(
        "spec::lint_grouped_reads",
        "a second read request uses groups; in other engines the first uses them up",
        "make it an endpoint of its own if the file must run elsewhere",
    ),
    warning(
        "spec::lint_hidden_delete",
        "a `delete` request is never sent, because the file has a `data_protection_request`",
        "remove one of the two",
    ),
    warning(
        "spec::lint_kind_without_trait",
        "a kind of accounts, groups or roles does not say so",
        "add `traits`",
    ),
    warning(
        "spec::lint_missing_collection",
        "a reference names an endpoint that does not exist; the graph cannot be built",
        "correct the name",
    ),
    warning(
        "spec::lint_never_granted",
        "nothing says who holds an entitlement",
        "add `grants` to it or to the kind of its holders",
    ),
    warning(
        "spec::lint_no_primary_key",
        "rows cannot be told apart, so they are never changed or deleted",
        "mark the key field with `primary_key: true`",
    ),
    warning(
        "spec::lint_not_erasable",
        "personal data is read and no request can erase it",
        "add `update`, `delete` or `data_protection_request`",
    ),
    warning(
        "spec::lint_offset_start",
        "the counter of `offset` paging starts at a text",
        "write a number without quotes",
    ),
    warning(
        "spec::lint_open_host",
        "the host is chosen freely by whoever sets up a connection",
        "restrict the param with `type: endpoint` and `allowed_values`",
    ),
    warning(
        "spec::lint_param_name_reused",
        "read requests of one endpoint use one param name for different sources",
        "give each source its own name",
    ),
    warning(
        "spec::lint_profile_without_trait",
        "a profile belongs to a trait, and the kind has none",
        "add `traits`, or remove `profile`",
    ),
    warning(
        "spec::lint_quoted_value",
        "a value of the person is placed inside the quotes of a query language",
        "use a param that takes the plain value, where the API has one",
    ),
    warning(
        "spec::lint_request_override",
        "a request needs a function of another engine and fails when it runs",
        "write the request itself, or a `script`",
    ),
    warning(
        "spec::lint_secret_in_url",
        "a secret is sent in the URL, where logs keep it",
        "send it in a header or the body",
    ),
    warning(
        "spec::lint_self_reference",
        "a collection needs its own values to be read",
        "refer to another collection, or use an identity",
    ),
    warning(
        "spec::lint_shadowed_input",
        "a param value has the name of a secret that the request uses; in other engines the secret takes its place",
        "rename the param value",
    ),
    warning(
        "spec::lint_short_paging",
        "paging always stops after the first page",
        "correct `limit` or `has_next`",
    ),
    warning(
        "spec::lint_unbound_placeholder",
        "nothing fills a placeholder: the request fails, or leaves the header or query param out",
        "declare a param value, or correct the name",
    ),
    warning(
        "spec::lint_undeclared_connector_param",
        "a request uses a connector param that is not declared",
        "declare it, or correct the name",
    ),
    warning(
        "spec::lint_undeclared_external_reference",
        "a request uses an external reference that is not declared",
        "declare it, or correct the name",
    ),
    warning("spec::lint_unencrypted", "requests are sent without encryption", "write `https`"),
    warning(
        "spec::lint_unfiltered_read",
        "a request may list everybody when the person lacks one of the identities",
        "make one read request for each identity",
    ),
    warning(
        "spec::lint_unfiltered_write",
        "a request that changes data may reach everybody when the person lacks one of the identities",
        "take a value of the row, or put the identity into path or body",
    ),
    warning(
        "spec::lint_unknown_category",
        "a data category is not in the taxonomy",
        "correct it; or keep it, if it is a category of your own",
    ),
    warning(
        "spec::lint_unnarrowed_read",
        "a read of personal data uses no value of the person, so that everybody's rows are delivered",
        "use an identity or a reference, or filter the rows",
    ),
    warning(
        "spec::lint_unreachable_endpoint",
        "no identity leads to an endpoint, so it never runs",
        "give it a param value with an identity or a reference",
    ),
    warning("spec::lint_unused_connector_param", "nothing uses a connector param", "remove it, or use it"),
    warning(
        "spec::lint_unused_external_reference",
        "nothing uses an external reference",
        "remove it, or use it",
    ),
    warning(
        "spec::lint_unused_param_value",
        "a request declares a param value and does not use it",
        "remove it, or write its placeholder",
    ),
    warning(
        "spec::lint_unused_values",
        "a list is run once for each of its `values` and sends none of them",
        "write `<value>` where it belongs",
    ),
    warning(
        "spec::no_type",
        "the file has no `type`, as in the older dialect; `fides_key` is taken in its place",
        "add `type`",
    ),
    warning(
        "spec::partial_expansion",
        "`${NAME}` is only a part of a value and is not expanded",
        "make it the whole value",
    ),
    warning(
        "spec::unknown_async",
        "an asynchronous strategy is not known; the request fails when it runs",
        "use `polling` or `callback`",
    ),
    warning(
        "spec::unknown_authentication",
        "an authentication strategy is not built in; calls fail",
        "use one of those listed",
    ),
    warning(
        "spec::unknown_variable",
        "an environment variable is called almost like one that is known",
        "rename it, or take it away",
    ),
];
