//! What a tumour holds besides dense tissue: loose tissue, cysts, and spots of haemosiderin.
use super::{
    draw::{Draw, field},
    shape::{smooth_least, volume_mm3},
    tissue::coverage,
    tumour::Tumour,
};
use crate::measure::KoosGrade;
use glam::DVec3;

/// Stream of the content.
const STREAM: u64 = 63;
/// Stream of the part of loose tissue; the next is that of the points at which the patches are sampled.
const LOOSE_STREAM: u64 = 65;
/// Points in the tumour's box from which the level of the patches is found.
const LOOSE_POINTS: usize = 4000;
/// Stream of the content of tumours that are to be cystic.
const CYSTIC_STREAM: u64 = 68;
/// Period of the patches, mm.
const PATCH_MM: f64 = 4.0;
/// A tumour whose ball in the cistern is smaller has no room for a cyst there, mm.
const LEAST_RADIUS: f64 = 3.0;
/// Tissue around a cyst in the canal, relative to the radius of the canal: walls as thick as in the cistern would leave it no room.
const CANAL_WALL: f64 = 0.3;
/// Volume from which haemosiderin is seen, mm³.
const OLD_BLOOD_MM3: f64 = 2000.0;
/// Largest size of the cysts tried, relative to the drawn one.
const LARGEST: f64 = 4.0;

/// A ball whose surface is dented by noise; centre and radius in radii of the tumour's ball about its centre.
#[derive(Debug, Clone, Copy)]
struct Cyst {
    centre: DVec3,
    radius: f64,
}

/// The content of a tumour, which grows with it.
#[derive(Debug, Clone)]
pub(super) struct Content {
    cysts: Vec<Cyst>,
    /// Whether the tumour was drawn while it lay in the canal: then its content stays there.
    in_canal: bool,
    /// Solid tissue that is left around the cysts: thick around central ones, below a millimetre at the surface.
    wall_mm: f64,
    /// Whether blood has settled: then the back of a cyst is darker.
    pub(super) settled: bool,
    /// Haemosiderin: centres like those of cysts, and radii in mm.
    spots: Vec<(DVec3, f64)>,
    /// Loose tissue (Antoni's type B) lies where the field of its patches is above this.
    loose_above: f64,
    /// Part of the tumour that was loose tissue or would have been without cysts, at the first visit.
    pub(super) loose_part: f64,
    seed: u64,
}

impl Content {
    /// Draws the content of a tumour at the first visit; the sizes of the cysts solve for their part of the volume.
    pub(super) fn new(tumour: &Tumour, koos: KoosGrade, volume: f64, seed: u64, step: f64) -> Self {
        let mut draw = Draw::new(seed, STREAM);
        let chance = match koos {
            KoosGrade::I => 0.02,
            KoosGrade::II => 0.05,
            KoosGrade::III => 0.12,
            KoosGrade::IV => 0.3,
        };
        let cystic = draw.chance(chance);
        let large = draw.chance(0.4);
        let wanted = if large {
            draw.uniform(0.31, 0.9)
        } else {
            draw.uniform(0.03, 0.3)
        };
        let content = Self::solid(&mut draw, tumour, volume, seed);
        content.with_cysts(cystic.then_some(wanted), tumour, volume, step)
    }

    /// Content with cysts, of all parts of the volume alike, wherever the tumour has room for them.
    pub(super) fn cystic(tumour: &Tumour, volume: f64, seed: u64, step: f64) -> Self {
        let mut draw = Draw::new(seed, CYSTIC_STREAM);
        let wanted = draw.uniform(0.03, 0.9);
        let content = Self::solid(&mut draw, tumour, volume, seed);
        content.with_cysts(Some(wanted), tumour, volume, step)
    }

    /// Loose tissue, spots, and the places of cysts that have no size yet.
    fn solid(draw: &mut Draw, tumour: &Tumour, volume: f64, seed: u64) -> Self {
        let content = Self::drawn(draw, volume).with_loose(tumour, volume, seed);
        content.within(tumour)
    }

    /// The same with cysts that are this part of the volume, or with none.
    fn with_cysts(self, part: Option<f64>, tumour: &Tumour, volume: f64, step: f64) -> Self {
        let has_room = self.in_canal || tumour.ball().1 >= LEAST_RADIUS;
        match part.filter(|_| has_room) {
            Some(part) => self.with_part(part, tumour, volume, step),
            None => Self {
                cysts: Vec::new(),
                ..self
            },
        }
    }

    fn drawn(draw: &mut Draw, volume: f64) -> Self {
        let count = 1 + draw.uniform(0.0, 5.0) as usize;
        let central = draw.chance(0.5);
        let cysts = (0..count).map(|_| {
            let away = if central { 0.4 } else { 0.75 };
            Cyst {
                centre: draw.direction() * draw.uniform(0.5, 1.0) * away,
                radius: draw.uniform(0.2, 0.5),
            }
        });
        let cysts = cysts.collect();
        let spots = if volume > OLD_BLOOD_MM3 {
            draw.uniform(0.0, 11.0) as usize
        } else {
            0
        };
        Self {
            cysts,
            in_canal: false,
            wall_mm: if central {
                draw.uniform(1.2, 2.5)
            } else {
                draw.uniform(0.4, 0.9)
            },
            settled: draw.chance(0.15),
            spots: (0..spots)
                .map(|_| {
                    let place = draw.direction() * draw.uniform(0.0, 0.85);
                    (place, draw.uniform(0.25, 0.75))
                })
                .collect(),
            loose_above: f64::INFINITY,
            loose_part: 0.0,
            seed: draw.seed(),
        }
    }

    /// The same in the canal, where the tumour lies there.
    fn within(self, tumour: &Tumour) -> Self {
        let Some((_, radius)) = tumour.in_canal().filter(|_| tumour.ball().1 <= 0.0) else {
            return self;
        };
        Self {
            in_canal: true,
            wall_mm: self.wall_mm.min(CANAL_WALL * radius),
            ..self
        }
    }

    /// Centre and radius (mm) of the ball in which the places and sizes of cysts and spots are given.
    pub(super) fn ball(&self, tumour: &Tumour) -> (DVec3, f64) {
        let in_canal = tumour.in_canal().filter(|_| self.in_canal);
        in_canal.unwrap_or_else(|| tumour.ball())
    }

    /// The same with patches of loose tissue in a drawn part of the tumour: little in small ones, up to half of large ones.
    fn with_loose(self, tumour: &Tumour, volume: f64, seed: u64) -> Self {
        let most = (0.1 + 0.2 * (volume / 500.0).max(1.0).ln()).min(0.5);
        let part = Draw::new(seed, LOOSE_STREAM).uniform(0.0, most);
        let [low, high] = tumour.bounds();
        let mut draw = Draw::new(seed, LOOSE_STREAM + 1);
        let mut at = |n: usize| draw.uniform(low[n], high[n]);
        let points = (0..LOOSE_POINTS).map(|_| DVec3::new(at(0), at(1), at(2)));
        let mut fields: Vec<f64> = points
            .filter(|p| tumour.distance(*p) < 0.0)
            .map(|p| self.patches(p))
            .collect();
        fields.sort_by(f64::total_cmp);
        let rank = (1.0 - part) * fields.len() as f64;
        match fields.get(rank as usize) {
            Some(&loose_above) => Self {
                loose_above,
                loose_part: part,
                ..self
            },
            None => self,
        }
    }

    fn patches(&self, p: DVec3) -> f64 {
        field(p / PATCH_MM, self.seed ^ 0x53)
    }

    /// How much of the tissue at a point is loose, 0 to 1.
    pub(super) fn loose(&self, p: DVec3) -> f64 {
        if self.loose_above.is_finite() {
            coverage(self.patches(p) - self.loose_above, 0.15)
        } else {
            0.0
        }
    }

    /// The same with cysts of such a size that they are this part of the tumour's volume, or the most that its walls leave room for.
    fn with_part(&self, part: f64, tumour: &Tumour, volume: f64, step: f64) -> Self {
        let sized = |size: f64| {
            let mut content = self.clone();
            for cyst in &mut content.cysts {
                cyst.radius *= size;
            }
            content
        };
        let (mut low, mut high) = (0.0, LARGEST);
        for _ in 0..14 {
            let size = 0.5 * (low + high);
            if sized(size).cyst_volume_mm3(tumour, step) < part * volume {
                low = size;
            } else {
                high = size;
            }
        }
        sized(0.5 * (low + high))
    }

    /// Number of cysts.
    pub(super) fn cysts(&self) -> usize {
        self.cysts.len()
    }

    /// Number of spots of haemosiderin.
    pub(super) fn spots(&self) -> usize {
        self.spots.len()
    }

    /// Volume of the cysts of the tumour, mm³, by columns every `step` mm.
    pub(super) fn cyst_volume_mm3(&self, tumour: &Tumour, step: f64) -> f64 {
        if self.cysts.is_empty() {
            return 0.0;
        }
        let ball = self.ball(tumour);
        let inside = |p: DVec3| self.cyst_distance(p, -tumour.distance(p), ball);
        volume_mm3(inside, tumour.bounds(), step)
    }

    /// Distance to the surface of the cysts, mm, at a depth under the tumour's surface; negative inside.
    pub(super) fn cyst_distance(
        &self,
        p: DVec3,
        depth: f64,
        (centre, radius): (DVec3, f64),
    ) -> f64 {
        let of = self.cysts.iter().map(|cyst| {
            let own = cyst.radius * radius;
            let dent = 0.12 * own * field(p / own.max(1.0), self.seed);
            p.distance(centre + cyst.centre * radius) - own - dent
        });
        smooth_least(of, 0.0).max(self.wall_mm - depth)
    }

    /// How far back of the middle of the nearest cyst a point lies, mm.
    pub(super) fn behind(&self, p: DVec3, (centre, radius): (DVec3, f64)) -> f64 {
        let middles = self.cysts.iter().map(|c| centre + c.centre * radius);
        let nearest = middles.min_by(|a, b| a.distance(p).total_cmp(&b.distance(p)));
        nearest.map_or(0.0, |m| m.y - p.y)
    }

    /// Distance to the surface of the nearest spot of haemosiderin, mm.
    pub(super) fn spot_distance(&self, p: DVec3, (centre, radius): (DVec3, f64)) -> f64 {
        let of = self.spots.iter();
        of.map(|(at, r)| p.distance(centre + *at * radius) - r)
            .fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Patient, PatientSpec};
    use super::*;

    #[test]
    fn cysts_have_the_drawn_part_of_the_volume() {
        let spec = PatientSpec {
            koos: Some(KoosGrade::IV),
            ..PatientSpec::random(5)
        };
        let patient = Patient::new(&spec).expect("a patient");
        let growth = patient.growth.expect("a tumour");
        let mut draw = Draw::new(1, 1);
        for part in [0.05, 0.2, 0.4] {
            let content = Content {
                wall_mm: 0.6,
                ..Content::drawn(&mut draw, growth.volume_mm3)
            };
            let content = content.with_part(part, &growth.tumour, growth.volume_mm3, 0.6);
            let found = content.cyst_volume_mm3(&growth.tumour, 0.25) / growth.volume_mm3;
            assert!((found / part - 1.0).abs() < 0.1, "{found} for {part}");
        }
    }

    fn in_the_canal() -> crate::phantom::patient::Growth {
        let spec = PatientSpec {
            koos: Some(KoosGrade::I),
            ..PatientSpec::random(6)
        };
        let patient = Patient::new(&spec).expect("a patient");
        patient.growth.expect("a tumour")
    }

    #[test]
    fn a_tumour_in_the_canal_holds_a_cyst_as_seldom_as_published() {
        let growth = in_the_canal();
        let cystic = (0..800)
            .map(|seed| {
                let drawn = Content::new(&growth.tumour, KoosGrade::I, 100.0, seed, 0.6);
                drawn.cyst_volume_mm3(&growth.tumour, 0.3)
            })
            .filter(|mm3| *mm3 > 0.5)
            .count();
        // 2 %: 16 expected, standard deviation 4.
        assert!((5..=28).contains(&cystic), "{cystic} of 800");
    }

    #[test]
    fn a_cyst_in_the_canal_stays_there_when_the_tumour_grows_out_of_it() {
        let growth = in_the_canal();
        let (tumour, volume) = (&growth.tumour, growth.volume_mm3);
        let content = Content::drawn(&mut Draw::new(3, 1), volume).within(tumour);
        let content = content.with_part(0.1, tumour, volume, 0.25);
        let found = content.cyst_volume_mm3(tumour, 0.15) / volume;
        assert!((found / 0.1 - 1.0).abs() < 0.1, "{found}");
        let grown = tumour.at_volume(1500.0, 0.6).expect("a size");
        let canal = *grown.canal();
        let beyond = volume_mm3(
            |p| {
                let depth = -grown.distance(p);
                let cyst = content.cyst_distance(p, depth, content.ball(&grown));
                cyst.max(-canal.beyond_porus(p))
            },
            grown.bounds(),
            0.3,
        );
        assert!(beyond < 1e-9, "{beyond} mm3 beyond the porus");
        assert!(content.cyst_volume_mm3(&grown, 0.3) > 0.5 * found * volume);
    }

    #[test]
    fn loose_tissue_is_the_drawn_part_of_the_tumour() {
        let spec = PatientSpec {
            koos: Some(KoosGrade::IV),
            ..PatientSpec::random(8)
        };
        let growth = Patient::new(&spec)
            .expect("a patient")
            .growth
            .expect("a tumour");
        let loose = volume_mm3(
            |p| {
                growth
                    .tumour
                    .distance(p)
                    .max(if growth.content.loose(p) > 0.5 {
                        -0.1
                    } else {
                        0.1
                    })
            },
            growth.tumour.bounds(),
            0.4,
        );
        let found = loose / growth.volume_mm3;
        let drawn = growth.content.loose_part;
        assert!(drawn > 0.05, "{drawn}");
        assert!((found - drawn).abs() < 0.04, "{found} for {drawn}");
    }
}
