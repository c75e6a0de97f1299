//! Transfer syntaxes: how a data set and its pixels are written (PS3.5, 10 and annex A).
use super::attributes::ByteOrder;
use dicom_encoding::transfer_syntax::TransferSyntaxIndex;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

/// How the pixels are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// One sample after the other.
    Native(ByteOrder),
    /// The same, in fragments.
    Encapsulated,
    Rle,
    /// ITU-T T.81: baseline, extended with 12 bits, lossless.
    Jpeg,
    JpegLs,
    /// JPEG 2000 and its high-throughput form.
    Jpeg2000,
    /// Something that no decoder here reads.
    Unknown,
}

/// A transfer syntax.
#[derive(Debug, Clone)]
pub(super) struct Syntax {
    /// Its UID; of files that name none, the one that their content shows.
    pub(super) uid: String,
    pub(super) encoding: Encoding,
    /// Whether the data set is deflated.
    pub(super) deflated: bool,
}

impl Syntax {
    pub(super) fn new(uid: &str) -> Self {
        let encoding = match uid {
            "1.2.840.10008.1.2" | "1.2.840.10008.1.2.1" | "1.2.840.10008.1.2.1.99" => {
                Encoding::Native(ByteOrder::Little)
            }
            "1.2.840.10008.1.2.2" => Encoding::Native(ByteOrder::Big),
            "1.2.840.10008.1.2.1.98" => Encoding::Encapsulated,
            "1.2.840.10008.1.2.5" => Encoding::Rle,
            // Baseline, extended, the retired spectral selection and progression, lossless with any and with the first predictor.
            "1.2.840.10008.1.2.4.50"
            | "1.2.840.10008.1.2.4.51"
            | "1.2.840.10008.1.2.4.53"
            | "1.2.840.10008.1.2.4.55"
            | "1.2.840.10008.1.2.4.57"
            | "1.2.840.10008.1.2.4.70" => Encoding::Jpeg,
            "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => Encoding::JpegLs,
            "1.2.840.10008.1.2.4.90"
            | "1.2.840.10008.1.2.4.91"
            | "1.2.840.10008.1.2.4.201"
            | "1.2.840.10008.1.2.4.202"
            | "1.2.840.10008.1.2.4.203" => Encoding::Jpeg2000,
            _ => Encoding::Unknown,
        };
        Self {
            uid: uid.to_owned(),
            encoding,
            deflated: uid == "1.2.840.10008.1.2.1.99",
        }
    }

    /// Name and UID, for people.
    pub(super) fn name(&self) -> String {
        let known = TransferSyntaxRegistry.get(&self.uid);
        let name = known.map_or("a way that is not known", |ts| ts.name());
        // What is not known may be anything; a message is one line.
        format!("{name} ({})", self.uid.replace(char::is_control, "?"))
    }

    /// Whether a decoder here reads it.
    pub(super) fn is_read(&self) -> bool {
        self.encoding != Encoding::Unknown
    }

    /// Whether pixels lie in fragments.
    pub(super) fn is_encapsulated(&self) -> bool {
        !matches!(self.encoding, Encoding::Native(_))
    }

    /// The grammar of the data set, inflated. Files whose first element shows another way of writing value representations than the syntax
    /// announces are read as they are written.
    pub(super) fn grammar(&self, first: &[u8]) -> Grammar {
        let explicit = first
            .get(4..6)
            .is_none_or(|vr| vr.iter().all(u8::is_ascii_uppercase));
        match (self.encoding, explicit) {
            (Encoding::Native(ByteOrder::Big), _) => Grammar::ExplicitBig,
            (_, true) => Grammar::Explicit,
            (_, false) => Grammar::Implicit,
        }
    }
}

/// How elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    Explicit,
    Implicit,
    ExplicitBig,
}
