//! Several possible snapshots made one, so that a target that fails for weeks while the catalog
//! changes does not fill the disk.
//!
//! What the target may hold is the union of their items. Which version of each it holds is not
//! known any more, so the union says of none what was written: every item in it counts as changed
//! until the target accepts a snapshot again, and one that is gone is still known to be deleted.

use super::{State, StateError};
use crate::render::index::Print;
use sqlx::Connection;

/// A print that no item has.
const UNKNOWN: Print = Print { body: 0, price: 0, stock: 0, amount: -1, in_stock: false, on_sale: false, currency: 0, host: 0, filled: 0 };

impl State {
    /// Makes the snapshots that an account may hold one, and clears away what nobody holds then.
    ///
    /// # Errors
    /// When the state cannot be read or written.
    pub async fn unite(&self, target: &str, account: &str, snapshots: &[i64], now: i64) -> Result<(), StateError> {
        let mut draft = self.draft(now).await?;
        let mut readers: Vec<_> = snapshots.iter().map(|snapshot| self.read(*snapshot)).collect();
        loop {
            let mut least = None;
            for reader in &mut readers {
                let key = reader.peek().await?.map(|known| known.key);
                least = match (least, key) {
                    (Some(least), Some(key)) => Some(std::cmp::min::<u128>(least, key)),
                    (least, key) => least.or(key),
                };
            }
            let Some(least) = least else { break };
            let mut found = None;
            for reader in &mut readers {
                if reader.peek().await?.is_some_and(|known| known.key == least) {
                    found = reader.take();
                }
            }
            if let Some(mut known) = found {
                known.print = UNKNOWN;
                draft.push(&known).await?;
            }
        }
        let union = draft.finish(&format!("union-{}", crate::clock::unique())).await?;
        let mut connection = self.connection().await;
        let fail = |error| self.fail(error);
        let mut transaction = connection.begin().await.map_err(fail)?;
        for snapshot in snapshots {
            sqlx::query("delete from holding where target = ? and account = ? and snapshot = ? and accepted = 0")
                .bind(target)
                .bind(account)
                .bind(snapshot)
                .execute(&mut *transaction)
                .await
                .map_err(fail)?;
        }
        sqlx::query("insert into holding (target, account, snapshot, accepted, since) values (?, ?, ?, 0, ?)")
            .bind(target)
            .bind(account)
            .bind(union)
            .bind(now)
            .execute(&mut *transaction)
            .await
            .map_err(fail)?;
        self.clear(&mut transaction).await?;
        transaction.commit().await.map_err(fail)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::wait;
    use super::super::{Accepted, Known, State, key_of};
    use super::UNKNOWN;
    use crate::render::index::Print;

    #[test]
    fn the_union_knows_every_item_and_no_version_of_it() {
        let folder = tempfile::tempdir().expect("a folder");
        wait(async {
            let state = State::open(&folder.path().join("state.sqlite")).await.expect("new");
            let mut made = Vec::new();
            for (name, numbers) in [("d1", 0..6_000), ("d2", 3_000..9_000), ("d3", 8_999..9_001)] {
                let print = Print { body: 7, ..Print::default() };
                let known = |n: u32| Known { key: key_of(&n.to_string()), item: n.to_string(), group: String::new(), print };
                let mut all: Vec<Known> = numbers.map(known).collect();
                all.sort_unstable_by_key(|known| known.key);
                let mut draft = state.draft(1).await.expect("draft");
                for known in &all {
                    draft.push(known).await.expect("pushed");
                }
                made.push(draft.finish(name).await.expect("finished"));
                state.may_hold("t", "a", made[made.len() - 1], 1).await.expect("noted");
            }
            state.holds("t", "b", &Accepted { snapshot: made[0], outstanding: &[], is_new_norm: false }, 1).await.expect("held by another");
            state.unite("t", "a", &made, 2).await.expect("united");
            let holdings = state.holdings("t", "a").await.expect("readable");
            assert_eq!(holdings.iter().map(|held| (held.items, held.accepted)).collect::<Vec<_>>(), [(9_001, false)]);
            assert!(state.snapshot("d1").await.expect("readable").is_some() && state.snapshot("d2").await.expect("readable").is_none());
            let mut reader = state.read(holdings[0].snapshot);
            let (mut before, mut count) = (0, 0);
            while reader.peek().await.expect("readable").is_some() {
                let known = reader.take().expect("peeked");
                assert!((known.key > before || count == 0) && known.print == UNKNOWN && known.key == key_of(&known.item));
                (before, count) = (known.key, count + 1);
            }
            assert_eq!(count, 9_001);
        });
    }
}
