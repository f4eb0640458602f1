//! What a sandbox is told before a rehearsal: feeds that the settings name, with the items that
//! were built, and who comes by SFTP. Credentials are made for it; those of the settings are not
//! even read.

use crate::push::difference;
use crate::push::feed::Built;
use crate::push::round::Order;
use crate::push::settings::Deliver;
use crate::push::stand_in::{Door, StandIn};
use crate::render::manifest::Manifest;
use crate::sandbox::Sandbox;
use std::path::Path;

/// Prepares a sandbox for these orders; files that it has no door for come to lie in a folder.
/// What cannot be read is told by the delivery itself.
pub(super) fn stand_in(sandbox: &Sandbox, orders: &[Order], folder: &Path) -> StandIn {
    let sftp = door(sandbox);
    for order in orders {
        let Ok(deliver) = Deliver::read(&order.target, &order.deliver) else { continue };
        let uploads = deliver.uploads();
        if let Some((feed, by_folder)) = uploads {
            sandbox.adopt("ads", feed, []);
            if by_folder {
                sandbox.watch(feed, &folder.join(&order.target));
            }
        }
        if let (Some(bucket), Some(built)) = (deliver.bucket(), Manifest::read(&order.folder)) {
            sandbox.announce(&bucket, &built.feed());
        }
        let_in(sandbox, order, &deliver, sftp.as_ref(), uploads.map(|(feed, _)| feed));
        let spec = Manifest::read(&order.folder).map(|built| built.target).unwrap_or_default();
        let Some((way, feed)) = deliver.feed(&spec) else { continue };
        let built = Built::open(&order.folder, deliver.common.format.as_deref());
        let items = built.and_then(|built| difference::items(&built)?.collect::<Result<Vec<_>, _>>()).unwrap_or_default();
        sandbox.adopt(way, feed, items);
    }
    StandIn { address: sandbox.address(), sftp, folder: folder.to_owned() }
}

#[cfg(feature = "sftp")]
fn door(sandbox: &Sandbox) -> Option<Door> {
    let (address, host_key) = (sandbox.sftp_address(), sandbox.host_key().to_owned());
    Some(Door { address, host_key, password: crate::clock::unique() })
}

#[cfg(not(feature = "sftp"))]
fn door(_: &Sandbox) -> Option<Door> {
    None
}

/// Lets an order in by SFTP, into a folder of the login that its settings name.
#[cfg(feature = "sftp")]
fn let_in(sandbox: &Sandbox, order: &Order, deliver: &Deliver, door: Option<&Door>, uploads: Option<&str>) {
    let (Some((user, folder)), Some(built), Some(door)) = (deliver.login(), Manifest::read(&order.folder), door) else {
        return;
    };
    let (password, feed) = (door.password.clone(), uploads.map(str::to_owned));
    sandbox.let_in(crate::sandbox::Login { user, password, spec: built.feed(), feed, folder });
}

#[cfg(not(feature = "sftp"))]
fn let_in(_: &Sandbox, _: &Order, _: &Deliver, _: Option<&Door>, _: Option<&str>) {}
