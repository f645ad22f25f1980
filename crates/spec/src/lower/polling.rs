use super::authentication::fill;
use super::extension::{DEADLINE, INTERVAL};
use super::request::Kind;
use super::{Finding, Lowering};
use crate::connector_file::{AsyncConfig, Polling};
use crate::raw;

impl Lowering<'_> {
    /// `id_path` is the outer request's `correlation_id_path`.
    pub(super) fn async_config(
        &mut self,
        place: &str,
        raw: raw::AsyncConfig,
        id_path: Option<model::Path>,
    ) -> Option<AsyncConfig> {
        let strategy = raw.strategy?;
        match strategy.as_str() {
            "callback" => Some(AsyncConfig::Callback),
            "polling" => self.polling(&format!("{place}.configuration"), fill(raw.configuration?), id_path),
            _ => {
                let message = format!(
                    "asynchronous strategy `{strategy}` is not known; the request will fail when it runs"
                );
                self.warning(
                    &format!("{place}.strategy"),
                    Finding::new("spec::unknown_async", message, "write `polling` or `callback`"),
                );
                Some(AsyncConfig::Unknown { strategy })
            }
        }
    }

    fn polling(
        &mut self,
        place: &str,
        raw: raw::PollingConfiguration,
        correlation_id_path: Option<model::Path>,
    ) -> Option<AsyncConfig> {
        let mut status = *raw.status_request?;
        let status_place = format!("{place}.status_request");
        let status_path = self.path(&format!("{status_place}.status_path"), status.status_path.take());
        let completed = status.status_completed_value.take().filter(|value| !value.is_null());
        let overridden = status.request_override.is_some() || status.script.is_some();
        if !overridden {
            if status_path.is_none() {
                let message = "status_path is required in a status request";
                let help = "add `status_path: …`, where the state is in the answer";
                self.key_error(&status_place, Finding::new("spec::missing_status_path", message, help));
            }
            if completed.is_none() {
                let message = "status_completed_value is required in a status request";
                let help = "add `status_completed_value: …`, the state that means done";
                self.key_error(&status_place, Finding::new("spec::missing_completed_value", message, help));
            }
        }
        let result_place = format!("{place}.result_request");
        let mut result = raw.result_request.map(|request| *request);
        let result_path = result.as_mut().and_then(|request| request.result_path.take());
        let result_path = self.path(&format!("{result_place}.result_path"), result_path);
        let interval = self.duration(&format!("{place}.interval"), raw.interval.as_deref());
        let deadline = self.duration(&format!("{place}.deadline"), raw.deadline.as_deref());
        let status_request = self.request(&status_place, status, Kind::Other);
        let result_request = result.map(|request| self.request(&result_place, request, Kind::Other));
        Some(AsyncConfig::Polling(Box::new(Polling {
            correlation_id_path,
            status_request,
            status_path,
            status_completed_value: completed,
            failed_values: raw.failed_values.unwrap_or_default(),
            empty_values: raw.empty_values.unwrap_or_default(),
            result_request,
            result_path,
            interval: interval.unwrap_or(INTERVAL),
            deadline: deadline.unwrap_or(DEADLINE),
        })))
    }
}
