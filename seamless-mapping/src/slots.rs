//! Where the fields of the rules stand in a shape, looked up once per shape.
//!
//! A run reads every record of a side in one shape, so the table of a shape is found by its address; a shape is kept
//! alive as long as its table. The first shape costs no lock, later ones a lock for reading. Knows no values. The door
//! is [`SlotCache::of`].

use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use seamless_core::mapper::Rule;
use seamless_core::model::{Shape, Side};

/// Tables kept at most beside the first: a mapper that meets more shapes looks names up again.
const TABLES_MAX: usize = 4;

/// The slots of a rule's fields on a side, in the rule's order; `None` for a field that the shape lacks.
type Table = Arc<[Box<[Option<usize>]>]>;

/// The tables of one side.
#[derive(Debug, Default)]
pub(crate) struct SlotCache {
    first: OnceLock<(Arc<Shape>, Table)>,
    others: RwLock<Vec<(Arc<Shape>, Table)>>,
}

/// A table that was found.
pub(crate) enum Slots<'a> {
    First(&'a Table),
    Other(Table),
}

impl Deref for Slots<'_> {
    type Target = [Box<[Option<usize>]>];

    fn deref(&self) -> &Self::Target {
        match self {
            Slots::First(table) => table,
            Slots::Other(table) => table,
        }
    }
}

impl SlotCache {
    /// The table of a shape.
    pub(crate) fn of(&self, side: Side, shape: &Arc<Shape>, rules: &[Rule]) -> Slots<'_> {
        let (known, table) = self.first.get_or_init(|| (Arc::clone(shape), table(side, shape, rules)));
        if Arc::ptr_eq(known, shape) {
            return Slots::First(table);
        }
        self.other(side, shape, rules)
    }

    fn other(&self, side: Side, shape: &Arc<Shape>, rules: &[Rule]) -> Slots<'_> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, table)) = others.iter().find(|(known, _)| Arc::ptr_eq(known, shape)) {
            return Slots::Other(Arc::clone(table));
        }
        drop(others);
        let table = table(side, shape, rules);
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if others.len() >= TABLES_MAX {
            others.remove(0);
        }
        others.push((Arc::clone(shape), Arc::clone(&table)));
        Slots::Other(table)
    }
}

fn table(side: Side, shape: &Shape, rules: &[Rule]) -> Table {
    let slots = |rule: &Rule| rule.fields.of(side).iter().map(|field| shape.slot(field.as_str())).collect();
    rules.iter().map(slots).collect()
}
