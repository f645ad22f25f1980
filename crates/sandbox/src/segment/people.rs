use super::person::Person;
use crate::Random;

/// All people of the space: a few named ones, made once, and any number of generated ones, made
/// anew each time they are asked for, so that millions cost no memory.
#[derive(Debug)]
pub(super) struct People {
    seed: u64,
    generated: u64,
    /// Events of each generated person, where that is not left to chance.
    events: Option<u32>,
    named: Vec<Person>,
    key: u64,
}

/// What makes a named person worth asking about.
struct Named {
    email: &'static str,
    user_ids: &'static [&'static str],
    first: &'static str,
    last: &'static str,
    extra_traits: usize,
    events: u32,
    note: &'static str,
}

const NAMED: [Named; 5] = [
    Named {
        email: "ana@example.com",
        user_ids: &["ana@example.com"],
        first: "Ana",
        last: "\"Anita\" O'Neil-Søren",
        extra_traits: 32,
        events: 230,
        note: "user id equals the e-mail; several pages of traits, events and identifiers",
    },
    Named {
        email: "bo@example.com",
        user_ids: &["user_8f3k2b9d"],
        first: "Bo",
        last: "Lindqvist",
        extra_traits: 2,
        events: 12,
        note: "user id differs from the e-mail",
    },
    Named {
        email: "cleo@example.com",
        user_ids: &["cleo@example.com", "user_c1e0a77f", "legacy/42?x=1&y=50%"],
        first: "Cleo",
        last: "Ngũgĩ",
        extra_traits: 4,
        events: 30,
        note: "three user ids, one with reserved characters",
    },
    Named {
        email: "o'neil+news@example.com",
        user_ids: &["o'neil+news@example.com"],
        first: "Maeve",
        last: "O'Neil",
        extra_traits: 0,
        events: 3,
        note: "an address with an apostrophe and a plus sign",
    },
    Named {
        email: "dee@example.com",
        user_ids: &["dee@example.com"],
        first: "Dee",
        last: "Quiet",
        extra_traits: 0,
        events: 0,
        note: "no events and no accounts",
    },
];

/// Odd, so that multiplying by it can be undone.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits of a 64-bit number in base 62.
const INDEX_DIGITS: usize = 11;

impl People {
    pub(super) fn new(seed: u64, generated: u64, events: Option<u32>) -> Self {
        let key = Random::named(seed, "people").next_u64();
        let mut people = Self { seed, generated, events, named: Vec::new(), key };
        people.named = (0..NAMED.len()).filter_map(|index| people.make_named(index)).collect();
        people
    }

    /// The named people with their notes.
    pub(super) fn named(&self) -> impl Iterator<Item = (&Person, &'static str)> {
        self.named.iter().zip(NAMED.iter().map(|named| named.note))
    }

    /// How many people there are.
    pub(super) fn count(&self) -> u64 {
        self.generated + self.named.len() as u64
    }

    /// The person at `index`: first the named ones, then the generated ones.
    pub(super) fn person(&self, index: u64) -> Option<Person> {
        match self.named.get(index as usize) {
            Some(person) => Some(person.clone()),
            None if index < self.count() => Some(self.make_generated(index)),
            None => None,
        }
    }

    /// The person whom one external id belongs to.
    pub(super) fn find(&self, id_type: &str, value: &str) -> Option<u64> {
        match id_type {
            "user_id" => self.with_user_id(value),
            "segment_id" => self.with_segment_id(value),
            "email" | "phone" | "anonymous_id" => {
                let has = |person: &Person| match id_type {
                    "email" => person.email == value,
                    "phone" => person.phone == value,
                    _ => person.anonymous_ids.iter().any(|id| id == value),
                };
                if let Some(position) = self.named.iter().position(has) {
                    return Some(position as u64);
                }
                let index = match id_type {
                    "email" => self.index_in(value, "person-", "@example.com"),
                    "phone" => self.index_in(value, "+1555", ""),
                    _ => self.index_in(value, "anon-", "-0"),
                }?;
                has(&self.person(index)?).then_some(index)
            }
            _ => None,
        }
    }

    /// The person with a user id. At most one: user ids are unique.
    pub(super) fn with_user_id(&self, value: &str) -> Option<u64> {
        let named = self.named.iter().position(|person| person.user_ids.iter().any(|id| id == value));
        if let Some(position) = named {
            return Some(position as u64);
        }
        let index =
            self.index_in(value, "person-", "@example.com").or_else(|| self.index_in(value, "user_", ""))?;
        self.person(index)?.user_ids.iter().any(|id| id == value).then_some(index)
    }

    fn with_segment_id(&self, value: &str) -> Option<u64> {
        let digits = value.strip_prefix("use_")?.get(..INDEX_DIGITS)?;
        let mut spread: u64 = 0;
        for byte in digits.bytes() {
            let digit = DIGITS.iter().position(|found| *found == byte)? as u64;
            spread = spread.checked_mul(62)?.checked_add(digit)?;
        }
        let index = spread.wrapping_mul(inverse(SPREAD)) ^ self.key;
        (self.person(index)?.segment_id == value).then_some(index)
    }

    /// Reads the number of a generated person between `prefix` and `suffix`.
    fn index_in(&self, value: &str, prefix: &str, suffix: &str) -> Option<u64> {
        let digits = value.strip_prefix(prefix)?.strip_suffix(suffix)?;
        let number: u64 = digits.parse().ok()?;
        number.checked_add(self.named.len() as u64)
    }

    fn segment_id(&self, index: u64) -> String {
        let mut spread = (index ^ self.key).wrapping_mul(SPREAD);
        let mut digits = [b'0'; INDEX_DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS.get((spread % 62) as usize).copied().unwrap_or(b'0');
            spread /= 62;
        }
        let head: String = digits.iter().map(|byte| char::from(*byte)).collect();
        let tail = Random::named(self.seed ^ index, "segment_id").letters(16);
        format!("use_{head}{tail}")
    }

    fn make_named(&self, index: usize) -> Option<Person> {
        let named = NAMED.get(index)?;
        let mut random = Random::named(self.seed ^ index as u64, "person");
        let anonymous = 1 + named.extra_traits * 2 / 3;
        Some(Person {
            index: index as u64,
            seed: random.next_u64(),
            segment_id: self.segment_id(index as u64),
            user_ids: named.user_ids.iter().map(|id| (*id).to_owned()).collect(),
            email: named.email.to_owned(),
            phone: format!("+1444{index:07}"),
            anonymous_ids: (0..anonymous).map(|_| random.uuid()).collect(),
            first_name: named.first.to_owned(),
            last_name: named.last.to_owned(),
            extra_traits: named.extra_traits,
            events: named.events,
            accounts: if named.events == 0 { Vec::new() } else { (0..=index as u64).collect() },
        })
    }

    fn make_generated(&self, index: u64) -> Person {
        const FIRST: [&str; 8] = ["Alex", "Billie", "Chris", "Dana", "Eli", "Frankie", "Gray", "Harper"];
        const LAST: [&str; 8] = ["Ashe", "Brook", "Cliff", "Dale", "Field", "Glen", "Hill", "Lake"];
        let number = index - self.named.len() as u64;
        let mut random = Random::named(self.seed ^ index.rotate_left(17), "person");
        let email = format!("person-{number}@example.com");
        let mut user_ids = vec![email.clone()];
        if number % 5 == 4 {
            user_ids.push(format!("user_{number:08}"));
        }
        let person = Person {
            index,
            seed: random.next_u64(),
            segment_id: self.segment_id(index),
            user_ids,
            email,
            phone: format!("+1555{number:07}"),
            anonymous_ids: vec![format!("anon-{number}-0")],
            first_name: (*random.pick(&FIRST)).to_owned(),
            last_name: (*random.pick(&LAST)).to_owned(),
            extra_traits: random.below(4) as usize,
            events: random.below(15) as u32,
            accounts: vec![number % super::account::COUNT],
        };
        Person { events: self.events.unwrap_or(person.events), ..person }
    }
}

/// The number that undoes multiplication by odd `value` (Newton's iteration).
const fn inverse(value: u64) -> u64 {
    let mut result = value;
    let mut round = 0;
    while round < 6 {
        result = result.wrapping_mul(2_u64.wrapping_sub(value.wrapping_mul(result)));
        round += 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_person_is_found_by_every_identifier_and_nobody_else() {
        let people = People::new(9, 40, None);

        for index in 0..people.count() {
            let person = people.person(index).unwrap();

            assert_eq!(people.find("segment_id", &person.segment_id), Some(index));
            assert_eq!(people.find("email", &person.email), Some(index));
            assert_eq!(people.find("phone", &person.phone), Some(index));
            assert_eq!(people.find("anonymous_id", &person.anonymous_ids[0]), Some(index));
            assert!(person.user_ids.iter().all(|id| people.find("user_id", id) == Some(index)));
        }
        for (id_type, value) in [
            ("email", "person-40@example.com"),
            ("email", "person-01@example.com"),
            ("user_id", "bo@example.com"),
            ("user_id", "user_00000001"),
            ("segment_id", "use_00000000000AAAAAAAAAAAAAAAA"),
            ("ios.idfa", "ana@example.com"),
        ] {
            assert_eq!(people.find(id_type, value), None, "{id_type}:{value}");
        }
    }
}
