//! The shape of a nested target, as data: what its objects hold (`shape.toml`, the published
//! fields), and how a row of the spec becomes one of them (the templates).
//!
//! The rows are those of `attributes.toml`, flat like everybody's, so that items are projected
//! and judged by one machinery; only reading and writing know that they stand inside a product.

mod model;
mod published;
mod schema;
mod template;

pub use model::{FeedOutput, OutputKind, ShapeFile};
pub use published::{Content, Kind, Published};
pub use schema::Root;
pub use template::{Element, Form, Member, Node};

use super::compile::{Field, FieldId};
use super::load::SpecError;
use std::collections::BTreeMap;

/// The shape of one nested target.
#[derive(Debug)]
pub struct Shape {
    /// The file as written.
    pub file: ShapeFile,
    /// The fields as the target publishes them, in its order.
    pub published: Vec<Published>,
    /// The members of each object, by the object's name: positions in `published`.
    pub objects: BTreeMap<String, Vec<usize>>,
    /// What the rows of a group say once.
    pub group: Node,
    /// What each row says.
    pub row: Node,
    /// The field whose value the rows of a group share.
    pub key: FieldId,
}

/// What is wrong, and the words to look for in the file.
type Fault = (String, String);

/// Loads the `shape.toml` of a folder against the fields of its rows.
pub(super) fn load(folder: &str, text: &str, fields: &[Field]) -> Result<Shape, SpecError> {
    let path = format!("{folder}/shape.toml");
    let line_at = |at: usize| text.get(..at).map_or(1, |head| head.matches('\n').count() + 1);
    let file: ShapeFile =
        toml::from_str(text).map_err(|error| SpecError::at(&path, error.span().map_or(1, |span| line_at(span.start)), error.message()))?;
    compile(file, fields)
        .map_err(|(needle, message)| SpecError::at(&path, text.find(&needle).map_or(1, line_at), &format!("`{needle}`: {message}")))
}

fn compile(file: ShapeFile, fields: &[Field]) -> Result<Shape, Fault> {
    let place = |name: &str| fields.iter().position(|field| field.name == name).map(|place| FieldId(place as u16));
    let (published, objects) = published::compile(&file)?;
    let template = template::Compiler { fields: &place, maps: &file.map };
    let group = template.node(&toml::Value::Table(file.group.clone())).map_err(|message| ("[group]".to_owned(), message))?;
    let row = template.node(&toml::Value::Table(file.row.clone())).map_err(|message| ("[row]".to_owned(), message))?;
    let key = place(&file.key).ok_or_else(|| ("key =".to_owned(), format!("no field is called `{}`", file.key)))?;
    if file.rows.is_empty() != file.row_object.is_empty() || file.rows.is_empty() != file.row.is_empty() {
        return Err((
            "rows =".to_owned(),
            "`rows`, `row_object` and [row] are all given, or none where a row is a group of its own".to_owned(),
        ));
    }
    for name in [&file.group_object, &file.row_object] {
        if !name.is_empty() && !objects.contains_key(name) {
            return Err((name.clone(), format!("no field is published for `{name}`")));
        }
    }
    Ok(Shape { file, published, objects, group, row, key })
}

impl Shape {
    /// The members of an object, in the published order.
    pub fn members(&self, object: &str) -> impl Iterator<Item = &Published> {
        self.objects.get(object).into_iter().flatten().filter_map(|place| self.published.get(*place))
    }

    /// A member of an object.
    pub fn member(&self, object: &str, name: &str) -> Option<&Published> {
        self.members(object).find(|published| published.member() == name)
    }
}
