//! Mapping: from the columns of a catalog to attributes, and from its rows to items.
//!
//! A preset says what a platform's columns are called and how its rows make products; the
//! project file and flags add to it or overrule it. Names are resolved before the first row.

mod align;
pub mod apply;
pub mod compile;
pub mod expr;
mod from_spec;
pub mod model;
pub mod preset;
pub mod rows;
pub mod step;
mod stock;
pub mod survey;
pub mod transform;
mod variant;

pub use compile::{MapError, Mapping};
