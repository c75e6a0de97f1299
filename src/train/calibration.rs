//! What a network's probabilities mean, measured on examples that its training never saw.
use super::data::{CropSource, plain_sample, validation_seed};
use super::loss::softmax;
use super::validation::scores;
use super::{Error, Sample};
use crate::model::UNet;
use crate::predict::{Calibration, Plan};
use crate::volume::{LabelTable, Observe, Progress, Structure};
use std::ops::ControlFlow;

/// First of the validation examples that are for calibration alone.
const FIRST: u64 = 1_000_000;
/// Every so many voxels serve to find the temperature.
const STRIDE: usize = 7;
/// Levels of the interval that are tried, from narrow to wide.
const LEVELS: [f32; 14] = [
    0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001,
];
/// Probabilities above which a voxel may count as tumour, tried for volumes that are right in the middle.
const TUMOUR_LEVELS: [f32; 21] = [
    0.30, 0.32, 0.34, 0.36, 0.38, 0.40, 0.42, 0.44, 0.46, 0.48, 0.50, 0.52, 0.54, 0.56, 0.58, 0.60,
    0.62, 0.64, 0.66, 0.68, 0.70,
];
/// Smaller tumours say little about volumes, mm³.
const LEAST_MM3: f64 = 30.0;
/// Part of the tumours whose true volume the interval may miss.
const MISSED: f64 = 0.05;
/// Steps of the search for the temperature; each narrows it to 0.62 of what it was.
const SEARCH_STEPS: usize = 24;

/// Voxels whose probability of being tumour lies in one tenth of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ReliabilityBin {
    /// Mean of their probabilities.
    pub predicted: f64,
    /// Part of them that is tumour.
    pub observed: f64,
    /// How many they are: voxels, or whatever else has a probability.
    pub voxels: u64,
}

/// How far a network's probabilities can be trusted.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// What the plan gets.
    pub calibration: Calibration,
    /// Tumour or not, at that temperature, by tenths.
    pub bins: [ReliabilityBin; 10],
    /// Examples measured.
    pub crops: usize,
    /// Those of them with a tumour of 30 mm³ or more of which the network saw something: they decide the interval.
    pub tumours: usize,
    /// Those of these whose true volume within the crop lies in the interval.
    pub held: usize,
}

/// The first `count` examples for calibration, none of which trains or validates; none for a plan without a tumour.
///
/// # Errors
/// [`Error::Cancelled`] when the observer stops it, and when an example cannot be made.
pub fn calibration_samples(
    source: &dyn CropSource,
    plan: &Plan,
    count: u64,
    observe: &mut Observe<'_>,
) -> Result<Vec<Sample>, Error> {
    if !tumour_classes(plan)?.contains(&true) {
        return Ok(Vec::new());
    }
    let mut samples = Vec::new();
    for index in 0..count {
        report(observe, 0.5 * index as f32 / count as f32)?;
        let seed = validation_seed(FIRST + index);
        samples.push(plain_sample(source, seed, plan)?);
    }
    Ok(samples)
}

/// Measures a segmenter on examples; `None` where no example shows a tumour that it sees.
///
/// The temperature minimises the negative log-likelihood over all classes (Guo et al. 2017). The interval's level is that at which the true
/// volume within the crop lies inside for 95 % of the tumours (split conformal prediction over nested sets, Gupta et al. 2022).
///
/// # Errors
/// [`Error::Cancelled`] when the observer stops it, and when the network fails.
pub fn calibrate(
    network: &UNet,
    plan: &Plan,
    samples: &[Sample],
    observe: &mut Observe<'_>,
) -> Result<Option<Reliability>, Error> {
    if samples.is_empty() {
        return Ok(None);
    }
    let mut part = |passes: usize, n: usize| {
        let done = (passes * samples.len() + n) as f32 / (2 * samples.len()) as f32;
        report(observe, 0.5 + 0.5 * done)
    };
    // Scores of all examples at once would take a gigabyte: the network runs twice.
    let mut seen = Sampled::default();
    for (n, sample) in samples.iter().enumerate() {
        part(0, n)?;
        seen.add(&sample.labels, &scores(network, plan, sample)?);
    }
    let temperature = seen.temperature(plan.classes.len());
    drop(seen);
    let tumour = tumour_classes(plan)?;
    let mut tally = Tally::default();
    let voxel_mm3: f64 = plan.spacing_mm.iter().product();
    for (n, sample) in samples.iter().enumerate() {
        part(1, n)?;
        let scores = scores(network, plan, sample)?;
        tally.add(&sample.labels, &scores, &tumour, temperature, voxel_mm3);
    }
    Ok(tally.level().map(|level| Reliability {
        calibration: Calibration {
            temperature: f64::from(temperature),
            // In decimals as it is written above.
            interval_level: (f64::from(level) * 1e4).round() / 1e4,
            tumour_level: (f64::from(tally.tumour_level()) * 1e2).round() / 1e2,
        },
        bins: tally.means(),
        crops: samples.len(),
        tumours: tally.levels.len(),
        held: tally.held(level),
    }))
}

fn report(observe: &mut Observe<'_>, fraction: f32) -> Result<(), Error> {
    let progress = Progress {
        stage: "calibrating",
        fraction,
    };
    match observe(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Cancelled),
    }
}

/// For each class whether it is tumour; a localiser has none.
fn tumour_classes(plan: &Plan) -> Result<Vec<bool>, Error> {
    if plan.is_localiser() {
        return Ok(vec![false; plan.classes.len()]);
    }
    let value = LabelTable::default().value(Structure::VestibularSchwannoma);
    let labels = plan.class_labels()?;
    Ok(labels.into_iter().map(|l| Some(l) == value).collect())
}

/// Scores of some voxels, the classes of a voxel side by side, and which class it is.
#[derive(Default)]
struct Sampled {
    scores: Vec<f32>,
    labels: Vec<u8>,
}

impl Sampled {
    fn add(&mut self, labels: &[u8], scores: &[f32]) {
        let voxels = labels.len();
        for at in (0..voxels).step_by(STRIDE) {
            self.labels.push(labels[at]);
            self.scores
                .extend(scores.iter().skip(at).step_by(voxels).copied());
        }
    }

    /// Mean negative log-likelihood at a temperature, nats.
    fn cost(&self, classes: usize, temperature: f32) -> f64 {
        let mut p = vec![0.0; classes];
        let mut sum = 0.0;
        for (n, &label) in self.labels.iter().enumerate() {
            softmax(&self.scores, n * classes, 1, temperature, &mut p);
            sum -= f64::from(p[usize::from(label)].max(1e-12).ln());
        }
        sum / self.labels.len().max(1) as f64
    }

    /// The temperature of least cost between 0.3 and 5, by golden section: the cost has one minimum in 1 / T.
    fn temperature(&self, classes: usize) -> f32 {
        const GOLDEN: f32 = 0.618_034;
        let (mut low, mut high) = (0.3_f32.ln(), 5.0_f32.ln());
        let cost = |at: f32| self.cost(classes, at.exp());
        let mut a = high - GOLDEN * (high - low);
        let mut b = low + GOLDEN * (high - low);
        let (mut of_a, mut of_b) = (cost(a), cost(b));
        for _ in 0..SEARCH_STEPS {
            if of_a < of_b {
                (high, b, of_b) = (b, a, of_a);
                a = high - GOLDEN * (high - low);
                of_a = cost(a);
            } else {
                (low, a, of_a) = (a, b, of_b);
                b = low + GOLDEN * (high - low);
                of_b = cost(b);
            }
        }
        (0.5 * (low + high)).exp()
    }
}

/// Counts over the examples at the final temperature.
#[derive(Default)]
struct Tally {
    /// Sums of probability, tumour voxels, voxels.
    bins: [(f64, u64, u64); 10],
    /// The narrowest level that held each tumour's volume; 0 where none did.
    levels: Vec<f32>,
    /// Of each tumour, the logarithm of its volume above each of [`TUMOUR_LEVELS`] over the true one.
    volumes: Vec<[f64; TUMOUR_LEVELS.len()]>,
}

impl Tally {
    fn add(
        &mut self,
        labels: &[u8],
        scores: &[f32],
        tumour: &[bool],
        temperature: f32,
        voxel_mm3: f64,
    ) {
        let voxels = labels.len();
        let mut p = vec![0.0; tumour.len()];
        let mut truth = 0_u64;
        // Voxels above each level, and above one less each level.
        let mut above = [[0_u64; 2]; LEVELS.len()];
        let mut told = [0_u64; TUMOUR_LEVELS.len()];
        for (at, &label) in labels.iter().enumerate() {
            softmax(scores, at, voxels, temperature, &mut p);
            let chance: f32 = p
                .iter()
                .zip(tumour)
                .filter(|(_, t)| **t)
                .map(|(p, _)| p)
                .sum();
            let is = u64::from(tumour[usize::from(label)]);
            truth += is;
            let bin = &mut self.bins[((chance * 10.0) as usize).min(9)];
            *bin = (bin.0 + f64::from(chance), bin.1 + is, bin.2 + 1);
            for (level, above) in LEVELS.iter().zip(&mut above) {
                above[0] += u64::from(chance > *level);
                above[1] += u64::from(chance > 1.0 - *level);
            }
            for (level, told) in TUMOUR_LEVELS.iter().zip(&mut told) {
                *told += u64::from(chance > *level);
            }
        }
        if truth as f64 * voxel_mm3 < LEAST_MM3 || above[0][0] == 0 {
            return;
        }
        let holds = |above: &[u64; 2]| (above[1]..=above[0]).contains(&truth);
        let narrowest = above.iter().position(holds);
        self.levels.push(narrowest.map_or(0.0, |n| LEVELS[n]));
        self.volumes
            .push(told.map(|told| (told.max(1) as f64 / truth as f64).ln()));
    }

    /// The narrowest level that misses no more tumours than allowed, or the widest where all miss more; `None` without a tumour.
    fn level(&self) -> Option<f32> {
        let mut levels = self.levels.clone();
        levels.sort_unstable_by(f32::total_cmp);
        let wanted = levels.get((MISSED * levels.len() as f64) as usize)?;
        Some(wanted.max(LEVELS[LEVELS.len() - 1]))
    }

    /// The level at which half of the tumours are told too large and half too small, as nearly as the levels allow.
    fn tumour_level(&self) -> f32 {
        let off = |n: usize| {
            let mut of: Vec<f64> = self.volumes.iter().map(|v| v[n]).collect();
            of.sort_unstable_by(f64::total_cmp);
            of.get(of.len() / 2).map_or(0.0, |middle| middle.abs())
        };
        let nearest = (0..TUMOUR_LEVELS.len()).min_by(|a, b| off(*a).total_cmp(&off(*b)));
        nearest
            .filter(|_| !self.volumes.is_empty())
            .map_or(0.5, |n| TUMOUR_LEVELS[n])
    }

    /// How many tumours the interval of a level holds: wider levels hold what narrower ones do.
    fn held(&self, level: f32) -> usize {
        self.levels.iter().filter(|l| **l >= level).count()
    }

    fn means(&self) -> [ReliabilityBin; 10] {
        self.bins.map(|(sum, tumour, voxels)| {
            let count = voxels.max(1) as f64;
            ReliabilityBin {
                predicted: sum / count,
                observed: tumour as f64 / count,
                voxels,
            }
        })
    }
}

/// A reliability diagram of bins with their counts; `words` stand along its axes.
pub(super) fn reliability_svg(bins: &[ReliabilityBin], [across, up]: [&str; 2]) -> String {
    const SIDE: f64 = 300.0;
    let (x, y) = (|p: f64| 60.0 + SIDE * p, |p: f64| 20.0 + SIDE * (1.0 - p));
    let mut text = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 390 380\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"390\" height=\"380\" fill=\"white\"/>\n",
    );
    for n in 0..=5 {
        let p = f64::from(n) / 5.0;
        text += &format!(
            "<path d=\"M{:.1} 20V320M60 {:.1}H360\" stroke=\"#ddd\"/>\n\
             <text x=\"{:.1}\" y=\"336\" text-anchor=\"middle\">{p:.1}</text>\n\
             <text x=\"48\" y=\"{:.1}\" text-anchor=\"end\">{p:.1}</text>\n",
            x(p),
            y(p),
            x(p),
            y(p) + 4.0
        );
    }
    text += "<path d=\"M60 320L360 20\" stroke=\"#888\" stroke-dasharray=\"4 4\"/>\n";
    let mut line = String::new();
    for bin in bins.iter().filter(|b| b.voxels > 0) {
        let (x, y) = (x(bin.predicted), y(bin.observed));
        line += &format!("{}{x:.1} {y:.1}", if line.is_empty() { "M" } else { "L" });
        let radius = 1.5 + 0.8 * (bin.voxels as f64).log10();
        text +=
            &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"#1769aa\"/>\n");
    }
    text += &format!("<path d=\"{line}\" fill=\"none\" stroke=\"#1769aa\" stroke-width=\"2\"/>\n");
    text += &format!(
        "<text x=\"210\" y=\"358\" text-anchor=\"middle\">{across}</text>\n\
         <text transform=\"translate(18 170) rotate(-90)\" text-anchor=\"middle\">{up}</text>\n</svg>\n"
    );
    text
}

impl Reliability {
    /// The diagram: observed part over predicted probability, each point as large as its voxels are many (logarithmically).
    pub(super) fn svg(&self) -> String {
        let words = ["predicted probability of tumour", "part that is tumour"];
        reliability_svg(&self.bins, words)
    }

    /// What the card says of it.
    pub(super) fn words(&self) -> String {
        let Calibration {
            temperature,
            interval_level,
            tumour_level,
        } = self.calibration;
        let mut text = format!(
            "\n## Calibration\n\n\
             On {} further crops that neither training nor validation used; {} showed a tumour of 30 mm³ or more of which the network saw something. Scores are divided by {temperature:.3} before the \
             softmax. A voxel is tumour above a probability of {tumour_level:.2}, at which half of these tumours are too large and half too small. The interval of the volume lies between the voxels above {:.3} and above {interval_level:.3}: it held the true volume within the crop for {} of these tumours. Of tumours that the network \
             misses it says nothing.\n\n\
             ![Reliability: part that is tumour over predicted probability](reliability.svg)\n\n\
             | predicted probability of tumour | part that is tumour | voxels |\n| --- | --- | --- |\n",
            self.crops,
            self.tumours,
            1.0 - interval_level,
            self.held,
        );
        for bin in self.bins.iter().filter(|b| b.voxels > 0) {
            text += &format!(
                "| {:.3} | {:.3} | {} |\n",
                bin.predicted, bin.observed, bin.voxels
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temperature_undoes_what_made_scores_too_sure() {
        // Scores of two classes whose odds are right at temperature 1, tripled.
        let mut seen = Sampled::default();
        for n in 0..2000_u32 {
            let chance = (f64::from(n % 10) + 0.5) / 10.0;
            let odds = (chance / (1.0 - chance)).ln() as f32;
            seen.scores.extend([0.0, 3.0 * odds]);
            seen.labels
                .push(u8::from(f64::from(n / 10 % 200) / 200.0 < chance));
        }
        let found = seen.temperature(2);
        assert!((found - 3.0).abs() < 0.1, "{found}");
    }

    #[test]
    fn the_level_is_as_wide_as_the_tumours_need() {
        // Of 20 rows with a tumour of 50 voxels, 18 are sure of it; two see only a tenth in half their tumour.
        let mut tally = Tally::default();
        for row in 0..20 {
            let (mut labels, mut background) = (vec![0; 100], vec![8.0; 100]);
            for at in 0..50 {
                labels[at] = 1;
                let doubtful = row < 2 && at < 25;
                background[at] = if doubtful { 9.0_f32.ln() } else { -8.0 };
            }
            let scores = [background, vec![0.0; 100]].concat();
            tally.add(&labels, &scores, &[false, true], 1.0, 1.0);
        }
        assert_eq!(tally.levels.len(), 20);
        assert_eq!(tally.level(), Some(0.05));
        assert_eq!(tally.held(0.05), 20);
        assert_eq!(tally.held(0.1), 18);
        // The doubtful halves of two rows are seen at no level; in the middle all is right at any.
        assert!(tally.volumes.iter().all(|v| v[10] <= 0.0));
        // Twenty tumours that are too large by a fifth below 0.6, and right above it.
        for volumes in &mut tally.volumes {
            *volumes = std::array::from_fn(|n| if n < 15 { 0.2 } else { 0.0 });
        }
        assert!((tally.tumour_level() - 0.6).abs() < 1e-6);
        // A tumour that no level holds counts as missed.
        tally.levels.fill(0.0);
        assert_eq!((tally.level(), tally.held(0.001)), (Some(0.001), 0));
        let bins = tally.means();
        assert_eq!(bins.iter().map(|b| b.voxels).sum::<u64>(), 2000);
        assert!((bins[9].observed - 1.0).abs() < 1e-9 && bins[0].observed < 0.06);
    }

    #[test]
    fn the_diagram_has_a_point_for_each_tenth_that_was_seen_where_it_belongs() {
        let mut bins = [ReliabilityBin::default(); 10];
        bins[2] = ReliabilityBin {
            predicted: 0.25,
            observed: 0.75,
            voxels: 100,
        };
        let reliability = Reliability {
            calibration: Calibration {
                temperature: 1.0,
                interval_level: 0.1,
                tumour_level: 0.5,
            },
            bins,
            crops: 3,
            tumours: 2,
            held: 1,
        };
        let svg = reliability.svg();
        // A quarter of 300 to the right of 60, a quarter of 300 below 20.
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(svg.contains("cx=\"135.0\" cy=\"95.0\""), "{svg}");
        let words = reliability.words();
        assert!(words.contains("for 1 of these tumours"), "{words}");
        assert!(words.contains("| 0.250 | 0.750 | 100 |"), "{words}");
    }
}
