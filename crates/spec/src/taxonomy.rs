//! The parts of the default taxonomy that are kept and passed on: what data is used for, whom it is about.
//! Data categories, which something depends on, have a [module](crate::categories) of their own.

/// One entry of the default taxonomy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its key, as written in files.
    pub key: &'static str,
    /// What it stands for.
    pub meaning: &'static str,
}

/// What data is used for, sorted by key.
pub const DATA_USES: &[Entry] = &[
    Entry { key: "analytics", meaning: "finding out how something is used" },
    Entry { key: "analytics.reporting", meaning: "reports about use" },
    Entry { key: "analytics.reporting.ad_performance", meaning: "how advertisements do" },
    Entry { key: "analytics.reporting.campaign_insights", meaning: "what came of a campaign" },
    Entry { key: "analytics.reporting.content_performance", meaning: "how content does" },
    Entry { key: "analytics.reporting.system", meaning: "how systems do" },
    Entry { key: "analytics.reporting.system.performance", meaning: "how fast and reliable systems are" },
    Entry { key: "collect", meaning: "gathering data without another use yet" },
    Entry { key: "employment", meaning: "what employers do with data of those who work for them" },
    Entry { key: "employment.recruitment", meaning: "finding new people to employ" },
    Entry { key: "essential", meaning: "what cannot be left out" },
    Entry { key: "essential.fraud_detection", meaning: "noticing and preventing fraud" },
    Entry { key: "essential.legal_obligation", meaning: "doing what a law demands" },
    Entry { key: "essential.service", meaning: "giving a service that was asked for" },
    Entry { key: "essential.service.authentication", meaning: "finding out who somebody is" },
    Entry { key: "essential.service.notifications", meaning: "telling people about the service" },
    Entry { key: "essential.service.notifications.email", meaning: "telling them by e-mail" },
    Entry { key: "essential.service.notifications.sms", meaning: "telling them by text message" },
    Entry { key: "essential.service.operations", meaning: "running the service" },
    Entry { key: "essential.service.operations.improve", meaning: "making the running better" },
    Entry { key: "essential.service.operations.support", meaning: "helping those who use it" },
    Entry { key: "essential.service.payment_processing", meaning: "taking payments" },
    Entry { key: "essential.service.security", meaning: "keeping the service safe" },
    Entry { key: "essential.service.upgrades", meaning: "offering more of the service" },
    Entry { key: "finance", meaning: "bookkeeping and money matters of the company" },
    Entry { key: "functional", meaning: "what makes a service more useful" },
    Entry { key: "functional.service", meaning: "functions of a service beside the essential ones" },
    Entry { key: "functional.service.improve", meaning: "making these better" },
    Entry { key: "functional.storage", meaning: "keeping something on a device" },
    Entry { key: "functional.storage.privacy_preferences", meaning: "keeping privacy choices on a device" },
    Entry { key: "marketing", meaning: "making a company or its goods known" },
    Entry { key: "marketing.advertising", meaning: "showing advertisements" },
    Entry { key: "marketing.advertising.first_party", meaning: "by means of the company's own data" },
    Entry { key: "marketing.advertising.first_party.contextual", meaning: "that fit what is around them" },
    Entry { key: "marketing.advertising.first_party.targeted", meaning: "that fit the person" },
    Entry { key: "marketing.advertising.frequency_capping", meaning: "not showing one too often" },
    Entry { key: "marketing.advertising.negative_targeting", meaning: "not showing one to certain people" },
    Entry { key: "marketing.advertising.profiling", meaning: "drawing profiles for advertisements" },
    Entry { key: "marketing.advertising.serving", meaning: "delivering advertisements" },
    Entry { key: "marketing.advertising.third_party", meaning: "by means of others' data" },
    Entry {
        key: "marketing.advertising.third_party.targeted",
        meaning: "that fit the person, by means of others' data",
    },
    Entry { key: "marketing.communications", meaning: "writing to people about offers" },
    Entry { key: "marketing.communications.email", meaning: "by e-mail" },
    Entry { key: "marketing.communications.sms", meaning: "by text message" },
    Entry { key: "operations", meaning: "running the company" },
    Entry { key: "personalize", meaning: "making something fit the person" },
    Entry { key: "personalize.content", meaning: "choosing content for the person" },
    Entry { key: "personalize.content.limited", meaning: "by few facts" },
    Entry { key: "personalize.content.profiled", meaning: "by a profile" },
    Entry { key: "personalize.content.profiling", meaning: "drawing profiles to choose content" },
    Entry { key: "personalize.profiling", meaning: "drawing profiles" },
    Entry { key: "personalize.system", meaning: "making a system fit the person" },
    Entry { key: "sales", meaning: "selling" },
    Entry { key: "third_party_sharing", meaning: "giving data to others" },
    Entry { key: "third_party_sharing.legal_obligation", meaning: "because a law demands it" },
    Entry { key: "train_ai_system", meaning: "training a system that learns" },
];

/// Whom data is about, sorted by key.
pub const DATA_SUBJECTS: &[Entry] = &[
    Entry { key: "anonymous_user", meaning: "somebody who uses a service without saying who they are" },
    Entry { key: "citizen_voter", meaning: "somebody who lives in or votes for a community" },
    Entry { key: "commuter", meaning: "somebody on the way between home and work" },
    Entry { key: "consultant", meaning: "somebody who works for the company without being employed" },
    Entry { key: "customer", meaning: "somebody who buys" },
    Entry { key: "employee", meaning: "somebody who is employed" },
    Entry { key: "job_applicant", meaning: "somebody who wants to be employed" },
    Entry { key: "next_of_kin", meaning: "a relative of somebody else" },
    Entry { key: "passenger", meaning: "somebody who is carried" },
    Entry { key: "patient", meaning: "somebody who is treated" },
    Entry { key: "prospect", meaning: "somebody who may become a customer" },
    Entry { key: "shareholder", meaning: "somebody who owns a part of the company" },
    Entry { key: "supplier_vendor", meaning: "somebody who supplies the company" },
    Entry { key: "trainee", meaning: "somebody who is trained" },
    Entry { key: "visitor", meaning: "somebody who comes to a place or a page" },
];

/// Whose data it is where nothing else is said.
pub const ORGANIZATIONS: &[Entry] =
    &[Entry { key: "default_organization", meaning: "the company that this server belongs to" }];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_unique_and_closed_upwards() {
        for list in [DATA_USES, DATA_SUBJECTS, ORGANIZATIONS] {
            let keys: Vec<&str> = list.iter().map(|entry| entry.key).collect();

            let mut sorted = keys.clone();
            sorted.sort_unstable();
            sorted.dedup();

            assert_eq!(keys, sorted);
            for (parent, _) in keys.iter().filter_map(|key| key.rsplit_once('.')) {
                assert!(keys.contains(&parent), "{parent}");
            }
        }
    }
}
