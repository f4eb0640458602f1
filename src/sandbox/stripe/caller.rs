//! Who calls: the key, the account it acts for, and the version it speaks.

use super::StripeFault;
use super::version::Version;
use crate::sandbox::Shared;
use crate::sandbox::call::Call;

/// A caller.
#[derive(Debug)]
pub(super) struct Caller {
    /// The account whose objects are meant.
    pub(super) account: String,
    /// Whether the key is a live one.
    pub(super) live: bool,
    /// The version spoken.
    pub(super) version: Version,
    /// Whether imports may be read.
    pub(super) reads_imports: bool,
    /// Whether imports may be written.
    pub(super) writes_imports: bool,
}

impl Caller {
    /// Under which idempotency keys of this caller are kept.
    pub(super) fn scope(&self) -> String {
        format!("stripe {} {}", self.account, self.live)
    }
}

/// Finds out who calls.
pub(super) fn caller(shared: &Shared, call: &Call) -> Result<Caller, StripeFault> {
    let unauthenticated = |message: &str| StripeFault::new(401, "unauthenticated", message);
    let key = key(call).ok_or_else(|| unauthenticated("an API key is required, as bearer token or as the user of basic authorization"))?;
    let form =
        ["sk_test_", "sk_live_", "rk_test_", "rk_live_"].into_iter().find(|prefix| key.len() > prefix.len() && key.starts_with(prefix));
    let Some(form) = form else {
        return Err(unauthenticated("the API key has none of the prefixes sk_test_, sk_live_, rk_test_, rk_live_"));
    };
    let known = shared.options.keys.iter().find(|known| known.secret == key);
    if known.is_none() && !shared.options.keys.is_empty() {
        return Err(unauthenticated("the API key is not known"));
    }
    let version = call.header("stripe-version").unwrap_or(&shared.options.account_version);
    let version = Version::parse(version)
        .ok_or_else(|| StripeFault::new(400, "unsupported_version", format!("`{version}` is no `Stripe-Version`")))?;
    Ok(Caller {
        account: account(shared, call)?,
        live: form.ends_with("_live_"),
        version,
        reads_imports: known.is_none_or(|key| key.reads_imports),
        writes_imports: known.is_none_or(|key| key.writes_imports),
    })
}

fn key(call: &Call) -> Option<String> {
    let (scheme, credentials) = call.header("authorization")?.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(credentials.trim().to_owned()),
        "basic" => {
            let plain = base64(credentials.trim())?;
            let (user, _) = plain.split_once(':')?;
            Some(user.to_owned())
        }
        _ => None,
    }
}

/// Decodes the base64 of a basic authorization.
fn base64(text: &str) -> Option<String> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0_u32, Vec::new());
    for byte in text.trim_end_matches('=').bytes() {
        let digit = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|known| *known == byte)?;
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The account a call is for: the key's own, or a connected one.
fn account(shared: &Shared, call: &Call) -> Result<String, StripeFault> {
    let context = call.header("stripe-context").map(|context| context.rsplit('/').next().unwrap_or(context));
    let named = match (call.header("stripe-account"), context) {
        (Some(account), Some(context)) if account != context => {
            return Err(StripeFault::new(400, "invalid_fields", "`Stripe-Account` and `Stripe-Context` name two accounts"));
        }
        (Some(account), _) | (None, Some(account)) => account,
        (None, None) => return Ok(shared.options.account.clone()),
    };
    let accounts = &shared.options.accounts;
    let known = if accounts.is_empty() {
        named.strip_prefix("acct_").is_some_and(|rest| !rest.is_empty())
    } else {
        accounts.iter().any(|account| account == named) || named == shared.options.account
    };
    if known {
        Ok(named.to_owned())
    } else {
        Err(StripeFault::new(403, "forbidden", format!("the key has no access to the account `{named}`, or it does not exist")))
    }
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn basic_credentials_are_read() {
        assert_eq!(base64("c2tfdGVzdF8xOg==").as_deref(), Some("sk_test_1:"));
        assert_eq!(base64("c2tfdGVzdF8xMjo=").as_deref(), Some("sk_test_12:"));
        assert_eq!(base64("not base64"), None);
    }
}
