//! Where secrets are: in the environment or in a file, never in the command line, and never
//! in the project file itself.

use crate::catalog::secret::Secret;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A reference to a secret, as written.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretFile {
    /// The environment variable that holds it.
    pub env: Option<String>,
    /// The file that holds it; relative to the project file.
    pub file: Option<PathBuf>,
}

impl SecretFile {
    /// Reads the secret.
    ///
    /// # Errors
    /// Why it is not there, without what it is.
    pub fn read(&self, home: &Path) -> Result<Secret, String> {
        let text = match (&self.env, &self.file) {
            (Some(name), None) => {
                #[expect(clippy::disallowed_methods, reason = "settings are what reads the environment")]
                let value = std::env::var(name);
                value.map_err(|_| format!("the environment variable `{name}` is not set"))?
            }
            (None, Some(path)) => {
                let path = home.join(path);
                std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?
            }
            _ => return Err("give either `env` or `file`".to_owned()),
        };
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err("the secret is empty".to_owned()),
            text => Ok(Secret::new(text)),
        }
    }
}

/// The folder for what is remembered between runs.
pub fn state_folder() -> Option<PathBuf> {
    let folder = |name: &str| {
        #[expect(clippy::disallowed_methods, reason = "settings are what reads the environment")]
        let value = std::env::var_os(name);
        value.map(PathBuf::from).filter(|path| path.is_absolute())
    };
    folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state"))).map(|state| state.join("feedmill"))
}
