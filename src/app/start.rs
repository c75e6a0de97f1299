//! Opening the window.
use super::{
    App, Error,
    window::{Handover, Work},
};
use egui_wgpu::{WgpuSetup, wgpu};
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
};

/// Name of the program's folder for window geometry; no patient data goes there.
pub(super) const NAME: &str = "schwann";
/// How often a window is opened anew after its graphics device was lost.
const MOST_LOSSES: usize = 3;
/// Largest edge of a 3D texture that is asked for, voxels.
const MAX_TEXTURE_EDGE: u32 = 2048;

/// The window's picture on the task bar.
const ICON: &[u8] = include_bytes!("../../assets/icon/schwann.png");

/// Opens the window on scans, or on the demo patient when no path is given, and stays until it is closed.
///
/// # Errors
/// Without a display, or when no graphics adapter can draw on it.
pub fn run(paths: Vec<PathBuf>) -> Result<(), Error> {
    if cfg!(target_os = "linux") && !has_display() {
        return Err(Error::NoDisplay);
    }
    let handover = Handover::default();
    open(paths, None, &handover)?;
    for _ in 0..MOST_LOSSES {
        let mut place = handover.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(work) = place.take() else {
            return Ok(());
        };
        drop(place);
        open(Vec::new(), Some(work), &handover)?;
    }
    let lost = handover.lock().unwrap_or_else(PoisonError::into_inner);
    match *lost {
        None => Ok(()),
        Some(_) => Err(Error::Window(
            "the graphics adapter was lost again and again".to_owned(),
        )),
    }
}

/// Opens one window and stays until it is closed.
fn open(paths: Vec<PathBuf>, work: Option<Work>, handover: &Handover) -> Result<(), Error> {
    let handover = Arc::clone(handover);
    let mut viewport = egui::ViewportBuilder::default()
        .with_title("Schwann")
        .with_app_id(NAME)
        .with_inner_size([1500.0, 940.0])
        .with_min_inner_size([900.0, 600.0])
        .with_drag_and_drop(true);
    match eframe::icon_data::from_png_bytes(ICON) {
        Ok(icon) => viewport = viewport.with_icon(icon),
        Err(error) => log::warn!("no window icon: {error}"),
    }
    let options = eframe::NativeOptions {
        viewport,
        wgpu_options: wgpu_options(),
        // A grey on the screen is the value it stands for, without noise.
        dithering: false,
        ..Default::default()
    };
    eframe::run_native(
        NAME,
        options,
        Box::new(|cc| {
            let (ctx, adapter) = (&cc.egui_ctx, cc.wgpu_render_state.as_ref());
            let app = match work {
                Some(work) => App::resumed(ctx, adapter, work),
                None => App::new(ctx, adapter, cc.storage, paths),
            };
            Ok(Box::new(app.with_handover(handover)))
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

#[cfg(test)]
mod tests {
    #[test]
    fn the_icon_is_a_picture() {
        let icon = eframe::icon_data::from_png_bytes(super::ICON).unwrap();
        assert!(icon.width >= 64 && icon.width == icon.height);
    }
}
