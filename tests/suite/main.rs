//! What users rely on, room by room. One binary, so that everything is linked once.
#![expect(clippy::unwrap_used, clippy::float_cmp, reason = "tests fail by panicking")]
mod measure_geometry;
mod measure_koos;
mod volume_fields;
mod volume_grid;
