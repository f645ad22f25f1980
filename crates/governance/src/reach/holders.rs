//! Who can reach a resource.

use std::ops::ControlFlow;

use super::{AccessGraph, Bounded, Held, Target};
use crate::entitlement_graph::{Class, Marks, Passage};
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};

/// Who can reach `target`?
#[derive(Clone, Copy, Debug)]
pub struct HolderQuery<'a> {
    /// What is to be reached.
    pub target: Target,
    /// The types of principals to tell of; empty = all.
    pub principal_types: &'a [ResourceTypeNumber],
    /// How many holders to tell of.
    pub limit: usize,
}

/// One principal and what it holds of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder {
    /// Who.
    pub principal: ResourceNumber,
    /// The target's entitlement.
    pub entitlement: EntitlementNumber,
    /// How.
    pub held: Held,
}

impl AccessGraph {
    /// Everyone who holds an entitlement of the target, each once for each entitlement.
    ///
    /// Sorted by entitlement; then the direct holders by number, then those that inherit, the
    /// nearest groups first (for each class of types that edges treat alike).
    pub fn holders(&self, query: &HolderQuery<'_>) -> Bounded<Holder> {
        let mut search = Search::new(self, query.principal_types, query.limit);
        for entitlement in self.targets(query.target) {
            if search.run(entitlement).is_break() {
                break;
            }
        }
        search.found
    }

    /// For whoever asks for the holders of many entitlements: the memory that a search needs is asked for once.
    pub fn holder_search(&self) -> HolderSearch<'_> {
        HolderSearch(Search::new(self, &[], usize::MAX))
    }
}

/// The holders of one entitlement after the other.
#[derive(Debug)]
pub struct HolderSearch<'a>(Search<'a>);

impl HolderSearch<'_> {
    /// All who hold the entitlement, in the order of [`AccessGraph::holders`].
    pub fn of(&mut self, entitlement: EntitlementNumber) -> &[Holder] {
        self.0.found.items.clear();
        // It has no limit to be cut at.
        let _ = self.0.run(entitlement.0);
        &self.0.found.items
    }
}

#[derive(Debug)]
struct Search<'a> {
    graph: &'a AccessGraph,
    /// The types to tell of; empty = all.
    wanted: &'a [ResourceTypeNumber],
    limit: usize,
    /// Principals that were found for the entitlement at hand.
    told: Marks,
    /// Entitlements of which all holders count, and those whose direct holders were told.
    passed: Marks,
    read: Marks,
    waiting: Vec<u32>,
    found: Bounded<Holder>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a AccessGraph, wanted: &'a [ResourceTypeNumber], limit: usize) -> Search<'a> {
        Search {
            graph,
            wanted,
            limit,
            told: Marks::new(graph.held.rows()),
            passed: Marks::new(graph.graph.count()),
            read: Marks::new(graph.graph.count()),
            waiting: vec![],
            found: Bounded::new(),
        }
    }

    /// Tells of the holders of one entitlement.
    fn run(&mut self, entitlement: u32) -> ControlFlow<()> {
        self.told.clear();
        self.tell(entitlement, entitlement, None)?;
        let (graph, wanted) = (self.graph, self.wanted);
        let is_wanted = |class: &usize| {
            let mut types = wanted.iter();
            wanted.is_empty() || types.any(|wanted| graph.graph.class_of(wanted.0) == *class)
        };
        for class in (0..graph.graph.classes().len()).filter(is_wanted) {
            self.inherited(entitlement, class)?;
        }
        ControlFlow::Continue(())
    }

    /// Goes back along the edges that are open to one class.
    fn inherited(&mut self, entitlement: u32, number: usize) -> ControlFlow<()> {
        let graph = self.graph;
        let Some(class) = graph.graph.classes().get(number) else {
            return ControlFlow::Continue(());
        };
        self.passed.clear();
        self.read.clear();
        self.waiting.clear();
        self.passed.set(entitlement);
        self.read.set(entitlement);
        self.waiting.push(entitlement);
        let mut next = 0;
        while let Some(reached) = self.waiting.get(next).copied() {
            next += 1;
            self.step(entitlement, reached, (number, class))?;
        }
        ControlFlow::Continue(())
    }

    fn step(&mut self, entitlement: u32, reached: u32, (number, class): (usize, &Class)) -> ControlFlow<()> {
        let graph = self.graph;
        for (source, passage) in graph.open_into(class, reached) {
            if self.read.set(source) {
                self.tell(entitlement, source, Some(number))?;
            }
            if passage == Passage::All && self.passed.set(source) {
                self.waiting.push(source);
            }
        }
        ControlFlow::Continue(())
    }

    /// Tells of those who hold `source` directly: of one class, or of `entitlement` itself.
    fn tell(&mut self, entitlement: u32, source: u32, class: Option<usize>) -> ControlFlow<()> {
        let graph = self.graph;
        let held = if class.is_none() { Held::Directly } else { Held::Inherited };
        for principal in graph.holders.row(source).iter().copied() {
            let of_class = class.is_none_or(|class| graph.class_of(principal) == class);
            if of_class && self.is_wanted(principal) && self.told.set(principal) {
                let holder = Holder {
                    principal: ResourceNumber(principal),
                    entitlement: EntitlementNumber(entitlement),
                    held,
                };
                self.found.add(self.limit, holder)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn is_wanted(&self, principal: u32) -> bool {
        let wanted = self.wanted;
        wanted.is_empty() || {
            let own = self.graph.types.get(principal as usize);
            own.is_some_and(|own| wanted.contains(&ResourceTypeNumber(*own)))
        }
    }
}
