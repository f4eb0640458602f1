//! XML: one element a row, one element a field; an absent value is left out.

use super::{Before, RowWriter};
use crate::cell::Slot;
use crate::spec::{FieldId, Spec};
use quick_xml::Writer;
use quick_xml::events::BytesText;

/// A writer of XML.
pub struct Xml {
    columns: Vec<(FieldId, String)>,
    root: String,
    item: String,
}

impl Xml {
    /// A writer with these elements.
    pub fn new(spec: &Spec, columns: &[FieldId]) -> Self {
        let columns = columns.iter().map(|&column| (column, spec.get(column).name.clone())).collect();
        Self { columns, root: spec.formats.xml.root.clone(), item: spec.formats.xml.item.clone() }
    }
}

impl RowWriter for Xml {
    fn head(&self) -> String {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{}>\n", self.root)
    }

    fn row(&self, buffer: &str, row: &[Slot], _: &mut Before, out: &mut String) {
        let mut writer = Writer::new(Vec::with_capacity(1024));
        let written = writer.create_element(self.item.as_str()).write_inner_content(|writer| {
            for (column, name) in &self.columns {
                let slot = row.get(column.index()).copied().unwrap_or_default();
                if slot.is_present() {
                    let text = allowed(slot.text(buffer));
                    writer.create_element(name.as_str()).write_text_content(BytesText::new(&text))?;
                }
            }
            Ok(())
        });
        // Writing into memory cannot fail, and text in is text out.
        written.map(drop).unwrap_or_default();
        out.push_str(std::str::from_utf8(&writer.into_inner()).unwrap_or_default());
        out.push('\n');
    }

    fn tail(&self) -> String {
        format!("</{}>\n", self.root)
    }
}

/// The text without the characters that XML 1.0 forbids even as references; a carriage return
/// would be read back as a line feed, so it becomes one.
fn allowed(text: &str) -> std::borrow::Cow<'_, str> {
    let fine = |c: char| matches!(c, '\t' | '\n') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    if text.chars().all(fine) {
        return text.into();
    }
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|&c| fine(c)).collect::<String>().into()
}
