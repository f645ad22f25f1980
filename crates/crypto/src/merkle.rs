//! The Merkle tree of RFC 6962: a log that only grows, and short proofs about it.
//!
//! For: roots ([`Frontier`]), proofs that an entry stands in a log ([`inclusion_proof`],
//! [`verify_inclusion`]) and that an older log is the beginning of a newer one
//! ([`consistency_proof`], [`verify_consistency`]). Not for: keeping the hashes; whoever makes a
//! proof supplies the roots of the ranges it needs.
//!
//! ```
//! use crypto::merkle::{Frontier, inclusion_proof, leaf_hash, root, verify_inclusion};
//!
//! let leaves = [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")];
//! let proof: Vec<_> = inclusion_proof(1, 3).into_iter().map(|range| root(&leaves[range.as_usize()])).collect();
//!
//! assert!(verify_inclusion(leaves[1], 1, (3, root(&leaves)), &proof));
//! assert!(!verify_inclusion(leaves[0], 1, (3, root(&leaves)), &proof));
//! ```

use crate::sha256;

/// A hash of the tree.
pub type Hash = [u8; 32];

/// The hash of one entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry].concat())
}

/// The hash over two halves.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left.as_slice(), right.as_slice()].concat())
}

/// The root over the hashes of entries, in order; that of nothing is the hash of nothing.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// The right edge of a tree: all that is needed to grow it and to know its root (at most 64 hashes).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees that the size's binary digits name, largest first.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of `size`, from the roots of its complete subtrees, largest first.
    pub fn from_peaks(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// How many entries the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Adds the hash of one entry.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut right_to_left = self.peaks.iter().rev();
        let Some(last) = right_to_left.next() else { return sha256(b"") };
        right_to_left.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// Entries `start..end` of a log, whose root a proof needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First entry.
    pub start: u64,
    /// The entry after the last.
    pub end: u64,
}

/// One complete subtree: the entries `index << level .. (index + 1) << level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Height above the entries.
    pub level: u32,
    /// Place among the subtrees of its height.
    pub index: u64,
}

impl Range {
    /// The range for slicing hashes that are all in memory.
    pub fn as_usize(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The complete subtrees that make up the range, largest first.
    pub fn nodes(self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let level = (self.end - start).ilog2().min(start.trailing_zeros());
            nodes.push(Node { level, index: start >> level });
            start += 1 << level;
        }
        nodes
    }

    /// The root of the range, from the roots of [`Range::nodes`].
    pub fn root_of(self, nodes: &[Hash]) -> Option<Hash> {
        Frontier::from_peaks(self.end - self.start, nodes.to_vec()).map(|frontier| frontier.root())
    }
}

/// The ranges whose roots prove that entry `index` stands in a log of `size` (RFC 6962 §2.1.1), in
/// the order of the proof. Empty if there is no such entry.
pub fn inclusion_proof(index: u64, size: u64) -> Vec<Range> {
    let mut ranges = Vec::new();
    let (mut start, mut end) = (0, size);
    while index < size && end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            ranges.push(Range { start: middle, end });
            end = middle;
        } else {
            ranges.push(Range { start, end: middle });
            start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The ranges whose roots prove that a log of `old` entries is the beginning of one of `new`
/// (RFC 6962 §2.1.2), in the order of the proof. Empty if nothing needs proving, or nothing can.
pub fn consistency_proof(old: u64, new: u64) -> Vec<Range> {
    let mut ranges = Vec::new();
    if old == 0 || old >= new {
        return ranges;
    }
    let (mut start, mut end) = (0, new);
    // Whether the old log's own root is one of the proof's hashes, which the verifier then knows.
    let mut known = true;
    while old < end {
        let middle = start + split(end - start);
        if old <= middle {
            ranges.push(Range { start: middle, end });
            end = middle;
        } else {
            ranges.push(Range { start, end: middle });
            start = middle;
            known = false;
        }
    }
    if !known {
        ranges.push(Range { start, end });
    }
    ranges.reverse();
    ranges
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// Whether `proof` shows that `leaf` is entry `index` of `log` (its size and root).
pub fn verify_inclusion(leaf: Hash, index: u64, log: (u64, Hash), proof: &[Hash]) -> bool {
    let (size, root) = log;
    let ranges = inclusion_proof(index, size);
    if index >= size || ranges.len() != proof.len() {
        return false;
    }
    let computed = ranges.iter().zip(proof).fold(leaf, |hash, (range, sibling)| {
        if range.start > index { node_hash(&hash, sibling) } else { node_hash(sibling, &hash) }
    });
    computed == root
}

/// Whether `proof` shows that the log `old` is the beginning of the log `new` (sizes and roots).
pub fn verify_consistency(old: (u64, Hash), new: (u64, Hash), proof: &[Hash]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    let ranges = consistency_proof(old_size, new_size);
    if old_size > new_size || ranges.len() != proof.len() {
        return false;
    }
    if old_size == 0 {
        return old_root == sha256(b"");
    }
    let mut steps = ranges.iter().zip(proof).peekable();
    // The proof starts with the last part of the old log, unless that part is the whole old log.
    let last_part = steps.next_if(|(range, _)| range.end == old_size).map(|(_, hash)| *hash);
    let (mut of_old, mut of_new) = last_part.map_or((old_root, old_root), |hash| (hash, hash));
    for (range, hash) in steps {
        if range.end <= old_size {
            of_old = node_hash(hash, &of_old);
            of_new = node_hash(hash, &of_new);
        } else {
            of_new = node_hash(&of_new, hash);
        }
    }
    of_old == old_root && of_new == new_root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries and roots of the published reference implementation of RFC 6962.
    fn published() -> (Vec<Hash>, [&'static str; 8]) {
        let long: Vec<u8> = (0x60..0x70).collect();
        let entries: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &long,
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        (entries.map(leaf_hash).to_vec(), roots)
    }

    fn hex(hash: Hash) -> String {
        crate::hex(&hash)
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    /// The roots of ranges, made from complete subtrees as a store makes them.
    fn hashes(leaves: &[Hash], ranges: Vec<Range>) -> Vec<Hash> {
        let of_node = |node: Node| {
            let start = node.index << node.level;
            root(&leaves[Range { start, end: start + (1 << node.level) }.as_usize()])
        };
        let of_range = |range: Range| {
            range.root_of(&range.nodes().into_iter().map(of_node).collect::<Vec<_>>()).unwrap()
        };
        ranges.into_iter().map(of_range).collect()
    }

    #[test]
    fn roots_are_the_published_ones() {
        let (leaves, roots) = published();

        for (count, expected) in (1..).zip(roots) {
            assert_eq!(hex(root(&leaves[..count])), expected, "{count} entries");
        }
        assert_eq!(root(&[]), sha256(b""));
    }

    #[test]
    fn proofs_are_the_published_ones() {
        let (leaves, _) = published();
        let proof = |ranges| hashes(&leaves, ranges).into_iter().map(hex).collect::<Vec<_>>();

        // Entry 0 of 8: its neighbour, the pair after, the half after.
        let first = proof(inclusion_proof(0, 8));
        assert_eq!(first[0], "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7");
        assert_eq!(first[1], "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e");
        assert_eq!(first[2], "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4");
        // 6 → 8: the last pair of the old log, the pair after it, the half before.
        let grown = proof(consistency_proof(6, 8));
        assert_eq!(grown[0], "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a");
        assert_eq!(grown[1], "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0");
        assert_eq!(grown[2], "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7");
        assert_eq!(grown.len(), 3);
    }

    #[test]
    fn every_entry_of_every_size_is_proven_and_nothing_else() {
        for size in 1..=33 {
            let leaves = leaves(size);
            let root = root(&leaves);
            for index in 0..size {
                let proof = hashes(&leaves, inclusion_proof(index, size));
                assert!(verify_inclusion(leaves[index as usize], index, (size, root), &proof));

                let other = (index + 1) % size;
                if size > 1 {
                    assert!(!verify_inclusion(leaves[other as usize], index, (size, root), &proof));
                    assert!(!verify_inclusion(leaves[index as usize], other, (size, root), &proof));
                    assert!(!verify_inclusion(leaves[index as usize], index, (size, root), &proof[1..]));
                }
                for at in 0..proof.len() {
                    let mut changed = proof.clone();
                    changed[at][0] ^= 1;
                    assert!(!verify_inclusion(leaves[index as usize], index, (size, root), &changed));
                }
            }
            assert!(!verify_inclusion(leaves[0], size, (size, root), &[]));
        }
    }

    #[test]
    fn every_beginning_of_every_log_is_proven_and_a_rewritten_one_is_not() {
        let leaves = leaves(33);
        for new in 0..=leaves.len() {
            for old in 0..=new {
                let (old_root, new_root) = (root(&leaves[..old]), root(&leaves[..new]));
                let proof = hashes(&leaves, consistency_proof(old as u64, new as u64));
                let check = |old_root, new_root, proof: &[Hash]| {
                    verify_consistency((old as u64, old_root), (new as u64, new_root), proof)
                };

                assert!(check(old_root, new_root, &proof), "{old} → {new}");

                let mut rewritten = leaves[..new].to_vec();
                if let Some(first) = rewritten.first_mut().filter(|_| old > 0) {
                    first[0] ^= 1;
                    let proof = hashes(&rewritten, consistency_proof(old as u64, new as u64));
                    assert!(!check(old_root, root(&rewritten), &proof), "{old} → {new} rewritten");
                }
                for at in 0..proof.len() {
                    let mut changed = proof.clone();
                    changed[at][0] ^= 1;
                    assert!(!check(old_root, new_root, &changed), "{old} → {new} changed");
                }
            }
        }
        assert!(!verify_consistency((2, root(&leaves[..2])), (1, root(&leaves[..1])), &[]));
    }

    #[test]
    fn a_frontier_goes_on_from_its_peaks() {
        let leaves = leaves(100);
        let mut whole = Frontier::default();
        for leaf in &leaves[..77] {
            whole.push(*leaf);
        }

        let mut again = Frontier::from_peaks(77, whole.peaks().to_vec()).unwrap();
        for leaf in &leaves[77..] {
            again.push(*leaf);
        }

        assert_eq!((again.root(), again.size()), (root(&leaves), 100));
        assert_eq!(Frontier::from_peaks(3, Vec::new()), None);
    }
}
