//! What a sandbox says of itself: its addresses, and targets of a project file that use them.

use super::{Api, Sandbox};

impl Sandbox {
    /// The addresses, and an example of targets that use them.
    pub fn introduction(&self) -> String {
        self.apis() + &self.sftp()
    }

    #[cfg(not(feature = "sftp"))]
    fn sftp(&self) -> String {
        String::new()
    }

    #[cfg(feature = "sftp")]
    fn sftp(&self) -> String {
        let (address, host_key) = (self.sftp_address(), self.host_key());
        format!(
            r#"
# sftp://USER@{address}/  SFTP: whole feeds; the user is the spec by which they are judged, or a feed of the Ads API

[[target]]
name = "sftp-rehearsal"
spec = "openai"
format = "jsonl.gz"
deliver = {{ sftp = "sftp://openai@{address}/", password = {{ file = "sandbox.key" }}, host_key = "{host_key}" }}
"#
        )
    }

    fn apis(&self) -> String {
        let (stripe, files) = (self.base(Api::Stripe), self.base(Api::StripeFiles));
        let (acp, commerce) = (self.base(Api::Acp), self.base(Api::Commerce));
        let (ads, https, objects) = (self.base(Api::Ads), self.base(Api::Https), self.base(Api::Objects));
        format!(
            r#"# {stripe}  Stripe: product catalog imports, import sets
# {files}  Stripe: files
# {acp}  ACP feeds
# {commerce}  OpenAI product feeds
# {ads}  OpenAI Ads feeds
# {https}  endpoint for whole feeds
# {objects}  object store, S3

[[target]]
name = "stripe-rehearsal"
spec = "stripe"
deliver = {{ stripe = "v2", mode = "test", key = {{ file = "sandbox.key" }}, api_base = "{stripe}", files_base = "{files}" }}
"#
        )
    }
}
