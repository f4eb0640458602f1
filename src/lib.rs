//! feedmill mills a merchant's catalog into the product feeds that shopping agents take.
//!
//! ```text
//! read -> map -> normalize -> group -> validate -> render -> push -> explain
//! ```
//!
//! A [`catalog`] source is cut into batches: one buffer, and cells that are ranges of it. A
//! [`mapping`] makes items of the rows of each platform, [`normalize`] brings their values into
//! one form, [`project`] writes an item as a row of one [`spec`], and [`rules`] judge that row
//! exactly as it would be written. What is accepted goes to [`render`]; everything that was
//! found is a [`finding`] and goes to [`report`].
//!
//! [`pipeline`] runs all of it over threads and keeps the order; [`plan`] resolves and compiles
//! everything before the first record is read; [`cli`] is the program. Dependencies run one
//! way, and a test reads the `use` lines to keep it so. What was built is delivered by [`push`],
//! which is asynchronous, sees finished files only, and remembers in [`state`]; [`profile`] says
//! what is in a catalog, and a [`sample`] shows some of what becomes of it. A [`secret`] is read in one place and shown in none.
//!
//! What a target asks for is data under `schemas/`; so is what is known of each platform. No
//! target and no platform is named in the code.

pub mod account;
pub mod cancel;
pub mod catalog;
pub mod cell;
pub mod cli;
pub mod clock;
pub mod compare;
pub mod config;
pub mod finding;
pub mod mapping;
pub mod normalize;
pub mod pipeline;
pub mod plan;
pub mod product;
pub mod profile;
pub mod progress;
pub mod project;
pub mod push;
pub mod render;
pub mod report;
pub mod rules;
pub mod sample;
pub mod sandbox;
pub mod secret;
pub mod spec;
pub mod state;
pub mod summary;
pub mod trace;
