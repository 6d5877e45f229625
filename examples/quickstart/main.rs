//! Trial.
mod systems;
mod world;
use futures::executor::block_on;
use seamless_core::plan::render::TextOptions;
use seamless_core::sync::NoObserver;
use std::sync::Arc;
use std::time::Instant;
use world::truth::DifferenceKind;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let t = Instant::now();
    let world = world::create(folder.path(), 2026)?;
    println!("world {:?}", t.elapsed());
    std::fs::write(folder.path().join("integration.yaml"), systems::MAPPING)?;
    let s = match systems::Systems::open(folder.path(), Arc::new(NoObserver), None) {
        Ok(s) => s,
        Err(e) => {
            println!("{e}");
            return Ok(());
        }
    };
    if let Some(w) = &s.loaded.warnings {
        println!("{w}");
    }
    for n in 0..3 {
        let t = Instant::now();
        let plan = block_on(s.integration.plan())?;
        println!("plan {:?}", t.elapsed());
        println!(
            "{}",
            block_on(plan.text(TextOptions { entries_per_group_max: Some(2), ..Default::default() }))?
        );
        let t = Instant::now();
        let applied = block_on(s.integration.apply(plan.approve("me", &[])?))?;
        println!(
            "apply {n} {:?}: {} {} {}",
            t.elapsed(),
            applied.written,
            applied.effects,
            applied.dropped_count
        );
        for d in applied.dropped.iter().take(5) {
            println!("{d:?}");
        }
    }
    let t = Instant::now();
    let st = block_on(s.integration.status())?;
    println!("status {:?} {:?} {}", t.elapsed(), st.pairs, st.waiting.len());
    let mut e = world::expect::Expectations::after_first_link(&world.truth);
    e.leave_apart(&world.truth, |d| d.kind == DifferenceKind::Different && d.column != "creditlimit");
    let t = Instant::now();
    match world::check::check(&world, &e)? {
        world::check::Verdict::Holds(r) => println!("{r:?}"),
        world::check::Verdict::Broken(v) => {
            println!("{} broken", v.len());
            for v in v.iter().take(30) {
                println!("{v}");
            }
        }
    }
    println!("check {:?}", t.elapsed());
    Ok(())
}
