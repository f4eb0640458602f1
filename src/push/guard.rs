//! Guards: a snapshot that looks like an accident is held, and the last good one stays.
//!
//! Each compares one number with what the target accepted last. From one limit on it says so,
//! from the next it holds; how many items that takes at least keeps small catalogs free to move.
//! A held snapshot is let through by its digest, once, by a person.

use super::drift::Drift;
use super::filled::Filled;

/// What the guards say of a snapshot, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Why it is held.
    pub held: Vec<String>,
    /// What is worth a look, and holds nothing.
    pub noticed: Vec<String>,
}

/// From how many items on, and from how many of a thousand, a guard speaks and holds.
#[derive(Clone, Copy)]
struct Limits {
    notice: (u64, u64),
    hold: (u64, u64),
}

/// Items fewer than the target accepted last.
const FEWER: Limits = Limits { notice: (10, 30), hold: (10, 100) };
/// Items fewer than it accepted at most within a week: a leak that goes on from run to run.
const FEWER_THAN_EVER: Limits = Limits { notice: (10, 100), hold: (10, 250) };
/// Ids that are gone, whatever their number: another way to make ids.
const GONE: Limits = Limits { notice: (10, 50), hold: (10, 200) };
/// Items that would be in stock if as large a share were as before.
const SOLD_OUT: Limits = Limits { notice: (10, 150), hold: (10, 400) };
/// Prices that moved by more than half.
const MOVED: Limits = Limits { notice: (10, 20), hold: (10, 100) };
/// Items that cost nothing from now on.
const FREE: Limits = Limits { notice: (1, 0), hold: (10, 10) };
/// Items in another currency, or with links to another host.
const ELSEWHERE: Limits = Limits { notice: (1, 0), hold: (3, 100) };

impl Judgement {
    fn weigh(&mut self, count: u64, of: u64, limits: Limits, say: impl FnOnce() -> String) {
        let reaches = |(least, permille): (u64, u64)| count >= least && u128::from(count) * 1000 >= u128::from(of) * u128::from(permille);
        if reaches(limits.hold) {
            self.held.push(say());
        } else if reaches(limits.notice) {
            self.noticed.push(say());
        }
    }
}

/// Columns that go empty.
const EMPTIED: Limits = Limits { notice: (10, 100), hold: (10, 300) };

/// Judges how full columns are; each that goes empty is named.
pub fn columns(judgement: &mut Judgement, before: &Filled, now: &Filled) {
    for (name, was) in &before.fields {
        let (was, is) = (*was, now.fields.get(name).copied().unwrap_or(0));
        let expected = u128::from(was) * u128::from(now.items) / u128::from(before.items.max(1));
        let missing = u64::try_from(expected).unwrap_or(u64::MAX).saturating_sub(is);
        judgement.weigh(missing, now.items, EMPTIED, || {
            format!("`{name}` has a value in {is} of {} items instead of {was} of {}", now.items, before.items)
        });
    }
}

/// Judges what moved.
pub fn judge(drift: &Drift) -> Judgement {
    let mut judgement = Judgement::default();
    let Drift { before, now, most, ids_gone, in_stock_before, in_stock, priced, .. } = *drift;
    if now == 0 {
        judgement.held.push("no item is left".to_owned());
    }
    if before == 0 {
        return judgement;
    }
    let lost = before.saturating_sub(now);
    judgement.weigh(lost, before, FEWER, || format!("{now} items instead of {before} ({lost} fewer)"));
    if judgement.held.is_empty() {
        judgement.weigh(ids_gone, before, GONE, || {
            let other = if lost == 0 { ", although there are as many items as before" } else { "" };
            format!("{ids_gone} of {before} ids are gone{other}")
        });
        if most > before {
            let lost = most.saturating_sub(now);
            judgement
                .weigh(lost, most, FEWER_THAN_EVER, || format!("{now} items instead of the {most} of some day this week ({lost} fewer)"));
        }
    }
    stock(&mut judgement, (before, in_stock_before), (now, in_stock));
    prices(&mut judgement, drift);
    judgement.weigh(drift.free, now, FREE, || format!("{} of {now} items cost nothing or next to nothing now", drift.free));
    judgement
        .weigh(drift.recoined, priced, ELSEWHERE, || format!("the prices of {} of {priced} items are in another currency", drift.recoined));
    judgement.weigh(drift.rehosted, drift.linked, ELSEWHERE, || {
        format!("the links of {} of {} items lead to another host", drift.rehosted, drift.linked)
    });
    judgement
}

/// Items of all and of those in stock, before and now.
fn stock(judgement: &mut Judgement, (before, in_stock_before): (u64, u64), (now, in_stock): (u64, u64)) {
    let say = || format!("{in_stock} of {now} items are in stock instead of {in_stock_before} of {before}");
    if in_stock == 0 && in_stock_before >= SOLD_OUT.hold.0 && now > 0 {
        judgement.held.push(say());
        return;
    }
    let expected = u128::from(in_stock_before) * u128::from(now) / u128::from(before.max(1));
    let missing = u64::try_from(expected).unwrap_or(u64::MAX).saturating_sub(in_stock);
    judgement.weigh(missing, now, SOLD_OUT, say);
}

fn prices(judgement: &mut Judgement, drift: &Drift) {
    let Drift { priced, hundredfold, moved, .. } = *drift;
    let far = drift.far_below.max(drift.far_above);
    // The median stands on the side on which more than half of the prices are.
    if priced > 0 && hundredfold * 2 > priced {
        judgement
            .held
            .push(format!("the prices of {hundredfold} of {priced} items moved by a factor of a hundred: major and minor units mixed up?"));
    } else if priced >= 10 && far * 2 > priced {
        let way = if drift.far_below > drift.far_above { "fell" } else { "rose" };
        judgement.held.push(format!("the prices of {far} of {priced} items {way} by more than a fifth"));
    } else {
        judgement.weigh(moved, priced, MOVED, || format!("the prices of {moved} of {priced} items moved by more than half"));
    }
}

#[cfg(test)]
mod tests {
    use super::{Judgement, columns, judge};
    use crate::push::drift::Drift;
    use crate::push::filled::Filled;

    /// What becomes of a drift: 0 nothing is said, 1 it is noticed, 2 it is held.
    fn level(drift: Drift) -> u8 {
        let judgement = judge(&drift);
        assert!(judgement.held.len() + judgement.noticed.len() <= 1, "one thing moved, one is told: {judgement:?}");
        if judgement.held.is_empty() { u8::from(!judgement.noticed.is_empty()) } else { 2 }
    }

    #[test]
    fn accidents_are_held_and_small_moves_are_not() {
        let drift = |before, now, ids_gone| level(Drift { before, now, ids_gone, ..Drift::default() });
        assert_eq!([drift(0, 5, 0), drift(0, 0, 0), drift(20, 11, 0), drift(20, 10, 0)], [0, 2, 0, 2]);
        assert_eq!([drift(1000, 971, 0), drift(1000, 970, 0), drift(1000, 901, 0), drift(1000, 900, 100)], [0, 1, 1, 2]);
        assert_eq!([drift(1000, 1000, 49), drift(1000, 1000, 50), drift(1000, 1000, 199), drift(1000, 1000, 200)], [0, 1, 1, 2]);
        let most = |most, now| level(Drift { before: now, now, most, ..Drift::default() });
        assert_eq!([most(1000, 1000), most(1000, 901), most(1000, 900), most(1000, 751), most(1000, 750)], [0, 0, 1, 1, 2]);
    }

    #[test]
    fn prices_that_moved_are_held() {
        let prices = |priced, hundredfold, far_above, moved| {
            level(Drift { before: 100, now: 100, priced, hundredfold, far_above, moved, ..Drift::default() })
        };
        assert_eq!([prices(100, 50, 50, 0), prices(100, 51, 51, 51), prices(1, 1, 1, 1)], [0, 2, 2], "a single price times a hundred too");
        assert_eq!([prices(9, 0, 9, 0), prices(10, 0, 6, 0)], [0, 2]);
        assert_eq!([prices(1000, 0, 0, 19), prices(1000, 0, 0, 20), prices(1000, 0, 0, 99), prices(1000, 0, 0, 100)], [0, 1, 1, 2]);
        let free = |free| level(Drift { before: 1000, now: 1000, free, ..Drift::default() });
        assert_eq!([free(0), free(1), free(9), free(10)], [0, 1, 1, 2]);
        let currencies = |recoined| level(Drift { before: 100, now: 100, priced: 100, recoined, ..Drift::default() });
        assert_eq!([currencies(0), currencies(1), currencies(9), currencies(10)], [0, 1, 1, 2]);
        let hosts = |linked, rehosted| level(Drift { before: 100, now: 100, linked, rehosted, ..Drift::default() });
        assert_eq!([hosts(0, 0), hosts(100, 1), hosts(100, 10), hosts(2, 2), hosts(3, 3)], [0, 1, 2, 1, 2]);
    }

    #[test]
    fn columns_that_go_empty_are_held() {
        let filled = |items, gtin| Filled { items, fields: [("gtin".to_owned(), gtin), ("title".to_owned(), items)].into() };
        let level = |before: &Filled, now: &Filled| {
            let mut judgement = Judgement::default();
            columns(&mut judgement, before, now);
            (judgement.held, judgement.noticed)
        };
        let said = |words: &str| vec![words.to_owned()];
        assert_eq!(level(&filled(100, 90), &filled(50, 45)), (vec![], vec![]), "fewer items, as full as before");
        assert_eq!(level(&filled(100, 90), &filled(100, 81)), (vec![], vec![]));
        assert_eq!(level(&filled(100, 90), &filled(100, 80)), (vec![], said("`gtin` has a value in 80 of 100 items instead of 90 of 100")));
        assert_eq!(level(&filled(100, 90), &filled(100, 60)), (said("`gtin` has a value in 60 of 100 items instead of 90 of 100"), vec![]));
        let gone = Filled { fields: [("title".to_owned(), 100)].into(), items: 100 };
        assert_eq!(level(&filled(100, 30), &gone).0.len(), 1, "the column is not there any more");
        assert_eq!(level(&filled(12, 9), &filled(12, 0)), (vec![], vec![]), "nine items are fewer than ten");
    }

    #[test]
    fn a_shop_that_is_sold_out_at_once_is_held() {
        let stock = |in_stock_before, now, in_stock| level(Drift { before: 100, now, in_stock_before, in_stock, ..Drift::default() });
        assert_eq!([stock(90, 100, 76), stock(90, 100, 75), stock(90, 100, 51), stock(90, 100, 50)], [0, 1, 1, 2]);
        assert_eq!([stock(10, 100, 0), stock(9, 100, 0)], [2, 0], "the last few pieces of a small shop may go");
        assert_eq!([stock(0, 100, 0), stock(90, 95, 86)], [0, 0], "items that left do not count as sold out");
    }
}
