use std::borrow::Cow;

use model::visible;
use serde::Deserialize;
use serde_json::Value;

/// How far a request of a server is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Standing {
    /// Its status.
    pub(crate) status: String,
    /// The step at which it stands.
    pub(crate) step: Option<String>,
    /// Why it waits or went wrong: a fixed word.
    pub(crate) attention: Option<String>,
    /// Whether it goes on by itself.
    pub(crate) goes_on: bool,
    /// Digest of the plan that counts.
    pub(crate) plan: Option<String>,
    /// Collections of the run under way.
    pub(crate) collections: u64,
    /// Those of them that are over.
    pub(crate) collections_done: u64,
    /// Rows that were read in it.
    pub(crate) rows: u64,
}

/// What that means for whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    /// The server is at work.
    UnderWay,
    /// Applications are: the server asks them when it is time.
    Jobs,
    /// It is looked again after a while.
    Quiet,
    /// A plan waits for approval.
    Plan,
    /// Nobody knows whether a write took effect.
    UnknownWrite,
    /// Somebody has to do something about it first, or decides whether it is carried out.
    Person,
    /// Something is left to do by hand.
    ByHand,
    /// It went wrong.
    Wrong,
    /// It is done.
    Complete,
    /// Somebody decided that it is not carried out.
    Ended,
}

impl Standing {
    /// What a request says of itself; `None` if it is none.
    pub(super) fn of_request(request: &Value) -> Option<Self> {
        let status = request.get("status")?.as_str()?;
        let detail = request.get("progress").cloned().unwrap_or_default();
        let detail: Self = serde_json::from_value(detail).unwrap_or_default();
        Some(Self { status: status.to_owned(), ..detail })
    }

    /// What it means. A status that this version does not know waits for a person.
    pub(crate) fn stands(&self) -> Stands {
        let attention = self.attention.as_deref().unwrap_or_default();
        match self.status.as_str() {
            "approved" => Stands::UnderWay,
            // Not taken up yet; without that, somebody decides about it first.
            "pending" if self.goes_on => Stands::UnderWay,
            "in_processing" => match attention {
                "job_open" => Stands::Jobs,
                "quiet_period" => Stands::Quiet,
                _ => Stands::UnderWay,
            },
            "requires_input" if self.step.as_deref() == Some("approve_plan") => Stands::Plan,
            "requires_input" if attention == "write_unknown" => Stands::UnknownWrite,
            "requires_manual_finalization" => Stands::ByHand,
            "error" => Stands::Wrong,
            "complete" => Stands::Complete,
            "denied" | "canceled" => Stands::Ended,
            _ => Stands::Person,
        }
    }

    /// Status and reason in words, as an answer shows them.
    pub(crate) fn words(&self) -> String {
        let words = |text: &str| visible(&text.replace('_', " ")).into_owned();
        match self.attention.as_deref() {
            Some(attention) => format!("{} ({})", words(&self.status), words(attention)),
            None => words(&self.status),
        }
    }

    /// The same while it is followed.
    pub(crate) fn progress(&self) -> String {
        let reading = match self.collections {
            0 => Cow::Borrowed(""),
            all => Cow::Owned(format!(
                ", {} of {all} collections done, {} rows",
                self.collections_done, self.rows
            )),
        };
        format!("{}{reading}", self.words())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("in_processing", None, None, Stands::UnderWay)]
    #[case("in_processing", Some("erasure"), Some("job_open"), Stands::Jobs)]
    #[case("in_processing", Some("finalize_erasure"), Some("quiet_period"), Stands::Quiet)]
    #[case("requires_input", Some("approve_plan"), Some("plan_approval"), Stands::Plan)]
    #[case("requires_input", Some("erasure"), Some("write_unknown"), Stands::UnknownWrite)]
    #[case("requires_input", Some("access"), Some("manual_input"), Stands::Person)]
    #[case("pending", None, None, Stands::Person)]
    #[case("pending", None, Some("goes on"), Stands::UnderWay)]
    #[case("something_new", None, None, Stands::Person)]
    #[case("complete", None, None, Stands::Complete)]
    fn each_status_means_one_thing(
        #[case] status: &str,
        #[case] step: Option<&str>,
        #[case] attention: Option<&str>,
        #[case] expected: Stands,
    ) {
        let request = json!({"status": status, "progress": {"step": step, "attention": attention, "version": 7, "goes_on": attention == Some("goes on")}});

        let standing = Standing::of_request(&request).unwrap();

        assert_eq!(standing.stands(), expected);
    }

    #[test]
    fn what_is_no_request_is_none_and_words_cannot_move_the_cursor() {
        let odd = Standing { status: "a_b\u{1b}[2K".to_owned(), ..Standing::default() };

        assert_eq!(Standing::of_request(&json!({"detail": "x"})), None);
        assert_eq!(odd.words(), "a b\\u{1b}[2K");
    }
}
