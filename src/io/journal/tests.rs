use super::*;
use proptest::prelude::*;
use std::fs;

mod killed;

fn header(payload: &[u8]) -> JournalHeader {
    JournalHeader {
        scan_sha256: "ab".repeat(32),
        shape: [4, 3, 2],
        payload: payload.to_vec(),
    }
}

const LABELS: [u8; 24] = [
    0, 0, 1, 1, 0, 0, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 3, 3, 0, 255,
];

fn records(count: u8) -> Vec<JournalRecord> {
    let record = |n: u8| JournalRecord {
        kind: n % 3 + 1,
        payload: vec![n; usize::from(n) * 5],
    };
    (0..count).map(record).collect()
}

/// A folder with a journal of some synced records, and its bytes.
fn journal(count: u8) -> (tempfile::TempDir, Journal, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::create(folder.path(), &header(b"{}"), &LABELS).unwrap();
    add(&mut journal, &records(count));
    let bytes = fs::read(journal.path()).unwrap();
    (folder, journal, bytes)
}

fn add(journal: &mut Journal, records: &[JournalRecord]) {
    for record in records {
        journal.append(record.kind, &record.payload).unwrap();
    }
    journal.sync().unwrap();
}

fn parse_bytes(bytes: &[u8]) -> Result<JournalContent, Error> {
    parse(&mut Source::new(bytes, bytes.len() as u64))
        .map(|p| p.content)
        .map_err(|e| problem(e, Path::new("a.journal")))
}

/// What is read is the truth so far as it goes.
fn is_prefix(content: &JournalContent, of: &[JournalRecord]) -> bool {
    content.header == header(b"{}")
        && content.base == LABELS
        && of.starts_with(&content.records)
        && (content.torn || content.records.len() <= of.len())
}

#[test]
fn a_journal_cut_anywhere_gives_the_records_before_the_cut() {
    let (_folder, _journal, bytes) = journal(6);
    let all = records(6);
    let mut readable = 0;
    let mut last = 0;
    for cut in 0..=bytes.len() {
        if let Ok(content) = parse_bytes(&bytes[..cut]) {
            assert!(is_prefix(&content, &all), "cut at {cut}");
            assert!(content.records.len() >= last);
            last = content.records.len();
            readable += 1;
        } else {
            assert_eq!(readable, 0, "readable before {cut}, and not there");
        }
    }
    let whole = parse_bytes(&bytes).unwrap();
    assert_eq!((whole.records, whole.torn), (all, false));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (_folder, _journal, bytes) = journal(4);
    let all = records(4);
    for at in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[at / 8] ^= 1 << (at % 8);
        if let Ok(content) = parse_bytes(&changed) {
            assert!(is_prefix(&content, &all) && content.torn, "bit {at}");
            assert!(content.records.len() < all.len());
        }
    }
}

#[test]
fn a_record_of_another_place_or_journal_is_no_record() {
    let (_folder, _journal, bytes) = journal(1);
    let (_other_folder, _other, other) = {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::create(folder.path(), &header(b"[]"), &LABELS).unwrap();
        add(&mut journal, &records(2));
        let bytes = fs::read(journal.path()).unwrap();
        (folder, journal, bytes)
    };
    let again = [&bytes[..], &bytes[bytes.len() - 13..]].concat();
    let foreign = [&bytes[..], &other[bytes.len()..]].concat();
    for stale in [again, foreign, [&bytes[..], &[0; 4096]].concat()] {
        let content = parse_bytes(&stale).unwrap();
        assert_eq!((content.records, content.torn), (records(1), true));
    }
}

#[test]
fn headers_that_claim_too_much_take_no_memory() {
    let (_folder, _journal, bytes) = journal(2);
    // Shape, length of the header's payload, length of the first record: each with a checksum that fits where there is one.
    let shape = 8 + 4 + 2 * format::HASH;
    let mut claims = bytes.clone();
    claims[shape..shape + 24].fill(0xff);
    assert!(parse_bytes(&claims).is_err());
    let bomb = JournalHeader {
        shape: [1 << 10, 1 << 10, 1 << 10],
        ..header(b"")
    };
    let mut bytes = encode_header(&bomb, &"00".repeat(32));
    let sum = *bytes.last_chunk().unwrap();
    let position = bytes.len() as u64;
    let base = zipped(&LABELS).unwrap();
    encode_record(&mut bytes, sum, position, BASE, &base);
    assert!(parse_bytes(&bytes).is_err());
    bytes.truncate(position as usize);
    bytes.extend([1, 0xff, 0xff, 0xff, 0x0f]);
    assert!(parse_bytes(&bytes).is_err());
}

#[test]
fn outlines_of_more_voxels_than_the_shape_has_are_refused() {
    let mut bytes = encode_header(&header(b""), &format!("{:x}", Sha256::digest(LABELS)));
    let sum = *bytes.last_chunk().unwrap();
    let position = bytes.len() as u64;
    let many = zipped(&vec![0; 50_000_000]).unwrap();
    encode_record(&mut bytes, sum, position, BASE, &many);
    let error = parse_bytes(&bytes).unwrap_err().to_string();
    assert!(error.contains("do not fit"), "{error}");
}

#[test]
fn resuming_goes_on_behind_the_last_whole_record_and_keeps_the_rest_aside() {
    let (folder, written, bytes) = journal(4);
    let path = written.path().to_owned();
    drop(written);
    fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let (mut journal, content) = Journal::resume(&path).unwrap();
    assert_eq!(
        (&content.records[..], content.torn),
        (&records(4)[..3], true)
    );
    assert_eq!(journal.base_sha256(), content.base_sha256);
    let kept = folder
        .path()
        .join(format!("{}.journal.torn", "ab".repeat(32)));
    let whole = fs::metadata(&path).unwrap().len() as usize;
    assert_eq!(fs::read(&kept).unwrap(), bytes[whole..bytes.len() - 3]);
    add(&mut journal, &records(2));
    let content = Journal::read(&path).unwrap();
    assert_eq!((content.records.len(), content.torn), (5, false));
    journal.discard().unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_journal_belongs_to_one_window_and_is_never_replaced() {
    let (folder, written, bytes) = journal(1);
    let path = written.path().to_owned();
    let found = list_journals(folder.path()).unwrap();
    assert!(found[0].in_use && found.len() == 1);
    assert!(Journal::create(folder.path(), &header(b""), &LABELS).is_err());
    assert!(Journal::resume(&path).is_err());
    assert!(discard_journal(&path).is_err());
    drop(written);
    let found = list_journals(folder.path()).unwrap();
    let first = &found[0];
    assert!(!first.in_use && first.modified.is_some());
    assert_eq!(first.header.as_ref().unwrap(), &header(b"{}"));
    assert_eq!(first.bytes, bytes.len() as u64);
    assert!(Journal::create(folder.path(), &header(b""), &LABELS).is_err());
    assert_eq!(fs::read(&path).unwrap(), bytes);
    discard_journal(&path).unwrap();
    assert!(list_journals(folder.path()).unwrap().is_empty());
}

#[test]
fn only_journals_are_found_and_thrown_away() {
    let (folder, _journal, _) = journal(0);
    let scan = folder.path().join("scan.nii.gz");
    fs::write(&scan, "a scan").unwrap();
    fs::write(folder.path().join("broken.journal"), "not one").unwrap();
    fs::create_dir(folder.path().join("folder.journal")).unwrap();
    let found = list_journals(folder.path()).unwrap();
    assert_eq!(found.iter().filter(|f| f.header.is_ok()).count(), 1);
    assert_eq!(found.len(), 2);
    assert!(discard_journal(&scan).is_err() && scan.exists());
    discard_journal(&folder.path().join("broken.journal")).unwrap();
    assert!(
        list_journals(&folder.path().join("nowhere"))
            .unwrap()
            .is_empty()
    );
    assert!(list_journals(&scan).is_err());
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut climbing = header(b"");
    climbing.scan_sha256 = format!("../{}", "a".repeat(61));
    let mut flat = header(b"");
    flat.shape = [4, 0, 2];
    let long = header(&vec![0; (1 << 20) + 1]);
    for wrong in [climbing, flat, long] {
        assert!(Journal::create(folder.path(), &wrong, &LABELS).is_err());
    }
    assert!(Journal::create(folder.path(), &header(b""), &LABELS[1..]).is_err());
    let nowhere = Journal::create(&folder.path().join("nowhere"), &header(b""), &LABELS);
    assert!(matches!(nowhere, Err(Error::Write { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let mut journal = Journal::create(folder.path(), &header(b""), &LABELS).unwrap();
    assert!(journal.append(0, b"x").is_err());
    assert!(!journal.has_unsynced());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_the_next_sync_writes_what_is_missing() {
    let (_folder, mut journal, before) = journal(2);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let disk = std::mem::replace(&mut journal.file, full);
    let more = records(3);
    journal.append(more[1].kind, &more[1].payload).unwrap();
    assert!(matches!(journal.sync(), Err(Error::Write { .. })));
    assert!(journal.has_unsynced());
    assert_eq!(fs::read(journal.path()).unwrap(), before);
    journal.append(more[2].kind, &more[2].payload).unwrap();
    journal.file = disk;
    journal.sync().unwrap();
    let content = Journal::read(journal.path()).unwrap();
    assert_eq!(content.records, [&records(2)[..], &more[1..]].concat());
}

fn any_record() -> impl Strategy<Value = JournalRecord> {
    (1..=u8::MAX, prop::collection::vec(any::<u8>(), 0..300))
        .prop_map(|(kind, payload)| JournalRecord { kind, payload })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_written_comes_back(
        payload in prop::collection::vec(any::<u8>(), 0..100),
        shape in [1..9_usize, 1..9_usize, 1..9_usize],
        seed: u8,
        all in prop::collection::vec(any_record(), 0..8),
        synced in 0..8_usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let header = JournalHeader { scan_sha256: "0f".repeat(32), shape, payload };
        let count: usize = shape.iter().product();
        let base: Vec<u8> = (0..count).map(|n| (n as u8).wrapping_mul(seed)).collect();
        let mut journal = Journal::create(folder.path(), &header, &base).unwrap();
        let (first, rest) = all.split_at(synced.min(all.len()));
        add(&mut journal, first);
        add(&mut journal, rest);
        let content = Journal::read(journal.path()).unwrap();
        prop_assert_eq!(content.base_sha256, journal.base_sha256());
        prop_assert_eq!((content.header, content.base, content.records, content.torn), (header, base, all, false));
    }

    #[test]
    fn any_bytes_end_well(
        changes in prop::collection::vec((0..400_usize, any::<u8>()), 0..6),
        cut in 0..600_usize,
        tail in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (_folder, _journal, mut bytes) = journal(5);
        for (at, byte) in changes {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes.truncate(cut);
        bytes.extend(tail);
        match parse_bytes(&bytes) {
            Ok(content) => prop_assert!(is_prefix(&content, &records(5))),
            Err(error) => prop_assert!(!error.to_string().contains('\n')),
        }
    }
}
