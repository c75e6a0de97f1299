//! Pictures of translators at work on phantoms: ceT1, what each translator makes of it, and the true hrT2 of the same head, which no patient's scanner gives.
//! `cargo run --release --example translations -- COHORT_SEED COHORT_SIZE PLACES OUT.png TRANSLATOR_FOLDER…`, with `PLACES` of the source half as `0,2,4`.
#![expect(clippy::print_stdout, reason = "a program for developers")]
use candle_core::Device;
use glam::{DAffine3, DVec3};
use image::{GrayImage, Luma};
use schwann::{
    phantom::{Half, Member, Modality, Scan, members},
    train::Translator,
    volume::{Grid, LabelMap, Structure, Volume, resample_linear, unobserved},
};

type Done<T> = Result<T, Box<dyn std::error::Error>>;

/// Pixels of a picture and their size, mm.
const PIXELS: [usize; 2] = [240, 150];
const PIXEL_MM: f64 = 0.4;
const GAP: u32 = 4;

fn main() -> Done<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [seed, size, places, out, folders @ ..] = arguments.as_slice() else {
        return Err("COHORT_SEED COHORT_SIZE PLACES OUT.png TRANSLATOR_FOLDER…".into());
    };
    let cohort = members(size.parse()?, seed.parse()?);
    let translators = folders.iter().map(|f| Translator::from_folder(f.as_ref()));
    let translators: Vec<Translator> = translators.collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for place in places.split(',') {
        let place: usize = place.parse()?;
        let member = cohort.get(place).ok_or("no such place")?;
        if member.half != Half::Source {
            return Err(format!("place {place} is of the target half").into());
        }
        println!(
            "{place}: {} {:?} {:?}",
            member.name(),
            member.site,
            member.koos
        );
        rows.push(row(member, &translators)?);
    }
    draw(&rows).save(out)?;
    Ok(())
}

/// ceT1, its translations and the true hrT2 in one axial plane.
fn row(member: &Member, translators: &[Translator]) -> Done<Vec<Vec<u8>>> {
    let source = member.scan(None, &mut unobserved)?;
    let truth = Member {
        modality: Modality::HrT2,
        ..*member
    };
    let truth = truth.scan(None, &mut unobserved)?;
    let plane = plane(&source)?;
    let mut row = vec![grey(&source.volume, &plane)?];
    for translator in translators {
        let made = translator.translate(&source.volume, &Device::Cpu, &mut unobserved)?;
        row.push(grey(&made.volume, &plane)?);
    }
    row.push(grey(&truth.volume, &plane)?);
    Ok(row)
}

/// The axial plane with most of the tumour, from ear to ear.
fn plane(scan: &Scan) -> Done<Grid> {
    let centre = |labels: &LabelMap, structure| {
        let grid = labels.grid();
        let of = labels.mask(structure);
        let of = of.iter().enumerate().filter(|(_, inside)| **inside);
        let points: Vec<DVec3> = of
            .map(|(at, _)| grid.point_in_world(grid.voxel(at)))
            .collect();
        let sum: DVec3 = points.iter().sum();
        (!points.is_empty()).then(|| sum / points.len() as f64)
    };
    let tumour = centre(&scan.labels, Structure::VestibularSchwannoma).ok_or("no tumour")?;
    let ears = centre(&scan.labels, Structure::Cochlea).ok_or("no cochlea")?;
    let [w, h] = PIXELS.map(|n| n as f64 * PIXEL_MM);
    let corner = DVec3::new(ears.x - w / 2.0, ears.y - 0.6 * h, tumour.z);
    Ok(Grid::axis_aligned(
        [PIXELS[0], PIXELS[1], 1],
        [PIXEL_MM, PIXEL_MM, 1.0],
        corner,
    )?)
}

/// Grey levels of a volume in a plane, each volume in its own window.
fn grey(volume: &Volume, plane: &Grid) -> Done<Vec<u8>> {
    let window = volume.default_window();
    let shown = resample_linear(volume, plane, DAffine3::IDENTITY, 0.0)?;
    let grey = |v: &f32| (255.0 * window.grey(f64::from(*v))).round() as u8;
    Ok(shown.to_f32().iter().map(grey).collect())
}

/// The rows below each other; the head's right is to the left, its front up.
fn draw(rows: &[Vec<Vec<u8>>]) -> GrayImage {
    let [w, h] = PIXELS.map(|n| n as u32);
    let columns = rows.first().map_or(0, Vec::len) as u32;
    let size = |n: u32, edge: u32| n * (edge + GAP) + GAP;
    let mut picture =
        GrayImage::from_pixel(size(columns, w), size(rows.len() as u32, h), Luma([96]));
    for (r, row) in (0..).zip(rows) {
        for (c, tile) in (0..).zip(row) {
            for (at, value) in (0..).zip(tile) {
                let (x, y) = (w - 1 - at % w, h - 1 - at / w);
                picture.put_pixel(
                    GAP + c * (w + GAP) + x,
                    GAP + r * (h + GAP) + y,
                    Luma([*value]),
                );
            }
        }
    }
    picture
}
