//! The secret from which everything follows that replaces an identity: the same secret gives the same copy of a patient.
use crate::io::Error;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

/// 256 random bits. Who has them and a patient's identifiers can find the patient's copies.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new one, from the operating system.
    ///
    /// # Errors
    /// [`Error::Anonymise`] when the system has no random numbers.
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| Error::Anonymise {
            problem: format!("the system gives no random numbers ({e})"),
            path: "secret".into(),
        })?;
        Ok(Self(bytes))
    }

    /// The secret in a file: 64 hexadecimal digits. A file that is missing is made, for its owner alone.
    ///
    /// # Errors
    /// [`Error::Anonymise`] when the file holds something else; [`Error::Open`], [`Error::Write`].
    pub fn in_file(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        match options.open(path) {
            Ok(mut file) => {
                let secret = Self::random()?;
                let line = hexadecimal(&secret.0);
                file.write_all(format!("{line}\n").as_bytes())
                    .and_then(|()| file.sync_all())
                    .map_err(|source| Error::Write {
                        source,
                        path: path.to_owned(),
                    })?;
                Ok(secret)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::read(path),
            Err(source) => Err(Error::Write {
                source,
                path: path.to_owned(),
            }),
        }
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(128).read_to_string(&mut text))
            .map_err(|source| Error::Open {
                source,
                path: path.to_owned(),
            })?;
        let (digits, _) = text.trim().as_bytes().as_chunks::<2>();
        let bytes: Option<Vec<u8>> = digits
            .iter()
            .map(|pair| {
                let pair = std::str::from_utf8(pair).ok()?;
                u8::from_str_radix(pair, 16).ok()
            })
            .collect();
        bytes
            .filter(|_| text.trim().len() == 64)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| Error::Anonymise {
                problem: "this is no secret of an earlier copy, which has 64 hexadecimal digits"
                    .to_owned(),
                path: path.to_owned(),
            })
    }

    /// HMAC-SHA-256 (RFC 2104) of a value for one purpose.
    fn mac(&self, purpose: &str, value: &[u8]) -> [u8; 32] {
        let pad = |byte: u8| {
            let mut block = [byte; 64];
            for (b, key) in block.iter_mut().zip(self.0) {
                *b ^= key;
            }
            block
        };
        let inner = Sha256::new()
            .chain_update(pad(0x36))
            .chain_update(purpose.as_bytes())
            .chain_update([0])
            .chain_update(value)
            .finalize();
        Sha256::new()
            .chain_update(pad(0x5c))
            .chain_update(inner)
            .finalize()
            .into()
    }

    /// The UID that stands for another: `2.25.` and a UUID made from a name (version 8), as PS3.5, B.2 allows.
    pub(super) fn uid(&self, old: &str) -> String {
        let [half, _] = halves(self.mac("uid", old.as_bytes()));
        let uuid = (half & !(0xf << 76) & !(0b11 << 62)) | (0x8 << 76) | (0b10 << 62);
        format!("2.25.{uuid}")
    }

    /// By how many days a patient's dates go back: one to ten years.
    pub(super) fn days(&self, patient: &str) -> i64 {
        let [half, _] = halves(self.mac("days", patient.as_bytes()));
        366 + (half % 3287) as i64
    }

    /// A name for a patient who has been given none.
    pub(super) fn pseudonym(&self, patient: &str) -> String {
        format!("ANON-{}", self.short("patient", patient).to_uppercase())
    }

    /// Eight digits for a folder's name.
    pub(super) fn short(&self, purpose: &str, value: &str) -> String {
        let [half, _] = halves(self.mac(purpose, value.as_bytes()));
        format!("{:08x}", half >> 96)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        text += &format!("{byte:02x}");
        text
    })
}

fn halves(mac: [u8; 32]) -> [u128; 2] {
    let (halves, _) = mac.as_chunks::<16>();
    std::array::from_fn(|n| halves.get(n).map_or(0, |half| u128::from_be_bytes(*half)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyed_hash_is_that_of_another_program() {
        let secret = Secret(*b"0123456789abcdef0123456789abcdef");
        let mac = hexadecimal(&secret.mac("uid", b"1.2.3"));
        // python3 -c "import hmac; print(hmac.new(b'0123456789abcdef'*2, b'uid\0' + b'1.2.3', 'sha256').hexdigest())"
        assert_eq!(
            mac,
            "b6739a72ca9f0fb62c5c7eb0fc47b11cccca31f1fb1bc97998b2d25e6a93f721"
        );
    }

    #[test]
    fn what_replaces_a_uid_is_a_uid() {
        let secret = Secret([7; 32]);
        let uid = secret.uid("1.2.3");
        assert!(uid.len() <= 64 && uid.starts_with("2.25."), "{uid}");
        let number: u128 = uid.trim_start_matches("2.25.").parse().unwrap();
        assert_eq!(number >> 76 & 0xf, 8);
        assert_eq!(number >> 62 & 0b11, 0b10);
        assert_eq!(uid, secret.uid("1.2.3"));
        assert_ne!(uid, secret.uid("1.2.4"));
        assert_ne!(uid, Secret([8; 32]).uid("1.2.3"));
    }

    #[test]
    fn a_file_keeps_the_secret_and_refuses_what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let made = Secret::in_file(&path).unwrap();
        assert_eq!(made.0, Secret::in_file(&path).unwrap().0);
        assert_ne!(made.0, [0; 32]);
        for text in [
            "",
            "hello",
            &"g".repeat(64),
            &"a".repeat(63),
            &"a".repeat(66),
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(
                Secret::in_file(&path),
                Err(Error::Anonymise { .. })
            ));
        }
    }

    #[test]
    fn dates_go_back_by_one_to_ten_years() {
        let secret = Secret([7; 32]);
        let days: Vec<i64> = (0..500).map(|n| secret.days(&n.to_string())).collect();
        assert!(days.iter().all(|d| (366..=3652).contains(d)));
        assert!(days.iter().max() > Some(&3500) && days.iter().min() < Some(&500));
    }
}
