//! A picture of the window, its notice of research use included.
use egui::{ColorImage, Context};
use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, sync_channel},
};

/// What the picture is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A file that the user names.
    File,
    /// The clipboard.
    Clipboard,
}

/// Pictures that were asked for.
#[derive(Debug)]
pub(super) struct Screenshot {
    sender: SyncSender<(Arc<ColorImage>, Target)>,
    taken: Receiver<(Arc<ColorImage>, Target)>,
}

impl Default for Screenshot {
    fn default() -> Self {
        let (sender, taken) = sync_channel(2);
        Self { sender, taken }
    }
}

impl Screenshot {
    /// Asks for one of the next frame.
    pub(super) fn take(&self, ctx: &Context, target: Target) {
        let (sender, waker) = (self.sender.clone(), ctx.clone());
        ctx.request_screenshot(move |image| {
            // A window that is gone needs no picture.
            if sender.try_send((image, target)).is_ok() {
                waker.request_repaint();
            }
        });
    }

    /// One that has come.
    pub(super) fn taken(&self) -> Option<(Arc<ColorImage>, Target)> {
        self.taken.try_recv().ok()
    }
}
