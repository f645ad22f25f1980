use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client_config::template;
use super::request::{Kind, name_template, query_value};
use super::{Finding, Lowering};
use crate::connector_file::{Authentication, NameTemplate, OAuth2, QueryValue};
use crate::raw;
use crate::template::Template;

/// Asked for when a service account names no scope (saas-config 6.28).
const DEFAULT_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

impl Lowering<'_> {
    /// `None` where the shape check found that the strategy is missing.
    pub(super) fn authentication(&mut self, place: &str, raw: raw::Authentication) -> Option<Authentication> {
        let strategy = raw.strategy?;
        let configuration = raw.configuration.unwrap_or(Value::Null);
        let place = format!("{place}.configuration");
        let today = raw::AUTHENTICATION_STRATEGIES
            .iter()
            .find(|known| known.names.contains(&strategy.as_str()))
            .and_then(|known| known.names.first().copied());
        Some(match today {
            Some("basic") => {
                let raw: raw::BasicConfiguration = fill(configuration);
                Authentication::Basic {
                    username: raw.username.map_or_else(|| Template::parse(""), template),
                    password: raw.password.map(template),
                }
            }
            Some("bearer") => {
                let raw: raw::BearerConfiguration = fill(configuration);
                Authentication::Bearer { token: raw.token.map_or_else(|| Template::parse(""), template) }
            }
            Some("api_key") => self.api_key(&place, fill(configuration)),
            Some("query_param") => {
                let raw: raw::QueryParamConfiguration = fill(configuration);
                Authentication::QueryParam {
                    name: raw.name.unwrap_or_default(),
                    value: raw.value.map_or_else(|| Template::parse(""), template),
                }
            }
            Some("oauth2_client_credentials") => {
                Authentication::OAuth2ClientCredentials(self.oauth2(&place, fill(configuration)))
            }
            Some("oauth2_authorization_code") => {
                let mut raw: raw::OAuth2Configuration = fill(configuration);
                let authorization = raw.authorization_request.take();
                if authorization.is_none() && !self.is_written(&format!("{place}.authorization_request")) {
                    let message = "Field required: `configuration` has no `authorization_request`";
                    let help = "add `authorization_request: …`, the page where a person agrees";
                    self.key_error(&place, Finding::new("spec::missing_key", message, help));
                }
                let authorization_place = format!("{place}.authorization_request");
                let authorization_request = Box::new(self.request(
                    &authorization_place,
                    authorization.unwrap_or_default(),
                    Kind::Token,
                ));
                Authentication::OAuth2AuthorizationCode {
                    authorization_request,
                    oauth2: self.oauth2(&place, raw),
                }
            }
            Some("google_cloud_service_account") => {
                let raw: raw::GoogleConfiguration = fill(configuration);
                let scopes = raw.scopes.filter(|scopes| !scopes.is_empty());
                Authentication::GoogleCloudServiceAccount {
                    scopes: scopes.unwrap_or_else(|| vec![DEFAULT_SCOPE.to_owned()]),
                }
            }
            Some("script") => {
                let raw: raw::ScriptConfiguration = fill(configuration);
                let hook = self.script_hook(&format!("{place}.script"), &raw.script.unwrap_or_default())?;
                let secret = raw.secret.unwrap_or_default();
                if !secret.is_empty() && !self.param_names.contains(&secret) {
                    let message = format!("`{secret}` is no connector param");
                    let help = "name the param that holds the key; declare it with `sensitive: true`";
                    self.error(
                        &format!("{place}.secret"),
                        Finding::new("spec::unknown_secret_param", message, help),
                    );
                }
                Authentication::Script { hook, secret }
            }
            _ => {
                let message =
                    format!("authentication strategy `{strategy}` is not built in; every call will fail");
                let strategy_place = place.replace(".configuration", ".strategy");
                let help = "use one of basic, bearer, api_key, query_param, oauth2_client_credentials, \
                            oauth2_authorization_code, google_cloud_service_account, script";
                self.warning(&strategy_place, Finding::new("spec::unknown_authentication", message, help));
                Authentication::Unknown { strategy }
            }
        })
    }

    fn api_key(&mut self, place: &str, raw: raw::ApiKeyConfiguration) -> Authentication {
        let headers = self.named_values(&format!("{place}.headers"), raw.headers.unwrap_or_default());
        let query_params =
            self.named_values(&format!("{place}.query_params"), raw.query_params.unwrap_or_default());
        let body = raw.body.filter(|body| !body.is_empty()).map(|body| Template::parse(&body));
        if headers.is_empty() && query_params.is_empty() && body.is_none() {
            let message = "at least one 'headers', 'query_params' or 'body' object must be defined in an 'api_key' \
                           configuration";
            self.key_error(
                place,
                Finding::new("spec::empty_api_key", message, "add `headers: [{name: …, value: <…>}]`"),
            );
        }
        Authentication::ApiKey { headers, query_params, body }
    }

    fn named_values(&mut self, place: &str, params: Vec<raw::QueryParam>) -> Vec<NameTemplate> {
        let mut values = Vec::new();
        for (index, param) in params.into_iter().enumerate() {
            let name = param.name.clone().unwrap_or_default();
            let value = match query_value(self, &format!("{place}[{index}]"), param) {
                Some(QueryValue::Text(value)) => value,
                Some(QueryValue::Integer(number)) => Template::parse(&number.to_string()),
                None => continue,
            };
            values.push(name_template(name, value));
        }
        values
    }

    fn oauth2(&mut self, place: &str, raw: raw::OAuth2Configuration) -> OAuth2 {
        let token_request = raw.token_request.unwrap_or_default();
        let token_request =
            Box::new(self.request(&format!("{place}.token_request"), token_request, Kind::Token));
        let refresh_request = raw
            .refresh_request
            .map(|request| Box::new(self.request(&format!("{place}.refresh_request"), request, Kind::Token)));
        let expires_in =
            raw.expires_in.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
        OAuth2 { token_request, refresh_request, expires_in }
    }
}

/// Fills a configuration that the shape check has passed; what it took out is absent.
pub(super) fn fill<T: DeserializeOwned + Default>(configuration: Value) -> T {
    serde_json::from_value(configuration).unwrap_or_default()
}
