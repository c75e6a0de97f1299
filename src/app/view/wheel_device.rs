//! Whether this display reports a notch of the wheel once or twice.

/// Events that the window gets for one notch of a wheel.
///
/// winit 0.30 answers the press and the release of the X11 wheel buttons 4 and 5 with one event each, unless the wheel is a scroll axis of
/// its device. A server on which no device has such an axis (VNC, xrdp, Xvfb) therefore reports every notch twice.
pub(in crate::app) fn events_per_notch() -> f32 {
    #[cfg(target_os = "linux")]
    if linux::wheel_is_buttons() {
        return 2.0;
    }
    1.0
}

#[cfg(target_os = "linux")]
mod linux {
    use x11rb::protocol::xinput::{ConnectionExt as _, Device, DeviceClassData};

    /// Whether the display is an X server without a scroll axis on any device.
    pub(super) fn wheel_is_buttons() -> bool {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        // winit takes Wayland where there is one.
        if set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET") || !set("DISPLAY") {
            return false;
        }
        scroll_axes()
            .inspect_err(|error| log::debug!("the X server does not tell its devices: {error}"))
            .is_ok_and(|axes| axes == 0)
    }

    /// Number of scroll axes of all devices.
    fn scroll_axes() -> Result<usize, Box<dyn std::error::Error>> {
        let (connection, _) = x11rb::connect(None)?;
        connection.xinput_xi_query_version(2, 2)?.reply()?;
        let devices = connection.xinput_xi_query_device(Device::ALL)?.reply()?;
        let classes = devices.infos.iter().flat_map(|device| &device.classes);
        Ok(classes
            .filter(|class| matches!(class.data, DeviceClassData::Scroll(_)))
            .count())
    }
}
