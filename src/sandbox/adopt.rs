//! Feeds that are there before anything is asked, as if somebody had made them: a rehearsal of
//! a target that names its feed finds it, and changes find the items they change.

use super::ads::AdsFeed;
use super::{Api, Sandbox};
use std::collections::BTreeMap;
use std::path::Path;

impl Sandbox {
    /// Takes a feed for made that deliveries by this way in call by this id; what changes items
    /// that are there finds these, each with its group, or none. For Stripe it is an account, the
    /// key's own where the name is empty.
    pub fn adopt(&self, way: &str, feed: &str, items: impl IntoIterator<Item = (String, String)>) {
        let now = self.shared.now();
        let mut world = self.shared.world();
        let api = match way {
            "acp" => Api::Acp,
            "product_feeds" => Api::Commerce,
            "ads" => {
                let row = |(item, group): (String, String)| {
                    let mut row = BTreeMap::from([("item_id".to_owned(), item.clone())]);
                    if !group.is_empty() {
                        row.insert("group_id".to_owned(), group);
                    }
                    (item, row)
                };
                if world.ads_feed(feed).is_none() {
                    world.ads.push(AdsFeed::new(feed.to_owned(), feed.to_owned(), Vec::new(), now));
                }
                if let Some(known) = world.ads_feed(feed) {
                    known.take(items.into_iter().map(row));
                }
                return;
            }
            "stripe" => {
                let account = if feed.is_empty() { self.shared.options.account.clone() } else { feed.to_owned() };
                world.stripe.adopt(&account, items.into_iter().map(|(item, _)| item));
                return;
            }
            _ => return,
        };
        if world.feeds.find(api, feed).is_none() {
            world.feeds.take(api, feed.to_owned(), None, now);
        }
    }

    /// Judges what is put into a folder of a bucket (`bucket/folder`) by this spec.
    pub fn announce(&self, folder: &str, spec: &str) {
        self.shared.world().objects.announce(folder, spec);
    }

    /// Takes whatever comes to lie in a folder for uploads to a feed of the Ads API, as if somebody
    /// carried it there; it is looked for whenever uploads are asked for.
    pub fn watch(&self, feed: &str, folder: &Path) {
        if let Some(feed) = self.shared.world().ads_feed(feed) {
            feed.watch(folder);
        }
    }
}
