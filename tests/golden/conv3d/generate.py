"""Makes golden.safetensors: 3D operators and their gradients in float64 by SciPy and NumPy.

Made with Python 3.11.7, numpy 2.4.6, scipy 1.17.1, safetensors 0.8.0:
    python generate.py
"""

import numpy as np
from safetensors.numpy import save_file
from scipy.signal import convolve, correlate

rng = np.random.default_rng(20220918)
out = {}


def conv(name, x_shape, w_shape, stride, pad):
    """Cross-correlation and both gradients for a random gradient of the output."""
    x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
    batch, c_in = x_shape[:2]
    c_out, kernel = w_shape[0], w_shape[2:]
    widths = [(0, 0), (0, 0)] + [(p, p) for p in pad]
    xp = np.pad(x, widths)
    dense = np.stack([[sum(correlate(xp[n, c], w[o, c], "valid") for c in range(c_in)) for o in range(c_out)] for n in range(batch)])
    every = tuple(slice(None, None, s) for s in stride)
    y = dense[(slice(None), slice(None)) + every]
    g = rng.standard_normal(y.shape)
    dilated = np.zeros_like(dense)
    dilated[(slice(None), slice(None)) + every] = g
    gxp = np.stack([[sum(convolve(dilated[n, o], w[o, c], "full") for o in range(c_out)) for c in range(c_in)] for n in range(batch)])
    inner = tuple(slice(p, p + s) for p, s in zip(pad, x_shape[2:]))
    gx = gxp[(slice(None), slice(None)) + inner]
    gw = np.stack([[sum(correlate(xp[n, c], dilated[n, o], "valid") for n in range(batch)) for c in range(c_in)] for o in range(c_out)])
    assert gw.shape == w.shape and gx.shape == x.shape and kernel == gw.shape[2:]
    store(name, x=x, w=w, y=y, g=g, gx=gx, gw=gw)
    out[f"{name}.stride"] = np.array(stride, np.float32)
    out[f"{name}.padding"] = np.array(pad, np.float32)


def norm(name, shape, slope):
    """Instance normalisation with scale and shift, then leaky ReLU."""
    x = rng.standard_normal(shape) * 3 + 5
    scale, shift = rng.standard_normal(shape[1]), rng.standard_normal(shape[1])
    space = (2, 3, 4)
    mean, var = x.mean(space, keepdims=True), x.var(space, keepdims=True)
    z = (x - mean) / np.sqrt(var + 1e-5) * scale[None, :, None, None, None] + shift[None, :, None, None, None]
    store(name, x=x, scale=scale, shift=shift, y=np.where(z >= 0, z, slope * z))


def transposed(name, x_shape, w_shape):
    """Transposed convolution with stride = kernel: every voxel paints one block."""
    x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
    y = np.einsum("ncdhw,coijk->nodihjwk", x, w)
    n, o, d, i, h, j, v, k = y.shape
    store(name, x=x, w=w, y=y.reshape(n, o, d * i, h * j, v * k))


def store(name, **arrays):
    for key, value in arrays.items():
        out[f"{name}.{key}"] = np.ascontiguousarray(value, np.float32)


conv("plain", (2, 3, 4, 5, 19), (5, 3, 3, 3, 3), (1, 1, 1), (1, 1, 1))
conv("flat", (1, 2, 3, 6, 7), (3, 2, 1, 3, 3), (1, 2, 2), (0, 1, 1))
conv("strided", (1, 3, 7, 8, 9), (4, 3, 3, 3, 3), (2, 2, 2), (1, 1, 1))
conv("uneven", (1, 2, 5, 6, 18), (2, 2, 2, 3, 5), (1, 2, 3), (0, 2, 1))
norm("norm", (2, 3, 3, 4, 5), 0.01)
transposed("transposed", (2, 3, 2, 3, 4), (3, 4, 2, 1, 2))
save_file(out, "golden.safetensors")
