//! Whether heads keep to the table of anatomy: sizes, places, symmetry and separations over many heads.
use super::{
    Modality, Site,
    acquire::sample,
    anatomy::{Anatomy, SIDES},
    draw::Draw,
    region::{Region, VALUES, Zone},
    scene::Scene,
    shape::LIPSCHITZ,
    tissue::{Paint, Palette, Tissue},
};
use crate::volume::{Side, unobserved};
use glam::{DAffine3, DVec3};
use std::sync::LazyLock;

/// A box about the posterior fossa, head frame, mm.
const FOSSA: [[f64; 3]; 2] = [[-60.0, -85.0, -45.0], [60.0, 25.0, 45.0]];

/// Volume (mm³), mean place and bounds (head frame, mm) of the voxels of every value of the anatomy map.
#[derive(Debug, Clone, Copy)]
struct Extent {
    volume: f64,
    centre: DVec3,
    low: DVec3,
    high: DVec3,
}

/// Labels of a box of a head without tumour, by voxels of `mm`.
fn extents(anatomy: &Anatomy, [low, high]: [[f64; 3]; 2], mm: f64) -> [Extent; VALUES] {
    let [low, high] = [low, high].map(DVec3::from_array);
    let shape = ((high - low) / mm).to_array().map(|n| n.ceil() as usize);
    let palette = Palette::of_site(Site::London, Modality::HrT2, &mut Draw::new(1, 1));
    let scene = Scene {
        parts: anatomy.parts.iter().collect(),
        push: None,
        palette: &palette,
        seed: anatomy.seed,
    };
    let place = DAffine3::from_translation(low + 0.5 * mm) * DAffine3::from_scale(DVec3::splat(mm));
    let found = sample(&scene, shape, place, &mut unobserved)
        .unwrap()
        .regions;
    let mut extents = [Extent {
        volume: 0.0,
        centre: DVec3::ZERO,
        low: DVec3::INFINITY,
        high: DVec3::NEG_INFINITY,
    }; VALUES];
    for (n, value) in found.iter().enumerate() {
        let [i, j, k] = [
            n % shape[0],
            n / shape[0] % shape[1],
            n / shape[0] / shape[1],
        ];
        let p = place.transform_point3(DVec3::new(i as f64, j as f64, k as f64));
        let e = &mut extents[usize::from(*value)];
        e.volume += mm.powi(3);
        e.centre += p * mm.powi(3);
        e.low = e.low.min(p);
        e.high = e.high.max(p);
    }
    extents.map(|e| Extent {
        centre: e.centre / e.volume,
        ..e
    })
}

/// Volume (mm³) and mean place (mm, x positive towards its side) of a region of one side.
#[derive(Debug, Clone, Copy)]
struct Measured {
    volume: f64,
    centre: DVec3,
}

/// Heads measured.
const HEADS: u64 = 12;
/// Paired regions.
const PAIRED: [fn(Side) -> Region; 4] = [
    Region::Cochlea,
    Region::Vestibule,
    Region::InternalAuditoryCanal,
    Region::Cerebellum,
];

/// Paired regions of the left and of the right side of every head, mirrored to the right.
static PAIRS: LazyLock<Vec<[[Measured; 2]; 4]>> = LazyLock::new(|| {
    (0..HEADS)
        .map(|seed| {
            let anatomy = Anatomy::new(seed);
            let [left, right] = SIDES.map(|side| {
                let out = if side == Side::Left { -1.0 } else { 1.0 };
                let near = if side == Side::Left {
                    [[-56.0, -18.0, -16.0], [-14.0, 20.0, 18.0]]
                } else {
                    [[14.0, -18.0, -16.0], [56.0, 20.0, 18.0]]
                };
                let ear = extents(&anatomy, near, 0.5);
                let whole = extents(&anatomy, FOSSA, 2.0);
                PAIRED.map(|region| {
                    let value = usize::from(region(side).value());
                    let of = if region(side) == Region::Cerebellum(side) {
                        whole[value]
                    } else {
                        ear[value]
                    };
                    Measured {
                        volume: of.volume,
                        centre: of.centre * DVec3::new(out, 1.0, 1.0),
                    }
                })
            });
            [0, 1, 2, 3].map(|n| [left[n], right[n]])
        })
        .collect()
});

/// Mean, and its standard error.
fn mean(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let variance = values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[test]
fn left_and_right_differ_by_chance_only() {
    for (n, region) in PAIRED.iter().enumerate() {
        let name = region(Side::Left).name();
        let pairs = PAIRS.iter().map(|head| head[n]);
        let differences: [(&str, (f64, f64), f64); 4] = [
            (
                "volume",
                mean(pairs.clone().map(|[l, r]| (l.volume / r.volume).ln())),
                0.06,
            ),
            (
                "x",
                mean(pairs.clone().map(|[l, r]| l.centre.x - r.centre.x)),
                0.6,
            ),
            (
                "y",
                mean(pairs.clone().map(|[l, r]| l.centre.y - r.centre.y)),
                0.6,
            ),
            ("z", mean(pairs.map(|[l, r]| l.centre.z - r.centre.z)), 0.6),
        ];
        for (what, (mean, error), most) in differences {
            // With a larger error a fault of one side would hide in it.
            assert!(error < most, "{name}: {what} {mean} ± {error}");
            assert!(
                mean.abs() < 3.0 * error + 1e-3,
                "{name}: {what} {mean} ± {error}"
            );
        }
    }
}

#[test]
fn ears_have_the_sizes_and_places_of_the_table() {
    let mean_of =
        |n: usize, f: fn(&Measured) -> f64| mean(PAIRS.iter().flat_map(|h| h[n].iter()).map(f)).0;
    for (n, low, high) in [(0, 82.0, 106.0), (1, 60.0, 110.0), (2, 155.0, 205.0)] {
        let volume = mean_of(n, |m| m.volume);
        assert!((low..high).contains(&volume), "{n}: {volume} mm3");
    }
    let (ratio, error) = mean(PAIRS.iter().map(|h| (h[2][0].volume / h[2][1].volume).ln()));
    let spread = error * (HEADS as f64).sqrt();
    assert!((0.04..0.2).contains(&spread), "canals: {ratio} ± {spread}");
    // The cochlea lies in front of the fundus, lower than the canal's axis, and never near the midline.
    assert!((30.0..35.0).contains(&mean_of(0, |m| m.centre.x)));
    assert!((3.5..6.5).contains(&mean_of(0, |m| m.centre.y)));
    assert!((-4.0..-1.0).contains(&mean_of(0, |m| m.centre.z)));
    for head in PAIRS.iter() {
        for [cochlea, vestibule] in [[head[0][0], head[1][0]], [head[0][1], head[1][1]]] {
            assert!(cochlea.centre.x > 26.0, "{cochlea:?}");
            let apart = vestibule.centre - cochlea.centre;
            assert!(apart.x > 2.0 && apart.y < -5.0 && apart.z > 1.0, "{apart}");
        }
    }
}

#[test]
fn the_cerebellum_has_the_size_of_the_table() {
    let regions = [
        Region::Cerebellum(Side::Left),
        Region::Cerebellum(Side::Right),
        Region::Vermis,
    ];
    let (mut volumes, mut sizes) = (Vec::new(), Vec::new());
    for seed in 0..HEADS {
        let found = extents(&Anatomy::new(seed), FOSSA, 2.0);
        let parts = regions.map(|r| found[usize::from(r.value())]);
        volumes.push(parts.iter().map(|e| e.volume).sum::<f64>() / 1000.0);
        let low = parts.iter().fold(DVec3::INFINITY, |l, e| l.min(e.low));
        let high = parts.iter().fold(DVec3::NEG_INFINITY, |h, e| h.max(e.high));
        sizes.push(high - low + 2.0);
    }
    let volume = mean(volumes.iter().copied()).0;
    assert!((125.0..145.0).contains(&volume), "{volume} cm3");
    assert!(
        volumes.iter().all(|v| (95.0..175.0).contains(v)),
        "{volumes:?}"
    );
    let size = sizes.iter().sum::<DVec3>() / sizes.len() as f64;
    for (mm, low, high) in [
        (size.x, 91.0, 105.0),
        (size.y, 55.0, 68.0),
        (size.z, 48.0, 60.0),
    ] {
        assert!((low..high).contains(&mm), "{size}");
    }
}

#[test]
fn the_cerebellum_fills_the_posterior_fossa_up_to_the_petrous_bone() {
    let mut fossa = Vec::new();
    let mut films = Vec::new();
    for seed in 0..HEADS {
        let anatomy = Anatomy::new(seed);
        let mm = 2.0;
        let of = |low: f64, high: f64| {
            let n = ((high - low) / mm) as usize;
            (0..n).map(move |i| low + mm * (i as f64 + 0.5))
        };
        let inside = of(-60.0, 60.0)
            .flat_map(|x| of(-85.0, 25.0).map(move |y| (x, y)))
            .flat_map(|(x, y)| of(-45.0, 45.0).map(move |z| DVec3::new(x, y, z)))
            .filter(|p| anatomy.cistern.distance(*p) < 0.0)
            .count();
        fossa.push(inside as f64 * mm.powi(3) / 1000.0);
        // Fluid behind the face of the petrous bone, 12 mm lateral of the porus along the bone.
        for ear in &anatomy.ears {
            let along = ear.canal.face.cross(DVec3::Z).normalize_or_zero();
            let lateral = along * along.x.signum() * ear.canal.porus.x.signum();
            let foot = ear.canal.porus + 12.0 * lateral;
            let steps = (0..200).map(|n| foot + ear.canal.face * (f64::from(n) * 0.1 - 3.0));
            let fluid = steps.filter(|p| {
                let seen = anatomy
                    .parts
                    .iter()
                    .rev()
                    .find(|part| part.shape.distance(*p) < 0.0);
                seen.is_some_and(|part| part.zone == Zone::Of(Region::CerebrospinalFluid))
            });
            films.push(0.1 * fluid.count() as f64);
        }
    }
    let volume = mean(fossa.iter().copied()).0;
    assert!((180.0..206.0).contains(&volume), "{volume} cm3: {fossa:?}");
    let film = mean(films.iter().copied()).0;
    assert!((0.8..3.0).contains(&film), "{film} mm: {films:?}");
}

#[test]
fn bone_parts_the_cochlea_from_the_canal() {
    for seed in 0..HEADS {
        let anatomy = Anatomy::new(seed);
        for side in SIDES {
            let ear = anatomy.ear(side);
            let middle = ear.cochlea.on_modiolus(0.5);
            for n in 0..27_000_u32 {
                let [i, j, k] = [n % 30, n / 30 % 30, n / 900].map(|i| f64::from(i) * 0.5 - 7.25);
                let p = middle + DVec3::new(i, j, k);
                if ear.cochlea.distance(p) < 0.0 {
                    let apart = ear.canal.distance(p);
                    assert!(apart > 0.5, "head {seed}, {side}: {apart} mm");
                }
            }
        }
    }
}

#[test]
fn nothing_of_skull_or_face_lies_within_the_brain_cavity() {
    for seed in 0..4 {
        let anatomy = Anatomy::new(seed);
        let mut draw = Draw::new(seed, 1);
        let mut inside = 0;
        for _ in 0..20_000 {
            let p = DVec3::new(
                draw.uniform(-70.0, 70.0),
                draw.uniform(-85.0, 85.0),
                draw.uniform(-35.0, 100.0),
            );
            if anatomy.cavity.distance(p) > -0.5 {
                continue;
            }
            inside += 1;
            let seen = anatomy
                .parts
                .iter()
                .rev()
                .find(|part| part.shape.distance(p) < 0.0);
            let paint = seen.map(|part| part.paint.clone());
            let solid = match paint {
                None | Some(Paint::Diploe | Paint::Face | Paint::Cells { .. }) => true,
                Some(Paint::Plain(tissue)) => [
                    Tissue::Air,
                    Tissue::Bone,
                    Tissue::Marrow,
                    Tissue::Fat,
                    Tissue::Muscle,
                ]
                .contains(&tissue),
                Some(_) => false,
            };
            assert!(!solid, "head {seed}, {p}: {paint:?}");
        }
        assert!(inside > 2000, "{inside}");
    }
}

#[test]
fn no_surface_is_nearer_than_the_distance_allows() {
    // What sorts solids out relies on this: within |distance| / LIPSCHITZ of a point no solid begins or ends.
    let anatomy = Anatomy::new(5);
    let mut draw = Draw::new(2, 1);
    for (n, part) in anatomy.parts.iter().enumerate() {
        for _ in 0..300 {
            let p = DVec3::new(
                draw.uniform(-70.0, 70.0),
                draw.uniform(-85.0, 85.0),
                draw.uniform(-45.0, 60.0),
            );
            let d = part.shape.distance(p);
            let q = p + draw.direction() * (draw.uniform(0.0, 1.0) * d.abs() / LIPSCHITZ);
            let e = part.shape.distance(q);
            assert!(
                d.signum() == e.signum() || e.abs() < 1e-6,
                "part {n}: {d} at {p}, {e} at {q}"
            );
        }
    }
}
