//! The account of a conversion: what became of every column of a finished feed, with counts,
//! and what the new one asks for besides. Plain figures; nothing is converted here.

/// What became of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It has the same name and the same values.
    Kept,
    /// It has another name and the same values.
    Renamed,
    /// Its values are written otherwise, or in other fields.
    Reshaped,
    /// The target has no such field.
    Dropped,
    /// The target has the field, and no value could be carried over.
    Impossible,
}

impl Fate {
    /// The word used in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Renamed => "renamed",
            Self::Reshaped => "reshaped",
            Self::Dropped => "dropped",
            Self::Impossible => "impossible",
        }
    }
}

/// One column; `values = same + reshaped + lost`.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Its name in the feed that was read.
    pub name: String,
    /// The fields it goes to.
    pub to: Vec<String>,
    /// Cells with a value.
    pub values: u64,
    /// Values that are written as they were.
    pub same: u64,
    /// Values that are written otherwise.
    pub reshaped: u64,
    /// Values that are not written, or not accepted.
    pub lost: u64,
    /// Why it is dropped, or what is lost.
    pub note: Option<String>,
    /// A value that was reshaped, and what it became.
    pub example: Option<(String, String)>,
}

impl Column {
    /// What became of the column.
    pub fn fate(&self) -> Fate {
        match self {
            Self { to, .. } if to.is_empty() => Fate::Dropped,
            Self { values, lost, .. } if lost == values && *values > 0 => Fate::Impossible,
            Self { reshaped, .. } if *reshaped > 0 => Fate::Reshaped,
            Self { name, to, .. } if to.len() == 1 && to.first() == Some(name) => Fate::Kept,
            Self { to, .. } if to.len() == 1 => Fate::Renamed,
            Self { .. } => Fate::Reshaped,
        }
    }
}

/// A field of the new feed that no column of the old one gives.
#[derive(Clone, Debug, Default)]
pub struct Added {
    /// The field.
    pub name: String,
    /// Whether every row must have it.
    pub required: bool,
    /// Items that have it all the same.
    pub values: u64,
    /// What it was made of, for one item.
    pub example: Option<String>,
}

/// The whole account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The spec that was read.
    pub from: String,
    /// The spec that was written.
    pub to: String,
    /// Items that were converted.
    pub items: u64,
    /// The columns, in the order of the feed.
    pub columns: Vec<Column>,
    /// Fields that came in addition, or that every row must have and none has.
    pub added: Vec<Added>,
}

impl Account {
    /// This account and that of a further source, which may have other columns.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.items += other.items;
        for column in other.columns {
            match self.columns.iter_mut().find(|known| known.name == column.name) {
                Some(known) => {
                    known.values += column.values;
                    known.same += column.same;
                    known.reshaped += column.reshaped;
                    known.lost += column.lost;
                    known.example = known.example.take().or(column.example);
                }
                None => self.columns.push(column),
            }
        }
        for field in other.added {
            match self.added.iter_mut().find(|known| known.name == field.name) {
                Some(known) => known.values += field.values,
                None => self.added.push(field),
            }
        }
        self
    }

    /// How many columns each fate has, in the order of [`Fate`].
    pub fn fates(&self) -> Vec<(Fate, usize)> {
        let all = [Fate::Kept, Fate::Renamed, Fate::Reshaped, Fate::Dropped, Fate::Impossible];
        all.map(|fate| (fate, self.columns.iter().filter(|column| column.fate() == fate).count())).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Fate};

    #[test]
    fn fates_follow_from_names_and_counts() {
        let column = |to: &[&str], values, reshaped, lost| {
            let to = to.iter().map(|name| (*name).to_owned()).collect();
            Column { name: "link".to_owned(), to, values, reshaped, lost, ..Column::default() }.fate()
        };
        assert_eq!(column(&[], 3, 0, 3), Fate::Dropped);
        assert_eq!(column(&["url"], 3, 0, 0), Fate::Renamed);
        assert_eq!(column(&["url"], 3, 1, 0), Fate::Reshaped);
        assert_eq!(column(&["link"], 3, 0, 2), Fate::Kept);
        assert_eq!(column(&["link"], 3, 0, 3), Fate::Impossible);
        assert_eq!(column(&["link"], 0, 0, 0), Fate::Kept);
        assert_eq!(column(&["a", "b"], 0, 0, 0), Fate::Reshaped);
    }
}
