//! The order of links: each after those whose records it refers to. Knows only who needs whom. The door is
//! [`links_in_order`].

use crate::model::LinkId;

/// The places of links, each after those that it needs; links of a ring together, those that need least first, otherwise
/// in the order given. A need that no link answers, or of a link for itself, does not count.
///
/// Links are few: the cost is their number to the third power, in steps of a comparison.
pub fn links_in_order(links: &[(&LinkId, &[LinkId])]) -> Vec<usize> {
    let mut waiting: Vec<usize> = (0..links.len()).collect();
    let mut order = Vec::with_capacity(links.len());
    let mut ring: Vec<usize> = Vec::new();
    while !waiting.is_empty() {
        let needs = |at: usize| -> Vec<usize> {
            let needed = links.get(at).map(|(_, needed)| *needed).unwrap_or_default();
            let is_needed =
                |other: &usize| *other != at && links.get(*other).is_some_and(|(id, _)| needed.contains(id));
            waiting.iter().copied().filter(is_needed).collect()
        };
        let reached = |at: usize| -> Vec<usize> {
            let mut reached = needs(at);
            let mut next = 0;
            while let Some(link) = reached.get(next).copied() {
                for more in needs(link) {
                    if !reached.contains(&more) {
                        reached.push(more);
                    }
                }
                next += 1;
            }
            reached
        };
        // Whoever needs a link that does not need it back comes after that link; the links of a ring come together.
        if ring.is_empty() {
            let is_next = |at: &usize| reached(*at).into_iter().all(|other| reached(other).contains(at));
            let Some(next) = waiting.iter().copied().find(is_next) else { break };
            ring = reached(next);
            if !ring.contains(&next) {
                ring.push(next);
            }
        }
        let Some(next) = ring.iter().copied().min_by_key(|at| (needs(*at).len(), *at)) else { break };
        ring.retain(|at| *at != next);
        waiting.retain(|at| *at != next);
        order.push(next);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::links_in_order;
    use crate::model::LinkId;

    fn order(links: &[(&str, &[&str])]) -> Vec<usize> {
        let ids: Vec<LinkId> = links.iter().map(|(id, _)| LinkId::new(*id)).collect();
        let needs: Vec<Vec<LinkId>> =
            links.iter().map(|(_, needs)| needs.iter().map(|id| LinkId::new(*id)).collect()).collect();
        let links: Vec<_> = ids.iter().zip(&needs).map(|(id, needs)| (id, needs.as_slice())).collect();
        links_in_order(&links)
    }

    #[test]
    fn a_link_comes_after_the_whole_ring_that_it_needs() {
        let ring = order(&[("orders", &["a"]), ("a", &["b"]), ("b", &["a", "users"]), ("users", &[])]);
        assert_eq!(ring, [3, 1, 2, 0]);
        let joined = order(&[("orders", &["a"]), ("b", &["a"]), ("a", &["b"])]);
        assert_eq!(joined, [1, 2, 0]);
    }

    #[test]
    fn without_needs_the_order_is_the_one_given() {
        assert_eq!(order(&[("a", &["a", "unknown"]), ("b", &[]), ("c", &["a"])]), [0, 1, 2]);
    }
}
