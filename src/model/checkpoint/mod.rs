//! PyTorch checkpoints (`.pth`, a ZIP archive) as nnU-Net v2 writes them, read as data: no code of the file runs.
mod pickle;

use half::{bf16, f16};
use pickle::{Element, Id, Pickle, Storage, TensorView, Value};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    path::Path,
    sync::Arc,
};
use thiserror::Error as ThisError;
use zip::{CompressionMethod, ZipArchive, result::ZipError};

/// Why a checkpoint cannot be used. The path is added by who knows it.
#[derive(Debug, ThisError)]
pub enum CheckpointError {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is no ZIP archive, for example cut off, or of a PyTorch before 1.6.
    #[error("is no whole PyTorch archive ({0}); files of PyTorch before 1.6 must be saved anew")]
    Archive(#[from] ZipError),
    /// A member that must be there is not.
    #[error("has no member {0}")]
    Member(String),
    /// A member has another size than the file says elsewhere, or is packed in a way that PyTorch does not use.
    #[error("is damaged: the member {name} {problem}")]
    Damaged {
        /// The member.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The pickle is not well formed.
    #[error("is damaged: the pickle in it cannot be read: {0}")]
    Pickle(&'static str),
    /// The pickle has an instruction that PyTorch never writes.
    #[error(
        "is refused: the pickle in it has the instruction 0x{0:02x}, which no checkpoint needs"
    )]
    Instruction(u8),
    /// The pickle names a function or type outside the short list of those that checkpoints need.
    #[error("is refused: it wants to run {0}, which no checkpoint needs")]
    Refused(String),
    /// A field that nnU-Net writes is missing or of another type.
    #[error("has no usable field {0}")]
    Field(&'static str),
    /// A tensor has another shape than the network.
    #[error(
        "does not fit: the tensor {name} has shape {found:?}, plans.json and dataset.json ask for {expected:?}"
    )]
    Shape {
        /// Its name.
        name: String,
        /// What the file has.
        found: Vec<usize>,
        /// What the network needs.
        expected: Vec<usize>,
    },
    /// A tensor does not fit into its storage, or is of a type that weights never have.
    #[error("cannot be used: the tensor {name} {problem}")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Largest pickle that is read; those of nnU-Net take a few megabytes.
const MOST_PICKLE_BYTES: u64 = 64 << 20;
/// Most numbers in one tensor.
const MOST_NUMBERS: usize = 1 << 28;
/// Longest name of a tensor.
const MOST_NAME_BYTES: usize = 1024;
/// Most tensors of a network.
const MOST_TENSORS: usize = 1 << 16;

/// An open checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    archive: ZipArchive<BufReader<File>>,
    /// What the members' names begin with.
    prefix: String,
    pickle: Pickle,
    weights: BTreeMap<String, Arc<TensorView>>,
}

impl Checkpoint {
    /// Opens a checkpoint and reads everything but the numbers of its tensors.
    ///
    /// # Errors
    /// When the file is no archive, its pickle is damaged or names what is refused, or `network_weights` is missing or no dictionary of tensors.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let mut archive = ZipArchive::new(BufReader::new(File::open(path)?))?;
        let index = archive
            .file_names()
            .filter_map(Result::ok)
            .find(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
            .map(std::borrow::Cow::into_owned);
        let index = index.ok_or_else(|| CheckpointError::Member("data.pkl".to_owned()))?;
        let prefix = index.trim_end_matches("data.pkl").to_owned();
        let order = format!("{prefix}byteorder");
        if archive.index_for_name(&order).is_some()
            && member(&mut archive, &order, 64)?.trim_ascii() != b"little"
        {
            return Err(CheckpointError::Damaged {
                name: order,
                problem: "does not say little",
            });
        }
        let pickle = Pickle::read(&member(&mut archive, &index, MOST_PICKLE_BYTES)?)?;
        let weights = weights(&pickle)?;
        Ok(Self {
            archive,
            prefix,
            pickle,
            weights,
        })
    }

    /// Names of the network's tensors, as the file spells them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.weights.keys().map(String::as_str)
    }

    /// Shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.weights.get(name)?.shape)
    }

    /// The class that trained the network.
    pub fn trainer(&self) -> Option<&str> {
        let id = self.pickle.get(self.pickle.root, "trainer_name")?;
        self.pickle.text(id)
    }

    /// The configuration that the network was trained for, such as `3d_fullres`.
    pub fn configuration(&self) -> Option<&str> {
        let arguments = self.pickle.get(self.pickle.root, "init_args")?;
        let id = self.pickle.get(arguments, "configuration")?;
        self.pickle.text(id)
    }

    /// The axes along which the result is averaged with that of the mirrored image; `None` when the file says so or says nothing.
    ///
    /// # Errors
    /// When the field is there and no list of axes 0 to 2.
    pub fn mirroring_axes(&self) -> Result<Option<Vec<usize>>, CheckpointError> {
        const FIELD: &str = "inference_allowed_mirroring_axes";
        let Some(id) = self.pickle.get(self.pickle.root, FIELD) else {
            return Ok(None);
        };
        if *self.pickle.value(id) == Value::None {
            return Ok(None);
        }
        let axis = |id: &Id| match self.pickle.value(*id) {
            Value::Int(n) => usize::try_from(*n).ok().filter(|n| *n < 3),
            _ => None,
        };
        let axes = self.pickle.items(id);
        let axes = axes.and_then(|items| items.iter().map(axis).collect::<Option<Vec<_>>>());
        axes.map(Some).ok_or(CheckpointError::Field(FIELD))
    }

    /// Whether two tensors are the same numbers, by being the same part of the file or by comparing them.
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`].
    pub fn same(&mut self, a: &str, b: &str) -> Result<bool, CheckpointError> {
        if self.weights.get(a) == self.weights.get(b) {
            return Ok(true);
        }
        let (shape_a, a) = self.tensor(a)?;
        let (shape_b, b) = self.tensor(b)?;
        let equal = |(x, y): (&f32, &f32)| x.to_bits() == y.to_bits();
        Ok(shape_a == shape_b && a.iter().zip(&b).all(equal))
    }

    /// Shape and numbers of a tensor, last axis fastest.
    ///
    /// # Errors
    /// When there is no such tensor, its storage is missing or of another size, or a number is not finite.
    pub fn tensor(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f32>), CheckpointError> {
        let wrong = |problem| CheckpointError::Tensor {
            name: name.to_owned(),
            problem,
        };
        let view = self.weights.get(name).cloned();
        let view = view.ok_or_else(|| wrong("is missing"))?;
        let count = checked_count(&view).ok_or_else(|| wrong("is larger than its storage"))?;
        if matches!(view.storage.element, Element::Other(_)) {
            return Err(wrong("is not of floating-point numbers"));
        }
        let storage = self.storage(&view.storage)?;
        let mut values = Vec::with_capacity(count);
        let mut index = vec![0; view.shape.len()];
        let mut at = view.offset;
        for _ in 0..count {
            values.push(number(&storage, at, view.storage.element));
            // The next index, last axis fastest.
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += view.stride[axis];
                if index[axis] < view.shape[axis] {
                    break;
                }
                at -= index[axis] * view.stride[axis];
                index[axis] = 0;
            }
        }
        if values.iter().all(|v| v.is_finite()) {
            Ok((view.shape.clone(), values))
        } else {
            Err(wrong("has a number that is not finite"))
        }
    }

    fn storage(&mut self, storage: &Storage) -> Result<Vec<u8>, CheckpointError> {
        let name = format!("{}data/{}", self.prefix, storage.key);
        let bytes = storage.count.checked_mul(storage.element.bytes());
        let damaged = |problem| CheckpointError::Damaged {
            name: name.clone(),
            problem,
        };
        let bytes = bytes.filter(|b| *b <= 8 * MOST_NUMBERS);
        let bytes = bytes.ok_or_else(|| damaged("is too large"))?;
        let data = member(&mut self.archive, &name, bytes as u64)?;
        if data.len() == bytes {
            Ok(data)
        } else {
            Err(damaged("has another size than the pickle says"))
        }
    }
}

/// A whole member of the archive, of at most `most` bytes.
fn member(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
    most: u64,
) -> Result<Vec<u8>, CheckpointError> {
    let damaged = |problem| CheckpointError::Damaged {
        name: name.to_owned(),
        problem,
    };
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Err(CheckpointError::Member(name.to_owned())),
        Err(other) => return Err(other.into()),
    };
    // PyTorch never compresses; a file that does could grow without limit.
    if file.compression() != CompressionMethod::Stored {
        return Err(damaged("is compressed"));
    }
    if file.size() > most || file.size() != file.compressed_size() {
        return Err(damaged("is larger than it may be"));
    }
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The tensors of `network_weights` by name, without the prefixes that wrappers of PyTorch add.
fn weights(pickle: &Pickle) -> Result<BTreeMap<String, Arc<TensorView>>, CheckpointError> {
    const FIELD: &str = "network_weights";
    let field = || CheckpointError::Field(FIELD);
    let dict = pickle.get(pickle.root, FIELD).ok_or_else(field)?;
    let entries = pickle.entries(dict).ok_or_else(field)?;
    if entries.len() > MOST_TENSORS {
        return Err(CheckpointError::Pickle("it has too many values"));
    }
    let mut weights = BTreeMap::new();
    for [key, value] in entries {
        // Keys share their text, so that a short file could have a long one copied often.
        let name = pickle.text(*key).filter(|n| n.len() <= MOST_NAME_BYTES);
        let name = name.ok_or_else(field)?;
        let name = name.trim_start_matches("module.");
        let name = name.trim_start_matches("_orig_mod.");
        let Value::Tensor(view) = pickle.value(*value) else {
            return Err(CheckpointError::Tensor {
                name: name.to_owned(),
                problem: "is no tensor",
            });
        };
        weights.insert(name.to_owned(), Arc::clone(view));
    }
    Ok(weights)
}

/// How many numbers a view has, if all of them lie within its storage.
fn checked_count(view: &TensorView) -> Option<usize> {
    if view.shape.len() != view.stride.len() {
        return None;
    }
    let count = view
        .shape
        .iter()
        .try_fold(1_usize, |n, &d| n.checked_mul(d))
        .filter(|&n| n <= MOST_NUMBERS)?;
    // A view may repeat numbers; weights never do, and memory is taken for what the file holds.
    if count == 0 || count > view.storage.count {
        return None;
    }
    let last = view
        .shape
        .iter()
        .zip(&view.stride)
        .try_fold(view.offset, |last, (&size, &stride)| {
            last.checked_add((size - 1).checked_mul(stride)?)
        })?;
    (last < view.storage.count).then_some(count)
}

/// Element `at` of a storage, of which it is known that it is there.
fn number(bytes: &[u8], at: usize, element: Element) -> f32 {
    fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&bytes[at * N..][..N]);
        out
    }
    match element {
        Element::F16 => f16::from_le_bytes(array(bytes, at)).to_f32(),
        Element::Bf16 => bf16::from_le_bytes(array(bytes, at)).to_f32(),
        Element::F32 => f32::from_le_bytes(array(bytes, at)),
        Element::F64 => f64::from_le_bytes(array(bytes, at)) as f32,
        Element::Other(_) => f32::NAN,
    }
}
