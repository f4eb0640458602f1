//! The one integration suite: the program from outside, and the specs as a whole.

mod bombs;
mod cases;
mod cli;
mod conformance;
mod convert;
mod databases;
mod desk;
mod facts;
mod formats;
mod hostile;
mod judge;
mod layers;
mod openapi;
mod prism;
mod profiles;
mod push;
mod remote;
mod sandbox;
mod scale;
mod schema;
mod score;
mod servers;
mod shops;
mod specs;
mod support;
mod web;
