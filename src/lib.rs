//! feedmill mills a merchant's catalog into the product feeds that shopping agents take.
pub mod catalog;
pub mod cell;
pub mod clock;
pub mod finding;
pub mod mapping;
pub mod product;
pub mod rules;
pub mod spec;
