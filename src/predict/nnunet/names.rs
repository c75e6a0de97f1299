//! What a folder's labels mean to Schwann.
use super::dataset::Dataset;
use crate::predict::Error;
use crate::volume::{Grid, LabelMap, LabelTable, Structure};

/// The labels of a folder that Schwann has measures for.
#[derive(Debug)]
pub(in crate::predict) struct KnownLabels {
    /// One value for each structure: where several stand for it, the lowest.
    table: LabelTable,
    /// The value that each value is measured under; most under themselves.
    under: [u8; 256],
    /// What the reader should know.
    pub(in crate::predict) warnings: Vec<String>,
}

impl KnownLabels {
    pub(super) fn of(dataset: &Dataset) -> Self {
        let mut owners: Vec<(u8, Structure)> = Vec::new();
        let mut unknown = Vec::new();
        let mut warnings = Vec::new();
        let mut labels: Vec<&(String, Vec<u8>)> = dataset.labels.iter().collect();
        // Of two regions that share a value, the smaller one is what is there.
        labels.sort_by_key(|(_, values)| values.len());
        for (name, values) in labels {
            let Some(structure) = structure(name) else {
                unknown.push(name.as_str());
                continue;
            };
            for &value in values.iter().filter(|v| **v != 0) {
                match owners.iter().find(|(v, _)| *v == value) {
                    None => owners.push((value, structure)),
                    Some((_, owner)) if *owner != structure => warnings.push(format!(
                        "the label {value} stands for {owner} and {structure}: it is measured as {owner} alone"
                    )),
                    Some(_) => {}
                }
            }
        }
        owners.sort_unstable();
        let mut table: Vec<(u8, Structure)> = Vec::new();
        let mut under = std::array::from_fn(|value| value as u8);
        for &(value, structure) in &owners {
            match table.iter().find(|(_, s)| *s == structure) {
                None => table.push((value, structure)),
                Some((lowest, _)) => under[usize::from(value)] = *lowest,
            }
        }
        warnings.extend(together(&owners, &table));
        if !unknown.is_empty() {
            unknown.sort_unstable();
            warnings.push(format!(
                "labels that Schwann has no measures for: {}",
                unknown.join(", ")
            ));
        }
        warnings.extend(misread(dataset, &owners));
        Self {
            table: LabelTable::new(table),
            under,
            warnings,
        }
    }

    /// A map in which each structure has one value, of a model's own labels.
    pub(in crate::predict) fn map(&self, grid: Grid, labels: &[u8]) -> Result<LabelMap, Error> {
        let labels = labels.iter().map(|l| self.under[usize::from(*l)]);
        Ok(LabelMap::new(grid, labels.collect(), self.table.clone())?)
    }

    /// The model's own labels, where [`Self::map`] has changed some.
    pub(in crate::predict) fn own(
        &self,
        grid: Grid,
        labels: Vec<u8>,
    ) -> Result<Option<LabelMap>, Error> {
        if labels.iter().all(|l| self.under[usize::from(*l)] == *l) {
            return Ok(None);
        }
        Ok(Some(LabelMap::new(grid, labels, self.table.clone())?))
    }
}

/// Which values are measured as one.
fn together(owners: &[(u8, Structure)], table: &[(u8, Structure)]) -> Vec<String> {
    let values = |structure: Structure| -> Vec<String> {
        let of = owners.iter().filter(|(_, s)| *s == structure);
        of.map(|(value, _)| value.to_string()).collect()
    };
    table
        .iter()
        .map(|(_, structure)| (structure, values(*structure)))
        .filter(|(_, values)| values.len() > 1)
        .map(|(structure, values)| {
            format!(
                "the labels {} are measured together as {structure}",
                values.join(", ")
            )
        })
        .collect()
}

/// A label map that is written says nothing of its values' meaning: a warning where Schwann's own would be another.
fn misread(dataset: &Dataset, owners: &[(u8, Structure)]) -> Option<String> {
    let usual = LabelTable::default();
    let owner = |value: u8| owners.iter().find(|(v, _)| *v == value).map(|(_, s)| *s);
    let wrong: Vec<String> = dataset
        .foreground
        .iter()
        .filter_map(|&value| Some((value, usual.structure(value)?)))
        .filter(|(value, structure)| owner(*value) != Some(*structure))
        .map(|(value, structure)| format!("{value} for {structure}"))
        .collect();
    (!wrong.is_empty()).then(|| {
        format!(
            "the file has the model's own label values: Schwann's other commands, which cannot know them, would take {}",
            wrong.join(", ")
        )
    })
}

/// Words that tell a part or a side of a structure.
const SIDES: [&str; 4] = ["left", "right", "l", "r"];
const PARTS: [&str; 14] = [
    "intra",
    "extra",
    "meatal",
    "intrameatal",
    "extrameatal",
    "canalicular",
    "intracanalicular",
    "extracanalicular",
    "cisternal",
    "solid",
    "cystic",
    "whole",
    "part",
    "component",
];

/// The structure that a label's name means.
fn structure(name: &str) -> Option<Structure> {
    let name = name.to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words
        .filter(|w| !w.is_empty() && !SIDES.contains(w))
        .collect();
    let (parts, rest): (Vec<&str>, Vec<&str>) = words.iter().partition(|w| PARTS.contains(w));
    let whole = words.join(" ");
    // A part of the tumour belongs to it; nothing else is known by its parts.
    let tumour = match rest.join(" ").as_str() {
        "vs" | "tumour" | "tumor" | "schwannoma" | "vestibular schwannoma" | "acoustic neuroma" => {
            true
        }
        "" => {
            let parts = parts.concat();
            let meatus = ["intrameatal", "extrameatal", "intracanalicular"];
            meatus.contains(&parts.as_str()) || parts == "extracanalicular"
        }
        _ => false,
    };
    if tumour {
        return Some(Structure::VestibularSchwannoma);
    }
    match whole.as_str() {
        "cochleae" | "cochleas" => Some(Structure::Cochlea),
        "brain stem" => Some(Structure::Brainstem),
        "iac" | "internal auditory canals" => Some(Structure::InternalAuditoryCanal),
        "4th ventricle" => Some(Structure::FourthVentricle),
        name => Structure::ALL.into_iter().find(|s| s.name() == name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::dataset::Heads;
    use super::*;

    fn known(labels: &[(&str, &[u8])]) -> KnownLabels {
        let mut foreground: Vec<u8> = labels.iter().flat_map(|(_, v)| v.to_vec()).collect();
        foreground.sort_unstable();
        foreground.dedup();
        KnownLabels::of(&Dataset {
            channels: vec!["T2".to_owned()],
            labels: labels
                .iter()
                .map(|(n, v)| ((*n).to_owned(), v.to_vec()))
                .collect(),
            heads: Heads::Labels(foreground.len() + 1),
            foreground,
        })
    }

    #[test]
    fn names_of_structures_their_sides_and_the_tumours_parts_are_known() {
        use Structure::{Brainstem, Cochlea, FourthVentricle, InternalAuditoryCanal};
        let tumour = Some(Structure::VestibularSchwannoma);
        for (name, meaning) in [
            ("VS", tumour),
            ("vestibular_schwannoma", tumour),
            ("VS-intrameatal", tumour),
            ("Tumour (extra-meatal)", tumour),
            ("intra-meatal", tumour),
            ("extrameatal", tumour),
            ("cystic part", None),
            ("whole", None),
            ("extra", None),
            ("tumour core", None),
            ("left cochlea", Some(Cochlea)),
            ("cochleae", Some(Cochlea)),
            ("BrainStem", Some(Brainstem)),
            ("IAC_r", Some(InternalAuditoryCanal)),
            ("4th_ventricle", Some(FourthVentricle)),
            ("left", None),
            ("", None),
        ] {
            assert_eq!(structure(name), meaning, "{name}");
        }
    }

    #[test]
    fn several_values_of_a_structure_are_measured_as_one() {
        let known = known(&[
            ("extra-meatal", &[2]),
            ("intra-meatal", &[1]),
            ("cochlea", &[3]),
        ]);
        let grid = Grid::axis_aligned([5, 1, 1], [1.0; 3], glam::DVec3::ZERO).unwrap();
        let map = known.map(grid, &[0, 1, 2, 3, 2]).unwrap();
        assert_eq!(map.labels(), [0, 1, 1, 3, 1]);
        assert_eq!(map.count(Structure::VestibularSchwannoma), 3);
        assert_eq!(map.count(Structure::Cochlea), 1);
        let own = known.own(grid, vec![0, 1, 2, 3, 2]).unwrap().unwrap();
        assert_eq!(own.labels(), [0, 1, 2, 3, 2]);
        assert!(known.own(grid, vec![0, 1, 1, 3, 0]).unwrap().is_none());
        let said = known.warnings.join("\n");
        assert!(said.contains("labels 1, 2 are measured together"), "{said}");
        // Read by its values alone the file would be taken for another.
        assert!(said.contains("2 for cochlea, 3 for brainstem"), "{said}");
    }

    #[test]
    fn a_value_of_two_structures_is_the_smaller_ones_and_that_is_told() {
        let known = known(&[("brainstem", &[3, 5]), ("4th ventricle", &[5])]);
        let entries = known.table.entries();
        assert_eq!(
            entries,
            [(3, Structure::Brainstem), (5, Structure::FourthVentricle)]
        );
        let said = known.warnings.join("\n");
        assert!(
            said.contains("5 stands for fourth ventricle and brainstem"),
            "{said}"
        );
        assert_eq!(known.warnings.len(), 1, "{said}");
    }

    #[test]
    fn usual_labels_need_no_words() {
        let usual = known(&[("VS", &[1]), ("cochlea", &[2])]);
        assert!(usual.warnings.is_empty(), "{:?}", usual.warnings);
        let other = known(&[("nerve", &[1])]);
        assert_eq!(other.warnings.len(), 2, "{:?}", other.warnings);
    }
}
