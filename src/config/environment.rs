//! What the environment says that is no secret.

use crate::secret::Secret;
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

/// The file that GitHub shows as the page of a step of a workflow.
pub fn step_summary() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "settings are what reads the environment")]
    let value = std::env::var_os("GITHUB_STEP_SUMMARY");
    value.filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Which proxy carries what leaves this machine, as the usual variables say.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// The variable that names the proxy, and what it says; it may hold a password.
    pub https: Option<(&'static str, Secret)>,
    /// Hosts that are reached without one, as written.
    pub without: String,
}

/// Reads the usual variables. There is none for plain http, which goes to this machine alone.
pub fn proxies() -> Proxies {
    let variable = |name: &'static str| {
        #[expect(clippy::disallowed_methods, reason = "settings are what reads the environment")]
        let value = std::env::var(name).ok();
        value.filter(|value| !value.is_empty()).map(|value| (name, value))
    };
    let named = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter().find_map(variable);
    let without = ["NO_PROXY", "no_proxy"].into_iter().find_map(variable);
    Proxies {
        https: named.map(|(name, value)| (name, Secret::new(value, format!("the variable `{name}`")))),
        without: without.map(|(_, value)| value).unwrap_or_default(),
    }
}
