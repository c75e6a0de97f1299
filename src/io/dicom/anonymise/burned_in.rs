//! What a header cannot show: text and faces in the pixels.
use super::identity::text_of;
use crate::io::dicom::attributes::Element;
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Something to look at in the pixels of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seen {
    /// The file says that text is burned in.
    BurnedIn,
    /// A kind of image that often carries text: captured, a screen's copy, derived outside the scanner, colour.
    PerhapsBurnedIn,
    /// An overlay in unused bits of the pixels, which stays there.
    OverlayBits,
    /// Slices of a head.
    Head,
}

impl Seen {
    pub(super) fn sentence(self, count: usize) -> String {
        let files = if count == 1 {
            "in 1 file".to_owned()
        } else {
            format!("in {count} files")
        };
        match self {
            Self::BurnedIn => format!(
                "{files}, text is burned into the pixels, as the header says, and is copied with them; look at each before giving the copy away"
            ),
            Self::PerhapsBurnedIn => format!(
                "{files}, the image is captured, derived or coloured, and may show a name or number; look at each before giving the copy away"
            ),
            Self::OverlayBits => format!(
                "{files}, an overlay lies in unused bits of the pixels and is copied with them; look at each before giving the copy away"
            ),
            Self::Head => format!(
                "{files}, there are slices, from which a face can be reconstructed where they show a whole head; the copy is not defaced"
            ),
        }
    }
}

/// Secondary capture, single and multi-frame.
const CAPTURED: &str = "1.2.840.10008.5.1.4.1.1.7";

/// What there is to look at in a file before it is edited.
pub(super) fn seen(elements: &[Element], class: &str, has_pixels: bool) -> Vec<Seen> {
    if !has_pixels {
        return Vec::new();
    }
    let text = |tag| text_of(elements, tag).unwrap_or_default().to_uppercase();
    let there = |tag| elements.iter().any(|e| e.tag == tag);
    let says = text(tags::BURNED_IN_ANNOTATION);
    let kind = text(tags::IMAGE_TYPE);
    let secondary = kind
        .split('\\')
        .any(|word| ["SECONDARY", "SCREEN SAVE", "SCREENSHOT", "CSA REPORT"].contains(&word));
    let colour = ["RGB", "YBR", "PALETTE"]
        .iter()
        .any(|start| text(tags::PHOTOMETRIC_INTERPRETATION).starts_with(start));
    let modality = text(tags::MODALITY);
    let captured = class.starts_with(CAPTURED)
        || there(tags::CONVERSION_TYPE)
        || there(tags::SECONDARY_CAPTURE_DEVICE_ID)
        || matches!(modality.as_str(), "OT" | "SC" | "US" | "XC" | "DOC");
    let mut seen = Vec::new();
    if says == "YES" {
        seen.push(Seen::BurnedIn);
    } else if says != "NO" && (secondary || colour || captured) {
        seen.push(Seen::PerhapsBurnedIn);
    }
    // Overlay Rows without Overlay Data: PS3.3, C.9.2, as it was until 2004.
    let inside = (0x6000..=0x60ff)
        .step_by(2)
        .any(|group| there(Tag(group, 0x0010)) && !there(Tag(group, 0x3000)));
    if inside {
        seen.push(Seen::OverlayBits);
    }
    if matches!(modality.as_str(), "MR" | "CT" | "PT") && !captured && !secondary {
        seen.push(Seen::Head);
    }
    seen
}
