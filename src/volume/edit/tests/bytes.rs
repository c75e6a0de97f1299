use super::{empty, grid, labels};
use crate::volume::edit::{EditError, LabelEdit};
use proptest::prelude::*;

fn edits() -> impl Strategy<Value = LabelEdit> {
    let shape = prop::array::uniform3(1..9_usize);
    (shape, ".{0,20}", any::<u64>(), 0..300_usize).prop_map(|(shape, name, seed, count)| {
        let at = grid(shape, [1.0; 3], [0.0; 3], [false; 3]);
        let value = |n: usize| (super::noise(n ^ seed as usize) * 4.0) as u8;
        let before = labels(at, |v| value(at.index(v)));
        let changes = (0..count).map(|n| (value(n) as usize * 97 + n, value(n + 7)));
        LabelEdit::new(name, &before, changes.map(|(i, v)| (i % at.len(), v))).unwrap()
    })
}

proptest! {
    #[test]
    fn bytes_give_the_same_edit_again(edit in edits()) {
        prop_assert_eq!(LabelEdit::from_bytes(&edit.to_bytes()), Ok(edit));
    }

    #[test]
    fn cut_or_prolonged_bytes_are_refused(edit in edits(), cut in any::<prop::sample::Index>()) {
        let mut bytes = edit.to_bytes();
        let kept = cut.index(bytes.len());
        prop_assert!(LabelEdit::from_bytes(&bytes[..kept]).is_err());
        bytes.push(0);
        prop_assert!(LabelEdit::from_bytes(&bytes).is_err());
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(edit in edits(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = edit.to_bytes();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(found) = LabelEdit::from_bytes(&bytes) {
            // What was read is an edit like any other.
            prop_assert_eq!(LabelEdit::from_bytes(&found.to_bytes()), Ok(found.clone()));
            prop_assert!(found.voxels() <= found.shape().iter().product());
            prop_assert_eq!(found.bounds().is_none(), found.is_empty());
            found.count_changes();
            let mut map = empty(grid([3, 3, 3], [1.0; 3], [0.0; 3], [false; 3]));
            if found.apply(&mut map).is_err() {
                prop_assert!(map.labels().iter().all(|l| *l == 0));
            }
        }
    }

    #[test]
    fn noise_after_the_mark_is_no_edit_of_much_memory(noise in prop::collection::vec(any::<u8>(), 0..80)) {
        let bytes = [b"SLE1".to_vec(), noise].concat();
        if let Ok(edit) = LabelEdit::from_bytes(&bytes) {
            prop_assert!(edit.memory_bytes() < 4096);
        }
    }
}

/// The mark, a shape of 4 × 4 × 4 and no name, then these bytes.
fn with_runs(runs: &[u8]) -> Result<LabelEdit, EditError> {
    LabelEdit::from_bytes(&[b"SLE1".as_slice(), &[4, 4, 4, 0], runs].concat())
}

#[test]
fn a_record_is_read_by_the_letter() {
    let edit = with_runs(&[2, 3, 2, 0, 1, 0, 59, 1, 2]).unwrap();
    assert_eq!((edit.voxels(), edit.name()), (61, ""));
    assert_eq!(edit.count_changes(), [(0, -2), (1, -57), (2, 59)]);
    let refused: [&[u8]; 8] = [
        &[1, 3, 0, 0, 1],  // no voxels
        &[1, 3, 2, 1, 1],  // no change
        &[1, 63, 2, 0, 1], // one voxel too many
        &[1, 65, 1, 0, 1], // begins outside
        &[2, 3, 2, 0, 1],  // the second is missing
        &[200, 1],         // many are missing
        &[
            1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0, 1,
        ], // 2^64 - 1
        &[
            1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2, 1, 0, 1,
        ], // more than 64 bits
    ];
    for runs in refused {
        let found = with_runs(runs);
        assert!(matches!(found, Err(EditError::Damaged(_))), "{runs:?}");
    }
    // Maps that cannot be: without voxels, and with more than can be counted.
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    for shape in [vec![0, 1, 1], [most, most, most].concat()] {
        let bytes = [b"SLE1".to_vec(), shape, vec![0, 0]].concat();
        assert!(LabelEdit::from_bytes(&bytes).is_err());
    }
}

#[test]
fn a_stroke_takes_about_five_bytes_a_row() {
    let map = empty(grid([200, 200, 40], [0.5, 0.5, 1.0], [0.0; 3], [false; 3]));
    let rows = (0..100).flat_map(|j| (0..40).map(move |i| (i + 200 * (j + 200 * 20) + 60, 1)));
    let edit = LabelEdit::new("", &map, rows).unwrap();
    assert_eq!(edit.voxels(), 4000);
    assert!(edit.to_bytes().len() < 560, "{}", edit.to_bytes().len());
}
