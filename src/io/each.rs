//! One piece of code for every type of voxel.

/// Runs `$body` with `$numbers` bound to the vector inside, whatever its type.
macro_rules! each {
    ($voxels:expr, $numbers:ident => $body:expr) => {
        match $voxels {
            Voxels::U8($numbers) => $body,
            Voxels::I8($numbers) => $body,
            Voxels::U16($numbers) => $body,
            Voxels::I16($numbers) => $body,
            Voxels::U32($numbers) => $body,
            Voxels::I32($numbers) => $body,
            Voxels::U64($numbers) => $body,
            Voxels::I64($numbers) => $body,
            Voxels::F32($numbers) => $body,
            Voxels::F64($numbers) => $body,
        }
    };
}
pub(super) use each;
