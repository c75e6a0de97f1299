//! Which processor a network runs on.
use super::op::Isa;
use candle_core::{DType, Device, Tensor};
use std::{fmt, str::FromStr};
use thiserror::Error as ThisError;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The GPU that this program was built for, if there is one; else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// An NVIDIA GPU.
    Cuda,
    /// An Apple GPU.
    Metal,
}

/// A word that names no device.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
#[error("{0:?} is no device; choose auto, cpu, cuda or metal")]
pub struct UnknownDevice(String);

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(s: &str) -> Result<Self, UnknownDevice> {
        match s {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            "metal" => Ok(Self::Metal),
            _ => Err(UnknownDevice(s.to_owned())),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        })
    }
}

/// A device that works, and the line that tells the user which one it is and why.
#[derive(Debug, Clone)]
pub struct ChosenDevice {
    /// Where tensors go.
    pub device: Device,
    /// For people: `CPU (AVX-512)`, `CUDA device 0`, `CPU (AVX2); no CUDA device was found`.
    pub words: String,
}

impl DeviceChoice {
    /// Opens the device, or the CPU where it cannot be had; the words say so.
    pub fn open(self) -> ChosenDevice {
        let wanted: &[(&str, bool, Open)] = match self {
            Self::Cpu => &[],
            Self::Cuda => &[CUDA],
            Self::Metal => &[METAL],
            Self::Auto => &[CUDA, METAL],
        };
        let mut words = cpu_words();
        for &(name, built_in, open) in wanted {
            if !built_in {
                // What the program cannot do is only worth a word to those who asked for it.
                if self != Self::Auto {
                    words = format!("{words}; this program was built without {name}");
                }
                continue;
            }
            match open().and_then(|device| works(&device).map(|()| device)) {
                Ok(device) => {
                    let words = format!("{name} device 0");
                    return ChosenDevice { device, words };
                }
                Err(error) => {
                    log::warn!("{name}: {error}");
                    words = format!("{words}; no {name} device was found");
                }
            }
        }
        ChosenDevice {
            device: Device::Cpu,
            words,
        }
    }
}

type Open = fn() -> candle_core::Result<Device>;
const CUDA: (&str, bool, Open) = ("CUDA", cfg!(feature = "cuda"), || Device::new_cuda(0));
const METAL: (&str, bool, Open) = ("Metal", cfg!(feature = "metal"), || Device::new_metal(0));

fn cpu_words() -> String {
    format!("CPU ({})", Isa::best())
}

/// Computes something small: a driver that loads may still refuse to run.
fn works(device: &Device) -> candle_core::Result<()> {
    let two = (Tensor::ones(1, DType::F32, device)? + 1.0)?.to_vec1::<f32>()?;
    if two == [2.0] {
        Ok(())
    } else {
        candle_core::bail!("1 + 1 is {two:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_every_choice_and_back() {
        for choice in [
            DeviceChoice::Auto,
            DeviceChoice::Cpu,
            DeviceChoice::Cuda,
            DeviceChoice::Metal,
        ] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert!("gpu".parse::<DeviceChoice>().is_err());
    }

    #[test]
    fn the_cpu_is_always_there_and_says_what_it_is() {
        let chosen = DeviceChoice::Cpu.open();
        assert!(chosen.device.is_cpu());
        assert_eq!(chosen.words, format!("CPU ({})", Isa::best()));
    }

    #[cfg(not(feature = "metal"))]
    #[test]
    fn a_device_that_cannot_be_had_is_named() {
        let chosen = DeviceChoice::Metal.open();
        assert!(chosen.device.is_cpu());
        assert!(
            chosen
                .words
                .ends_with("; this program was built without Metal"),
            "{}",
            chosen.words
        );
    }
}
