//! What the environment says that is no secret.

use std::path::PathBuf;

/// The folder for what is remembered between runs.
pub fn state_folder() -> Option<PathBuf> {
    let folder = |name: &str| {
        #[expect(clippy::disallowed_methods, reason = "settings are what reads the environment")]
        let value = std::env::var_os(name);
        value.map(PathBuf::from).filter(|path| path.is_absolute())
    };
    folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state"))).map(|state| state.join("feedmill"))
}
