//! What the writes of a plan set off in the systems, and what they leave out: from what the connectors declare and the host
//! chose, by the phase of each link. The door is [`of_plan`].

use super::integration::{Bypass, Inner};
use crate::connector::{Capabilities, WriteKind};
use crate::merge::CompiledLink;
use crate::model::{Error, Result, Side};
use crate::plan::{LinkPhase, SetOff};

/// For the head of a plan.
///
/// Errors: the store's; a name that no link's entity on that side declares as bypassable, so that a misspelt name is not taken
/// for one that is bypassed.
pub(super) async fn of_plan(inner: &Inner) -> Result<Vec<SetOff>> {
    check_names(inner)?;
    let mut found = Vec::new();
    for link in &inner.links {
        let written = || Side::BOTH.into_iter().filter(|side| link.spec().mode.writes(*side));
        if written().all(|side| inner.capabilities(link, side).triggers.is_empty()) {
            continue;
        }
        let phase = phase(inner, link).await?;
        for side in written() {
            found.extend(of_side(
                link,
                side,
                phase,
                &inner.capabilities(link, side),
                inner.options.bypass.of(side),
            ));
        }
    }
    Ok(found)
}

/// What a plan says that writes of a link leave out on a side.
pub(super) fn bypassed(sets_off: &[SetOff], link: &CompiledLink, side: Side) -> Vec<String> {
    let mut of = sets_off.iter().filter(|set_off| set_off.side == side && set_off.link == link.spec().id);
    of.next().map(|set_off| set_off.bypassed.clone()).unwrap_or_default()
}

fn of_side(
    link: &CompiledLink,
    side: Side,
    phase: LinkPhase,
    can: &Capabilities,
    bypass: &Bypass,
) -> Option<SetOff> {
    let named = match phase {
        LinkPhase::Initial => &bypass.initial,
        LinkPhase::Normal => &bypass.normal,
    };
    let acts = !link.spec().actions.of(side).is_empty();
    let (mut fires, mut bypassed) = (Vec::new(), Vec::new());
    for trigger in &can.triggers {
        let mut trigger = trigger.clone();
        trigger.on.retain(|kind| match kind {
            WriteKind::Create => can.create,
            WriteKind::Update => can.update,
            WriteKind::Delete => can.delete,
            WriteKind::Action => acts,
        });
        if trigger.on.is_empty() {
            continue;
        }
        match trigger.can_bypass && named.contains(&trigger.name) {
            true => bypassed.push(trigger.name),
            false => fires.push(trigger),
        }
    }
    let any = !fires.is_empty() || !bypassed.is_empty();
    any.then(|| SetOff { link: link.spec().id.clone(), side, phase, fires, bypassed })
}

/// A link is loaded until cursors of it were committed, which is the last thing that a plan does.
async fn phase(inner: &Inner, link: &CompiledLink) -> Result<LinkPhase> {
    for side in Side::BOTH {
        if inner.store.feed(&link.spec().id, side).await?.is_some() {
            return Ok(LinkPhase::Normal);
        }
    }
    Ok(LinkPhase::Initial)
}

fn check_names(inner: &Inner) -> Result<()> {
    for side in Side::BOTH {
        let Bypass { initial, normal } = inner.options.bypass.of(side);
        let known = |name: &str| {
            let of = |link: &CompiledLink| inner.capabilities(link, side).triggers;
            let mut all = inner.links.iter().flat_map(|link| of(link));
            all.any(|trigger| trigger.can_bypass && trigger.name == *name)
        };
        if let Some(unknown) = initial.iter().chain(normal).find(|name| !known(name)) {
            let name = inner.names.of(side);
            return Err(Error::configuration(format!(
                "{name} declares nothing that is called {unknown:?} and can be bypassed"
            ))
            .with_remedy("name what the head of a plan says can be bypassed, or leave it out"));
        }
    }
    Ok(())
}
