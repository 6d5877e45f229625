//! The pairs that entries of a plan speak of, as the state has them now. Part of applying, which goes on beside it: it
//! holds nothing of that. The door is [`load`].

use crate::merge::CompiledLink;
use crate::model::{RecordId, Result, Side};
use crate::plan::{Body, Effect, Entry, PairStatus};

use super::integration::Inner;
use super::pair_now::{PairNow, PairsNow, pair_key};

/// The pairs that entries speak of, with what is open about them. `quiet`: nothing is open about any record of the link
/// but those whose pair says so.
pub(super) async fn load(
    inner: &Inner,
    quiet: bool,
    link: &CompiledLink,
    entries: &[Entry],
) -> Result<PairsNow> {
    let id = &link.spec().id;
    let mut now = PairsNow::with_capacity(entries.len());
    for side in Side::BOTH {
        let mut ids: Vec<RecordId> =
            entries.iter().filter_map(pair_key).filter(|(of, _)| *of == side).map(|(_, id)| id).collect();
        ids.sort();
        ids.dedup();
        if ids.is_empty() {
            continue;
        }
        let pairs = inner.store.pairs_of(id, side, &ids).await?;
        let quiet = quiet && pairs.iter().flatten().all(|pair| !pair.watch);
        let open = match quiet {
            true => vec![Vec::new(); ids.len()],
            false => inner.store.attention_of(id, side, &ids).await?,
        };
        for ((id, pair), open) in ids.into_iter().zip(pairs).zip(open) {
            let pair = pair.filter(|pair| pair.status != PairStatus::Ended);
            let pair = pair.map(|pair| pair.as_read_by(link));
            now.insert((side, id), PairNow { pair, open, ..PairNow::default() });
        }
    }
    // What is open about the other half of a pair.
    for ((side, _), pair_now) in &mut now {
        let Some(pair) = pair_now.pair.as_ref().filter(|pair| pair.watch) else { continue };
        let other = [pair.ids.of(side.other()).clone()];
        let found = inner.store.attention_of(id, side.other(), &other).await?;
        pair_now.open.extend(found.into_iter().flatten());
    }
    if !quiet {
        load_joined(inner, link, entries, &mut now).await?;
    }
    Ok(now)
}

/// What is open about the right records that become halves of new pairs: entries name these by their left ones.
async fn load_joined(
    inner: &Inner,
    link: &CompiledLink,
    entries: &[Entry],
    now: &mut PairsNow,
) -> Result<()> {
    let joined = entries.iter().filter_map(|entry| match &entry.body {
        Body::Effect(Effect::Link { .. }) => Some((pair_key(entry)?, entry.ids.right.clone()?)),
        _ => None,
    });
    let (keys, ids): (Vec<(Side, RecordId)>, Vec<RecordId>) = joined.unzip();
    if ids.is_empty() {
        return Ok(());
    }
    let open = inner.store.attention_of(&link.spec().id, Side::Right, &ids).await?;
    for (key, open) in keys.into_iter().zip(open) {
        if let Some(pair_now) = now.get_mut(&key) {
            pair_now.open.extend(open);
        }
    }
    Ok(())
}
