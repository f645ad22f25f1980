use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Finding, Lowering};
use crate::raw;
use crate::server_file::{DeadlineSettings, JURISDICTIONS, PortalSettings, VendorMailSettings};

impl Lowering<'_> {
    pub(super) fn deadlines(&mut self, raw: raw::DeadlinesSection) -> Option<DeadlineSettings> {
        let jurisdiction = raw.jurisdiction?;
        if jurisdiction != "none" && !JURISDICTIONS.contains(&jurisdiction.as_str()) {
            let message = format!("`{jurisdiction}` is no law that is known here");
            let help = format!("write one of {}, or `none`", JURISDICTIONS.join(", "));
            self.error("deadlines.jurisdiction", Finding::new("spec::bad_jurisdiction", message, &help));
        }
        let time_zone = raw.time_zone?;
        self.time_zone("deadlines.time_zone", &time_zone);
        let mut holidays = Vec::new();
        for (index, day) in raw.holidays?.into_iter().enumerate() {
            if let Ok(day) = day.parse::<Date>() {
                holidays.push(day);
            } else {
                let message = format!("`{day}` is no day");
                let finding = Finding::new("spec::bad_day", message, "write it as `2026-12-25`");
                self.error(&format!("deadlines.holidays[{index}]"), finding);
            }
        }
        let remind_before = self.duration("deadlines.remind_before", raw.remind_before.as_deref())?;
        let jurisdiction = Some(jurisdiction).filter(|law| law != "none");
        Some(DeadlineSettings { jurisdiction, time_zone, holidays, remind_before })
    }

    /// When vendors are written to.
    pub(super) fn vendor_mail(&mut self, raw: &raw::ExecutionSection) -> Option<VendorMailSettings> {
        let time_zone = raw.email_send_timezone.clone()?;
        self.time_zone("execution.email_send_timezone", &time_zone);
        match raw.email_send_cron_expression.as_ref()?.parse() {
            Ok(schedule) => Some(VendorMailSettings { schedule, time_zone }),
            Err(error) => {
                let help =
                    "write minute, hour, day of the month, month and day of the week, as in `0 12 * * mon`";
                let finding = Finding::new("spec::bad_schedule", error.to_string(), help);
                self.error("execution.email_send_cron_expression", finding);
                None
            }
        }
    }

    fn time_zone(&mut self, place: &str, name: &str) {
        if TimeZone::get(name).is_err() {
            let message = format!("`{name}` is no time zone");
            let help = "write region and city, as in `Europe/Berlin`, or `UTC`";
            self.error(place, Finding::new("spec::bad_time_zone", message, help));
        }
    }
}

pub(super) fn portal(raw: raw::PortalSection) -> Option<PortalSettings> {
    Some(PortalSettings { enabled: raw.enabled?, title: raw.title?, policies: raw.policies? })
}
