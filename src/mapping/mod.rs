//! Mapping: from the columns of a catalog to attributes, and from its rows to items.
//!
//! A preset says what a platform's columns are called and how its rows make products; the
//! project file and flags add to it or overrule it. Names are resolved before the first row.

mod about;
mod adjust;
mod align;
pub mod apply;
pub mod columns;
pub mod compile;
pub mod detect;
pub mod expr;
mod family;
mod from_spec;
pub(crate) mod heaps;
mod index;
pub mod join;
pub mod kept;
mod layout;
pub mod model;
mod nested;
mod option;
mod path;
pub mod paths;
pub mod preset;
pub mod rows;
mod run;
pub mod scattered;
mod shipping;
pub mod step;
mod stock;
pub mod survey;
pub mod surveyor;
pub mod told;
pub mod transform;
mod variant;
mod wide;
mod written;

pub use compile::{MapError, Mapping};
