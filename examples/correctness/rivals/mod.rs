//! Three other rules of keeping two records in step, each a thin part around the engine: nothing of them is in it.

mod read_back;
mod shared_base;
mod whole_record;

pub(crate) use read_back::ReadBack;
pub(crate) use shared_base::SharedBase;
pub(crate) use whole_record::WholeRecord;
