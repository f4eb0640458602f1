//! Specs: what each target asks for, as data.
//!
//! `model` is a spec folder as written, `load` finds and reads it, `written` lays a folder over
//! its base, `compile` turns names into indexes, `terms` are the words they share, `shape` holds what nested targets have besides.
//! What a rule means is not known here: rule tables are made in `rules`.

pub mod compile;
pub mod diff;
pub mod load;
pub mod model;
pub mod shape;
pub mod terms;
mod written;

pub use compile::{Field, FieldId, MOST_OPTIONS, Spec, Write};
pub use load::SpecError;
