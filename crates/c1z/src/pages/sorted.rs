//! Sorted keys on their way from the thread that sorts them to the one that makes pages of them.

use std::io;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::sorter::Sorter;

/// So much travels together.
const PARCEL_BYTES: usize = 128 << 10;
/// Parcels that wait.
const WAITING: usize = 2;

/// Keys in their order.
#[derive(Debug, Default)]
struct Parcel {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// The keys of one sorter.
#[derive(Debug)]
pub(super) struct SortedKeys(Receiver<Parcel>);

/// Sorts the keys of all sorters on another thread, and gives those of one after the other to `write`, with the place of
/// the sorter.
pub(super) fn sorted_ahead(
    sorters: Vec<Sorter>,
    mut write: impl FnMut(usize, &SortedKeys) -> io::Result<()>,
) -> io::Result<()> {
    thread::scope(|scope| {
        let (senders, keys): (Vec<_>, Vec<_>) = sorters.iter().map(|_| sync_channel(WAITING)).unzip();
        let sorting = scope
            .spawn(move || sorters.into_iter().zip(senders).try_for_each(|(from, to)| hand_out(from, &to)));
        let mut sorted = keys.into_iter().map(SortedKeys).enumerate();
        let written = sorted.try_for_each(|(place, keys)| write(place, &keys));
        // Whoever still sorts learns that nobody takes keys any more.
        drop(sorted);
        // Keys that broke off would pass for all of them: how the sorting ended is known only from its thread.
        let sorted = sorting.join().unwrap_or_else(|panic| resume_unwind(panic));
        written.and(sorted)
    })
}

fn hand_out(sorter: Sorter, to: &SyncSender<Parcel>) -> io::Result<()> {
    let mut parcel = Parcel::default();
    let send = |parcel: Parcel| to.send(parcel).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe));
    sorter.drain(|key| {
        parcel.bytes.extend_from_slice(key);
        parcel.ends.push(parcel.bytes.len());
        if parcel.bytes.len() >= PARCEL_BYTES { send(std::mem::take(&mut parcel)) } else { Ok(()) }
    })?;
    send(parcel)
}

impl SortedKeys {
    /// Gives all of them in order.
    pub(super) fn each(&self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.0.iter().try_for_each(|Parcel { bytes, ends }| {
            let mut start = 0;
            ends.iter().try_for_each(|end| {
                let key = bytes.get(start..*end).unwrap_or_default();
                start = *end;
                take(key)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than wait for whoever takes them.
    fn sorter(keys: usize) -> Sorter {
        let mut sorter = Sorter::new(None);
        for key in (0..keys).rev() {
            sorter.add(|out| out.extend_from_slice(&key.to_be_bytes())).unwrap();
        }
        sorter
    }

    const MANY: usize = PARCEL_BYTES * (WAITING + 3) / 8 + 1;

    #[test]
    fn keys_of_each_sorter_come_in_their_order() {
        let mut all = Vec::new();

        let ended = sorted_ahead(vec![sorter(MANY), sorter(0), sorter(3)], |place, keys| {
            let mut of_one = Vec::new();
            keys.each(|key| {
                of_one.push(usize::from_be_bytes(key.try_into().unwrap()));
                Ok(())
            })?;
            all.push((place, of_one));
            Ok(())
        });

        ended.unwrap();
        assert_eq!(all, [(0, (0..MANY).collect()), (1, vec![]), (2, vec![0, 1, 2])]);
    }

    // A full disk is told as that, not as somebody who stopped.
    #[test]
    fn whoever_stops_to_take_keys_says_why() {
        let full = || Err(io::Error::from(io::ErrorKind::StorageFull));

        let ended = sorted_ahead(vec![sorter(MANY), sorter(MANY)], |_, keys| keys.each(|_| full()));

        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    // Half of the keys would pass for all of them.
    #[test]
    fn a_sorting_that_fails_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let unreadable = std::fs::File::create(folder.path().join("keys")).unwrap();
        let mut taken = 0;

        let ended = sorted_ahead(vec![sorter(3), Sorter::with_file(unreadable)], |_, keys| {
            keys.each(|_| {
                taken += 1;
                Ok(())
            })
        });

        assert!(ended.is_err());
        assert_eq!(taken, 3);
    }
}
