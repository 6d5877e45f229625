//! The order of links: each after those whose records it refers to; rings are named, not refused.
//!
//! Rings are found by depth-first search: a link that is met again while its own search is open closes one. Links are
//! few; the cost is links times links times references.

use seamless_core::mapper::Mapper;
use seamless_core::model::LinkId;

use crate::link_mapper::LinkMapper;

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// The places of the links in their order, and the rings.
pub(crate) fn sorted(links: &[LinkMapper]) -> (Vec<usize>, Vec<Vec<LinkId>>) {
    let mut search =
        Search { links, marks: vec![Mark::New; links.len()], path: Vec::new(), rings: Vec::new() };
    for at in 0..links.len() {
        search.visit(at);
    }
    (in_order(links), search.rings)
}

/// The first link that needs nothing which waits; in a ring, the first of those that need least.
fn in_order(links: &[LinkMapper]) -> Vec<usize> {
    let mut waiting: Vec<(usize, &LinkMapper)> = links.iter().enumerate().collect();
    let mut order = Vec::with_capacity(links.len());
    while !waiting.is_empty() {
        let open = |link: &LinkMapper| {
            let needed = link.link().depends_on.iter();
            needed.filter(|needed| waiting.iter().any(|(_, other)| other.link().id == **needed)).count()
        };
        let next = waiting.iter().enumerate().min_by_key(|(_, (at, link))| (open(link), *at));
        let Some((place, _)) = next else { break };
        let (at, _) = waiting.remove(place);
        order.push(at);
    }
    order
}

struct Search<'a> {
    links: &'a [LinkMapper],
    marks: Vec<Mark>,
    path: Vec<usize>,
    rings: Vec<Vec<LinkId>>,
}

impl Search<'_> {
    /// Recurses at most as deep as there are links.
    fn visit(&mut self, at: usize) {
        match self.marks.get(at) {
            Some(Mark::New) => {}
            Some(Mark::Open) => return self.close_ring(at),
            Some(Mark::Done) | None => return,
        }
        self.mark(at, Mark::Open);
        self.path.push(at);
        let links = self.links;
        if let Some(link) = links.get(at) {
            for needed in &link.link().depends_on {
                if let Some(place) = links.iter().position(|other| other.link().id == *needed) {
                    self.visit(place);
                }
            }
        }
        self.path.pop();
        self.mark(at, Mark::Done);
    }

    fn mark(&mut self, at: usize, mark: Mark) {
        if let Some(slot) = self.marks.get_mut(at) {
            *slot = mark;
        }
    }

    fn close_ring(&mut self, at: usize) {
        let begin = self.path.iter().position(|place| *place == at).unwrap_or(0);
        let ring = self.path.iter().skip(begin).filter_map(|place| self.links.get(*place));
        self.rings.push(ring.map(|link| link.link().id.clone()).collect());
    }
}
