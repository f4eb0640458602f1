//! Text for people that fits a page: wrapped lines and columns that stand below each other.

/// Words of a text in lines of at most `width` characters; a longer word has a line of its own.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text behind a first word, its further lines below its first.
pub fn hang(head: &str, text: &str, width: usize) -> String {
    let indent = length(head);
    let lines = wrap(text, width.saturating_sub(indent).max(20));
    let mut out = head.to_owned();
    for (place, line) in lines.iter().enumerate() {
        if place > 0 {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(line);
    }
    out.truncate(out.trim_end().len());
    out
}

/// Rows with columns as wide as their longest cell, the last one wrapped; where the others
/// leave it too little room, it stands below them.
pub fn columns<const N: usize>(rows: &[[String; N]], width: usize) -> Vec<String> {
    let longest = |column: usize| rows.iter().map(|row| length(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(longest).collect();
    let taken: usize = widths.iter().take(N - 1).map(|width| width + 2).sum();
    let last = widths.last().copied().unwrap_or(0);
    let is_tight = taken + last.min(34) > width;
    let line = |row: &[String; N]| {
        let mut head = String::new();
        for (column, cell) in row.iter().enumerate().take(N - 1) {
            head.push_str(cell);
            head.push_str(&" ".repeat(widths[column] - length(cell) + 2));
        }
        let text = row.last().map_or("", String::as_str);
        if !is_tight || text.is_empty() {
            return hang(&head, text, width);
        }
        let indent = head.len() - head.trim_start().len() + 4;
        format!("{}\n{}", head.trim_end(), hang(&" ".repeat(indent), text, width))
    };
    rows.iter().map(line).collect()
}

/// Characters, which is what a terminal shows of the letters that specs and columns are named with.
pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// So many of something.
pub fn plural(number: u64, word: &str) -> String {
    plural_of(number, word, &format!("{word}s"))
}

/// So many of something whose plural is no matter of an `s`.
pub fn plural_of(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { several })
}

/// A number with separators for people.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in the unit people read best.
pub fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut whole = bytes;
    let mut unit = 0;
    let mut rest = 0;
    while whole >= 1000 && unit < units.len() - 1 {
        rest = whole % 1000 / 100;
        whole /= 1000;
        unit += 1;
    }
    if unit == 0 { format!("{whole} B") } else { format!("{whole}.{rest} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::{columns, hang, plural, size, thousands, wrap};

    #[test]
    fn sizes_are_in_the_unit_people_read_best() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(97_239), "97.2 kB");
        assert_eq!(size(1_245_000_000), "1.2 GB");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(12), "12");
        assert_eq!([plural(0, "row"), plural(1, "row"), plural(1000, "row")], ["0 rows", "1 row", "1,000 rows"]);
    }

    #[test]
    fn lines_fit_and_keep_every_word() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a verylongword b", 5), ["a", "verylongword", "b"]);
        assert_eq!(hang("  do: ", "one two three four five six seven", 20), "  do: one two three four\n      five six seven");
        assert_eq!(hang("head  ", "", 40), "head");
    }

    #[test]
    fn the_last_column_is_wrapped_or_stands_below() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let long = "words that go on for longer than the page is wide, and then some";
        let rows = [row(["a", "1", "short"]), row(["bbb", "22", long])];
        let wide = "         ";
        let wanted = format!("bbb  22  words that go on for longer than\n{wide}the page is wide, and then some");
        assert_eq!(columns(&rows, 43), ["a    1   short".to_owned(), wanted]);
        let narrow = columns(&rows, 40);
        assert_eq!(narrow[0], "a    1\n    short");
        assert!(narrow[1].lines().all(|line| line.len() <= 40) && narrow[1].starts_with("bbb  22\n    words"), "{}", narrow[1]);
    }
}
