//! Content items of structured reports (PS3.3, C.17.3).
use super::concepts::SOURCE_OF_MEASUREMENT;
use super::elements::Elements;
use crate::io::dicom::code::Code;
use dicom_dictionary_std::tags;

/// How an item belongs to the one above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Contains,
    Context,
    Modifier,
    InferredFrom,
}

impl Relation {
    fn term(self) -> &'static str {
        match self {
            Self::Contains => "CONTAINS",
            Self::Context => "HAS OBS CONTEXT",
            Self::Modifier => "HAS CONCEPT MOD",
            Self::InferredFrom => "INFERRED FROM",
        }
    }
}

fn item(relation: Relation, kind: &str, concept: Code) -> Elements {
    let mut item = Elements::new();
    item.copied_text(tags::RELATIONSHIP_TYPE, relation.term());
    item.text(tags::VALUE_TYPE, kind);
    item.code(tags::CONCEPT_NAME_CODE_SEQUENCE, concept);
    item
}

/// Items under one name; `template` is that of PS3.16.
pub(super) fn container(
    concept: Code,
    children: Vec<Elements>,
    template: Option<&str>,
) -> Elements {
    let mut item = item(Relation::Contains, "CONTAINER", concept);
    fill(&mut item, children, template);
    item
}

/// What makes a data set the root of a report.
pub(super) fn root(object: &mut Elements, concept: Code, children: Vec<Elements>, template: &str) {
    object.text(tags::VALUE_TYPE, "CONTAINER");
    object.code(tags::CONCEPT_NAME_CODE_SEQUENCE, concept);
    fill(object, children, Some(template));
}

fn fill(item: &mut Elements, children: Vec<Elements>, template: Option<&str>) {
    item.text(tags::CONTINUITY_OF_CONTENT, "SEPARATE");
    if let Some(template) = template {
        let mut identity = Elements::new();
        identity.text(tags::MAPPING_RESOURCE, "DCMR");
        identity.text(tags::TEMPLATE_IDENTIFIER, template);
        item.item(tags::CONTENT_TEMPLATE_SEQUENCE, identity);
    }
    item.items(tags::CONTENT_SEQUENCE, children);
}

/// A coded value.
pub(super) fn coded(relation: Relation, concept: Code, value: Code) -> Elements {
    let mut item = item(relation, "CODE", concept);
    item.code(tags::CONCEPT_CODE_SEQUENCE, value);
    item
}

/// A coded value with items of its own.
pub(super) fn coded_with(
    relation: Relation,
    concept: Code,
    value: Code,
    children: Vec<Elements>,
) -> Elements {
    let mut item = coded(relation, concept, value);
    if !children.is_empty() {
        item.items(tags::CONTENT_SEQUENCE, children);
    }
    item
}

/// Words.
pub(super) fn text(relation: Relation, concept: Code, value: &str) -> Elements {
    let mut item = item(relation, "TEXT", concept);
    item.text(tags::TEXT_VALUE, value);
    item
}

/// A UID.
pub(super) fn uid(relation: Relation, concept: Code, value: &str) -> Elements {
    let mut item = item(relation, "UIDREF", concept);
    item.text(tags::UID, value);
    item
}

/// A person, named as people write it.
pub(super) fn person(relation: Relation, concept: Code, name: &str) -> Elements {
    let mut item = item(relation, "PNAME", concept);
    item.person(tags::PERSON_NAME, name);
    item
}

/// An image, or a segment of one.
pub(super) fn image(concept: Option<Code>, reference: Elements) -> Elements {
    let mut item = Elements::new();
    item.copied_text(tags::RELATIONSHIP_TYPE, Relation::Contains.term());
    item.text(tags::VALUE_TYPE, "IMAGE");
    if let Some(concept) = concept {
        item.code(tags::CONCEPT_NAME_CODE_SEQUENCE, concept);
    }
    item.item(tags::REFERENCED_SOP_SEQUENCE, reference);
    item
}

/// A measured number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    pub(super) concept: Code,
    pub(super) value: f64,
    pub(super) unit: Code,
    pub(super) method: Option<Code>,
    /// The two ends of the line that it was measured along, LPS mm.
    pub(super) line: Option<[[f64; 3]; 2]>,
}

/// Its item. The number is given in decimals and, exactly, in binary. `space` is the frame of reference of its line.
pub(super) fn number(number: &Number, space: &str) -> Elements {
    let mut value = Elements::new();
    value.decimals(tags::NUMERIC_VALUE, &[number.value]);
    value.doubles(tags::FLOATING_POINT_VALUE, &[number.value]);
    value.code(tags::MEASUREMENT_UNITS_CODE_SEQUENCE, number.unit);
    let mut item = item(Relation::Contains, "NUM", number.concept);
    item.item(tags::MEASURED_VALUE_SEQUENCE, value);
    let mut children = Vec::new();
    if let Some(method) = number.method {
        children.push(coded(Relation::Modifier, super::concepts::METHOD, method));
    }
    if let Some(ends) = number.line {
        children.push(line(ends, space));
    }
    if !children.is_empty() {
        item.items(tags::CONTENT_SEQUENCE, children);
    }
    item
}

fn line(ends: [[f64; 3]; 2], space: &str) -> Elements {
    let mut line = item(Relation::InferredFrom, "SCOORD3D", SOURCE_OF_MEASUREMENT);
    line.text(tags::GRAPHIC_TYPE, "POLYLINE");
    let points: Vec<f32> = ends.as_flattened().iter().map(|&mm| mm as f32).collect();
    line.floats(tags::GRAPHIC_DATA, &points);
    line.text(tags::REFERENCED_FRAME_OF_REFERENCE_UID, space);
    line
}
