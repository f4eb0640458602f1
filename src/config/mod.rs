//! Settings: the project file as written, and what it comes to together with flags.

pub mod environment;
pub mod model;
pub mod resolve;
pub mod schema;
mod source;

pub use resolve::{ConfigError, Settings};
