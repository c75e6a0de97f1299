//! What the values of a label map mean that somebody else made.
use crate::{
    io::{self, Warning},
    measure::structure_size,
    volume::{LabelMap, LabelTable, Structure},
};
use std::{collections::BTreeMap, path::Path};

/// Name of the values of the challenge of 2023.
const CROSSMODA_2023: &str = "crossmoda2023";
/// Most bytes of a file of meanings.
const MOST_BYTES: u64 = 1 << 20;
/// A brainstem has more, mm³; both cochleae together have less.
const LEAST_BRAINSTEM_MM3: f64 = 1000.0;
/// How far two cochleae lie apart, mm.
const BETWEEN_EARS_MM: std::ops::Range<f64> = 50.0..120.0;

#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Scheme {
    /// What the values of label maps mean where they are not Schwann's own: `crossmoda2023` (1 and 2 are the tumour's parts, 3 the cochleae), or a JSON file such as
    /// `{"1": "vestibular schwannoma", "7": "cochlea"}`; values that it does not name are left out.
    #[arg(long = "scheme", value_name = "NAME|FILE", value_parser = meaning)]
    meaning: Option<Meaning>,
}

/// The structure of each value.
#[derive(Debug, Clone)]
struct Meaning(BTreeMap<i64, Structure>);

fn meaning(text: &str) -> Result<Meaning, String> {
    if text == CROSSMODA_2023 {
        let tumour = Structure::VestibularSchwannoma;
        let values = [(1, tumour), (2, tumour), (3, Structure::Cochlea)];
        return Ok(Meaning(values.into()));
    }
    let size = std::fs::metadata(text)
        .map_err(|e| format!("neither {CROSSMODA_2023} nor a file ({e})"))?;
    if size.len() > MOST_BYTES {
        return Err("the file is too large to hold meanings of values".to_owned());
    }
    let json = std::fs::read(text).map_err(|e| e.to_string())?;
    let named: BTreeMap<String, String> = serde_json::from_slice(&json)
        .map_err(|e| format!("values and names of structures are needed, as in {{\"1\": \"vestibular schwannoma\"}} ({e})"))?;
    let known = || Structure::ALL.map(Structure::name).join(", ");
    let values = named.iter().map(|(value, name)| {
        let number: i64 = value
            .trim()
            .parse()
            .map_err(|e| format!("`{value}` is no label value ({e})"))?;
        let structure = Structure::ALL.into_iter().find(|s| s.name() == name.trim());
        let structure = structure.ok_or_else(|| format!("`{name}` is none of: {}", known()))?;
        Ok((number, structure))
    });
    let values = values.collect::<Result<BTreeMap<_, _>, String>>()?;
    if values.is_empty() {
        return Err("the file gives no value a meaning".to_owned());
    }
    Ok(Meaning(values))
}

/// [`Scheme`] for the two folders of a comparison, whose values may mean different things.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Schemes {
    #[command(flatten)]
    both: Scheme,
    /// The same of the predictions alone.
    #[arg(long, value_name = "NAME|FILE", value_parser = meaning)]
    prediction_scheme: Option<Meaning>,
    /// The same of the references alone.
    #[arg(long, value_name = "NAME|FILE", value_parser = meaning)]
    reference_scheme: Option<Meaning>,
}

impl Schemes {
    /// That of the predictions.
    pub(super) fn prediction(&self) -> Scheme {
        self.or_both(self.prediction_scheme.as_ref())
    }

    /// That of the references.
    pub(super) fn reference(&self) -> Scheme {
        self.or_both(self.reference_scheme.as_ref())
    }

    fn or_both(&self, own: Option<&Meaning>) -> Scheme {
        Scheme {
            meaning: own.or(self.both.meaning.as_ref()).cloned(),
        }
    }
}

impl Scheme {
    /// Reads a label map, with what to beware of.
    pub(super) fn read(&self, path: &Path) -> Result<(LabelMap, Vec<String>), io::Error> {
        let words = |warnings: Vec<Warning>| warnings.iter().map(ToString::to_string).collect();
        if let Some(Meaning(values)) = &self.meaning {
            let (labels, warnings) = io::read_labels_meaning(path, values)?;
            return Ok((labels, words(warnings)));
        }
        let (labels, warnings) = io::read_labels(path, &LabelTable::default())?;
        let mut warnings: Vec<String> = words(warnings);
        if looks_like_2023(&labels) {
            warnings.push(format!(
                "what the value 3 marks looks like two cochleae and no brainstem, as in the challenge of 2023, where 1 and 2 are parts of the tumour: the sizes are wrong then, give --scheme {CROSSMODA_2023}: {}",
                path.display()
            ));
        }
        Ok((labels, warnings))
    }
}

/// Whether the brainstem is two small parts as far apart as the ears.
fn looks_like_2023(labels: &LabelMap) -> bool {
    structure_size(labels, Structure::Brainstem).is_some_and(|size| {
        size.components > 1
            && size.volume_mm3 < LEAST_BRAINSTEM_MM3
            && BETWEEN_EARS_MM.contains(&size.max_diameter_3d_mm)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Grid;
    use glam::DAffine3;

    #[test]
    fn a_file_of_meanings_names_structures_by_value() {
        let folder = tempfile::tempdir().unwrap();
        let of = |text: &str| {
            let path = folder.path().join("scheme.json");
            std::fs::write(&path, text).unwrap();
            meaning(path.to_str().unwrap()).map(|m| m.0)
        };
        let found = of(r#"{"1": "vestibular schwannoma", " 7": "cochlea "}"#).unwrap();
        assert_eq!(found[&1], Structure::VestibularSchwannoma);
        assert_eq!(found[&7], Structure::Cochlea);
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"1": "spleen"}"#,
            r#"{"one": "cochlea"}"#,
            r#"{"1": 2}"#,
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        assert!(
            meaning("nowhere.json")
                .unwrap_err()
                .contains(CROSSMODA_2023)
        );
        assert_eq!(meaning(CROSSMODA_2023).unwrap().0.len(), 3);
    }

    #[test]
    fn two_far_specks_are_no_brainstem() {
        let grid = Grid::new([80, 12, 12], DAffine3::IDENTITY).unwrap();
        let map = |ranges: &[std::ops::Range<usize>]| {
            let value = |n: usize| {
                let inside = n / 80 % 12 > 3 && n / 80 % 12 < 9 && n / 960 > 3 && n / 960 < 9;
                u8::from(inside && ranges.iter().any(|r| r.contains(&(n % 80)))) * 3
            };
            let values = (0..grid.len()).map(value).collect();
            LabelMap::new(grid, values, LabelTable::default()).unwrap()
        };
        assert!(looks_like_2023(&map(&[5..10, 70..75])));
        // One small part is a brainstem that the scan cuts; two near each other are an outline in pieces.
        assert!(!looks_like_2023(&map(std::slice::from_ref(&(5..10)))));
        assert!(!looks_like_2023(&map(&[5..10, 20..25])));
        assert!(!looks_like_2023(&map(&[5..60, 70..75])));
    }
}
