//! What a product is made of: attributes and the kinds of value they hold.
//!
//! Every file parses, checks and writes one kind of value. None of them knows an
//! attribute's rules, a target or a file format, and none does any I/O.

pub mod attribute;
pub mod codes;
pub mod currency;
pub mod date;
pub mod gtin;
pub mod html;
mod html_plain;
pub mod json;
pub mod link;
pub mod measure;
pub mod mojibake;
pub mod money;
pub mod network;
pub mod number;
pub mod options;
pub mod policy;
pub mod shortcode;
pub mod synonyms;
pub mod text;
pub mod text_distance;
