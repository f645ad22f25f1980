use spec::connector_file::{AsyncConfig, Authentication, ClientConfig, ConnectorFile, OAuth2, Request};

/// Every request of a connector file, also those inside of others, in the order of the file's kinds.
pub(crate) fn requests(file: &ConnectorFile) -> Vec<&Request> {
    let mut all = Vec::new();
    client_config(&file.client_config, &mut all);
    request(&file.test_request, &mut all);
    for endpoint in &file.endpoints {
        let of_endpoint = endpoint.read.iter().chain(&endpoint.update).chain(&endpoint.delete);
        of_endpoint.for_each(|below| request(below, &mut all));
    }
    file.data_protection_request.iter().for_each(|below| request(below, &mut all));
    if let Some(consent) = &file.consent_requests {
        consent.opt_in.iter().chain(&consent.opt_out).for_each(|below| request(below, &mut all));
    }
    all
}

fn request<'a>(this: &'a Request, all: &mut Vec<&'a Request>) {
    all.push(this);
    if let Some(config) = &this.client_config {
        client_config(config, all);
    }
    match &this.async_config {
        None | Some(AsyncConfig::Callback | AsyncConfig::Unknown { .. }) => {}
        Some(AsyncConfig::Polling { status_request, result_request, .. }) => {
            request(status_request, all);
            if let Some(below) = result_request {
                request(below, all);
            }
        }
    }
}

fn client_config<'a>(config: &'a ClientConfig, all: &mut Vec<&'a Request>) {
    match &config.authentication {
        Some(Authentication::OAuth2ClientCredentials(calls)) => oauth2(calls, all),
        Some(Authentication::OAuth2AuthorizationCode { authorization_request, oauth2: calls }) => {
            request(authorization_request, all);
            oauth2(calls, all);
        }
        None
        | Some(
            Authentication::Basic { .. }
            | Authentication::Bearer { .. }
            | Authentication::ApiKey { .. }
            | Authentication::QueryParam { .. }
            | Authentication::GoogleCloudServiceAccount { .. }
            | Authentication::Unknown { .. },
        ) => {}
    }
}

fn oauth2<'a>(calls: &'a OAuth2, all: &mut Vec<&'a Request>) {
    request(&calls.token_request, all);
    calls.refresh_request.iter().for_each(|below| request(below, all));
}
