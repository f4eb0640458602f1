//! The one integration suite: the program from outside, and the specs as a whole.

mod cli;
mod convert;
mod facts;
mod formats;
mod hostile;
mod judge;
mod layers;
mod openapi;
mod prism;
mod sandbox;
mod scale;
mod score;
mod shops;
mod specs;
mod support;
