//! Room on a disk.
use std::path::Path;
use sysinfo::Disks;

/// Bytes free to this user on the disk that holds a folder, which need not exist yet; `None` where the system does not tell.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let absolute = std::path::absolute(folder).ok()?;
    let known = absolute.ancestors().find_map(|p| p.canonicalize().ok())?;
    let disks = Disks::new_with_refreshed_list().ok()?;
    let holds = disks.iter().filter(|d| known.starts_with(d.mount_point()));
    // The longest mount point is the disk's own.
    let disk = holds.max_by_key(|d| d.mount_point().components().count())?;
    Some(disk.available_space())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_still_to_be_made_has_its_disks_room() {
        let folder = tempfile::tempdir().unwrap();
        let here = free_bytes(folder.path());
        let there = free_bytes(&folder.path().join("a/b/c"));
        assert_eq!(here.is_some(), there.is_some());
        assert!(here.is_none_or(|bytes| bytes < 1 << 60));
    }
}
