//! Opening the window.
use super::App;
use egui_wgpu::{WgpuSetup, wgpu};
use std::{path::PathBuf, sync::Arc};
use thiserror::Error as ThisError;

/// Name of the program's folder for window geometry; no patient data goes there.
const NAME: &str = "schwann";
/// Largest edge of a 3D texture that is asked for, voxels.
const MAX_TEXTURE_EDGE: u32 = 2048;

/// Why there is no window.
#[derive(Debug, ThisError)]
pub enum Error {
    /// No screen to open a window on.
    #[error(
        "there is no display to open a window on; the same job without one: cargo run --release -- demo -o demo"
    )]
    NoDisplay,
    /// The window or its graphics could not be set up.
    #[error(
        "the window did not open ({0}); check that a Vulkan or OpenGL driver is installed; the same job without a window: cargo run --release -- demo -o demo"
    )]
    Window(String),
}

/// Opens the window on scans, or on the demo patient when no path is given, and stays until it is closed.
///
/// # Errors
/// Without a display, or when no graphics adapter can draw on it.
pub fn run(paths: Vec<PathBuf>) -> Result<(), Error> {
    if cfg!(target_os = "linux") && !has_display() {
        return Err(Error::NoDisplay);
    }
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Schwann")
            .with_app_id(NAME)
            .with_inner_size([1500.0, 940.0])
            .with_min_inner_size([900.0, 600.0])
            .with_drag_and_drop(true),
        wgpu_options: wgpu_options(),
        ..Default::default()
    };
    eframe::run_native(
        NAME,
        options,
        Box::new(|cc| {
            Ok(Box::new(App::new(
                &cc.egui_ctx,
                cc.wgpu_render_state.as_ref(),
                paths,
            )))
        }),
    )
    .map_err(|error| Error::Window(error.to_string()))
}

/// Whether an X or Wayland display is named.
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// As eframe's own, but with the adapter's own limit of 3D textures: the default of 256 is too small for a head.
fn wgpu_options() -> egui_wgpu::WgpuConfiguration {
    let mut options = egui_wgpu::WgpuConfiguration::default();
    if let WgpuSetup::CreateNew(setup) = &mut options.wgpu_setup {
        let base = Arc::clone(&setup.device_descriptor);
        setup.device_descriptor = Arc::new(move |adapter: &wgpu::Adapter| {
            let mut descriptor = base(adapter);
            descriptor.required_limits.max_texture_dimension_3d = adapter
                .limits()
                .max_texture_dimension_3d
                .min(MAX_TEXTURE_EDGE);
            descriptor
        });
    }
    options
}
