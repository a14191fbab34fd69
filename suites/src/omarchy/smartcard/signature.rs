//! A signature by the card's key, held against its certificate.

use std::path::Path;
use std::time::Duration;

use harness::{Check, Machine, Need, Outcome, Stop, Trial, expect};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use x509_cert::der::{Decode, Encode};

use super::reader::{insert, token};
use super::token::{Flaw, PIN, Token};
use crate::omarchy::document;
use crate::omarchy::settings::{Omarchy, omarchy};

pub fn sign_and_verify() -> Check {
    Check::must(
        "smartcard.sign-and-verify",
        document("Enrollment Flow"),
        "A signature made on the card with the PIN verifies against the certificate's public key on the \
         host.",
        sign_and_verify_holds,
    )
    .needs([Need::Undo, Need::Sockets, Need::Token])
    .mutant("card with a certificate for another key", [Flaw::WrongCertificate.edit()])
}

const TEXT: &str = "to be signed by the card";

/// The user makes it, so it lies where they may write.
const SIGNATURE: &str = "/tmp/signature";

/// How long a token of hardware takes to answer, which nothing on the way may take for its end.
const SLOW: Duration = Duration::from_millis(100);

async fn sign_and_verify_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let token = token(trial).await?.slowed(SLOW);
    let _card = insert(trial, &token, &*machine).await?;
    signs(&*machine, &omarchy, &token).await
}

/// That the one token in the guest's readers signs for the user, by the key that its certificate is for.
pub async fn signs(machine: &dyn Machine, omarchy: &Omarchy, token: &Token) -> Outcome {
    // The PIV authentication key is the first object of each kind.
    let sign = format!(
        "printf %s '{TEXT}' >/tmp/text && pkcs11-tool --sign --mechanism ECDSA-SHA256 --signature-format openssl \
         --id 01 --login --pin {PIN} --input-file /tmp/text --output-file {SIGNATURE}"
    );
    let signed = machine.run(&omarchy.as_user(&sign)).await?;
    expect(signed.success(), "the card signs with the PIN", &signed)?;

    let signature = machine.read(Path::new(SIGNATURE)).await?;
    let key = public_key(token.certificate())?;
    let verified =
        DerSignature::from_bytes(&signature).and_then(|signature| key.verify(TEXT.as_bytes(), &signature));
    let expected = "the signature verifies against the certificate's public key";
    expect(verified.is_ok(), expected, verified.err().map(|error| error.to_string()).unwrap_or_default())
}

/// Of a certificate as DER.
fn public_key(certificate: &[u8]) -> Result<VerifyingKey, Stop> {
    let certificate = x509_cert::Certificate::from_der(certificate)?;
    let key = certificate.tbs_certificate.subject_public_key_info.to_der()?;
    VerifyingKey::from_public_key_der(&key).map_err(|error| Stop::Broken(error.to_string()))
}
