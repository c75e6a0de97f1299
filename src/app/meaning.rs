//! What the values of a label map from elsewhere mean: asked, never guessed in silence.
use super::state::VisitId;
use crate::{
    io::LabelValue,
    volume::{LabelTable, Structure},
};
use std::{collections::BTreeMap, path::PathBuf};

/// A label map whose values wait for their meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct Meaning {
    /// The visit that it is of.
    pub visit: VisitId,
    /// The file.
    pub path: PathBuf,
    /// Its values, each with what it means; none where it is left out.
    pub values: Vec<(LabelValue, Option<Structure>)>,
    /// What a segmentation or structure set calls each of its segments or regions, by number; none of a label map.
    pub names: Option<BTreeMap<i64, String>>,
}

/// A way in which many files give their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// 1 tumour, 2 cochlea, then brainstem, canal, fourth ventricle: Schwann's own, crossMoDA 2021 and 2022.
    Schwann,
    /// 1 tumour within the canal, 2 outside it, 3 cochlea: crossMoDA 2023.
    CrossModa2023,
}

impl Scheme {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Schwann, Self::CrossModa2023];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Schwann => "Schwann, crossMoDA 2021 and 2022",
            Self::CrossModa2023 => "crossMoDA 2023",
        }
    }

    /// What a value means.
    fn structure(self, value: i64) -> Option<Structure> {
        match (self, value) {
            (Self::Schwann, value) => LabelTable::default().structure(u8::try_from(value).ok()?),
            (Self::CrossModa2023, 1 | 2) => Some(Structure::VestibularSchwannoma),
            (Self::CrossModa2023, 3) => Some(Structure::Cochlea),
            (Self::CrossModa2023, _) => None,
        }
    }
}

/// A change of the meaning, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeaningCommand {
    /// What a value means.
    Set(i64, Option<Structure>),
    /// What all values mean.
    Follow(Scheme),
    /// Reads the outlines so.
    Read,
    /// Leaves the file alone.
    Leave,
}

impl Meaning {
    /// The values of a file with what they mean in Schwann's own files.
    pub fn new(visit: VisitId, path: PathBuf, values: Vec<LabelValue>) -> Self {
        let values = values.into_iter().map(|v| (v, None)).collect();
        let mut meaning = Self {
            visit,
            path,
            values,
            names: None,
        };
        meaning.follow(Scheme::Schwann);
        meaning
    }

    /// Gives each value the meaning that it has in a scheme.
    pub(super) fn follow(&mut self, scheme: Scheme) {
        for (value, structure) in &mut self.values {
            *structure = scheme.structure(value.value);
        }
    }

    /// Sets what a value means.
    pub(super) fn set(&mut self, value: i64, structure: Option<Structure>) {
        if let Some((_, old)) = self.values.iter_mut().find(|(v, _)| v.value == value) {
            *old = structure;
        }
    }

    /// Whether any value means something.
    pub fn means_something(&self) -> bool {
        self.values.iter().any(|(_, s)| s.is_some())
    }

    /// The meaning of each value that has one.
    pub fn structures(&self) -> BTreeMap<i64, Structure> {
        let values = self.values.iter();
        values.filter_map(|(v, s)| Some((v.value, (*s)?))).collect()
    }
}
