//! Which element is the record.

use super::token::{Token, token};
use super::tree::declarations;
use super::{MAX_DEPTH, Shape};
use std::collections::HashMap;

/// Most different paths that are told apart.
const MOST_PATHS: usize = 10_000;

/// Paths that are records wherever they occur.
const KNOWN: [&str; 3] = ["rss/channel/item", "feed/entry", "RDF/item"];

/// What was seen of the elements at one path.
#[derive(Debug, Default)]
struct Seen {
    path: Vec<String>,
    count: usize,
    /// Elements inside, and attributes in twos and more, over all occurrences.
    parts: usize,
    /// Where the first one begins.
    first: usize,
}

/// The shape of the document whose beginning is `sample`. `wanted` is a path such as
/// `catalog/product`, or the end of one.
///
/// # Errors
/// Why no element can be the record.
pub fn detect(sample: &[u8], wanted: Option<&str>) -> Result<Shape, String> {
    let (seen, broken) = survey(sample);
    let path_of = |seen: &Seen| seen.path.join("/");
    let found = match wanted {
        Some(wanted) => {
            let wanted: Vec<&str> = wanted.split('/').filter(|step| !step.is_empty()).collect();
            let ends =
                |seen: &&Seen| seen.path.len() >= wanted.len() && seen.path.iter().rev().zip(wanted.iter().rev()).all(|(a, b)| a == b);
            seen.iter().find(ends).filter(|_| !wanted.is_empty())
        }
        None => plausible(&seen),
    };
    let Some(found) = found else {
        if let Some(broken) = broken {
            return Err(broken.to_owned());
        }
        let mut known: Vec<String> = seen.iter().filter(|seen| seen.parts > 0).map(path_of).collect();
        known.truncate(8);
        let known = if known.is_empty() { String::new() } else { format!("; elements with elements inside: {}", known.join(", ")) };
        return Err(match wanted {
            Some(wanted) => format!("no element stands at `{wanted}` in the first part of the document{known}"),
            None => format!("no element of the XML document looks like a record; name it with `--record PATH`{known}"),
        });
    };
    let mut shape = Shape { path: found.path.clone(), prefixes: Vec::new() };
    ancestors(sample, found.first, &mut shape);
    Ok(shape)
}

/// The most plausible record: a feed's item, else the outermost element that repeats and has
/// parts, else the outermost with at least two parts.
fn plausible(seen: &[Seen]) -> Option<&Seen> {
    let local = |step: &String| step.rsplit(':').next().unwrap_or(step).to_owned();
    let feed = seen.iter().find(|seen| KNOWN.contains(&seen.path.iter().map(local).collect::<Vec<_>>().join("/").as_str()));
    let best = |least_count: usize, least_parts: usize| {
        let fits =
            seen.iter().filter(|seen| seen.path.len() > 1 && seen.count >= least_count && seen.parts >= least_parts * seen.count.min(2));
        fits.min_by_key(|seen| (seen.path.len(), usize::MAX - seen.parts))
    };
    feed.or_else(|| best(2, 1)).or_else(|| best(1, 2)).or_else(|| seen.iter().find(|seen| seen.parts >= 2))
}

/// All paths of the sample, in the order they are met, and what broke it off.
fn survey(sample: &[u8]) -> (Vec<Seen>, Option<&'static str>) {
    let mut broken = None;
    let mut seen: Vec<Seen> = Vec::new();
    let mut places: HashMap<(Option<usize>, &[u8]), usize> = HashMap::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', sample.get(at..).unwrap_or_default()).map(|found| at + found) {
        match token(sample, found) {
            Token::Open { name, end, empty } => {
                let parent = open.last().copied();
                let place = *places.entry((parent, name)).or_insert_with(|| {
                    let mut path = parent.and_then(|parent| seen.get(parent)).map_or(Vec::new(), |seen| seen.path.clone());
                    path.push(String::from_utf8_lossy(name).into_owned());
                    seen.push(Seen { path, first: found, ..Seen::default() });
                    seen.len() - 1
                });
                let attributes = memchr::memchr_iter(b'=', sample.get(found..end).unwrap_or_default()).count();
                if let Some(one) = seen.get_mut(place) {
                    one.count += 1;
                    one.parts += attributes.saturating_sub(1);
                }
                if let Some(parent) = parent.and_then(|parent| seen.get_mut(parent)) {
                    parent.parts += 1;
                }
                if !empty {
                    open.push(place);
                }
                if open.len() > MAX_DEPTH || seen.len() > MOST_PATHS {
                    break;
                }
                at = end;
            }
            Token::Close { end, .. } => {
                open.pop();
                at = end;
            }
            Token::Other { end } => at = end,
            Token::Cut => break,
            Token::Broken(what) => {
                broken = Some(what);
                break;
            }
        }
    }
    (seen, broken)
}

/// Collects the declarations of the elements around the first record.
fn ancestors(sample: &[u8], record: usize, shape: &mut Shape) {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', sample.get(at..).unwrap_or_default()).map(|found| at + found) {
        if found >= record {
            break;
        }
        at = match token(sample, found) {
            Token::Open { end, empty, .. } => {
                if !empty {
                    open.push((found, end));
                }
                end
            }
            Token::Close { end, .. } => {
                open.pop();
                end
            }
            Token::Other { end } => end,
            Token::Cut | Token::Broken(_) => break,
        };
    }
    for (start, end) in open {
        declarations(&String::from_utf8_lossy(sample.get(start..end).unwrap_or_default()), shape);
    }
}

#[cfg(test)]
mod tests {
    use super::detect;

    #[track_caller]
    fn record(document: &str, expected: &str) {
        assert_eq!(detect(document.as_bytes(), None).expect("a record").shown(), expected, "{document}");
    }

    #[test]
    fn the_most_plausible_element() {
        record("<rss><channel><title>x</title><item><id>1</id></item></channel></rss>", "rss/channel/item");
        record("<feed><entry><id/></entry></feed>", "feed/entry");
        record("<c><p><i>1</i><v><s>1</s><s>2</s></v></p><p><i>2</i></p></c>", "c/p");
        record("<c><head><a/></head><list><p><i/></p><p><i/></p></list></c>", "c/list/p");
        record("<c><row id='1' t='x'/><row id='2' t='y'/></c>", "c/row");
        record("<c><p><i>1</i><t>2</t></p></c>", "c/p");
        assert!(detect(b"<c>text</c>", None).is_err());
    }

    #[test]
    fn a_path_or_its_end() {
        let document = b"<c><p><v><s>1</s></v><v/></p><p/></c>";
        for wanted in ["c/p/v", "p/v", "v", "/c/p/v"] {
            assert_eq!(detect(document, Some(wanted)).expect("there").shown(), "c/p/v");
        }
        let error = detect(document, Some("item")).expect_err("not there");
        assert!(error.contains("c/p"), "{error}");
    }
}
