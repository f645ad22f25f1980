use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Random;
use crate::server::{Answer, Delivery};

/// How often things go wrong: each a probability from 0 to 1, drawn per request in a sequence that
/// follows from the seed. At most one of the kinds hits a request, so their sum is at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Ten times the set latency, at least 50 ms. May come together with another fault.
    pub latency: f64,
    /// 429 before any effect.
    pub rate_429: f64,
    /// 500 with a page that is no JSON, before any effect.
    pub rate_500: f64,
    /// The connection is reset before any effect.
    pub reset_before: f64,
    /// The connection is reset after the effect.
    pub reset_after: f64,
    /// The answer's length is announced and half of it is sent, after the effect.
    pub truncated: f64,
    /// 200 with an HTML page in the place of the answer, after the effect.
    pub malformed: f64,
}

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 429 before any effect.
    #[serde(rename = "rate_429")]
    Rate429,
    /// 500 before any effect.
    #[serde(rename = "rate_500")]
    Rate500,
    /// Reset before any effect.
    ResetBefore,
    /// Reset after the effect.
    ResetAfter,
    /// Half an answer after the effect.
    Truncated,
    /// HTML under 200 after the effect.
    Malformed,
    /// 500 after the effect. By rule only.
    ErrorAfter,
    /// 429 before any effect that tells the wait in its body only. By rule only.
    #[serde(rename = "rate_429_body")]
    Rate429Body,
    /// 429 before any effect that does not tell the wait. By rule only.
    #[serde(rename = "rate_429_bare")]
    Rate429Bare,
    /// 200 after the effect, with an empty `data` in the place of what was asked for. By rule only.
    MissingKey,
    /// No effect and no answer, ever. By rule only.
    HoldBefore,
    /// The effect, and no answer, ever. By rule only.
    HoldAfter,
}

/// A fault setting that cannot be.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FaultsError {
    /// Not `name=number`.
    #[error("`{part}` is not a fault setting; write `name=probability`, as in `rate_429=0.05`")]
    Form {
        /// The offending part.
        part: String,
    },
    /// A name that is no fault.
    #[error(
        "`{name}` is not a fault; there are latency, rate_429, rate_500, reset_before, reset_after, truncated, malformed"
    )]
    Name {
        /// The offending name.
        name: String,
    },
    /// A probability outside 0 to 1, or a sum above 1.
    #[error("fault probabilities are numbers from 0 to 1 whose sum, without latency, is at most 1")]
    Probability,
}

impl Faults {
    /// Checks all probabilities.
    ///
    /// # Errors
    /// [`FaultsError::Probability`].
    pub fn checked(self) -> Result<Self, FaultsError> {
        let kinds = self.kinds();
        let each = kinds.iter().map(|(_, p)| *p).chain([self.latency]);
        let sum: f64 = kinds.iter().map(|(_, p)| p).sum();
        if each.into_iter().all(|p| (0.0..=1.0).contains(&p)) && sum <= 1.0 + 1e-9 {
            Ok(self)
        } else {
            Err(FaultsError::Probability)
        }
    }

    fn kinds(&self) -> [(Fault, f64); 6] {
        [
            (Fault::Rate429, self.rate_429),
            (Fault::Rate500, self.rate_500),
            (Fault::ResetBefore, self.reset_before),
            (Fault::ResetAfter, self.reset_after),
            (Fault::Truncated, self.truncated),
            (Fault::Malformed, self.malformed),
        ]
    }

    /// Draws what goes wrong with the next request: extra latency, and at most one fault.
    pub fn draw(&self, random: &mut Random, latency: Duration) -> (Duration, Option<Fault>) {
        let slow = random.fraction() < self.latency;
        let extra = if slow { (latency * 9).max(Duration::from_millis(50)) } else { Duration::ZERO };
        let mut point = random.fraction();
        for (fault, probability) in self.kinds() {
            if point < probability {
                return (extra, Some(fault));
            }
            point -= probability;
        }
        (extra, None)
    }
}

impl FromStr for Faults {
    type Err = FaultsError;

    /// Reads `name=probability` parts separated by commas; nothing gives no faults.
    fn from_str(text: &str) -> Result<Self, FaultsError> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| FaultsError::Form { part: part.to_owned() })?;
            let value = value.trim().parse().map_err(|_| FaultsError::Form { part: part.to_owned() })?;
            let field = match name.trim() {
                "latency" => &mut faults.latency,
                "rate_429" => &mut faults.rate_429,
                "rate_500" => &mut faults.rate_500,
                "reset_before" => &mut faults.reset_before,
                "reset_after" => &mut faults.reset_after,
                "truncated" => &mut faults.truncated,
                "malformed" => &mut faults.malformed,
                name => return Err(FaultsError::Name { name: name.to_owned() }),
            };
            *field = value;
        }
        faults.checked()
    }
}

/// Longer than any client waits.
const NEVER: Duration = Duration::from_hours(24);

/// What a fault does to an answer whose effect has happened.
pub(crate) fn spoil(answer: Answer, fault: Option<Fault>) -> Answer {
    match fault {
        Some(Fault::ResetAfter) => answer.delivered(Delivery::Reset),
        Some(Fault::Truncated) => {
            let half = answer.body.len() / 2;
            answer.delivered(Delivery::CutAt(half))
        }
        Some(Fault::Malformed) => {
            Answer::html(200, "<html><body>One moment, please</body></html>").after(answer.delay)
        }
        Some(Fault::ErrorAfter) => {
            Answer::html(500, "<html><body>Something broke</body></html>").after(answer.delay)
        }
        Some(Fault::MissingKey) => Answer::json(200, &serde_json::json!({"data": {}})).after(answer.delay),
        Some(Fault::HoldBefore | Fault::HoldAfter) => answer.after(NEVER),
        Some(
            Fault::Rate429 | Fault::Rate429Body | Fault::Rate429Bare | Fault::Rate500 | Fault::ResetBefore,
        )
        | None => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_read_and_mistakes_are_named() {
        let faults: Faults = "rate_429=0.05, truncated=0.1".parse().unwrap();

        assert_eq!(faults, Faults { rate_429: 0.05, truncated: 0.1, ..Faults::default() });
        assert_eq!("429=0.1".parse::<Faults>(), Err(FaultsError::Name { name: "429".into() }));
        assert_eq!("truncated".parse::<Faults>(), Err(FaultsError::Form { part: "truncated".into() }));
        assert_eq!("rate_429=0.7,rate_500=0.7".parse::<Faults>(), Err(FaultsError::Probability));
        assert_eq!("rate_429=-1".parse::<Faults>(), Err(FaultsError::Probability));
    }

    #[test]
    fn slow_answers_take_ten_times_the_latency_or_50_ms() {
        let faults = Faults { latency: 1.0, ..Faults::default() };
        let mut random = Random::new(3);

        assert_eq!(faults.draw(&mut random, Duration::from_millis(20)).0, Duration::from_millis(180));
        assert_eq!(faults.draw(&mut random, Duration::ZERO).0, Duration::from_millis(50));
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let faults: Faults = "rate_429=0.25,malformed=0.25".parse().unwrap();
        let mut random = Random::new(3);

        let drawn: Vec<_> = (0..4000).map(|_| faults.draw(&mut random, Duration::ZERO).1).collect();

        for fault in [Fault::Rate429, Fault::Malformed] {
            let share = drawn.iter().filter(|found| **found == Some(fault)).count();
            assert!((800..1200).contains(&share), "{fault:?}: {share} of 4000");
        }
    }
}
