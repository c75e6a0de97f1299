// Window/level: an intensity to a grey from 0 (black) to 1 (white).
// CPU twin: `WindowLevel::grey` in `src/volume/intensity.rs`. Keep in sync.
fn window_level(intensity: f32, centre: f32, width: f32) -> f32 {
    return clamp((intensity - centre) / width + 0.5, 0.0, 1.0);
}
