//! How far a feed has moved from the snapshot that the target accepted last: what guards look at.

use crate::render::index::Print;

/// The feed against the snapshot that the target accepted last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drift {
    /// Items of the snapshot; 0 where there is none.
    pub before: u64,
    /// Items of the feed.
    pub now: u64,
    /// The most items that the target accepted within the last seven days; 0 where it is not known.
    pub most: u64,
    /// Ids of the snapshot that the feed does not have.
    pub ids_gone: u64,
    /// Items of the snapshot that could be bought.
    pub in_stock_before: u64,
    /// Items of the feed that can be bought.
    pub in_stock: u64,
    /// Items that have a price in both.
    pub priced: u64,
    /// Of these, the ones that cost less than four fifths of what they did.
    pub far_below: u64,
    /// Of these, the ones that cost more than five fourths.
    pub far_above: u64,
    /// Of these, the ones whose price moved by more than half of it.
    pub moved: u64,
    /// Of these, the ones whose price moved by about a hundred, up or down.
    pub hundredfold: u64,
    /// Of these, the ones in another currency.
    pub recoined: u64,
    /// Items that cost nothing, or no more than a hundredth of the unit, and did not before.
    pub free: u64,
    /// Items that have a link in both.
    pub linked: u64,
    /// Of these, the ones whose link leads to another host.
    pub rehosted: u64,
}

/// A hundredth of the unit, in the ten-thousandths that prints are in.
const CENT: i64 = 100;

impl Drift {
    /// An item of the feed; `before` is what the accepted snapshot has of it.
    pub(super) fn item(&mut self, before: Option<&Print>, now: &Print) {
        self.in_stock += u64::from(now.in_stock);
        let is_free = |print: &Print| (0..=CENT).contains(&print.amount);
        self.free += u64::from(is_free(now) && !before.is_some_and(is_free));
        let Some(before) = before else { return };
        self.in_stock_before += u64::from(before.in_stock);
        let differs = |before: u16, now: u16| before != 0 && now != 0 && before != now;
        self.recoined += u64::from(differs(before.currency, now.currency));
        self.linked += u64::from(before.host != 0 && now.host != 0);
        self.rehosted += u64::from(differs(before.host, now.host));
        self.price(before.amount, now.amount);
    }

    /// An item of the accepted snapshot that the feed does not have.
    pub(super) fn gone(&mut self, before: &Print) {
        self.ids_gone += 1;
        self.in_stock_before += u64::from(before.in_stock);
    }

    fn price(&mut self, before: i64, now: i64) {
        if before <= 0 || now <= 0 {
            return;
        }
        let (before, now) = (i128::from(before), i128::from(now));
        let within = |low: i128, high: i128, from: i128, to: i128| to * 100 >= from * low && to * 100 <= from * high;
        self.priced += 1;
        self.far_below += u64::from(now * 5 < before * 4);
        self.far_above += u64::from(now * 4 > before * 5);
        self.moved += u64::from(now * 2 < before || now * 2 > before * 3);
        self.hundredfold += u64::from(within(8_000, 12_500, before, now) || within(8_000, 12_500, now, before));
    }
}

#[cfg(test)]
mod tests {
    use super::Drift;
    use crate::render::index::Print;

    fn print(amount: i64) -> Print {
        Print { amount, in_stock: true, currency: 1, host: 1, ..Print::default() }
    }

    #[test]
    fn what_moved_is_counted_from_either_side() {
        let against = |before: Print, now: Print| {
            let mut drift = Drift::default();
            drift.item(Some(&before), &now);
            drift
        };
        let prices = |before, now| against(print(before), print(now));
        let counts = |drift: Drift| [drift.far_below, drift.far_above, drift.moved, drift.hundredfold].map(|count| count == 1);
        assert_eq!(counts(prices(100_000, 80_000)), [false, false, false, false]);
        assert_eq!(counts(prices(100_000, 79_999)), [true, false, false, false]);
        assert_eq!(counts(prices(100_000, 125_001)), [false, true, false, false]);
        assert_eq!([prices(100_000, 50_000).moved, prices(100_000, 49_999).moved], [0, 1]);
        assert_eq!([prices(100_000, 150_000).moved, prices(100_000, 150_001).moved], [0, 1]);
        assert_eq!(counts(prices(100_000, 10_000_000)), [false, true, true, true]);
        assert_eq!(counts(prices(10_000_000, 100_000)), [true, false, true, true]);
        assert_eq!(prices(-1, 5).priced + prices(5, -1).priced, 0, "no price is none to compare with");

        let free = |before, now| prices(before, now).free;
        assert_eq!([free(100_000, 0), free(100_000, 100), free(100_000, 101), free(100, 0), free(100_000, -1)], [1, 1, 0, 0, 0]);
        let euros = against(print(10), Print { currency: 2, ..print(10) });
        let unknown = against(Print { currency: 0, host: 0, ..print(10) }, print(10));
        assert_eq!([euros.recoined, unknown.recoined, unknown.rehosted, unknown.linked], [1, 0, 0, 0]);
        assert_eq!(against(print(10), Print { host: 2, ..print(10) }).rehosted, 1);

        let mut drift = prices(1, 1);
        drift.gone(&print(1));
        drift.item(None, &Print { in_stock: false, ..print(0) });
        assert_eq!(
            (drift.in_stock_before, drift.in_stock, drift.ids_gone, drift.free),
            (2, 1, 1, 1),
            "an item that is new and free counts too"
        );
    }
}
