//! The internal auditory canal and the plane of its porus.
use super::shape::ellipsoid;
use glam::DVec3;

/// A straight canal of elliptic cross-section that tapers from the porus to the fundus, head frame, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Canal {
    /// Centre of the porus: where the axis crosses the posterior face of the petrous bone.
    pub(super) porus: DVec3,
    /// Unit vector from the porus to the fundus.
    pub(super) axis: DVec3,
    pub(super) length: f64,
    /// Half the antero-posterior and cranio-caudal width at the porus.
    pub(super) porus_semi: [f64; 2],
    /// The same at the fundus.
    pub(super) fundus_semi: [f64; 2],
    /// Exponent of the taper: 1 narrows evenly, more does so near the porus.
    pub(super) taper: f64,
    /// How much wider it is halfway than its taper alone makes it, relative: more than 0 is a bud.
    pub(super) bulge: f64,
    /// Unit normal of the porus plane (the petrous face), towards the cerebellopontine angle.
    pub(super) face: DVec3,
}

/// How far the canal's solid reaches into the cistern, so that no film of bone is left in the porus, mm.
pub(super) const INTO_CISTERN: f64 = 5.0;
/// Radius of the edge between wall and fundus, mm.
const FUNDUS_EDGE: f64 = 1.2;

impl Canal {
    /// The same canal with its porus so many mm wider; the fundus widens by a quarter of that.
    pub(super) fn widened(self, mm: f64) -> Self {
        Self {
            porus_semi: self.porus_semi.map(|semi| semi + 0.5 * mm),
            fundus_semi: self.fundus_semi.map(|semi| semi + 0.125 * mm),
            ..self
        }
    }

    pub(super) fn fundus(&self) -> DVec3 {
        self.porus + self.axis * self.length
    }

    /// A point on the axis, `mm` lateral of the porus.
    pub(super) fn on_axis(&self, mm: f64) -> DVec3 {
        self.porus + self.axis * mm
    }

    /// Unit vectors across the canal: front to back, and upwards.
    pub(super) fn across(&self) -> [DVec3; 2] {
        let ap = self.axis.cross(DVec3::Z).normalize_or_zero();
        let cc = ap.cross(self.axis);
        [ap, if cc.z < 0.0 { -cc } else { cc }]
    }

    /// A point `mm` lateral of the porus, `front` mm before and `up` mm above the axis.
    pub(super) fn off_axis(&self, mm: f64, front: f64, up: f64) -> DVec3 {
        let [ap, cc] = self.across();
        let forward = if ap.y < 0.0 { -ap } else { ap };
        self.on_axis(mm) + forward * front + cc * up
    }

    /// Distance to the wall, negative inside; open into the cistern.
    pub(super) fn distance(&self, p: DVec3) -> f64 {
        let d = p - self.porus;
        let s = d.dot(self.axis);
        let t = (s / self.length).clamp(0.0, 1.0);
        let open = (1.0 - t).powf(self.taper);
        let bud = 1.0 + self.bulge * 4.0 * t * (1.0 - t);
        let semi = |n: usize| {
            bud * (self.fundus_semi[n] + (self.porus_semi[n] - self.fundus_semi[n]) * open)
        };
        let [ap, cc] = self.across();
        // A cylinder is an ellipsoid without extent along its axis.
        let wall = ellipsoid(
            DVec3::new(d.dot(ap), d.dot(cc), 0.0),
            DVec3::new(semi(0), semi(1), 1.0),
        );
        let end = s - self.length;
        let corner = (wall + FUNDUS_EDGE)
            .max(0.0)
            .hypot((end + FUNDUS_EDGE).max(0.0));
        let closed = (wall.max(end) + FUNDUS_EDGE).min(0.0) + corner - FUNDUS_EDGE;
        closed.max(-s - INTO_CISTERN)
    }

    /// Distance from the porus plane, mm; positive towards the cerebellopontine angle.
    pub(super) fn beyond_porus(&self, p: DVec3) -> f64 {
        (p - self.porus).dot(self.face)
    }
}
