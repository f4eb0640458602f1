//! Guards: a snapshot that looks like an accident is held, and the last good one stays.
//!
//! The first of them: no item, far fewer items or ids than the target accepted last, and prices
//! whose scale moved. A held snapshot is let through by its digest, once, by a person.

use super::difference::Drift;

/// Why a snapshot is held, in words; empty where it is not.
pub fn held(drift: &Drift) -> Vec<String> {
    let mut reasons = Vec::new();
    if drift.now == 0 {
        reasons.push("no item is left".to_owned());
    }
    if drift.before == 0 {
        return reasons;
    }
    // A tenth, and at least ten: small catalogs may move.
    let is_drop = |lost: u64| lost >= 10 && lost * 10 >= drift.before;
    let lost = drift.before.saturating_sub(drift.now);
    if is_drop(lost) {
        reasons.push(format!("{} items instead of {} ({lost} fewer)", drift.now, drift.before));
    } else if is_drop(drift.ids_gone) {
        reasons.push(format!("{} of {} ids are gone, although there are as many items as before", drift.ids_gone, drift.before));
    }
    // The median stands on the side on which more than half of the prices are.
    if drift.priced > 0 && drift.hundredfold * 2 > drift.priced {
        reasons.push(format!(
            "the prices of {} of {} items moved by a factor of a hundred: major and minor units mixed up?",
            drift.hundredfold, drift.priced
        ));
    } else if drift.priced >= 10 && drift.far_below.max(drift.far_above) * 2 > drift.priced {
        reasons.push(format!(
            "the prices of {} of {} items {} by more than a fifth",
            drift.far_below.max(drift.far_above),
            drift.priced,
            if drift.far_below > drift.far_above { "fell" } else { "rose" }
        ));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::held;
    use crate::push::difference::Drift;

    #[test]
    fn accidents_are_held_and_small_moves_are_not() {
        let drift = |before, now, ids_gone| Drift { before, now, ids_gone, ..Drift::default() };
        for (sound, drift) in [
            (true, drift(0, 5, 0)),
            (false, drift(0, 0, 0)),
            (true, drift(20, 11, 9)),
            (false, drift(20, 10, 10)),
            (true, drift(1000, 901, 99)),
            (false, drift(1000, 900, 100)),
            (true, drift(1000, 1000, 99)),
            (false, drift(1000, 1000, 100)),
        ] {
            assert_eq!(held(&drift).is_empty(), sound, "{drift:?}");
        }
        let prices = |priced, hundredfold, far_above| Drift { before: 100, now: 100, priced, hundredfold, far_above, ..Drift::default() };
        assert!(held(&prices(100, 50, 50)).is_empty());
        assert!(!held(&prices(100, 51, 51)).is_empty());
        assert!(!held(&prices(1, 1, 1)).is_empty(), "a single price times a hundred");
        assert!(held(&prices(9, 0, 9)).is_empty() && !held(&prices(10, 0, 6)).is_empty());
    }
}
