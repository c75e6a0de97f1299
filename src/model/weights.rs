//! Weights on disk: safetensors, every tensor named.
use super::Error;
use candle_core::{DType, Device, Tensor};
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Tensors by name, in a fixed order.
pub type Parameters = BTreeMap<String, Tensor>;

/// Texts that travel with the tensors, by name.
pub type Metadata = BTreeMap<String, String>;

/// Most values of one tensor that are read; no network here comes near.
const MOST_VALUES: usize = 1 << 28;

/// SHA-256 of a file's bytes, lower-case hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// The tensors of a safetensors file (`F32` or `F16`) as `f32` on the CPU, and its metadata.
///
/// # Errors
/// When the file is damaged, a tensor has another type, or a value is not finite.
pub fn read_tensors(bytes: &[u8]) -> Result<(Parameters, Metadata), Error> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let file = SafeTensors::deserialize(bytes)?;
    let mut parameters = Parameters::new();
    for (name, view) in file.iter() {
        let problem = |problem| Error::TensorValues {
            name: name.to_owned(),
            problem,
        };
        let data = view.data();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => data
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
            Dtype::F16 => data
                .chunks_exact(2)
                .map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32())
                .collect(),
            _ => return Err(problem("is neither f32 nor f16")),
        };
        if values.len() > MOST_VALUES {
            return Err(problem("is too large"));
        }
        if !values.iter().all(|v| v.is_finite()) {
            return Err(problem("has a value that is not finite"));
        }
        parameters.insert(
            name.to_owned(),
            Tensor::from_vec(values, view.shape(), &Device::Cpu)?,
        );
    }
    let metadata = header.metadata().clone().unwrap_or_default();
    Ok((parameters, metadata.into_iter().collect()))
}

/// A safetensors file of the tensors, as `f16` when `half` and as `f32` otherwise. The same tensors give the same bytes as long as there is
/// at most one metadata entry.
///
/// # Errors
/// When a tensor cannot be brought to the CPU, or is too large for `f16`.
pub fn write_tensors(
    parameters: &Parameters,
    metadata: &Metadata,
    half: bool,
) -> Result<Vec<u8>, Error> {
    let mut stored: Vec<(&String, Vec<usize>, Vec<u8>)> = Vec::with_capacity(parameters.len());
    for (name, tensor) in parameters {
        let values: Vec<f32> = tensor
            .to_device(&Device::Cpu)?
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1()?;
        let bytes = if half {
            if values.iter().any(|&v| !f16::from_f32(v).is_finite()) {
                return Err(Error::TensorValues {
                    name: name.clone(),
                    problem: "has a value too large for f16",
                });
            }
            values
                .iter()
                .flat_map(|&v| f16::from_f32(v).to_le_bytes())
                .collect()
        } else {
            values.iter().flat_map(|v| v.to_le_bytes()).collect()
        };
        stored.push((name, tensor.dims().to_vec(), bytes));
    }
    let dtype = if half { Dtype::F16 } else { Dtype::F32 };
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name.as_str(), TensorView::new(dtype, shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let metadata = (!metadata.is_empty()).then(|| metadata.clone().into_iter().collect());
    Ok(safetensors::serialize(views, metadata)?)
}

/// Whether parameters are those that a network has: every name, no other, each of its shape.
///
/// # Errors
/// Names the first that is missing, unknown or of another shape.
pub(super) fn check(
    shapes: &BTreeMap<String, Vec<usize>>,
    parameters: &Parameters,
) -> Result<(), Error> {
    for (name, expected) in shapes {
        let tensor = parameters
            .get(name)
            .ok_or_else(|| Error::MissingTensor(name.clone()))?;
        if tensor.dims() != expected {
            return Err(Error::TensorShape {
                name: name.clone(),
                expected: expected.clone(),
                found: tensor.dims().to_vec(),
            });
        }
    }
    match parameters.keys().find(|name| !shapes.contains_key(*name)) {
        Some(name) => Err(Error::UnknownTensor(name.clone())),
        None => Ok(()),
    }
}

/// SHA-256 over one file after another.
#[derive(Debug, Default)]
pub struct Sha256Digest(Sha256);

impl Sha256Digest {
    /// Adds a file's bytes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add_file(&mut self, path: &std::path::Path) -> std::io::Result<()> {
        let mut file = std::fs::File::open(path)?;
        std::io::copy(&mut file, &mut self.0).map(drop)
    }

    /// Lower-case hexadecimal.
    pub fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}
