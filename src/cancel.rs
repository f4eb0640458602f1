//! Asking work to stop: a flag for loops, and something to wait for where work itself waits.

use std::sync::Arc;
use tokio::sync::watch;

/// Set to stop a run at the next batch, or while it waits for its input; from a signal, for example.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancel {
    /// Asks the run to stop.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked to.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked to.
    pub async fn cancelled(&self) {
        // The sender lives as long as this does, so the wait cannot fail.
        if self.0.subscribe().wait_for(|is_cancelled| *is_cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
