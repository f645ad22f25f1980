/// A law that gives people rights over their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Jurisdiction {
    /// Regulation (EU) 2016/679, in the European Economic Area.
    Gdpr,
    /// The same as the United Kingdom has it.
    UkGdpr,
    /// California's, as changed by the CPRA.
    Ccpa,
    /// Brazil's.
    Lgpd,
    /// Korea's.
    Pipa,
}

/// What a law says about the time for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Law {
    /// The time for the answer, counted from the day after the request arrived.
    pub answer: Length,
    /// What an announcement to the person can add.
    pub extension: Extension,
    /// The time for telling the person that the request arrived.
    pub confirm: Option<Length>,
    /// What the clock stands still for.
    pub pauses: &'static [PauseReason],
    /// Whether a last day on which nobody works becomes the next one on which people do.
    pub moves_to_a_working_day: bool,
    /// Where it says so.
    pub source: &'static str,
}

/// A stretch of time, by the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Months.
    Months(i64),
    /// Days, whichever they are.
    Days(i64),
    /// Days on which people work.
    WorkingDays(i64),
}

/// What an announcement to the person can add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// Nothing.
    None,
    /// One longer time.
    Once {
        /// The whole time then, from the same day.
        in_all: Length,
    },
    /// Until a day that the controller names: the law sets no length.
    Named,
}

/// What a controller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseReason {
    /// That the person shows who they are.
    Identity,
    /// That the person says what they mean.
    Clarification,
}

/// European law counts periods by Regulation (EEC, Euratom) 1182/71: the day of the event does not
/// count, a period of months ends on the day with the same number, and a last day without work moves on.
const GDPR: Law = Law {
    answer: Length::Months(1),
    extension: Extension::Once { in_all: Length::Months(3) },
    confirm: None,
    pauses: &[PauseReason::Identity, PauseReason::Clarification],
    moves_to_a_working_day: true,
    source: "GDPR Art. 12(3) and 12(6)",
};

const UK_GDPR: Law = Law {
    answer: Length::Months(1),
    extension: Extension::Once { in_all: Length::Months(3) },
    confirm: None,
    pauses: &[PauseReason::Identity, PauseReason::Clarification],
    moves_to_a_working_day: true,
    source: "UK GDPR Art. 12(3), 12(6) and 12A",
};

/// The days run while the person is verified. The state's rule about last days without work is left out:
/// the earlier day is certain.
const CCPA: Law = Law {
    answer: Length::Days(45),
    extension: Extension::Once { in_all: Length::Days(90) },
    confirm: Some(Length::WorkingDays(10)),
    pauses: &[],
    moves_to_a_working_day: false,
    source: "Cal. Civ. Code 1798.130(a)(2), 11 CCR 7021",
};

/// The law sets the time for access; the others are taken to be no later.
const LGPD: Law = Law {
    answer: Length::Days(15),
    extension: Extension::None,
    confirm: None,
    pauses: &[],
    moves_to_a_working_day: false,
    source: "LGPD Art. 19, II",
};

/// An answer may be put off while a stated reason lasts; the decree sets no length.
const PIPA: Law = Law {
    answer: Length::Days(10),
    extension: Extension::Named,
    confirm: None,
    pauses: &[],
    moves_to_a_working_day: false,
    source: "PIPA Art. 35 and 36, Enforcement Decree Art. 41 and 43",
};

impl Jurisdiction {
    /// All that are known.
    pub const ALL: [Self; 5] = [Self::Gdpr, Self::UkGdpr, Self::Ccpa, Self::Lgpd, Self::Pipa];

    /// What it says.
    pub fn law(self) -> &'static Law {
        match self {
            Self::Gdpr => &GDPR,
            Self::UkGdpr => &UK_GDPR,
            Self::Ccpa => &CCPA,
            Self::Lgpd => &LGPD,
            Self::Pipa => &PIPA,
        }
    }

    /// Its key, as settings and the interface write it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Gdpr => "gdpr",
            Self::UkGdpr => "uk_gdpr",
            Self::Ccpa => "ccpa",
            Self::Lgpd => "lgpd",
            Self::Pipa => "pipa",
        }
    }

    /// The law with this key.
    pub fn find(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|law| law.key() == key)
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gdpr => "the GDPR",
            Self::UkGdpr => "the UK GDPR",
            Self::Ccpa => "the CCPA",
            Self::Lgpd => "the LGPD",
            Self::Pipa => "PIPA",
        }
    }
}
