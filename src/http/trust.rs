//! Which servers are believed: those for which one of the system's authorities vouches, as rustls checks it, and
//! those whose very certificate the person put into `SSL_CERT_FILE` or `SSL_CERT_DIR`.
//!
//! The second is what `openssl req -x509` makes and what curl takes: a certificate that is its own authority.
//! rustls refuses it as a server's (`CaUsedAsEndEntity`), and knows no name but those in `subjectAltName`. Here
//! it counts where it is, byte for byte, one that was named; its name, its time and its purpose are checked.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::Trouble;
use super::certificate::Certificate;
use crate::os::env::non_empty;

/// How connections are secured.
pub(super) fn config() -> Result<ClientConfig, Trouble> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = System::load(Arc::clone(&provider)).ok_or(Trouble::Certificates)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Trouble::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(config.with_no_client_auth())
}

#[derive(Debug)]
struct System {
    authorities: Verifier,
    named: Vec<CertificateDer<'static>>,
}

impl System {
    fn load(provider: Arc<CryptoProvider>) -> Option<System> {
        let (file, folder) = (non_empty("SSL_CERT_FILE"), non_empty("SSL_CERT_DIR"));
        let named = match (file.map(PathBuf::from), folder.map(PathBuf::from)) {
            (None, None) => Vec::new(),
            (file, folder) => {
                rustls_native_certs::load_certs_from_paths(file.as_deref(), folder.as_deref()).certs
            }
        };
        Some(System { authorities: Verifier::new(provider).ok()?, named })
    }
}

impl ServerCertVerifier for System {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.authorities.verify_server_cert(server, intermediates, name, ocsp, now);
        if judged.is_err() && self.named.iter().any(|named| named.as_ref() == server.as_ref()) {
            return its_own_authority(server, name, now);
        }
        judged
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, server, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, server, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// Judges a certificate that the person named: everything but who signed it.
fn its_own_authority(
    server: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, Error> {
    let certificate = Certificate::read(server).ok_or(CertificateError::BadEncoding)?;
    if now.as_secs() < certificate.not_before {
        return Err(CertificateError::NotValidYet.into());
    }
    if now.as_secs() > certificate.not_after {
        return Err(CertificateError::Expired.into());
    }
    if !certificate.may_be_a_servers {
        return Err(CertificateError::InvalidPurpose.into());
    }
    let named = ParsedCertificate::try_from(server)
        .and_then(|parsed| rustls::client::verify_server_name(&parsed, name));
    match (named, name) {
        (Ok(()), _) => Ok(ServerCertVerified::assertion()),
        // As curl has it: the common name counts where there is no other.
        (Err(_), ServerName::DnsName(host)) if certificate.is_called(host.as_ref()) => {
            Ok(ServerCertVerified::assertion())
        }
        (Err(error), _) => Err(error),
    }
}
