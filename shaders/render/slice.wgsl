// One plane of a scan: trilinear, cubic or nearest sampling of a 3D texture through an affine, window/level, label fill.
// CPU twin: `render::twin::slice`. Keep in sync. Compiled together with `common/window.wgsl`.

// Keep in sync with `SliceUniforms` in `src/render/slice.rs`.
struct Slice {
    // Screen (u right, v down, 0 to 1 over the picture) to continuous voxel coordinates of the scan and of the labels.
    voxel_from_screen: mat4x4<f32>,
    label_from_screen: mat4x4<f32>,
    // Fill colour of each structure slot; alpha is its opacity. Slot 0 is background.
    fill: array<vec4<f32>, 8>,
    // Window centre and width in stored values; grey outside the scan; unused.
    window: vec4<f32>,
    // 1 where integers hold the scan; 0 for linear, 1 nearest, 2 cubic; 1 to invert; 1 where the target converts linear light to sRGB itself.
    options: vec4<u32>,
}

@group(0) @binding(0) var<uniform> slice: Slice;
// One of the two holds the scan, the other is one empty texel.
@group(0) @binding(1) var integers: texture_3d<i32>;
@group(0) @binding(2) var floats: texture_3d<f32>;
// Structure slots; one zero texel when there are no labels.
@group(0) @binding(3) var labels: texture_3d<u32>;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) screen: vec2<f32>,
}

// One triangle that covers the viewport.
@vertex
fn vertex_main(@builtin(vertex_index) index: u32) -> Corner {
    let uv = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    var corner: Corner;
    corner.position = vec4<f32>(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0);
    corner.screen = uv;
    return corner;
}

fn shape() -> vec3<i32> {
    if slice.options.x == 1u {
        return vec3<i32>(textureDimensions(integers));
    }
    return vec3<i32>(textureDimensions(floats));
}

fn stored(voxel: vec3<i32>) -> f32 {
    if slice.options.x == 1u {
        return f32(textureLoad(integers, voxel, 0).r);
    }
    return textureLoad(floats, voxel, 0).r;
}

fn trilinear(voxel: vec3<f32>, last: vec3<i32>) -> f32 {
    let at = clamp(voxel, vec3<f32>(0.0), vec3<f32>(last));
    let low = vec3<i32>(floor(at));
    let high = min(low + vec3<i32>(1), last);
    let t = at - vec3<f32>(low);
    let c00 = mix(stored(low), stored(vec3<i32>(high.x, low.y, low.z)), t.x);
    let c10 = mix(stored(vec3<i32>(low.x, high.y, low.z)), stored(vec3<i32>(high.x, high.y, low.z)), t.x);
    let c01 = mix(stored(vec3<i32>(low.x, low.y, high.z)), stored(vec3<i32>(high.x, low.y, high.z)), t.x);
    let c11 = mix(stored(vec3<i32>(low.x, high.y, high.z)), stored(high), t.x);
    return mix(mix(c00, c10, t.y), mix(c01, c11, t.y), t.z);
}

// Weights of the four voxels about a place `t` between the middle two (Catmull and Rom 1974).
fn cubic_weights(t: f32) -> vec4<f32> {
    let t2 = t * t;
    let t3 = t2 * t;
    return vec4<f32>(
        -0.5 * t3 + t2 - 0.5 * t,
        1.5 * t3 - 2.5 * t2 + 1.0,
        -1.5 * t3 + 2.0 * t2 + 0.5 * t,
        0.5 * t3 - 0.5 * t2,
    );
}

// On a scan's own slices one axis has a single weight: what weighs next to nothing is not read.
const LEAST_WEIGHT: f32 = 1e-4;

fn tricubic(voxel: vec3<f32>, last: vec3<i32>) -> f32 {
    let at = clamp(voxel, vec3<f32>(0.0), vec3<f32>(last));
    let low = vec3<i32>(floor(at));
    let t = at - vec3<f32>(low);
    var wx = cubic_weights(t.x);
    var wy = cubic_weights(t.y);
    var wz = cubic_weights(t.z);
    var sum = 0.0;
    for (var k = 0; k < 4; k++) {
        if abs(wz[k]) < LEAST_WEIGHT {
            continue;
        }
        for (var j = 0; j < 4; j++) {
            if abs(wy[j]) < LEAST_WEIGHT {
                continue;
            }
            var row = 0.0;
            for (var i = 0; i < 4; i++) {
                if abs(wx[i]) < LEAST_WEIGHT {
                    continue;
                }
                let neighbour = clamp(low + vec3<i32>(i, j, k) - vec3<i32>(1), vec3<i32>(0), last);
                row += wx[i] * stored(neighbour);
            }
            sum += wz[k] * wy[j] * row;
        }
    }
    return sum;
}

fn inside(voxel: vec3<f32>, count: vec3<i32>) -> bool {
    return all(voxel >= vec3<f32>(-0.5)) && all(voxel < vec3<f32>(count) - vec3<f32>(0.5));
}

fn linear_from_srgb(c: vec3<f32>) -> vec3<f32> {
    return select(pow((c + 0.055) / 1.055, vec3<f32>(2.4)), c / 12.92, c <= vec3<f32>(0.04045));
}

@fragment
fn fragment_main(corner: Corner) -> @location(0) vec4<f32> {
    let screen = vec4<f32>(corner.screen, 0.0, 1.0);
    let voxel = (slice.voxel_from_screen * screen).xyz;
    let count = shape();
    var colour = vec3<f32>(slice.window.z);
    if inside(voxel, count) {
        var value: f32;
        if slice.options.y == 1u {
            value = stored(vec3<i32>(floor(voxel + 0.5)));
        } else if slice.options.y == 2u {
            value = tricubic(voxel, count - vec3<i32>(1));
        } else {
            value = trilinear(voxel, count - vec3<i32>(1));
        }
        var grey = window_level(value, slice.window.x, slice.window.y);
        if slice.options.z == 1u {
            grey = 1.0 - grey;
        }
        colour = vec3<f32>(grey);
    }
    let label_voxel = (slice.label_from_screen * screen).xyz;
    if inside(label_voxel, vec3<i32>(textureDimensions(labels))) {
        let slot = min(textureLoad(labels, vec3<i32>(floor(label_voxel + 0.5)), 0).r, 7u);
        let fill = slice.fill[slot];
        colour = mix(colour, fill.rgb, fill.a);
    }
    if slice.options.w == 1u {
        colour = linear_from_srgb(colour);
    }
    return vec4<f32>(colour, 1.0);
}
