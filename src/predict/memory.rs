//! How much memory a prediction will take, and whether that much is free.
use super::Error;
use crate::model::UNetDescription;
use crate::volume::Shape;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// What the program takes without any model, and what its allocator keeps of what was given back: measured with small models, for which it
/// is most of all.
const PROGRAM_BYTES: u64 = 160 << 20;

/// Bytes of the weights as they came.
pub(super) fn loaded_bytes(network: &UNetDescription) -> u64 {
    let shapes = network.shapes();
    let values = shapes.values().map(|shape| shape.iter().product::<usize>());
    values.sum::<usize>() as u64 * 4
}

/// Bytes of the weights as they came, and as they are prepared for the run: Winograd's transform makes the smaller ones larger.
fn weight_bytes(network: &UNetDescription) -> u64 {
    loaded_bytes(network) * 5 / 2
}

/// Bytes of one tile's activations: at each level the encoder's output that waits for the way up, and what a convolution reads and writes.
fn network_bytes(network: &UNetDescription, tile: Shape) -> u64 {
    let mut voxels = tile.iter().product::<usize>() as u64;
    let mut waiting = 0;
    let mut most = 0;
    for level in &network.levels {
        voxels /= level.stride.iter().product::<usize>() as u64;
        let one = voxels * level.channels as u64 * 4;
        // The way up holds the waiting output, the grown one, both together, and the result.
        most = most.max(waiting + 5 * one);
        waiting += one;
    }
    most
}

/// Bytes that labelling a scan of `scan` voxels takes at most: `array` voxels of the network's grid, their scores, and one tile. Of `folds`
/// networks that run one after the other, all keep their weights, and the scores of those that have run wait while the next one adds up its own.
pub(super) fn needed_bytes(
    network: &UNetDescription,
    array: usize,
    scan: usize,
    tile: Shape,
    half: bool,
    folds: usize,
) -> u64 {
    let voxels = array.max(tile.iter().product()) as u64;
    let score = if half { 2 } else { 4 };
    let scores = voxels * network.classes as u64 * score;
    let sums = scores + voxels * score;
    let further = folds.saturating_sub(1) as u64;
    let waiting = if further > 0 { scores } else { 0 };
    // Going back to the scan's size keeps one class in double precision, its copy, the best score and the label.
    let restoring = scan as u64 * 32 + voxels * 16;
    // Early labels of our own models are made while a tile's activations wait; an nnU-Net gives these back before.
    let running = network_bytes(network, tile) + scan as u64 * 8;
    let input = voxels * network.in_channels as u64 * 4;
    let weights = weight_bytes(network) + further * loaded_bytes(network);
    PROGRAM_BYTES + weights + input + sums + restoring.max(running + waiting)
}

/// Bytes that one more network of the same model keeps: its weights, and a tile's activations.
pub(super) fn kept_bytes(network: &UNetDescription, tile: Shape) -> u64 {
    weight_bytes(network) + network_bytes(network, tile)
}

/// Refuses what does not fit into the memory that is free now.
pub(super) fn check(needed: u64) -> Result<(), Error> {
    match available_bytes() {
        Some(available) if needed > available => Err(Error::Memory {
            needed_mb: needed >> 20,
            available_mb: available >> 20,
        }),
        _ => Ok(()),
    }
}

/// Memory that programs may still take, container limits included; `None` where the system does not tell.
fn available_bytes() -> Option<u64> {
    let ram = MemoryRefreshKind::nothing().with_ram();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(ram)).ok()?;
    let machine = Some(system.available_memory()).filter(|bytes| *bytes > 0)?;
    // What a container's files keep in memory is given back when it is wanted; what its programs hold is not.
    let container = system
        .cgroup_limits()
        .map_or(u64::MAX, |c| c.total_memory.saturating_sub(c.rss));
    Some(machine.min(container))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Level;

    #[test]
    fn further_folds_take_their_weights_and_the_scores_that_wait() {
        let level = |channels, stride| Level {
            channels,
            kernel: [3; 3],
            stride,
            encoder_convs: 2,
            decoder_convs: 2,
        };
        let levels = vec![level(32, [1; 3]), level(64, [2; 3])];
        let network = UNetDescription::plain(1, 3, levels);
        let (tile, array) = ([192, 224, 48], 1 << 22);
        let needed = |folds| needed_bytes(&network, array, array, tile, false, folds);
        let weights: usize = network
            .shapes()
            .values()
            .map(|s| s.iter().product::<usize>())
            .sum();
        let [one, two, five] = [1, 2, 5].map(needed);
        // Here a tile's activations are most of all, so that all that waits beside them counts: 3 classes in single precision.
        assert_eq!(two - one, (weights * 4 + array * 3 * 4) as u64);
        // A third fold's scores are added to those that wait.
        assert_eq!(five - two, (3 * weights * 4) as u64);
    }

    #[test]
    fn more_than_is_free_is_refused_with_both_figures() {
        let free = available_bytes().unwrap();
        assert!((1 << 20..1 << 50).contains(&free), "{free}");
        check(1 << 20).unwrap();
        let Err(Error::Memory {
            needed_mb,
            available_mb,
        }) = check(1 << 60)
        else {
            panic!("nobody has that much")
        };
        assert_eq!(needed_mb, 1 << 40);
        assert!(available_mb < needed_mb);
    }
}
