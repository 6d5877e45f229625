//! The order of links: each after those whose records it refers to; rings are named, not refused.
//!
//! Rings are found by depth-first search: a link that is met again while its own search is open closes one. Links are
//! few; the cost is links times links times references.

use seamless_core::mapper::{Mapper, links_in_order};
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
    let needs: Vec<_> =
        links.iter().map(|link| (&link.link().id, link.link().depends_on.as_slice())).collect();
    (links_in_order(&needs), search.rings)
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
