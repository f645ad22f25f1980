use std::path::Path;

use c1z::{Filter, Limits, ReadError, Reader, Stored, SyncRun};
use protos::c1::connector::v2::{Entitlement, Grant, Resource};
use store::BatonCounts;

use super::ShrinkGuard;

/// Below so many, half of them may go without a question.
const FEW: u64 = 10;

/// What is to become of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is taken over.
    Good(BatonCounts),
    /// So much is gone that a person is asked.
    Held(BatonCounts, String),
    /// It is no whole sync.
    Refused(String),
}

/// Looks at a file: one finished run of everything, which holds something (baton §13.7, S-24), and not much
/// less than the one `before` (governance CON-24). Blocks.
pub(super) fn judge(
    file: &Path,
    limits: &Limits,
    guard: ShrinkGuard,
    before: Option<BatonCounts>,
) -> Verdict {
    let counts = match Reader::open(file, file.parent(), limits).and_then(|reader| {
        let runs = reader.full_runs();
        runs.first().map(|run| counts(&reader, run)).transpose()
    }) {
        Ok(Some(counts)) => counts,
        Ok(None) => return Verdict::Refused("the file has no finished sync run of everything".to_owned()),
        Err(error) => return Verdict::Refused(text(&error)),
    };
    if counts.resources == 0 {
        let why = "the sync run is empty; was the connector started with `--skip-full-sync`?";
        return Verdict::Refused(why.to_owned());
    }
    let shrunken = before.and_then(|before| match guard {
        ShrinkGuard::On => shrink(before, counts),
        ShrinkGuard::Off => None,
    });
    match shrunken {
        Some(why) => Verdict::Held(counts, why),
        None => Verdict::Good(counts),
    }
}

fn counts(reader: &Reader, run: &SyncRun) -> Result<BatonCounts, ReadError> {
    Ok(BatonCounts {
        resources: count::<Resource>(reader, run)?,
        entitlements: count::<Entitlement>(reader, run)?,
        grants: count::<Grant>(reader, run)?,
    })
}

/// Reads each row, as a file is not believed.
fn count<T: Stored>(reader: &Reader, run: &SyncRun) -> Result<u64, ReadError> {
    let mut count = 0;
    for row in reader.rows::<T>(run, &Filter::default()) {
        row?;
        count += 1;
    }
    Ok(count)
}

/// What is gone, if it is half or more of something.
fn shrink(before: BatonCounts, now: BatonCounts) -> Option<String> {
    let pairs = [
        ("resources", before.resources, now.resources),
        ("entitlements", before.entitlements, now.entitlements),
        ("grants", before.grants, now.grants),
    ];
    let half_is_gone = |before: u64, now: u64| before >= FEW && now.saturating_mul(2) <= before;
    let (what, before, now) = pairs.into_iter().find(|(_, before, now)| half_is_gone(*before, *now))?;
    Some(format!(
        "the sync has {now} {what} where the one before had {before}; confirm that this is so, or look at the connector's rights"
    ))
}

/// The error without the path, which is of a file of ours that is gone when it is read.
fn text(error: &ReadError) -> String {
    match error {
        ReadError::Version3 { engine, schema, .. } => format!(
            "the file is a .c1z file of version 3 (engine `{engine}`, schema {schema}), which is not read here; \
             start the connector without `--storage-engine pebble`"
        ),
        ReadError::NotC1z { .. } => "the file is no .c1z file".to_owned(),
        ReadError::Unpack { .. } => "the .c1z file does not unpack".to_owned(),
        ReadError::Manifest { .. } => {
            "the .c1z file of version 3 has no manifest that can be read".to_owned()
        }
        ReadError::TooLarge { most, .. } => format!("the .c1z file unpacks to more than {most} bytes"),
        ReadError::File { .. } | ReadError::Working(_) => "the file cannot be read here".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: governance CON-24
    #[test]
    fn half_of_many_is_a_shrink_and_half_of_few_is_not() {
        let of = |resources, grants| BatonCounts { resources, entitlements: 0, grants };

        assert_eq!(shrink(of(9, 0), of(1, 0)), None);
        assert_eq!(shrink(of(10, 0), of(6, 0)), None);
        assert!(shrink(of(10, 0), of(5, 0)).unwrap().contains("5 resources where the one before had 10"));
        assert!(shrink(of(10, 100), of(10, 0)).unwrap().contains("0 grants"));
    }
}
