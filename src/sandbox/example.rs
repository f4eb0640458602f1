//! What a sandbox says of itself: its addresses, and targets of a project file that use them.

use super::{Api, Sandbox};

impl Sandbox {
    /// The addresses, and an example of targets that use them.
    pub fn introduction(&self) -> String {
        let (stripe, files) = (self.base(Api::Stripe), self.base(Api::StripeFiles));
        let (acp, commerce) = (self.base(Api::Acp), self.base(Api::Commerce));
        let (ads, https) = (self.base(Api::Ads), self.base(Api::Https));
        format!(
            r#"# {stripe}  Stripe: product catalog imports, import sets
# {files}  Stripe: files
# {acp}  ACP feeds
# {commerce}  OpenAI product feeds
# {ads}  OpenAI Ads feeds
# {https}  endpoint for whole feeds

[[target]]
name = "stripe-rehearsal"
spec = "stripe"
deliver = {{ stripe = "v2", mode = "test", key = {{ file = "sandbox.key" }}, api_base = "{stripe}", files_base = "{files}" }}
"#
        )
    }
}
