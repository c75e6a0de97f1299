//! How much memory a prediction will take, and whether that much is free.
use super::Error;
use crate::model::UNetDescription;
use crate::volume::Shape;

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

/// Memory that programs may still take, where the system tells it in a file.
fn available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}
