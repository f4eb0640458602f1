//! The account of a conversion, for people and for scripts.

use super::page::{self, plural, thousands};
use crate::account::{Account, Column, Fate};
use serde_json::{Value, json};

/// What stands above the columns of one fate.
fn heading(fate: Fate) -> &'static str {
    match fate {
        Fate::Kept => "kept as they are",
        Fate::Renamed => "renamed",
        Fate::Reshaped => "reshaped",
        Fate::Dropped => "dropped",
        Fate::Impossible => "impossible: no value could be carried over",
    }
}

/// Lines for people, in which `strong` marks headings: what was lost first, what was kept last.
pub(super) fn lines(account: &Account, width: usize, strong: &dyn Fn(&str) -> String) -> Vec<String> {
    let counts: Vec<String> = account.fates().iter().map(|(fate, count)| format!("{count} {}", fate.word())).collect();
    let items = plural(account.items, "item");
    let mut lines = vec![
        strong(&format!("{} to {}", account.from, account.to)),
        format!("  {items}, {} columns: {}", account.columns.len(), counts.join(", ")),
        String::new(),
    ];
    for fate in [Fate::Impossible, Fate::Dropped, Fate::Reshaped, Fate::Renamed, Fate::Kept] {
        let columns: Vec<&Column> = account.columns.iter().filter(|column| column.fate() == fate).collect();
        if columns.is_empty() {
            continue;
        }
        lines.push(strong(heading(fate)));
        let rows: Vec<[String; 3]> = columns.iter().map(|column| [format!("  {}", column.name), count_of(column), told(column)]).collect();
        lines.extend(page::columns(&rows, width));
        lines.push(String::new());
    }
    let (filled, empty): (Vec<_>, Vec<_>) = account.added.iter().partition(|field| field.values > 0);
    for (head, fields) in [("added, because other columns give them", filled), ("asked for, and given by no column", empty)] {
        if !fields.is_empty() {
            lines.push(strong(head));
            let example =
                |field: &&crate::account::Added| field.example.as_ref().map_or("required".to_owned(), |value| format!("such as {value}"));
            let rows: Vec<[String; 3]> =
                fields.iter().map(|field| [format!("  {}", field.name), plural(field.values, "value"), example(field)]).collect();
            lines.extend(page::columns(&rows, width));
            lines.push(String::new());
        }
    }
    lines
}

fn count_of(column: &Column) -> String {
    let all = plural(column.values, "value");
    if column.lost > 0 && column.lost < column.values { format!("{all}, {} lost", thousands(column.lost)) } else { all }
}

/// Where a column went, what its values became, and what is to be said of it.
fn told(column: &Column) -> String {
    let mut parts = Vec::new();
    if !column.to.is_empty() && column.to.first() != Some(&column.name) || column.to.len() > 1 {
        parts.push(format!("-> {}", column.to.join(", ")));
    }
    if let Some((old, new)) = &column.example {
        parts.push(change(old, new));
    }
    parts.extend(column.note.clone());
    parts.join("; ")
}

/// How a value changed; of long ones the part where they begin to differ.
fn change(old: &str, new: &str) -> String {
    let alike = old.chars().zip(new.chars()).take_while(|(one, other)| one == other).count();
    let short = |text: &str| {
        let from = if text.chars().count() > SHOWN { alike.saturating_sub(SHOWN / 3) } else { 0 };
        let part: String = text.chars().skip(from).take(SHOWN).collect();
        let tail = if text.chars().count() > from + SHOWN { "…" } else { "" };
        format!("{}{part}{tail}", if from > 0 { "…" } else { "" })
    };
    format!("{} becomes {}", short(old), short(new))
}

/// Characters of an example value.
const SHOWN: usize = 36;

/// The account for scripts.
pub(super) fn value(account: &Account) -> Value {
    let columns: Vec<Value> = account
        .columns
        .iter()
        .map(|column| {
            let example = column.example.as_ref().map(|(old, new)| json!({ "from": old, "to": new }));
            json!({ "column": column.name, "fate": column.fate().word(), "to": column.to, "values": column.values, "same": column.same,
                    "reshaped": column.reshaped, "lost": column.lost, "note": column.note, "example": example })
        })
        .collect();
    let added: Vec<Value> = account
        .added
        .iter()
        .map(|field| json!({ "field": field.name, "required": field.required, "values": field.values, "example": field.example }))
        .collect();
    json!({ "from": account.from, "to": account.to, "items": account.items, "columns": columns, "added": added })
}
