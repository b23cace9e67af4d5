//! A server's certificate as `ssl_certificate` of a page's result: the fields and names that Crawl4AI takes from OpenSSL.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName, KeyUsage, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

/// OpenSSL's names of attributes of a subject or issuer.
const ATTRIBUTES: [(&str, &str); 15] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"),
];

/// OpenSSL's names of signature algorithms.
const ALGORITHMS: [(&str, &str); 9] = [
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.113549.1.1.10", "rsassaPss"),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption"),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption"),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption"),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256"),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384"),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512"),
    ("1.3.101.112", "ED25519"),
];

/// OpenSSL's names of extensions.
const EXTENSIONS: [(&str, &str); 10] = [
    ("2.5.29.14", "subjectKeyIdentifier"),
    ("2.5.29.15", "keyUsage"),
    ("2.5.29.17", "subjectAltName"),
    ("2.5.29.19", "basicConstraints"),
    ("2.5.29.31", "crlDistributionPoints"),
    ("2.5.29.32", "certificatePolicies"),
    ("2.5.29.35", "authorityKeyIdentifier"),
    ("2.5.29.37", "extendedKeyUsage"),
    ("1.3.6.1.5.5.7.1.1", "authorityInfoAccess"),
    ("1.3.6.1.4.1.11129.2.4.2", "ct_precert_scts"),
];

/// The certificate `der` as JSON; `None` if it is malformed.
pub fn to_json(der: &[u8]) -> Option<Value> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let extensions: Vec<_> = certificate.extensions().iter().map(extension).collect();
    Some(json!({
        "subject": name(certificate.subject()),
        "issuer": name(certificate.issuer()),
        "version": certificate.version().0,
        "serial_number": serial_number(certificate.raw_serial()),
        "not_before": time(&certificate.validity().not_before),
        "not_after": time(&certificate.validity().not_after),
        "fingerprint": hex(digest.as_ref(), ""),
        "signature_algorithm": known(&ALGORITHMS, &certificate.signature_algorithm.algorithm.to_id_string()),
        "raw_cert": BASE64_STANDARD.encode(der),
        "extensions": extensions,
    }))
}

/// The name of an object identifier; an unknown one is its own name.
fn known(names: &[(&'static str, &'static str)], id: &str) -> String {
    names.iter().find(|(known, _)| *known == id).map_or(id, |(_, name)| name).to_owned()
}

/// As in Crawl4AI, the last of several attributes of the same name.
fn name(name: &X509Name<'_>) -> Map<String, Value> {
    let attribute = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
        let value = attribute.as_str().map_or_else(|_| hex(attribute.as_slice(), ":"), str::to_owned);
        (known(&ATTRIBUTES, &attribute.attr_type().to_id_string()), value.into())
    };
    name.iter_attributes().map(attribute).collect()
}

/// In hexadecimal digits without leading zeros.
fn serial_number(bytes: &[u8]) -> String {
    let digits = hex(bytes, "").to_lowercase();
    let digits = digits.trim_start_matches('0');
    format!("0x{}", if digits.is_empty() { "0" } else { digits })
}

/// In ASN.1's form: `20251021103000Z`.
fn time(time: &ASN1Time) -> String {
    Timestamp::from_second(time.timestamp())
        .map_or_else(|_| time.to_string(), |time| time.strftime("%Y%m%d%H%M%SZ").to_string())
}

/// Upper-case digits, with `separator` between bytes; without one, lower-case digits.
fn hex(bytes: &[u8], separator: &str) -> String {
    let byte = |byte: &u8| if separator.is_empty() { format!("{byte:02x}") } else { format!("{byte:02X}") };
    bytes.iter().map(byte).collect::<Vec<_>>().join(separator)
}

fn extension(extension: &X509Extension<'_>) -> Value {
    json!({"name": known(&EXTENSIONS, &extension.oid.to_id_string()), "value": text(extension)})
}

/// In OpenSSL's words; the bytes of an extension that is not described here.
fn text(extension: &X509Extension<'_>) -> String {
    let names = |names: &[GeneralName<'_>]| names.iter().map(general_name).collect::<Vec<_>>().join(", ");
    match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names_of) => names(&names_of.general_names),
        ParsedExtension::SubjectKeyIdentifier(id) => hex(id.0, ":"),
        ParsedExtension::AuthorityKeyIdentifier(authority) => {
            authority.key_identifier.as_ref().map(|id| hex(id.0, ":")).unwrap_or_default()
        }
        ParsedExtension::BasicConstraints(constraints) => {
            let length = constraints.path_len_constraint.map(|length| format!(", pathlen:{length}"));
            format!("CA:{}{}", if constraints.ca { "TRUE" } else { "FALSE" }, length.unwrap_or_default())
        }
        ParsedExtension::KeyUsage(usage) => key_usage(*usage),
        ParsedExtension::ExtendedKeyUsage(usage) => extended_key_usage(usage),
        ParsedExtension::CertificatePolicies(policies) => {
            policies.iter().map(|policy| format!("Policy: {}", policy.policy_id)).collect::<Vec<_>>().join("\n")
        }
        ParsedExtension::AuthorityInfoAccess(access) => {
            let line = |access: &x509_parser::extensions::AccessDescription<'_>| {
                let method = match access.access_method.to_id_string().as_str() {
                    "1.3.6.1.5.5.7.48.1" => "OCSP".to_owned(),
                    "1.3.6.1.5.5.7.48.2" => "CA Issuers".to_owned(),
                    other => other.to_owned(),
                };
                format!("{method} - {}", general_name(&access.access_location))
            };
            access.accessdescs.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        _ => hex(extension.value, ":"),
    }
}

fn general_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        GeneralName::RFC822Name(address) => format!("email:{address}"),
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::IPAddress(bytes) => match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
            (Ok(address), _) => format!("IP Address:{}", Ipv4Addr::from(address)),
            (_, Ok(address)) => format!("IP Address:{}", Ipv6Addr::from(address)),
            _ => "IP Address:<invalid>".to_owned(),
        },
        GeneralName::DirectoryName(name) => format!("DirName:{name}"),
        GeneralName::RegisteredID(id) => format!("Registered ID:{id}"),
        _ => "othername:<unsupported>".to_owned(),
    }
}

fn key_usage(usage: KeyUsage) -> String {
    let names = [
        (usage.digital_signature(), "Digital Signature"),
        (usage.non_repudiation(), "Non Repudiation"),
        (usage.key_encipherment(), "Key Encipherment"),
        (usage.data_encipherment(), "Data Encipherment"),
        (usage.key_agreement(), "Key Agreement"),
        (usage.key_cert_sign(), "Certificate Sign"),
        (usage.crl_sign(), "CRL Sign"),
        (usage.encipher_only(), "Encipher Only"),
        (usage.decipher_only(), "Decipher Only"),
    ];
    selected(&names)
}

fn extended_key_usage(usage: &ExtendedKeyUsage<'_>) -> String {
    let names = [
        (usage.any, "Any Extended Key Usage"),
        (usage.server_auth, "TLS Web Server Authentication"),
        (usage.client_auth, "TLS Web Client Authentication"),
        (usage.code_signing, "Code Signing"),
        (usage.email_protection, "E-mail Protection"),
        (usage.time_stamping, "Time Stamping"),
        (usage.ocsp_signing, "OCSP Signing"),
    ];
    selected(&names)
}

fn selected(names: &[(bool, &str)]) -> String {
    names.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd};

    use super::*;

    #[test]
    fn certificate_has_the_fields_that_openssl_prints() {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["a.example".to_owned(), "127.0.0.1".to_owned()]).expect("names");
        params.distinguished_name.push(DnType::CommonName, "a.example");
        params.distinguished_name.push(DnType::OrganizationName, "Ä Org");
        params.serial_number = Some(vec![0x0a, 0xbc].into());
        params.not_before = date_time_ymd(2025, 1, 2);
        params.not_after = date_time_ymd(2060, 1, 2);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let der = params.self_signed(&key).expect("a certificate").der().to_vec();
        let mut json = to_json(&der).expect("a certificate");
        assert_eq!(json["subject"]["CN"], "a.example");
        assert_eq!((&json["issuer"], &json["subject"]["O"]), (&json["subject"], &json!("Ä Org")));
        assert_eq!((&json["version"], &json["serial_number"]), (&json!(2), &json!("0xabc")));
        assert_eq!((&json["not_before"], &json["not_after"]), (&json!("20250102000000Z"), &json!("20600102000000Z")));
        assert_eq!(json["signature_algorithm"], "ecdsa-with-SHA256");
        assert_eq!(json["raw_cert"], BASE64_STANDARD.encode(&der));
        assert!(json["fingerprint"].as_str().is_some_and(|digits| digits.len() == 64));
        let extensions = json["extensions"].take();
        for (name, value) in [
            ("subjectAltName", "DNS:a.example, IP Address:127.0.0.1"),
            ("keyUsage", "Digital Signature, Certificate Sign"),
            ("extendedKeyUsage", "TLS Web Server Authentication"),
            ("basicConstraints", "CA:FALSE"),
        ] {
            let expected = json!({"name": name, "value": value});
            assert!(extensions.as_array().is_some_and(|all| all.contains(&expected)), "{name}: {extensions}");
        }
        assert_eq!(to_json(&der[..der.len() / 2]), None);
    }
}
