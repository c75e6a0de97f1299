//! What a segment or a region of interest of others is.
use super::super::attributes::Attributes;
use super::super::code::side_code;
use crate::volume::{Side, Structure};
use dicom_dictionary_std::tags;

/// Codes of structures: SNOMED CT (`SCT`), and the SNOMED RT codes that DICOM used before (`SRT`, `SNM3`, `99SDM`).
const STRUCTURES: &[(&str, Structure)] = &[
    ("126949007", Structure::VestibularSchwannoma),
    ("80169004", Structure::Cochlea),
    ("T-AB500", Structure::Cochlea),
    ("119238007", Structure::Brainstem),
    ("15926001", Structure::Brainstem),
    ("T-A0125", Structure::Brainstem),
    ("361078006", Structure::InternalAuditoryCanal),
    ("61671002", Structure::InternalAuditoryCanal),
    ("35918002", Structure::FourthVentricle),
    ("T-A1820", Structure::FourthVentricle),
    ("113305005", Structure::Cerebellum),
    ("T-A6000", Structure::Cerebellum),
];

/// Codes of tumours of any kind; what they are, the place tells.
const TUMOURS: &[&str] = &["108369006", "372087000", "985004", "M-80003", "86049000"];
/// Codes of the vestibulocochlear nerve.
const EIGHTH_NERVE: &[&str] = &["8598002", "T-A8500"];

/// What the codes of a region say: kind first, then the place of the kind.
pub(super) fn coded(kinds: &[Attributes], places: &[Attributes]) -> Option<Structure> {
    let values = |items: &[Attributes]| -> Vec<String> {
        items
            .iter()
            .filter(|item| {
                let scheme = item.code(tags::CODING_SCHEME_DESIGNATOR);
                scheme.is_some_and(|s| ["SCT", "SRT", "SNM3", "99SDM"].contains(&s.as_str()))
            })
            .filter_map(|item| item.code(tags::CODE_VALUE))
            .collect()
    };
    let (kinds, places) = (values(kinds), values(places));
    let known = |value: &String| STRUCTURES.iter().find(|(code, _)| code == value);
    if let Some((_, structure)) = kinds.iter().find_map(known) {
        return Some(*structure);
    }
    let is =
        |values: &[String], wanted: &[&str]| values.iter().any(|v| wanted.contains(&v.as_str()));
    (is(&kinds, TUMOURS) && is(&places, EIGHTH_NERVE)).then_some(Structure::VestibularSchwannoma)
}

/// The side that modifiers of codes give.
pub(super) fn coded_side(modifiers: &[Attributes]) -> Option<Side> {
    let value = modifiers.first()?.code(tags::CODE_VALUE)?;
    [(Side::Left, "G-A101"), (Side::Right, "G-A100")]
        .into_iter()
        .find(|(side, before)| value == side_code(*side).value || value == *before)
        .map(|(side, _)| side)
}

/// What a name says.
pub(super) fn named(name: &str) -> Option<Structure> {
    let name = name.to_lowercase();
    let words = words(&name);
    let says = |wanted: &[&str]| wanted.iter().any(|w| words.contains(w));
    let holds = |wanted: &[&str]| wanted.iter().any(|w| name.contains(w));
    // What is about a structure is not the structure: margins, dose shells, what was cut out of it.
    if says(&[
        "ptv", "ctv", "prv", "ring", "shell", "minus", "avoid", "margin", "edema", "oedema",
    ]) {
        return None;
    }
    if holds(&["schwannoma", "neurinoma", "acoustic neuroma", "akustikus"]) || says(&["vs"]) {
        return Some(Structure::VestibularSchwannoma);
    }
    if holds(&["cochlea"]) && !holds(&["nerve", "cochlear n", "vestibulocochlear", "nucle"]) {
        return Some(Structure::Cochlea);
    }
    if holds(&["brainstem", "brain stem", "brain_stem"]) {
        return Some(Structure::Brainstem);
    }
    if holds(&[
        "internal auditory",
        "auditory canal",
        "acoustic meatus",
        "canal_intaud",
    ]) && !holds(&["external"])
        || says(&["iac", "iam"])
    {
        return Some(Structure::InternalAuditoryCanal);
    }
    if holds(&[
        "fourth ventricle",
        "4th ventricle",
        "ventricle_4",
        "ventricle4",
    ]) {
        return Some(Structure::FourthVentricle);
    }
    if holds(&["cerebellum"]) {
        return Some(Structure::Cerebellum);
    }
    None
}

/// The side that a name gives.
pub(super) fn named_side(name: &str) -> Option<Side> {
    let name = name.to_lowercase();
    let words = words(&name);
    let says = |wanted: &[&str]| wanted.iter().any(|w| words.contains(w));
    match (
        says(&["l", "lt", "left", "links"]),
        says(&["r", "rt", "right", "rechts"]),
    ) {
        (true, false) => Some(Side::Left),
        (false, true) => Some(Side::Right),
        _ => None,
    }
}

fn words(name: &str) -> Vec<&str> {
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_planning_systems_are_understood() {
        for (name, structure) in [
            ("GTV_VS", Some(Structure::VestibularSchwannoma)),
            (
                "Vestibular schwannoma, left",
                Some(Structure::VestibularSchwannoma),
            ),
            ("Acoustic Neuroma L", Some(Structure::VestibularSchwannoma)),
            ("Cochlea_R", Some(Structure::Cochlea)),
            ("COCHLEA LT", Some(Structure::Cochlea)),
            ("Brain Stem", Some(Structure::Brainstem)),
            ("IAC_L", Some(Structure::InternalAuditoryCanal)),
            ("Canal_IntAud_L", Some(Structure::InternalAuditoryCanal)),
            ("Ventricle_4th", Some(Structure::FourthVentricle)),
            ("Cerebellum", Some(Structure::Cerebellum)),
            ("PTV_VS", None),
            ("Brainstem_PRV", None),
            ("Cochlear nerve", None),
            ("External auditory canal", None),
            ("GTV", None),
            ("Eye_L", None),
        ] {
            assert_eq!(named(name), structure, "{name}");
        }
        assert_eq!(named_side("Cochlea_R"), Some(Side::Right));
        assert_eq!(named_side("left cochlea"), Some(Side::Left));
        assert_eq!(named_side("GTV_VS"), None);
        assert_eq!(named_side("left and right"), None);
    }
}
