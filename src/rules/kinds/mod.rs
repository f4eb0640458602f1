//! Kinds of rule for a single value: one file a family, each compiled once from a field of a
//! spec into a check that runs without knowing the field's name.

pub(crate) mod date;
pub(crate) mod entries;
pub(crate) mod gtin;
pub(crate) mod link;
pub(crate) mod measure;
pub(crate) mod money;
pub(crate) mod number;
pub(crate) mod options;
pub(crate) mod policy;
pub(crate) mod records;
pub(crate) mod text;
pub(crate) mod word;

use crate::cell::{Cell, Shape, Slot};
use crate::product::link::{KnownHost, LinkDefect};
use crate::product::money::Money;
use crate::product::options::OptionsDigest;
use crate::rules::across::Key;
use crate::spec::FieldId;
use crate::spec::model::FieldFile;
use rust_decimal::Decimal;

/// What a value turned out to be, kept so that no rule parses it a second time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Parsed {
    /// Nothing, or nothing worth keeping.
    #[default]
    Nothing,
    /// Money.
    Money(Money),
    /// A number.
    Number(Decimal),
    /// One of the words that the spec lists for the field: its place among them.
    Word(u8),
}

/// What the checks of one row leave behind for the rules over several fields.
#[derive(Debug, Default)]
pub(crate) struct RowFacts {
    /// By field; left from an earlier row where a field has no value.
    pub(crate) parsed: Vec<Parsed>,
    /// The fields that have a value.
    pub(crate) present: FieldSet,
    /// The options object of the row.
    pub(crate) options: Option<OptionsDigest>,
    /// By field: the host that its addresses shared so far.
    hosts: Vec<KnownHost>,
    /// What is wrong with the value that was checked last; `None` where nobody asked for words.
    words: Option<String>,
}

impl RowFacts {
    /// Facts for a look that wants to know what is wrong.
    pub(crate) fn telling() -> Self {
        Self { words: Some(String::new()), ..Self::default() }
    }

    /// A defect. What is wrong is said in one line, values in backticks; it is written down only
    /// where it will be read, because a whole column may be wrong.
    pub(crate) fn defect(&mut self, name: &'static str, message: impl FnOnce() -> String) -> Defect {
        if let Some(words) = &mut self.words {
            *words = message();
        }
        Defect { name }
    }

    /// Judges an address of a field.
    pub(crate) fn address(&mut self, field: usize, address: &str) -> Result<(), LinkDefect> {
        if self.hosts.len() <= field {
            self.hosts.resize_with(field + 1, KnownHost::default);
        }
        self.hosts[field].check(address)
    }

    /// The value of a field is the word at this place among those the spec lists.
    pub(crate) fn is_word(&mut self, field: usize, place: usize) {
        if let (Some(parsed), Ok(place)) = (self.parsed.get_mut(field), u8::try_from(place)) {
            *parsed = Parsed::Word(place);
        }
    }

    /// What the value of a field turned out to be.
    pub(crate) fn parsed(&self, field: FieldId) -> Option<&Parsed> {
        self.parsed.get(field.index()).filter(|_| self.present.has(field))
    }

    /// What the last defect was said to be.
    pub(crate) fn take_words(&mut self) -> String {
        self.words.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// A value breaks a rule; what is wrong was told to [`RowFacts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Defect {
    /// The second half of the finding's code.
    pub(crate) name: &'static str,
}

/// A compiled check of one value.
pub(crate) trait ValueCheck: Send + Sync + std::fmt::Debug {
    /// Judges a present value; `field` is where to leave what it turned out to be.
    fn check(&self, value: &str, shape: Shape, field: usize, facts: &mut RowFacts) -> Result<(), Defect>;

    /// The part of a bad value that is sound and says less, which a build may send in its place.
    fn shortened(&self, _: &str) -> Option<String> {
        None
    }

    /// What a bad value was probably meant to be, which a build writes only where somebody allows it.
    fn suggested(&self, _: &str) -> Option<String> {
        None
    }

    /// Whether a value that passed may be passed again unseen; not so where the check leaves
    /// more behind than [`RowFacts::parsed`].
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Whether the check only looks for control characters, and has nothing to find in a
    /// batch that holds none.
    fn is_about_controls(&self) -> bool {
        false
    }
}

/// What a defect means, for people: one row of what `explain` prints.
#[derive(Clone, Copy, Debug)]
pub struct DefectDoc {
    /// The second half of the code.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// A value with this defect, for a given field; `None` where the field cannot show it.
    pub bad: fn(&FieldFile) -> Option<String>,
}

/// When a kind takes part in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// The field's `type` is this kind's name.
    Type,
    /// The field has the bound of this kind's name.
    Bound,
}

/// A compile function: `Ok(None)` where the field has no such bound.
pub(crate) type Compile = fn(&FieldFile, jiff::civil::Date) -> Result<Option<Box<dyn ValueCheck>>, String>;

/// One kind of value rule.
pub struct ValueKind {
    /// The word used in spec files.
    pub name: &'static str,
    /// When it takes part.
    pub applies: Applies,
    /// Whether breaking it is advice whatever the field says.
    pub advice: fn(&FieldFile) -> bool,
    /// Whether the rule is feedmill's own rather than the target's.
    pub own: bool,
    /// The keys of the field it reads; a key that no kind of the field reads is an error.
    pub reads: &'static [&'static str],
    /// What can be wrong.
    pub defects: &'static [DefectDoc],
    pub(crate) compile: Compile,
}

impl ValueKind {
    /// Whether a field has the bound of this kind.
    pub fn takes_part(&self, field: &FieldFile) -> bool {
        let day = jiff::civil::Date::constant(2026, 1, 1);
        (self.compile)(field, day).is_ok_and(|check| check.is_some())
    }
}

pub(crate) fn never(_: &FieldFile) -> bool {
    false
}
pub(crate) fn always(_: &FieldFile) -> bool {
    true
}

/// A set of fields, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet(u128);

impl FieldSet {
    /// How many fields a spec may have.
    pub(crate) const MOST: usize = u128::BITS as usize;

    /// The set of these fields.
    pub(crate) fn of(fields: impl IntoIterator<Item = FieldId>) -> Self {
        let mut set = Self::default();
        for field in fields {
            set.set(field.index(), true);
        }
        set
    }

    /// The set of the fields that have a value.
    pub(crate) fn present(slots: &[Slot]) -> Self {
        let bits = |slots: &[Slot]| slots.iter().enumerate().fold(0, |word, (bit, slot)| word | u64::from(slot.is_present()) << bit);
        let (low, high) = slots.split_at(slots.len().min(64));
        Self(u128::from(bits(low)) | u128::from(bits(high.get(..64).unwrap_or(high))) << 64)
    }

    /// The fields of both sets.
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The fields that are in both sets.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The fields of this set that are not in another.
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The fields of this set that satisfy a test.
    pub(crate) fn those(self, test: impl Fn(usize) -> bool) -> Self {
        let [low, high] = self.words();
        let those = |mut left: u64, first: usize| {
            let mut found = 0;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                found |= u64::from(test(first + bit)) << bit;
                left &= left - 1;
            }
            found
        };
        Self(u128::from(those(low, 0)) | u128::from(those(high, 64)) << 64)
    }

    fn words(self) -> [u64; 2] {
        [self.0 as u64, (self.0 >> 64) as u64]
    }

    /// Where the fields of the set stand, in their order.
    #[inline]
    pub(crate) fn places(self) -> impl Iterator<Item = usize> {
        Places { words: self.words(), number: 0 }
    }

    /// Puts a field in or takes it out.
    pub(crate) fn set(&mut self, field: usize, is_in: bool) {
        let bit = bit(field);
        self.0 = if is_in { self.0 | bit } else { self.0 & !bit };
    }

    /// Whether a field is in the set.
    pub(crate) fn has(self, field: FieldId) -> bool {
        self.0 & bit(field.index()) != 0
    }

    /// Whether all of these fields are in the set.
    #[inline]
    pub(crate) fn has_all(self, wanted: Self) -> bool {
        !self.0 & wanted.0 == 0
    }

    /// Whether none of these fields is in the set.
    #[inline]
    pub(crate) fn has_none(self, unwanted: Self) -> bool {
        self.0 & unwanted.0 == 0
    }

    /// How many of these fields are in the set.
    pub(crate) fn count_of(self, wanted: Self) -> usize {
        (self.0 & wanted.0).count_ones() as usize
    }
}

/// One of the bits of a set.
pub(in crate::rules) fn bit(place: usize) -> u128 {
    1 << (place % FieldSet::MOST)
}

/// What is left of a set that is gone through, a word at a time.
struct Places {
    words: [u64; 2],
    number: usize,
}

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        loop {
            let word = self.words.get_mut(self.number)?;
            if *word != 0 {
                let bit = word.trailing_zeros() as usize;
                *word &= *word - 1;
                return Some(self.number * 64 + bit);
            }
            self.number += 1;
        }
    }
}

/// What the checks of a row found out, and which values need no second look; reused from row
/// to row of one batch.
///
/// Neighbours in a catalog mostly share brand, seller, category, policies and flags, so a
/// value equal to the last one of its field, where that was sound, is passed unseen.
#[derive(Debug, Default)]
pub struct RowFactsBox {
    pub(crate) row: RowFacts,
    /// By field: the last value that was judged, where it broke nothing.
    passed: Vec<Cell>,
    /// By field: the last bad value, with what was found about it.
    failed: Vec<(Cell, usize, Defect)>,
    /// The fields that had a value in the row before, when that was judged.
    pub(super) before: Option<FieldSet>,
    /// The rules over the fields of a row that it broke, by number.
    pub(super) broken: u128,
    /// The last group, and by rule over several rows the last value, with what they came to.
    group: Option<(Cell, Key)>,
    values: Vec<(Cell, u32)>,
    /// Whether the batch, as it was read, holds no control characters at all.
    pub(crate) is_free_of_controls: bool,
    /// How long the batch was then; what stands behind was made since.
    pub(crate) read: usize,
}

impl RowFactsBox {
    /// Begins a batch of so many bytes: what is known of the last one points into another buffer.
    pub fn begin(&mut self, read: usize, is_free_of_controls: bool) {
        self.passed.clear();
        self.failed.clear();
        self.before = None;
        self.group = None;
        self.values.clear();
        (self.is_free_of_controls, self.read) = (is_free_of_controls, read);
    }

    pub(crate) fn reset(&mut self, width: usize) {
        self.row.parsed.resize(width, Parsed::Nothing);
        self.passed.resize(width, Cell::ABSENT);
        self.row.options = None;
        self.row.present = FieldSet::default();
    }

    /// The fields, of those that have a value, whose value equals the one that was judged last and
    /// was sound; what that turned out to be then still stands there, and holds for this one too.
    pub(crate) fn repeated(&self, slots: &[Slot], buffer: &str) -> FieldSet {
        self.row.present.those(|field| match (slots.get(field), self.passed.get(field)) {
            (Some(slot), Some(passed)) => slot.cell.equals(*passed, buffer),
            _ => false,
        })
    }

    /// The key of a row's group.
    pub(crate) fn group_key(&mut self, cell: Cell, buffer: &str) -> Option<Key> {
        if !cell.is_present() {
            return None;
        }
        if let Some((_, key)) = self.group.filter(|(known, _)| known.equals(cell, buffer)) {
            return Some(key);
        }
        let key = Key::of(cell.text(buffer));
        self.group = Some((cell, key));
        Some(key)
    }

    /// What the same value came to in the last row that had it, for the n-th rule.
    pub(crate) fn known_value(&self, rule: usize, cell: Cell, buffer: &str) -> Option<u32> {
        self.values.get(rule).filter(|(known, _)| known.equals(cell, buffer)).map(|(_, value)| *value)
    }

    /// Remembers what a value came to.
    pub(crate) fn keep_value(&mut self, rule: usize, cell: Cell, value: u32) {
        if self.values.len() <= rule {
            self.values.resize(rule + 1, (Cell::ABSENT, 0));
        }
        self.values[rule] = (cell, value);
    }

    /// Remembers a sound value.
    pub(crate) fn passed(&mut self, field: usize, cell: Cell) {
        self.passed[field] = cell;
    }

    /// What was found about a value, where it is the last bad one of its field: a column may be
    /// wrong as a whole, and its neighbours wrong in the same way.
    #[inline]
    pub(crate) fn failed(&self, field: FieldId, cell: Cell, buffer: &str) -> Option<(usize, Defect)> {
        let (known, number, defect) = self.failed.get(field.index())?;
        known.equals(cell, buffer).then_some((*number, *defect))
    }

    /// Remembers a bad value, and which check found which defect.
    pub(crate) fn keep_failed(&mut self, field: FieldId, cell: Cell, (number, defect): (usize, Defect)) {
        if self.failed.len() <= field.index() {
            self.failed.resize(field.index() + 1, (Cell::ABSENT, 0, Defect { name: "" }));
        }
        self.failed[field.index()] = (cell, number, defect);
    }

    /// Forgets what the value of a field turned out to be.
    pub(crate) fn forget(&mut self, field: usize) {
        self.passed[field] = Cell::ABSENT;
        self.row.parsed[field] = Parsed::Nothing;
    }
}
