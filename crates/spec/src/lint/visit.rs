//! Every request, client config and template of a file, with its place.

use crate::connector_file::{
    AsyncConfig, Authentication, ClientConfig, ConnectorFile, QueryValue, Request, Verify,
};
use crate::template::{Placeholder, Template};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Read,
    Update,
    Delete,
    DataProtection,
    Consent,
    Test,
    /// A call for a token, or the page a person is sent to for one.
    Token,
    /// Proves a write, or follows the job it started: state, result, list of jobs.
    Job,
    /// Lists who has access, or what was done.
    Listing,
    /// Changes who has access.
    Access,
}

impl Role {
    /// Placeholders are filled from the secrets, param values do not count (saas-config 11.6).
    pub(super) fn takes_secrets(self) -> bool {
        matches!(self, Self::Test | Self::Token | Self::Listing | Self::Access)
    }

    /// Belongs to `governance` or `activity`.
    pub(super) fn is_about_access(self) -> bool {
        matches!(self, Self::Listing | Self::Access)
    }

    /// Changes or erases rows.
    pub(super) fn is_masking(self) -> bool {
        matches!(self, Self::Update | Self::Delete | Self::DataProtection)
    }
}

/// One request of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) request: &'a Request,
    pub(super) role: Role,
    /// Index of the endpoint it belongs to.
    pub(super) endpoint: Option<usize>,
    /// The request that started the asynchronous job.
    pub(super) started_by: Option<&'a Request>,
}

/// All requests, those nested in authentication, asynchronous configuration, `verify` and `track`
/// included.
pub(super) fn requests(file: &ConnectorFile) -> Vec<Visit<'_>> {
    let mut visits = Vec::new();
    token_requests(&file.client_config, &mut visits);
    for request in &file.test_request {
        add(request, Role::Test, None, &mut visits);
    }
    for (index, endpoint) in file.endpoints.iter().enumerate() {
        for request in &endpoint.read {
            add(request, Role::Read, Some(index), &mut visits);
        }
        for request in &endpoint.update {
            add(request, Role::Update, Some(index), &mut visits);
        }
        for request in &endpoint.delete {
            add(request, Role::Delete, Some(index), &mut visits);
        }
        if let Some(Verify::Request(request)) = &endpoint.verify {
            follow(request, Some(index), None, &mut visits);
        }
        for request in endpoint.rectify.iter().flat_map(|rectify| &rectify.requests) {
            add(request, Role::Update, Some(index), &mut visits);
        }
    }
    for request in &file.data_protection_request {
        add(request, Role::DataProtection, None, &mut visits);
    }
    if let Some(consent) = &file.consent_requests {
        for request in consent.opt_in.iter().chain(&consent.opt_out) {
            add(request, Role::Consent, None, &mut visits);
        }
    }
    if let Some(client) = file.governance.as_ref().and_then(|section| section.client_config.as_ref()) {
        token_requests(client, &mut visits);
    }
    for (request, role) in super::governance::requests(file) {
        add(request, role, None, &mut visits);
    }
    visits
}

fn add<'a>(request: &'a Request, role: Role, endpoint: Option<usize>, visits: &mut Vec<Visit<'a>>) {
    visits.push(Visit { request, role, endpoint, started_by: None });
    if let Some(client) = &request.client_config {
        token_requests(client, visits);
    }
    match &request.async_config {
        Some(AsyncConfig::Polling(polling)) => {
            let job = |job| Visit { request: job, role: Role::Job, endpoint, started_by: Some(request) };
            visits.push(job(&polling.status_request));
            visits.extend(polling.result_request.as_ref().map(job));
        }
        Some(AsyncConfig::Callback | AsyncConfig::Unknown { .. }) | None => {}
    }
    for part in parts(request) {
        follow(part, endpoint, Some(request), visits);
    }
}

/// The requests that prove or follow the write `request`.
pub(super) fn parts(request: &Request) -> Vec<&Request> {
    let proof = match &request.verify {
        Some(Verify::Request(proof)) => Some(proof.as_ref()),
        Some(Verify::Endpoint(_)) | None => None,
    };
    let track = request.track.as_deref();
    let same = track.and_then(|track| track.same.as_ref()).map(|same| same.request.as_ref());
    proof.into_iter().chain(track.map(|track| track.request.as_ref())).chain(same).collect()
}

fn follow<'a>(
    request: &'a Request,
    endpoint: Option<usize>,
    started_by: Option<&'a Request>,
    visits: &mut Vec<Visit<'a>>,
) {
    visits.push(Visit { request, role: Role::Job, endpoint, started_by });
    if let Some(client) = &request.client_config {
        token_requests(client, visits);
    }
}

fn token_requests<'a>(client: &'a ClientConfig, visits: &mut Vec<Visit<'a>>) {
    let (authorization, oauth2) = match &client.authentication {
        Some(Authentication::OAuth2ClientCredentials(oauth2)) => (None, oauth2),
        Some(Authentication::OAuth2AuthorizationCode { authorization_request, oauth2 }) => {
            (Some(authorization_request.as_ref()), oauth2)
        }
        Some(
            Authentication::Basic { .. }
            | Authentication::Bearer { .. }
            | Authentication::ApiKey { .. }
            | Authentication::QueryParam { .. }
            | Authentication::GoogleCloudServiceAccount { .. }
            | Authentication::Script { .. }
            | Authentication::Unknown { .. },
        )
        | None => return,
    };
    let token = |request| Visit { request, role: Role::Token, endpoint: None, started_by: None };
    visits.extend(authorization.map(token));
    visits.push(token(&oauth2.token_request));
    visits.extend(oauth2.refresh_request.as_deref().map(token));
}

/// All client configs with their places.
pub(super) fn clients<'a>(file: &'a ConnectorFile, visits: &[Visit<'a>]) -> Vec<(String, &'a ClientConfig)> {
    let own = visits.iter().filter_map(|visit| {
        let client = visit.request.client_config.as_ref()?;
        Some((format!("{}.client_config", visit.request.place), client))
    });
    let of_governance = file.governance.as_ref().and_then(|section| section.client_config.as_ref());
    let of_governance = of_governance.map(|client| ("governance.client_config".to_owned(), client));
    let of_file = ("client_config".to_owned(), &file.client_config);
    std::iter::once(of_file).chain(of_governance).chain(own).collect()
}

/// Templates of an authentication with their places below the client config at `place`.
pub(super) fn credentials<'a>(place: &str, client: &'a ClientConfig) -> Vec<(String, &'a Template)> {
    let at = |key: &str| format!("{place}.authentication.configuration.{key}");
    match &client.authentication {
        Some(Authentication::Basic { username, password }) => {
            let password = password.as_ref().map(|password| (at("password"), password));
            std::iter::once((at("username"), username)).chain(password).collect()
        }
        Some(Authentication::Bearer { token }) => vec![(at("token"), token)],
        Some(Authentication::ApiKey { headers, query_params, body }) => {
            let headers = headers.iter().enumerate();
            let headers =
                headers.map(|(index, header)| (at(&format!("headers[{index}].value")), &header.value));
            let params = query_params.iter().enumerate();
            let params =
                params.map(|(index, param)| (at(&format!("query_params[{index}].value")), &param.value));
            headers.chain(params).chain(body.as_ref().map(|body| (at("body"), body))).collect()
        }
        Some(Authentication::QueryParam { value, .. }) => vec![(at("value"), value)],
        Some(
            Authentication::OAuth2ClientCredentials(_)
            | Authentication::OAuth2AuthorizationCode { .. }
            | Authentication::GoogleCloudServiceAccount { .. }
            | Authentication::Script { .. }
            | Authentication::Unknown { .. },
        )
        | None => Vec::new(),
    }
}

/// Where in a request a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Path,
    Header,
    Query,
    Body,
    Output,
}

/// A template of a request.
#[derive(Debug, Clone)]
pub(crate) struct Text<'a> {
    pub(crate) place: String,
    pub(crate) position: Position,
    pub(crate) template: &'a Template,
}

/// The templates of `request`, in the order in which they are filled in.
pub(crate) fn texts(request: &Request) -> Vec<Text<'_>> {
    let place = &request.place;
    let text = |key: String, position, template| Text { place: format!("{place}.{key}"), position, template };
    let mut texts = Vec::new();
    if let Some(target) = &request.target {
        texts.push(text("path".into(), Position::Path, &target.path));
    }
    for (index, header) in request.headers.iter().enumerate() {
        texts.push(text(format!("headers[{index}].value"), Position::Header, &header.value));
    }
    for (index, param) in request.query_params.iter().enumerate() {
        match &param.value {
            QueryValue::Text(value) => {
                texts.push(text(format!("query_params[{index}].value"), Position::Query, value));
            }
            QueryValue::Integer(_) => {}
        }
    }
    if let Some(body) = &request.body {
        texts.push(text("body".into(), Position::Body, body));
    }
    if let Some(output) = &request.output {
        texts.push(text("output".into(), Position::Output, output));
    }
    texts
}

/// The name under which a placeholder's value is looked up first: `user` of `<user.name>`.
pub(super) fn root(placeholder: &Placeholder) -> &str {
    placeholder.path.segments().next().unwrap_or(&placeholder.name)
}

/// The first segment of a dotted name.
pub(super) fn first_segment(name: &str) -> &str {
    name.split(['.', '[']).next().unwrap_or(name)
}

/// Whether code outside the file takes part, which may use anything.
pub(super) fn is_opaque(request: &Request) -> bool {
    request.request_override.is_some() || request.script.is_some()
}
