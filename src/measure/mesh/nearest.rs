//! Exact distances from points to a surface.
use super::Mesh;
use glam::DVec3;

/// Triangles of a leaf at most.
const LEAF: usize = 4;

/// A surface prepared for the question how far a point is from it: a tree of boxes over its triangles.
///
/// Whether a point lies inside is told by the normal of what is nearest, a face, an edge or a corner weighted by its angles (Bærentzen and Aanæs 2005), which is exact
/// on a closed surface.
#[derive(Debug, Clone)]
pub struct NearestSurface {
    triangles: Vec<Triangle>,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Triangle {
    corners: [DVec3; 3],
    /// Normals of the face, of the edges from each corner to the next, and of the corners; not unit.
    face: DVec3,
    edges: [DVec3; 3],
    vertices: [DVec3; 3],
}

#[derive(Debug, Clone, Copy)]
struct Node {
    low: DVec3,
    high: DVec3,
    /// Triangles `first..end`; an inner node's children are the next node and `other`.
    first: u32,
    end: u32,
    other: u32,
}

impl NearestSurface {
    /// Prepares a surface; `None` when it is empty.
    pub fn new(mesh: &Mesh) -> Option<Self> {
        if mesh.is_empty() {
            return None;
        }
        let mut triangles = with_normals(mesh);
        let mut nodes = Vec::with_capacity(triangles.len());
        split(&mut triangles, 0, &mut nodes);
        Some(Self { triangles, nodes })
    }

    /// Distance to the nearest point of the surface, mm.
    pub fn distance_mm(&self, point_in_world: DVec3) -> f64 {
        self.signed_distance_mm(point_in_world).abs()
    }

    /// Distance to the nearest point of the surface, mm, negative inside of it.
    pub fn signed_distance_mm(&self, point_in_world: DVec3) -> f64 {
        self.signed_nearest(point_in_world).0
    }

    /// Distance to the nearest point of the surface, mm, negative inside of it, and that point, RAS mm.
    pub fn signed_nearest(&self, point_in_world: DVec3) -> (f64, DVec3) {
        let (closest, normal) = self.closest(point_in_world);
        let away = point_in_world - closest;
        let inside = away.dot(normal) < 0.0;
        (
            if inside {
                -away.length()
            } else {
                away.length()
            },
            closest,
        )
    }

    /// The nearest point of the surface, RAS mm.
    pub fn nearest_point(&self, point_in_world: DVec3) -> DVec3 {
        self.closest(point_in_world).0
    }

    /// The nearest point and the normal of the feature that it lies on.
    fn closest(&self, point: DVec3) -> (DVec3, DVec3) {
        let mut best = (f64::INFINITY, DVec3::ZERO, DVec3::ZERO);
        let mut open = vec![(0_usize, 0.0_f64)];
        while let Some((at, distance)) = open.pop() {
            if distance >= best.0 {
                continue;
            }
            let node = &self.nodes[at];
            if node.other == 0 {
                for triangle in &self.triangles[node.first as usize..node.end as usize] {
                    let (closest, normal) = triangle.closest(point);
                    let d = closest.distance_squared(point);
                    if d < best.0 {
                        best = (d, closest, normal);
                    }
                }
                continue;
            }
            let near = (at + 1, self.nodes[at + 1].squared(point));
            let far = (
                node.other as usize,
                self.nodes[node.other as usize].squared(point),
            );
            let (near, far) = if near.1 <= far.1 {
                (near, far)
            } else {
                (far, near)
            };
            open.push(far);
            open.push(near);
        }
        (best.1, best.2)
    }
}

impl Node {
    /// Squared distance of a point to the box, mm².
    fn squared(&self, point: DVec3) -> f64 {
        point.distance_squared(point.clamp(self.low, self.high))
    }
}

/// Builds the tree over `triangles`, which lie at `first` of all; children follow their parent.
fn split(triangles: &mut [Triangle], first: usize, nodes: &mut Vec<Node>) {
    let corners = || triangles.iter().flat_map(|t| t.corners);
    let low = corners().fold(DVec3::INFINITY, DVec3::min);
    let high = corners().fold(DVec3::NEG_INFINITY, DVec3::max);
    let at = nodes.len();
    nodes.push(Node {
        low,
        high,
        first: first as u32,
        end: (first + triangles.len()) as u32,
        other: 0,
    });
    if triangles.len() <= LEAF {
        return;
    }
    let axis = (high - low).max_position();
    let middle = triangles.len() / 2;
    let centre = |t: &Triangle| t.corners.iter().map(|c| c[axis]).sum::<f64>();
    triangles.select_nth_unstable_by(middle, |a, b| centre(a).total_cmp(&centre(b)));
    let (lower, upper) = triangles.split_at_mut(middle);
    split(lower, first, nodes);
    nodes[at].other = nodes.len() as u32;
    split(upper, first + middle, nodes);
}

fn with_normals(mesh: &Mesh) -> Vec<Triangle> {
    let points = mesh.points();
    let mut vertices = vec![DVec3::ZERO; points.len()];
    let mut edges = Vec::with_capacity(mesh.triangles().len() * 3);
    let mut faces = Vec::with_capacity(mesh.triangles().len());
    for (n, t) in mesh.triangles().iter().enumerate() {
        let corners = t.map(|c| points[c as usize]);
        let [a, b, c] = corners;
        let face = (b - a).cross(c - a).normalize_or_zero();
        faces.push(face);
        for from in 0..3 {
            let (to, last) = ((from + 1) % 3, (from + 2) % 3);
            let (u, v) = (corners[to] - corners[from], corners[last] - corners[from]);
            let angle = u.cross(v).length().atan2(u.dot(v));
            vertices[t[from] as usize] += face * angle;
            let key = (t[from].min(t[to]), t[from].max(t[to]));
            edges.push((key, (n * 3 + from) as u32));
        }
    }
    // Both sides of an edge lie beside each other once sorted.
    edges.sort_unstable();
    let mut edge_normals = vec![DVec3::ZERO; edges.len()];
    for group in edges.chunk_by(|a, b| a.0 == b.0) {
        let sum: DVec3 = group.iter().map(|(_, at)| faces[*at as usize / 3]).sum();
        for (_, at) in group {
            edge_normals[*at as usize] = sum;
        }
    }
    (mesh.triangles().iter().enumerate())
        .map(|(n, t)| Triangle {
            corners: t.map(|c| points[c as usize]),
            face: faces[n],
            edges: [0, 1, 2].map(|e| edge_normals[n * 3 + e]),
            vertices: t.map(|c| vertices[c as usize]),
        })
        .collect()
}

impl Triangle {
    /// The nearest point of the triangle and the normal of the feature that it lies on (Ericson 2005, section 5.1.5).
    fn closest(&self, point: DVec3) -> (DVec3, DVec3) {
        let [a, b, c] = self.corners;
        let (ab, ac) = (b - a, c - a);
        let ap = point - a;
        let (d1, d2) = (ab.dot(ap), ac.dot(ap));
        if d1 <= 0.0 && d2 <= 0.0 {
            return (a, self.vertices[0]);
        }
        let bp = point - b;
        let (d3, d4) = (ab.dot(bp), ac.dot(bp));
        if d3 >= 0.0 && d4 <= d3 {
            return (b, self.vertices[1]);
        }
        let vc = d1 * d4 - d3 * d2;
        if vc <= 0.0 && d1 >= 0.0 && d3 <= 0.0 {
            return (a + ab * ratio(d1, d1 - d3), self.edges[0]);
        }
        let cp = point - c;
        let (d5, d6) = (ab.dot(cp), ac.dot(cp));
        if d6 >= 0.0 && d5 <= d6 {
            return (c, self.vertices[2]);
        }
        let vb = d5 * d2 - d1 * d6;
        if vb <= 0.0 && d2 >= 0.0 && d6 <= 0.0 {
            return (a + ac * ratio(d2, d2 - d6), self.edges[2]);
        }
        let va = d3 * d6 - d5 * d4;
        if va <= 0.0 && d4 >= d3 && d5 >= d6 {
            return (
                b + (c - b) * ratio(d4 - d3, (d4 - d3) + (d5 - d6)),
                self.edges[1],
            );
        }
        let sum = va + vb + vc;
        (a + ab * ratio(vb, sum) + ac * ratio(vc, sum), self.face)
    }
}

/// A quotient that is 0 where a triangle has no extent.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
