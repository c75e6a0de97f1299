//! What the phantom can name: finer than the structures that Schwann segments.
use crate::volume::{Side, Structure};
use glam::DVec3;

/// An anatomical region of the phantom. Its value in the anatomy map is its place in [`Region::ALL`], from 1; 0 is everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    /// Vestibular schwannoma on the canal's side of the porus plane, cysts included.
    IntrameatalSchwannoma,
    /// Vestibular schwannoma in the cerebellopontine angle, cysts included.
    ExtrameatalSchwannoma,
    /// Cochlea.
    Cochlea(Side),
    /// Vestibule and semicircular canals.
    Vestibule(Side),
    /// Midbrain, pons and medulla.
    Brainstem,
    /// Fourth ventricle.
    FourthVentricle,
    /// Hemisphere of the cerebellum with its peduncle and flocculus.
    Cerebellum(Side),
    /// Vermis of the cerebellum.
    Vermis,
    /// Internal auditory canal with its nerves: what of it the tumour does not fill.
    InternalAuditoryCanal(Side),
    /// Other cerebrospinal fluid.
    CerebrospinalFluid,
}

impl Region {
    /// All, in the order of their values in the anatomy map: 1, 2, 3, ….
    pub const ALL: [Self; 14] = [
        Self::IntrameatalSchwannoma,
        Self::ExtrameatalSchwannoma,
        Self::Cochlea(Side::Left),
        Self::Cochlea(Side::Right),
        Self::Vestibule(Side::Left),
        Self::Vestibule(Side::Right),
        Self::Brainstem,
        Self::FourthVentricle,
        Self::Cerebellum(Side::Left),
        Self::Cerebellum(Side::Right),
        Self::Vermis,
        Self::InternalAuditoryCanal(Side::Left),
        Self::InternalAuditoryCanal(Side::Right),
        Self::CerebrospinalFluid,
    ];

    /// Value in the anatomy map.
    pub fn value(self) -> u8 {
        let place = Self::ALL.iter().position(|r| *r == self);
        place.map_or(0, |n| n as u8 + 1)
    }

    /// What a value of the anatomy map means; `None` for 0 and for values that it never has.
    pub fn of_value(value: u8) -> Option<Self> {
        Self::ALL.get(usize::from(value).checked_sub(1)?).copied()
    }

    /// The structure that it belongs to among those that Schwann segments.
    pub fn structure(self) -> Option<Structure> {
        match self {
            Self::IntrameatalSchwannoma | Self::ExtrameatalSchwannoma => {
                Some(Structure::VestibularSchwannoma)
            }
            Self::Cochlea(_) => Some(Structure::Cochlea),
            Self::Brainstem => Some(Structure::Brainstem),
            Self::FourthVentricle => Some(Structure::FourthVentricle),
            Self::InternalAuditoryCanal(_) => Some(Structure::InternalAuditoryCanal),
            Self::Cerebellum(_) | Self::Vermis => Some(Structure::Cerebellum),
            Self::Vestibule(_) | Self::CerebrospinalFluid => None,
        }
    }

    /// Name for people, in lower case.
    pub fn name(self) -> String {
        let sided = |name: &str, side: Side| format!("{side} {name}");
        match self {
            Self::IntrameatalSchwannoma => "intrameatal vestibular schwannoma".to_owned(),
            Self::ExtrameatalSchwannoma => "extrameatal vestibular schwannoma".to_owned(),
            Self::Cochlea(side) => sided("cochlea", side),
            Self::Vestibule(side) => sided("vestibule and semicircular canals", side),
            Self::Brainstem => "brainstem".to_owned(),
            Self::FourthVentricle => "fourth ventricle".to_owned(),
            Self::Cerebellum(side) => sided("cerebellar hemisphere", side),
            Self::Vermis => "vermis".to_owned(),
            Self::InternalAuditoryCanal(side) => sided("internal auditory canal", side),
            Self::CerebrospinalFluid => "cerebrospinal fluid".to_owned(),
        }
    }
}

/// Which region each point of a solid belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Zone {
    /// None.
    Unnamed,
    /// The same everywhere.
    Of(Region),
    /// A tumour, divided by the porus plane: a point of it, and its unit normal towards the cerebellopontine angle (head frame, mm).
    Tumour { porus: DVec3, face: DVec3 },
    /// The cerebellum: the vermis reaches so many mm to either side of the midline.
    Cerebellum { vermis_mm: f64 },
}

impl Zone {
    /// The region at a point (head frame, mm), which rested at `rest` before the tumour pushed it away; as a value of the anatomy map.
    pub(super) fn value(self, p: DVec3, rest: DVec3) -> u8 {
        match self {
            Self::Unnamed => 0,
            Self::Of(region) => region.value(),
            Self::Tumour { porus, face } if (p - porus).dot(face) > 0.0 => {
                Region::ExtrameatalSchwannoma.value()
            }
            Self::Tumour { .. } => Region::IntrameatalSchwannoma.value(),
            Self::Cerebellum { vermis_mm } if rest.x.abs() < vermis_mm => Region::Vermis.value(),
            Self::Cerebellum { .. } if rest.x < 0.0 => Region::Cerebellum(Side::Left).value(),
            Self::Cerebellum { .. } => Region::Cerebellum(Side::Right).value(),
        }
    }
}

/// Number of values of the anatomy map, background included.
pub(super) const VALUES: usize = Region::ALL.len() + 1;

/// Value in the default label table of every value of the anatomy map.
pub(super) fn structure_values() -> [u8; VALUES] {
    let table = crate::volume::LabelTable::default();
    std::array::from_fn(|value| {
        let structure = Region::of_value(value as u8).and_then(Region::structure);
        structure.and_then(|s| table.value(s)).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_regions_are_one_to_one() {
        for region in Region::ALL {
            assert_eq!(Region::of_value(region.value()), Some(region));
        }
        assert_eq!(Region::of_value(0), None);
        assert_eq!(Region::of_value(VALUES as u8), None);
    }
}
