//! How much memory a prediction will take, and whether that much is free.
use super::Error;
use crate::model::UNetDescription;
use crate::volume::Shape;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// What the program takes without any model, and what its allocator keeps of what was given back: measured with small models, for which it
/// is most of all.
const PROGRAM_BYTES: u64 = 160 << 20;

/// Bytes of the weights as they came, and as they are prepared for the run: Winograd's transform makes the smaller ones larger.
fn weight_bytes(network: &UNetDescription) -> u64 {
    let shapes = network.shapes();
    let values = shapes.values().map(|shape| shape.iter().product::<usize>());
    values.sum::<usize>() as u64 * 4 * 5 / 2
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

/// Bytes that labelling a scan of `scan` voxels takes at most: `array` voxels of the network's grid, their scores, and one tile.
pub(super) fn needed_bytes(
    network: &UNetDescription,
    array: usize,
    scan: usize,
    tile: Shape,
    half: bool,
) -> u64 {
    let voxels = array.max(tile.iter().product()) as u64;
    let score = if half { 2 } else { 4 };
    let sums = voxels * (network.classes as u64 + 1) * score;
    // Going back to the scan's size keeps one class in double precision, its copy, the best score and the label.
    let restoring = scan as u64 * 32 + voxels * 16;
    // Early labels of our own models are made while a tile's activations wait; an nnU-Net gives these back before.
    let running = network_bytes(network, tile) + scan as u64 * 8;
    let input = voxels * network.in_channels as u64 * 4;
    PROGRAM_BYTES + weight_bytes(network) + input + sums + restoring.max(running)
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
