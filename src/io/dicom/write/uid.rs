//! Unique identifiers made from what they identify.
use sha2::{Digest, Sha256};

/// A UID below `2.25` (PS3.5, B.2) from 122 bits of a hash of `parts`, as a UUID of version 8 (RFC 9562). The same parts, in the same order, give
/// the same UID; parts are told apart by their lengths, so that no two lists run together.
pub(super) fn derived_uid(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut uuid = [0_u8; 16];
    uuid.iter_mut()
        .zip(hasher.finalize())
        .for_each(|(to, from)| *to = from);
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    format!("2.25.{}", u128::from_be_bytes(uuid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_follow_from_their_parts_and_are_valid() {
        let uid = derived_uid(&[b"tracking", b"patient", b"left"]);
        assert_eq!(uid, derived_uid(&[b"tracking", b"patient", b"left"]));
        assert_ne!(uid, derived_uid(&[b"tracking", b"patientl", b"eft"]));
        assert!(uid.len() <= 64 && uid.starts_with("2.25."), "{uid}");
        let digits = uid.trim_start_matches("2.25.");
        assert!(!digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()));
    }
}
