//! RSA keys: many merchants have no other. They sign with SHA-2 and never with SHA-1.
//!
//! The private operation of the `rsa` crate takes longer for some keys than for others
//! (RUSTSEC-2023-0071), so `ring` signs; the crate only reads keys and checks what a host signed.

use super::Trouble;
use crypto_bigint::{BoxedUint, NonZero};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA512};
use russh::Signer;
use russh::keys::agent::AgentIdentity;
use russh::keys::ssh_key::Mpint;
use russh::keys::ssh_key::private::RsaKeypair;
use russh::keys::{HashAlg, PrivateKey, PublicKey};

/// A key that signs.
pub(super) struct RsaKey {
    pair: KeyPair,
    pub(super) public: PublicKey,
}

impl RsaKey {
    /// The key, where it is one of RSA; otherwise nothing.
    pub(super) fn of(key: &PrivateKey) -> Result<Option<Self>, String> {
        let Some(own) = key.key_data().rsa() else { return Ok(None) };
        let bits = own.public().n().as_positive_bytes().map_or(0, <[u8]>::len) * 8;
        let pair = pair(own).ok_or_else(|| {
            format!(
                "it is an RSA key of {bits} bits that is refused: from 2048 to 4096 are taken; make another with `ssh-keygen -t ed25519`"
            )
        })?;
        Ok(Some(Self { pair, public: key.public_key().clone() }))
    }
}

fn pair(own: &RsaKeypair) -> Option<KeyPair> {
    let (public, private) = (own.public(), own.private());
    let bytes = |number: &Mpint| number.as_positive_bytes().map(<[u8]>::to_vec);
    let (d, p, q) = (bytes(private.d())?, bytes(private.p())?, bytes(private.q())?);
    let (d_p, d_q) = (reduced(&d, &p)?, reduced(&d, &q)?);
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n: bytes(public.n())?, e: bytes(public.e())? },
        d,
        p,
        q,
        dP: d_p,
        dQ: d_q,
        qInv: bytes(private.iqmp())?,
    };
    KeyPair::from_components(&components).ok()
}

/// The private exponent, modulo one less than a prime: what the files of OpenSSH leave out.
fn reduced(exponent: &[u8], prime: &[u8]) -> Option<Vec<u8>> {
    let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, u32::try_from(bytes.len()).ok()? * 8).ok();
    let less = number(prime)?.wrapping_sub(BoxedUint::one());
    let rest = number(exponent)?.rem(&Option::<NonZero<BoxedUint>>::from(NonZero::new(less))?);
    let bytes = rest.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(first..).map(<[u8]>::to_vec)
}

/// Appends a text or a signature as the protocol writes them.
fn append(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Trouble> {
    to.extend_from_slice(&u32::try_from(bytes.len()).map_err(|_| russh::Error::Inconsistent)?.to_be_bytes());
    to.extend_from_slice(bytes);
    Ok(())
}

/// A key for as long as it is shown to a host.
pub(super) struct Signs<'a>(pub(super) &'a RsaKey);

impl Signer for Signs<'_> {
    type Error = Trouble;

    async fn auth_sign(&mut self, _: &AgentIdentity, hash: Option<HashAlg>, mut asked: Vec<u8>) -> Result<Vec<u8>, Trouble> {
        let (name, padding): (&str, &'static dyn ring::signature::RsaEncoding) = match hash {
            Some(HashAlg::Sha512) => ("rsa-sha2-512", &RSA_PKCS1_SHA512),
            _ => ("rsa-sha2-256", &RSA_PKCS1_SHA256),
        };
        let mut bytes = vec![0; self.0.pair.public().modulus_len()];
        self.0
            .pair
            .sign(padding, &SystemRandom::new(), &asked, &mut bytes)
            .map_err(|_| Trouble::Broken("the RSA key could not sign".to_owned()))?;
        let mut signature = Vec::new();
        append(&mut signature, name.as_bytes())?;
        append(&mut signature, &bytes)?;
        append(&mut asked, &signature)?;
        Ok(asked)
    }
}
